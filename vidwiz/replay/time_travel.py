"""The tables as of any position, read from the row history.

A position that the history has not reached is replayed into it first. Where no history is stored,
or another program's, one is replayed into the temporary tables of a connection, which are its own.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import Table

from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.projections.row_history_tables import NARROWING
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import past_queries
from vidwiz.replay.engine import Connection, Progress
from vidwiz.replay.row_history import (
    HistoryGone,
    StoredHistory,
    TemporaryHistory,
    ensure_stored,
)

ROWS = 500
"""Rows that are read at once."""
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


class TimeMachine:
    """Shows the tables as of any position. For one thread at a time; every method may block.

    ``store`` has the history kept in the database, for all who travel.
    """

    def __init__(self, dsn: str, master: MasterKey, *, store: bool = True) -> None:
        self._dsn = dsn
        self._master = master
        self._store = store
        self._history: StoredHistory | TemporaryHistory | None = None
        self._used_at = 0.0

    @contextmanager
    def at(
        self, position: int, progress: Progress | None = None, within_s: float | None = None
    ) -> Iterator["State"]:
        """The tables as of a position that the log has, as of one moment of the present.

        Raises ``ReplayTooLong`` when it takes longer than ``within_s``, ``UnknownEvent``,
        ``ProjectionFailed``, ``psycopg.OperationalError``. A connection that met an error is
        given up.
        """
        self._used_at = time.monotonic()
        try:
            history = self._begun(position, _until(within_s, progress or _ignore))
            yield State(history.connection, position)
        except (psycopg.Error, ProjectionFailed, UnknownEvent):
            self.close()
            raise
        finally:
            self._end()

    @property
    def position(self) -> int | None:
        """How far the history goes that is open."""
        return None if self._history is None else self._history.position

    def forget_unused(self, for_s: float) -> None:
        """Give the connections up, and their space, if nobody asked in so many seconds."""
        if time.monotonic() - self._used_at >= for_s:
            self.close()

    def close(self) -> None:
        """Give the connections up; a stored history stays."""
        history, self._history = self._history, None
        if history is not None:
            history.close()

    def _begun(self, position: int, progress: Progress) -> StoredHistory | TemporaryHistory:
        """A history that goes so far, in a transaction that sees one moment of it."""
        try:
            return self._begin(self._history or self._open(), position, progress)
        except (HistoryGone, UndefinedTable, UndefinedColumn):  # somebody dropped it: begin anew
            self.close()
            return self._begin(self._open(), position, progress)

    def _begin(
        self, history: StoredHistory | TemporaryHistory, position: int, progress: Progress
    ) -> StoredHistory | TemporaryHistory:
        history.fill(position, progress)
        history.connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        _ = history.position  # whoever strikes it out comes later than what is read
        return history

    def _end(self) -> None:
        """Leave no transaction open, whatever the looking came to."""
        history = self._history
        if history is not None and history.connection.info.transaction_status:
            history.connection.execute("ROLLBACK")

    def _open(self) -> StoredHistory | TemporaryHistory:
        stored = self._store and ensure_stored(self._dsn, take_over=False)
        kind = StoredHistory if stored else TemporaryHistory
        self._history = history = kind(self._dsn, self._master, "state")
        history.connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT}'".encode())
        return history


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
        """How many rows each table had."""
        return past_queries.counts(self._connection, self.position)

    def row(self, table: str, row_id: int) -> str | None:
        """A row as a JSON object by column, if there was one."""
        statement = past_queries.row_of(TABLES[table])
        values = {"position": self.position, "id": row_id}
        found = self._connection.execute(statement.sql, values).fetchone()
        return None if found is None else str(found[0])

    def rows(self, table: str, where: Mapping[str, Any], after: int, at_most: int) -> Rows:
        """Rows behind an id; ``where`` gives columns of ``narrowing`` a value."""
        statement = past_queries.page_of(TABLES[table], tuple(sorted(where)))
        values = {
            "position": self.position,
            "after": after,
            "at_most": at_most,
            "at_most_bytes": PAGE_BYTES,
            **where,
        }
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
