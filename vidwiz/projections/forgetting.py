"""What an erasure does to the row history: the person's words read as a replay reads them now."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    case,
    func,
    literal,
    null,
    or_,
)
from sqlalchemy.dialects.postgresql import JSONB

from vidwiz.events import event_types
from vidwiz.events.sealing import ERASED
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.projector import plan
from vidwiz.projections.projectors import PROJECTORS, users_projector
from vidwiz.projections.row_history_state import LOCKED_STATE, STRIKE_OUT, form
from vidwiz.projections.row_history_tables import SCHEMA, current_of, ended_of
from vidwiz.projections.tables import verified_snapshots

Connection = psycopg.AsyncConnection[tuple[Any, ...]]

_FORGET_VERIFIED = Statement(verified_snapshots.delete())

_user_id, _guest_id = parameter("user_id", BigInteger), parameter("guest_id", Text)


async def forget(connection: Connection, user_id: int | None, guest_id: str | None) -> None:
    """Strike the person's words out of the row history, in the erasure's transaction.

    Nothing is added to it meanwhile, and what is added later was read without the person's key.
    A history of another program's form is given up. What was verified holds no longer.
    """
    found = await (await connection.execute(LOCKED_STATE.sql)).fetchone()
    if found is None:
        return
    await connection.execute(_FORGET_VERIFIED.sql)
    if found[1] != await asyncio.to_thread(form):
        await connection.execute(STRIKE_OUT.sql)
        return
    for statement in await asyncio.to_thread(_forgetting):
        await connection.execute(statement.sql, {"user_id": user_id, "guest_id": guest_id})


def personal_columns() -> dict[Table, dict[str, set[tuple[str, str]]]]:
    """For each projected table its personal columns, and the topics and fields they come from."""
    found: dict[Table, dict[str, set[tuple[str, str]]]] = {}
    for topic, changes in plan(PROJECTORS).items():
        for change in changes:
            for name, field in change.personal.items():
                columns = found.setdefault(change.table, {})
                columns.setdefault(name, set()).add((topic, field))
    return found


def _statements() -> Iterator[Statement]:
    for table, columns in personal_columns().items():
        for versions in (current_of(table), ended_of(table)):
            its = versions.to_metadata(MetaData(), schema=SCHEMA)
            values = {name: _instead(its.c[name], *next(iter(of))) for name, of in columns.items()}
            yield Statement(its.update().where(_is_theirs(table, its)).values(values))


def _is_theirs(table: Table, its: Table) -> ColumnElement[bool]:
    if table is users_projector.table:
        return its.c.id == _user_id
    owner = its.c.user_id == _user_id
    return or_(owner, its.c.guest_id == _guest_id) if "guest_id" in its.c else owner


def _instead(column: Column[Any], topic: str, field: str) -> ColumnElement[Any]:
    """What ``sealing`` shows of a field without its key; what is null or empty was not sealed."""
    kind = event_types()[topic]
    if isinstance(column.type, JSONB):
        return case((column.cast(Text) == "{}", column), else_=null())
    form = kind.FORMS.get(field)
    if form is not None:
        return case((column.op("!~")(f"^({form.pattern})$"), ERASED), else_=column)
    instead: ColumnElement[str] = literal(ERASED)
    if field in kind.unique_fields():
        instead = func.concat(f"{ERASED} user:", _user_id)
    return case((column != "", instead), else_=column)


@cache
def _forgetting() -> Sequence[Statement]:
    """Compiled for the first erasure, off the event loop."""
    return [*_statements()]
