"""Statements written in SQLAlchemy Core, compiled once at import for psycopg."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    Subquery,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.visitors import replacement_traverse

MAX_BIGINT = 2**63 - 1
"""PostgreSQL's largest ``bigint``: no id and no position is beyond it."""

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


def first_of(
    found: Subquery, order: ColumnElement[Any], measured: ColumnElement[Any]
) -> Select[Any]:
    """The first rows of ``found``, and in a last column whether it has more than these.

    At most the parameter ``at_most`` rows, of which the ``measured`` column has no more bytes
    together than ``at_most_bytes``; but one row may have any size.
    """
    sized = select(
        *found.c,
        func.count().over().label("found"),
        func.row_number().over(order_by=order).label("nth"),
        func.sum(func.octet_length(measured)).over(order_by=order).label("bytes"),
    ).subquery("sized")
    *its, count, nth, its_bytes = sized.c
    return (
        select(*its, count > func.count().over())
        .where(
            nth <= parameter("at_most", BigInteger),
            or_(nth == 1, its_bytes <= parameter("at_most_bytes", BigInteger)),
        )
        .order_by(nth)
    )


def one_more() -> ColumnElement[int]:
    """The limit of a subquery for ``first_of``: it takes a row more to know that there are more."""
    return parameter("at_most", BigInteger) + 1


def _inline(element: Any, **_: Any) -> Any:
    if isinstance(element, BindParameter) and element.unique:
        return element.render_literal_execute()
    return None
