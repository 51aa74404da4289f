"""What schemathesis is to check beside its own: loaded by the name of this module."""

import json
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import jsonschema
import schemathesis
from jsonschema import Draft202012Validator, TypeChecker, validators
from pydantic import TypeAdapter, ValidationError

UNAVAILABLE = 503
"""True now and then: what the service needs is not there, or too much is asked of it at once."""


@schemathesis.hook
def before_call(_: Any, case: Any, __: Any) -> None:
    """Nobody waits for work here: a poll that may take a minute is over at once."""
    if case.operation.path.startswith("/api/tasks/") and case.method == "GET":
        try:
            waits = float((case.query or {}).get("timeout", 30)) > 0
        except (TypeError, ValueError):
            return
        if waits:
            case.query = {**(case.query or {}), "timeout": 0}


@schemathesis.check
def not_an_internal_error(_: Any, response: Any, case: Any) -> None:
    """A 5xx is a truthful 503, or the 500 that the document names (no Google sign-in)."""
    status = response.status_code
    documented = str(status) in case.operation.definition.raw["responses"]
    if status >= 500 and status != UNAVAILABLE and not documented:
        raise AssertionError(f"{status}: {response.text[:500]}")


@schemathesis.check
def refused_as_documented(_: Any, response: Any, case: Any) -> None:
    """A request that was taken is one that the document allows.

    Numbers and booleans may be spelled as the contract lets them: as Pydantic reads them.
    """
    if not 200 <= response.status_code < 300 or case.method == "OPTIONS":
        return
    raw = case.operation.definition.raw
    for parameter in raw.get("parameters", ()):
        values = {"query": case.query, "path": case.path_parameters}.get(parameter["in"]) or {}
        if parameter["name"] in values and parameter["schema"].get("type") != "array":
            value = values[parameter["name"]]
            if isinstance(value, list):
                if len(value) != 1:
                    continue  # it was given several times, of which one counts
                (value,) = value  # written as without the list
            in_path = parameter["in"] == "path"  # where a number is its digits
            _allow(parameter["schema"], str(value) if in_path else value, parameter["name"])
    body = raw.get("requestBody")
    sent = response.request.body
    if body is not None:
        schema = body["content"]["application/json"]["schema"]
        _allow(schema, json.loads(sent), "body")


def _allow(schema: dict[str, Any], value: Any, where: str) -> None:
    try:
        _validator()(schema).validate(value)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"taken, though the document refuses: {where}: {error}") from None


@cache
def _validator() -> Any:
    checker: TypeChecker = Draft202012Validator.TYPE_CHECKER
    for name, kind in (("integer", int), ("number", float), ("boolean", bool)):
        checker = checker.redefine(name, _lax(kind))
    limits = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    own = {name: _of_numbers(Draft202012Validator.VALIDATORS[name]) for name in limits}
    return validators.extend(Draft202012Validator, own, type_checker=checker)


def _of_numbers(limit: Any) -> Any:
    """The keyword, for numbers however they are spelled."""

    def checked(validator: Any, its: Any, value: Any, schema: Any) -> Any:
        if isinstance(value, str):
            try:
                value = Decimal(value)  # a double would round the largest ids
            except InvalidOperation:
                return
        yield from limit(validator, its, value, schema)

    return checked


def _lax(kind: type) -> Any:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def reads(_: Any, value: Any) -> bool:
        try:
            adapter.validate_python(value)
        except ValidationError:
            return False
        return True

    return reads
