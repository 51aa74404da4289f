"""Rules of our own for fields of requests, which OpenAPI is to show."""

from collections.abc import Callable
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_shown: set[Callable[[Any], Any]] = set()


def functions() -> frozenset[Callable[[Any], Any]]:
    """The rules that say what OpenAPI is to show of them."""
    return frozenset(_shown)


class CheckedAs:
    """An annotation: ``check`` runs on the field's value and gives what becomes of it.

    ``schema`` is as much of the rule as JSON Schema can say; it may let through what the check
    refuses, never the other way round. ``check`` raises ``ValueError``.
    """

    def __init__(self, check: Callable[[Any], Any], **schema: Any) -> None:
        self._check = check
        _shown.add(check)
        self._schema = schema

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """What the annotated type checks, and then this."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """What the annotated type says, and this."""
        return {**handler(schema), **self._schema}
