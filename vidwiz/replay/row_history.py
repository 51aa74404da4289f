"""The row history: filled by a replay that also keeps the versions that it ends.

Each projector statement is compiled twice from one declaration: for the projected tables, and for
those of the row history. A moment at or below the history's position is read from it as it lies.

The stored history is in a schema of its own. The one row of ``row_history_state`` says how far it
goes; it is locked by whoever adds to the history, and by an erasure, which strikes the person's
words out of it. The same replay into temporary tables is the history of a service that stores none.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import orjson
from sqlalchemy import BigInteger, LargeBinary, exists, select

from vidwiz.events.chain import ChainWalk
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.projector import BARRIERS, Change, ProjectableEvent
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.row_history_state import LOCKED_STATE, STATE, STRIKE_OUT, form
from vidwiz.projections.row_history_tables import SCHEMA, ddl
from vidwiz.projections.tables import ERASURES, row_history_state, stored_events
from vidwiz.replay.engine import Chunk, Connection, Progress, Replay, log_head, replay_connection

_begin = Statement(
    row_history_state.insert().values(id=1, position=0, form=parameter("form", LargeBinary))
)
_move = Statement(row_history_state.update().values(position=parameter("position", BigInteger)))
ERASED_SINCE = Statement(
    select(
        exists(
            select(1).where(
                stored_events.c.topic.in_(ERASURES),
                stored_events.c.notification_id > parameter("after", BigInteger),
            )
        )
    )
)
_COUNTED = "INSERT INTO counted VALUES (%s, %s) ON CONFLICT DO NOTHING"
_LAST_COUNTED = "SELECT tables FROM counted WHERE position <= %s ORDER BY position DESC LIMIT 1"
_ONE_MAKES_OR_DROPS = "SELECT pg_advisory_xact_lock(7163391, 5)"
_PATH = f"SET search_path = {SCHEMA}, public"


class HistoryGone(Exception):
    """The stored history was dropped, or is another program's."""


class _Overtaken(Exception):
    """Another process filled what was read, or somebody was erased since."""


class KeepingReplay(Replay):
    """Replays into the row history's tables that the search path names first."""

    def __init__(
        self,
        reader: Connection,
        writer: Connection,
        master: MasterKey,
        progress: Progress,
        chain: ChainWalk | None = None,
    ) -> None:
        super().__init__(reader, writer, master, PROJECTORS, progress, chain)
        self.counts = {str(one.table.name): 0 for one in PROJECTORS}

    def _apply(self, chunk: Chunk) -> None:
        for facts in _between_erasures(chunk.facts):
            self._project(facts)
            if facts[0].topic in BARRIERS:
                self._write_counts(facts[0].position)
        self._write_counts(chunk.position)

    def _write_counts(self, position: int) -> None:
        self._writer.execute(_COUNTED, (position, orjson.dumps(self.counts).decode()))

    def _execute(self, statement: Change, events: str) -> int:
        touched = self._writer.execute(statement.keeping, {"events": events}).rowcount
        self.counts[str(statement.table.name)] += statement.adds * touched
        return touched


def _between_erasures(facts: Sequence[ProjectableEvent]) -> Iterator[Sequence[ProjectableEvent]]:
    """Each erasure alone: how many rows it takes, the log does not say."""
    for is_erasure, some in groupby(facts, lambda fact: fact.topic in BARRIERS):
        if is_erasure:
            yield from ([one] for one in some)
        else:
            yield [*some]


class _StoringReplay(KeepingReplay):
    """Adds chunk by chunk, each in a transaction that no erasure overlaps."""

    def __init__(
        self, reader: Connection, writer: Connection, master: MasterKey, progress: Progress
    ) -> None:
        super().__init__(reader, writer, master, progress)
        self._heads: dict[int, int] = {}

    def _read(self, after: int, up_to: int) -> Chunk | None:
        head = log_head(self._reader)  # before the keys are read
        chunk = super()._read(after, up_to)
        if chunk is not None:
            self._heads[chunk.position] = head
        return chunk

    def _apply(self, chunk: Chunk) -> None:
        with self._writer.transaction():
            position = require_state(self._writer, LOCKED_STATE)
            opened_at = {"after": self._heads.pop(chunk.position)}
            erased = self._writer.execute(ERASED_SINCE.sql, opened_at).fetchone()
            if position != self.position or erased is None or erased[0]:
                raise _Overtaken
            super()._apply(chunk)
            self._writer.execute(_move.sql, {"position": chunk.position})

    def resume(self) -> None:
        """Go on from where the history is now; raises ``HistoryGone``."""
        self._heads.clear()
        self.position = require_state(self._writer, STATE)
        found = self._writer.execute(_LAST_COUNTED, (self.position,)).fetchone()
        self.counts = dict.fromkeys(self.counts, 0) if found is None else found[0]


class StoredHistory:
    """The history in the database, which all processes fill and read."""

    def __init__(self, dsn: str, master: MasterKey, purpose: str) -> None:
        self._reader = replay_connection(dsn, purpose)
        self.connection = replay_connection(dsn, purpose)
        self.connection.execute(_PATH)
        self._master = master

    @property
    def position(self) -> int:
        """How far it goes; raises ``HistoryGone``."""
        return require_state(self.connection, STATE)

    def fill(self, up_to: int, progress: Progress) -> None:
        """Replay up to a position, unless it goes so far already.

        Raises ``HistoryGone``, what ``progress`` raises, and what a replay does.
        """
        if self.position >= up_to:
            return
        self.connection.execute("SET synchronous_commit = off")
        its = _StoringReplay(self._reader, self.connection, self._master, progress)
        while True:
            its.resume()
            if its.position >= up_to:
                return
            try:
                its.run(up_to)
            except _Overtaken:
                continue

    def close(self) -> None:
        """Give the connections up."""
        self._reader.close()
        self.connection.close()


class TemporaryHistory:
    """A history in the temporary tables of a connection, which go with it."""

    def __init__(self, dsn: str, master: MasterKey, purpose: str) -> None:
        self._reader = replay_connection(dsn, purpose)
        self.connection = replay_connection(dsn, purpose)
        self.connection.execute("SET search_path = pg_temp, public")
        create(self.connection)
        self._master = master
        self._replay: KeepingReplay | None = None

    @property
    def position(self) -> int:
        """How far it goes."""
        return 0 if self._replay is None else self._replay.position

    def fill(self, up_to: int, progress: Progress) -> None:
        """The same as of a stored one."""
        if self._replay is None:
            self._replay = KeepingReplay(self._reader, self.connection, self._master, progress)
        self._replay.progress = progress
        self._replay.run(up_to)

    def close(self) -> None:
        """Give the connections up."""
        self._reader.close()
        self.connection.close()


def create(connection: Connection) -> None:
    """Make the tables, empty, in the first schema of the search path."""
    for statement in ddl():
        connection.execute(statement.encode())


def ensure_stored(dsn: str, *, take_over: bool) -> bool:
    """Make a history if there is none; whether there is one of this program's form now.

    One of another form is dropped only to ``take_over``: two programs may run for a while.
    """
    with replay_connection(dsn, "history") as connection, connection.transaction():
        connection.execute(_ONE_MAKES_OR_DROPS)
        found = connection.execute(STATE.sql).fetchone()
        if found is not None and (found[1] == form() or not take_over):
            return bool(found[1] == form())
        _drop(connection)
        connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
        connection.execute(f"SET LOCAL search_path = {SCHEMA}, public".encode())
        create(connection)
        connection.execute(_begin.sql, {"form": form()})
        return True


def drop_stored(dsn: str) -> None:
    """Drop the history, and what was verified of it."""
    with replay_connection(dsn, "history") as connection, connection.transaction():
        connection.execute(_ONE_MAKES_OR_DROPS)
        _drop(connection)


def _drop(connection: Connection) -> None:
    connection.execute(LOCKED_STATE.sql)
    connection.execute(STRIKE_OUT.sql)
    connection.execute("DELETE FROM verified_snapshots")
    connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE".encode())


def require_state(connection: Connection, statement: Statement) -> int:
    """The stored history's position; raises ``HistoryGone``."""
    found = connection.execute(statement.sql).fetchone()
    if found is None or found[1] != form():
        raise HistoryGone
    return int(found[0])
