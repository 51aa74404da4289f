"""The tables of the row history: every version that a row of a projected table ever had.

A version is true from its position ``since`` on. The table of the projection's own name has the
versions that are true at the end of what was replayed, ``<name>_ended`` those of before, each
with the position ``until`` which ended it.
"""

import hashlib
from collections.abc import Iterator
from functools import cache

from sqlalchemy import BigInteger, Column, Index, MetaData, PrimaryKeyConstraint, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateIndex, CreateTable

from vidwiz.projections.tables import PROJECTED

SCHEMA = "row_history"
NARROWING = ("user_id", "video_id", "conversation_id")
"""Columns by which a list is asked for, in the tables that have them."""
OWNERS = ("user_id", "guest_id")
"""Columns that name whom a row belongs to."""

_metadata = MetaData()
_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


@cache
def current_of(table: Table) -> Table:
    """The versions of a projected table's rows that nothing has ended yet."""
    its = Table(
        str(table.name),
        _metadata,
        *_columns(table),
        Column("since", BigInteger, nullable=False),
        PrimaryKeyConstraint("id", "since", name=f"{table.name}_versions_pkey"),
    )
    _index(its)
    if "task_details" in its.c:
        owner = its.c.task_details["user_id"].astext
        Index(f"{its.name}_of_user_id_idx", owner, postgresql_where=owner.is_not(None))
    return its


@cache
def ended_of(table: Table) -> Table:
    """The versions of before; an index alone says which of them were true at a position."""
    its = Table(
        f"{table.name}_ended",
        _metadata,
        *_columns(table),
        Column("since", BigInteger, nullable=False),
        Column("until", BigInteger, nullable=False),
        PrimaryKeyConstraint("id", "since", "until", name=f"{table.name}_ended_pkey"),
    )
    _index(its)
    return its


def names_of(table: Table) -> list[str]:
    """The columns that events make: not those that PostgreSQL computes from them."""
    return [str(column.name) for column in table.columns if column.computed is None]


def _columns(table: Table) -> Iterator[Column[object]]:
    for name in names_of(table):
        yield Column(name, table.c[name].type, nullable=table.c[name].nullable)


def _index(its: Table) -> None:
    for name in (*NARROWING, "guest_id"):
        if name in its.c:
            Index(f"{its.name}_of_{name}_idx", its.c[name], its.c.id)


counted = Table(
    "counted",
    _metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("tables", JSONB, nullable=False),
)
"""How many rows each table had at some positions: at the last of each chunk, at each erasure."""

HISTORIES = [its for table in PROJECTED for its in (current_of(table), ended_of(table))]


def ddl() -> Iterator[str]:
    """What makes the tables, empty, in the first schema of the search path."""
    for table in (*HISTORIES, counted):
        yield str(CreateTable(table).compile(dialect=_dialect))
        for index in sorted(table.indexes, key=lambda one: str(one.name)):
            yield str(CreateIndex(index).compile(dialect=_dialect))


def form_of(statements: list[str]) -> bytes:
    """A digest of the tables and of the statements that fill them: another program has another."""
    return hashlib.sha256("\0".join([*ddl(), *statements]).encode()).digest()
