"""Statements written in SQLAlchemy Core, compiled once at import for psycopg."""

from typing import Any

from sqlalchemy import BindParameter
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.visitors import replacement_traverse

_dialect = psycopg.dialect()  # type: ignore[no-untyped-call]


class Statement:
    """A compiled statement: ``sql`` takes psycopg's named parameters.

    Constants are written into the text, so that the planner sees them (a partial index serves
    a constant, never a parameter); only what ``parameter`` made stays a parameter.
    """

    __slots__ = ("sql",)

    def __init__(self, statement: Executable) -> None:
        inlined = replacement_traverse(statement, {}, _inline)  # type: ignore[call-overload]
        self.sql: str = str(
            inlined.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
        )


def parameter(name: str, type_: Any) -> BindParameter[Any]:
    """A parameter that psycopg binds at execution."""
    return BindParameter(name, None, type_=type_, required=False)


def _inline(element: Any, **_: Any) -> Any:
    if isinstance(element, BindParameter) and element.unique:
        return element.render_literal_execute()
    return None
