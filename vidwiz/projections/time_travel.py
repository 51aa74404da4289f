"""The tables as of an earlier position: replayed by their projectors into temporary tables.

A past lives in the temporary tables of one connection, which are its own and go with it. A few
pasts are kept: a later position is reached from one of them, or from a snapshot that is nearer, by
replaying what lies between.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    Table,
    Text,
    func,
    literal,
    literal_column,
    select,
    union_all,
)

from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.replay import (
    Connection,
    Progress,
    Replay,
    create_bare_tables,
    replay_connection,
)
from vidwiz.projections.snapshot_index import known
from vidwiz.projections.snapshots import SnapshotGone, fill
from vidwiz.projections.sql import Statement, first_of, one_more, parameter
from vidwiz.projections.tables import PROJECTED

MOST_PASTS = 2
"""Copies of the tables that are kept in the database's temporary space at most."""
ROWS = 500
"""Rows that are read at once."""
NARROWING = ("user_id", "video_id", "conversation_id")
"""Columns by which a list is asked for, in the tables that have them."""

PAGE_BYTES = 4 * 1024 * 1024
"""More than this does not come at once, but for one row of any size."""
STATEMENT_TIMEOUT = "60s"

TABLES: Mapping[str, Table] = {str(table.name): table for table in PROJECTED}


class ReplayTooLong(Exception):
    """The time was over at this ``position``, which is kept: asking again goes on from there."""

    def __init__(self, position: int, wanted: int) -> None:
        super().__init__(f"the replay is at position {position} of {wanted}; ask again")
        self.position = position


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows as JSON objects by column, in the order of their ids; ``next``: go on behind it."""

    rows: Sequence[str]
    next: int | None


class _Past:
    """The tables as of one position, on a connection of their own."""

    def __init__(self, dsn: str, master: MasterKey) -> None:
        self._reader = replay_connection(dsn, "state")
        self.tables = replay_connection(dsn, "state")
        self.used_at = 0.0
        self.tables.execute("SET search_path = pg_temp, public")
        for connection in (self._reader, self.tables):
            connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'")
        create_bare_tables(self.tables)
        self._replay = Replay(self._reader, self.tables, master, PROJECTORS, self._on_progress)
        self._progress: Progress = _ignore

    @property
    def position(self) -> int:
        return self._replay.position

    def go_to(self, position: int, progress: Progress) -> None:
        self._progress = progress
        self._replay.run(position)

    def begin_at(self, snapshot: int) -> None:
        """Take the rows of a snapshot; raises ``SnapshotGone`` and stays empty."""
        fill(self.tables, snapshot)
        self._replay.position = snapshot

    def close(self) -> None:
        self._reader.close()
        self.tables.close()

    def _on_progress(self, at: int, of: int) -> None:
        self._progress(at, of)


class TimeMachine:
    """Shows the tables as of any position. For one thread at a time; every method may block."""

    def __init__(self, dsn: str, master: MasterKey) -> None:
        self._dsn = dsn
        self._master = master
        self._pasts: list[_Past] = []

    @contextmanager
    def at(
        self, position: int, progress: Progress | None = None, within_s: float | None = None
    ) -> Iterator["State"]:
        """The tables as of a position that the log has.

        Raises ``ReplayTooLong`` when it takes longer than ``within_s``, ``UnknownEvent``,
        ``ProjectionFailed``, ``psycopg.OperationalError``. A past that met an error is given up.
        """
        past = self._nearest(position)
        past.used_at = time.monotonic()
        try:
            past.go_to(position, _until(within_s, progress or _ignore))
            yield State(past.tables, position)
        except (psycopg.Error, ProjectionFailed, UnknownEvent):
            self._forget(past)
            raise

    @property
    def positions(self) -> list[int]:
        """Where the pasts are that are kept."""
        return [past.position for past in self._pasts]

    def forget_unused(self, for_s: float) -> None:
        """Give up the pasts that nobody asked for in so many seconds, and their space."""
        for past in [*self._pasts]:
            if time.monotonic() - past.used_at >= for_s:
                self._forget(past)

    def close(self) -> None:
        """Give up everything."""
        self.forget_unused(0)

    def _nearest(self, position: int) -> _Past:
        """The latest past that is not behind the position; a new one where a snapshot is nearer."""
        earlier = [past for past in self._pasts if past.position <= position]
        nearest = max(earlier, key=lambda past: past.position, default=None)
        if nearest is not None and nearest.position == position:
            return nearest
        snapshot = self._snapshot_before(position)
        if nearest is None or nearest.position < snapshot:
            nearest = self._new()
            if snapshot:
                self._begin_at(nearest, snapshot)
        return nearest

    def _snapshot_before(self, position: int) -> int:
        """The latest that is not behind the position; 0 without any."""
        with replay_connection(self._dsn, "state") as connection:
            return max((its for its in known(connection) if its <= position), default=0)

    def _begin_at(self, past: _Past, snapshot: int) -> None:
        try:
            past.begin_at(snapshot)
        except SnapshotGone:
            pass  # somebody was erased at this moment: the past begins at the beginning
        except psycopg.Error:
            self._forget(past)
            raise

    def _new(self) -> _Past:
        """An empty one, in place of the one that was asked for longest ago."""
        if len(self._pasts) >= MOST_PASTS:
            self._forget(min(self._pasts, key=lambda past: past.used_at))
        self._pasts.append(_Past(self._dsn, self._master))
        return self._pasts[-1]

    def _forget(self, past: _Past) -> None:
        if past in self._pasts:
            self._pasts.remove(past)
        past.close()


def _ignore(_at: int, _of: int) -> None:
    pass


def _until(within_s: float | None, progress: Progress) -> Progress:
    """Progress that raises ``ReplayTooLong`` once the time is over, but for the end itself."""
    if within_s is None:
        return progress
    deadline = time.monotonic() + within_s

    def timed(at: int, of: int) -> None:
        progress(at, of)
        if at < of and time.monotonic() > deadline:
            raise ReplayTooLong(at, of)

    return timed


class State:
    """The tables as of one position, to be read while ``TimeMachine.at`` holds them."""

    def __init__(self, connection: Connection, position: int) -> None:
        self._connection = connection
        self.position = position

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        counts = self._connection.execute(_counts.sql).fetchall()
        return dict(counts)

    def row(self, table: str, row_id: int) -> str | None:
        """A row as a JSON object by column, if there was one."""
        statement = _page_of(TABLES[table], ())
        values = {"after": row_id - 1, "at_most": 1, "at_most_bytes": PAGE_BYTES}
        found = self._connection.execute(statement.sql, values).fetchone()
        return found[1] if found is not None and found[0] == row_id else None

    def rows(self, table: str, where: Mapping[str, Any], after: int, at_most: int) -> Rows:
        """Rows behind an id; ``where`` gives columns of ``narrowing`` a value."""
        statement = _page_of(TABLES[table], tuple(sorted(where)))
        values = {"after": after, "at_most": at_most, "at_most_bytes": PAGE_BYTES, **where}
        found = self._connection.execute(statement.sql, values).fetchall()
        more = bool(found) and found[-1][2]
        return Rows([row for _, row, _ in found], found[-1][0] if more else None)

    def all_rows(self, table: str, where: Mapping[str, Any]) -> Iterator[str]:
        """Every row, however many there are."""
        after: int | None = -1
        while after is not None:
            some = self.rows(table, where, after, ROWS)
            yield from some.rows
            after = some.next


def narrowing(table: str) -> list[str]:
    """The columns by which a list of the table's rows can be asked for."""
    return [name for name in NARROWING if name in TABLES[table].c]


_counts = Statement(
    union_all(*(select(literal(name), func.count(table.c.id)) for name, table in TABLES.items()))
)


@cache
def _page_of(table: Table, where: tuple[str, ...]) -> Statement:
    """Rows behind ``after``: the id, the row as JSON, and whether there are more than these."""
    found = (
        select(
            table.c.id, func.row_to_json(literal_column(str(table.name))).cast(Text).label("its")
        )
        .where(
            table.c.id > parameter("after", BigInteger),
            *(table.c[name] == parameter(name, table.c[name].type) for name in where),
        )
        .order_by(table.c.id)
        .limit(one_more())
        .subquery("found")
    )
    return Statement(first_of(found, found.c.id, found.c.its))
