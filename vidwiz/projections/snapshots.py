"""Copies of the projected tables as of some positions, from which time travel goes on.

A copy lies in a schema of its own and is made by the projectors' statements, like everything; the
table ``projection_snapshots`` says which are whole. They hold personal texts as the live tables
do, so an erasure strikes all of them out in its own transaction, and what was struck out is
dropped a moment later. Nobody misses them: without a copy a replay begins earlier.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from psycopg import sql
from psycopg.errors import LockNotAvailable, UndefinedTable
from sqlalchemy import BigInteger, LargeBinary, exists, func, select

from vidwiz.events.master_key import MasterKey
from vidwiz.projections import replay
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.replay import Connection, Progress, Replay
from vidwiz.projections.snapshot_index import FORM, PREFIX, known, schema_of
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import ERASURES, PROJECTED, projection_snapshots, stored_events

MOST_SNAPSHOTS = 8
"""Copies that are kept: each takes the space of the projected tables as they were then."""
_LOCK = "SELECT pg_try_advisory_lock(7163391, 5)"
_UNLOCK = "SELECT pg_advisory_unlock(7163391, 5)"
_SCHEMAS = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, 'snapshot_')"
_name = re.compile(rf"{PREFIX}([0-9]{{1,19}})")

_its = projection_snapshots.c
_keep = Statement(
    projection_snapshots.insert().values(
        position=parameter("position", BigInteger), form=parameter("form", LargeBinary)
    )
)
_strike_out_one = Statement(
    projection_snapshots.delete().where(_its.position == parameter("position", BigInteger))
)
_strike_out_others = Statement(
    projection_snapshots.delete().where(_its.form != parameter("form", LargeBinary))
)
_erased_since = Statement(
    select(
        exists(
            select(1).where(
                stored_events.c.topic.in_(ERASURES),
                stored_events.c.notification_id > parameter("after", BigInteger),
            )
        )
    )
)
_head = Statement(select(func.coalesce(func.max(stored_events.c.notification_id), 0)))


class SnapshotGone(Exception):
    """The copy was struck out or dropped since it was looked up."""


def fill(tables: Connection, position: int) -> None:
    """Copy a snapshot into the tables that the search path names first; raises ``SnapshotGone``.

    Whoever erases meanwhile is seen or waits: in the end the copy was still known.
    """
    try:
        with tables.transaction():
            for table in PROJECTED:
                names = [column.name for column in table.columns if column.computed is None]
                columns = sql.SQL(", ").join(map(sql.Identifier, names))
                its = sql.Identifier(schema_of(position), str(table.name))
                into = sql.Identifier(str(table.name))
                query = sql.SQL("INSERT INTO {0} ({1}) SELECT {1} FROM {2}")
                tables.execute(query.format(into, columns, its))
            if position not in known(tables):
                raise SnapshotGone(position)
    except UndefinedTable as error:
        raise SnapshotGone(position) from error


def make(
    dsn: str, master: MasterKey, every: int, progress: Progress = lambda _at, _of: None
) -> int | None:
    """Copy the tables as of the newest multiple of ``every``, if there is no copy of it.

    Its position; None when there is nothing to do, another process does it, or somebody was
    erased meanwhile. Also drops what was struck out, or left behind by a process that ended.
    Raises what ``rebuild`` raises but for ``SwapFailed`` and ``MaintenanceUnderWay``.
    """
    with (
        replay.replay_connection(dsn, "snapshot") as reader,
        replay.replay_connection(dsn, "snapshot") as writer,
        _alone(writer) as is_alone,
    ):
        if not is_alone:
            return None
        writer.execute(_strike_out_others.sql, {"form": FORM})
        _drop_unknown(writer)
        began_at = _number(writer, _head)
        position = began_at // every * every
        before = [one for one in known(writer) if one <= position]
        if position == 0 or position in before:
            return None
        _make(reader, writer, master, position, before, progress)
        is_kept = _register(writer, position, began_at)
        _prune(writer)
        _drop_unknown(writer)
        return position if is_kept else None


def drop_struck_out(dsn: str) -> None:
    """Drop the copies that nobody may use any more, unless another process is at it."""
    with replay.replay_connection(dsn, "snapshot") as writer, _alone(writer) as is_alone:
        if is_alone:
            _drop_unknown(writer)


@contextmanager
def _alone(writer: Connection) -> Iterator[bool]:
    row = writer.execute(_LOCK).fetchone()
    is_alone = row is not None and bool(row[0])
    try:
        yield is_alone
    finally:
        if is_alone and not writer.broken:
            writer.execute(_UNLOCK)


def _make(
    reader: Connection,
    writer: Connection,
    master: MasterKey,
    position: int,
    before: Sequence[int],
    progress: Progress,
) -> None:
    schema = sql.Identifier(schema_of(position))
    writer.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    writer.execute(sql.SQL("SET search_path = {}, public").format(schema))
    writer.execute("SET synchronous_commit = off")
    replay.create_bare_tables(writer)
    its = Replay(reader, writer, master, PROJECTORS, progress)
    if before:
        fill(writer, before[-1])
        its.position = before[-1]
    its.run(position)
    writer.execute("SET search_path = public")
    writer.execute("SET synchronous_commit = on")


def _register(writer: Connection, position: int, began_at: int) -> bool:
    """Make the copy known, unless somebody was erased since it was begun.

    An erasure, which strikes copies out, waits for this transaction or is seen by it.
    """
    with writer.transaction():
        writer.execute("LOCK TABLE projection_snapshots IN EXCLUSIVE MODE")
        row = writer.execute(_erased_since.sql, {"after": began_at}).fetchone()
        if row is None or row[0]:
            return False
        writer.execute(_keep.sql, {"position": position, "form": FORM})
    return True


def _prune(writer: Connection) -> None:
    """Strike out those whose going leaves the smallest gap; the newest stays."""
    there = known(writer)
    while len(there) > MOST_SNAPSHOTS:
        gaps = [after - before for before, after in zip([0, *there], there[1:], strict=False)]
        least = gaps.index(min(gaps))
        writer.execute(_strike_out_one.sql, {"position": there.pop(least)})


def _drop_unknown(writer: Connection) -> None:
    there = {schema_of(position) for position in known(writer)}
    writer.execute("SET lock_timeout = '1s'")
    for (name,) in writer.execute(_SCHEMAS).fetchall():
        if name not in there and _name.fullmatch(name):
            with suppress(LockNotAvailable):  # somebody reads it yet: the next look drops it
                writer.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    writer.execute("SET lock_timeout = 0")


def _number(connection: Connection, statement: Statement) -> int:
    row = connection.execute(statement.sql).fetchone()
    return 0 if row is None else int(row[0])
