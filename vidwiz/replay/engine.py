"""Replays the log into tables: ``rebuild`` swaps them in, ``load`` fills those of an import.

They, and ``verify`` in a module of its own, run the projectors' own statements. Those name
their tables without a schema, so that the search path decides whether they write the live tables,
a rebuild's or a verification's.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import DependentObjectsStillExist, LockNotAvailable
from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, DropIndex

from vidwiz.events.base import event_types
from vidwiz.events.chain import ChainWalk, Proof
from vidwiz.events.master_key import MasterKey, require_all
from vidwiz.events.recorded import EventMapper, UnknownEvent, with_envelope
from vidwiz.events.sealing import EventAddress, Keys, persons_in_the_clear, persons_of_sealed
from vidwiz.postgres.statement import Statement, first_of, one_more, parameter
from vidwiz.projections.personal_keys import ERASED_OF, KEYS
from vidwiz.projections.projector import (
    Change,
    ProjectableEvent,
    TableProjector,
    as_array,
    expect_rows,
    in_runs,
    in_waves,
    plan,
)
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.tables import stored_events

Connection = psycopg.Connection[tuple[Any, ...]]
Progress = Callable[[int, int], None]
"""Told the position reached and the position to reach."""

CHUNK = 4000
CHUNK_BYTES = 4 * 1024 * 1024
"""Of states: 4,000 of the longest notes would be more than PostgreSQL takes as one parameter."""
NEARLY_THERE = 2000
SWITCH_INTERVAL_S = 0.0005
"""After which whoever opens events lets go of the interpreter for whoever has projected some."""
SWAP_TRIES = 200
SWAP_PAUSE_S = 0.2
SWAP_LOCK_TIMEOUT = "300ms"
"""Below PostgreSQL's deadlock_timeout: a swap that would deadlock with a command gives way."""
APPEND_LOCK = "SELECT pg_advisory_xact_lock(7163391, 1)"
MAINTENANCE_KEYS = (7163391, 3)
MAINTENANCE_LOCK = f"SELECT pg_try_advisory_lock{MAINTENANCE_KEYS}"
MAINTENANCE_UNLOCK = f"SELECT pg_advisory_unlock{MAINTENANCE_KEYS}"

_dialect = postgresql.dialect()  # type: ignore[no-untyped-call]

_coming = (
    select(
        stored_events.c.notification_id,
        stored_events.c.originator_id,
        stored_events.c.originator_version,
        stored_events.c.topic,
        stored_events.c.state,
        stored_events.c.recorded_at,
        stored_events.c.metadata.cast(Text),
        stored_events.c.previous_hash,
        stored_events.c.hash,
    )
    .where(
        stored_events.c.notification_id > parameter("after", BigInteger),
        stored_events.c.notification_id <= parameter("up_to", BigInteger),
    )
    .order_by(stored_events.c.notification_id)
    .limit(one_more())
    .subquery("coming")
)
_next = Statement(first_of(_coming, _coming.c.notification_id, _coming.c.state))
HEAD = Statement(select(func.coalesce(func.max(stored_events.c.notification_id), 0)))


_SAY = "SELECT set_config('application_name', %s, false)"


class MaintenanceUnderWay(Exception):
    """Another rebuild or verification runs on this database."""


class SwapFailed(Exception):
    """The rebuilt tables could not be swapped in: long transactions hold the live ones."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: events read up to ``position``, and the rows of each table.

    ``head`` is the hash of the last event, in hex, where the chain was checked: who wrote it down
    before sees whether the log's end has been cut off or written anew.
    """

    position: int
    events: int
    rows: dict[str, int]
    seconds: float
    head: str | None = None


def projectors_of(tables: Sequence[str]) -> list[TableProjector]:
    """The projectors of these tables, or all; raises ``KeyError`` for a table that has none."""
    by_table = {projector.table.name: projector for projector in PROJECTORS}
    return [by_table[name] for name in tables] if tables else list(PROJECTORS)


def rebuild(
    dsn: str,
    master: MasterKey,
    tables: Sequence[str] = (),
    progress: Progress = lambda _at, _of: None,
    *,
    swap_tries: int = SWAP_TRIES,
) -> Replayed:
    """Replay into new tables while the service runs, then swap them in, in one transaction.

    Raises ``MaintenanceUnderWay``, ``SwapFailed``, ``ProjectionFailed``, ``UnknownEvent``,
    ``SealBroken``, ``KeyUnusable``.
    """
    began = time.monotonic()
    projectors = projectors_of(tables)
    with maintenance(dsn, "rebuild") as (reader, writer), _shadow_schema(writer):
        writer.execute("SET synchronous_commit = off")
        create_tables(writer, projectors)
        replay = Replay(reader, writer, master, projectors, progress)
        replay.run_to_head()
        _create_indexes(writer, projectors)
        replay.in_order = True
        while replay.run_to_head() > NEARLY_THERE:
            pass
        writer.execute("SET synchronous_commit = on")
        _swap(writer, replay, swap_tries)
        rows = count_rows(writer, projectors)
        return Replayed(replay.position, replay.events, rows, time.monotonic() - began)


def load(
    connection: Connection, master: MasterKey, progress: Progress = lambda _at, _of: None
) -> Replayed:
    """Project the whole log into the live tables, which are empty, in the caller's transaction.

    Checks the chain on the way. Raises ``ChainBroken``, ``ProjectionFailed``, ``UnknownEvent``,
    ``SealBroken``.
    """
    began = time.monotonic()
    for projector in PROJECTORS:
        for index in projector.table.indexes:
            _execute_ddl(connection, DropIndex(index))
    chain = ChainWalk()
    replay = Replay(connection, connection, master, PROJECTORS, progress, chain)
    replay.run_to_head()
    _create_indexes(connection, PROJECTORS)
    rows, seconds = count_rows(connection), time.monotonic() - began
    return Replayed(replay.position, replay.events, rows, seconds, chain.head.hex())


@dataclass(frozen=True, slots=True)
class Chunk:
    """So many events up to ``position``, opened and ready for the projectors that there are."""

    position: int
    events: int
    facts: Sequence[ProjectableEvent]


class Replay:
    """Projects events chunk by chunk; the next is read and opened while this one is projected."""

    def __init__(
        self,
        reader: Connection,
        writer: Connection,
        master: MasterKey,
        projectors: Sequence[TableProjector],
        progress: Progress,
        chain: ChainWalk | None = None,
    ) -> None:
        self._purpose = writer.info.parameter_status("application_name") or ""
        self.position = 0
        self.events = 0
        self.in_order = False  # whether unique indexes forbid that a stream overtakes another
        self._chain = chain
        self._reader = reader
        self._writer = writer
        self._master = master
        self._statements = plan(projectors)
        self._topics = event_types().keys()
        self.progress = progress
        # The planner knows nothing of tables that are being filled: index look-ups are right.
        for method in ("enable_hashjoin", "enable_mergejoin"):
            writer.execute(f"SET {method} = off")

    def run_to_head(self) -> int:
        """Replay to the present head; returns how many events that were."""
        return self.run(_one(self._reader, HEAD.sql))

    def run(self, up_to: int) -> int:
        """Replay up to a position; returns how many events that were."""
        before = self.events
        with ThreadPoolExecutor(1, thread_name_prefix="replay-reader") as ahead:
            coming = ahead.submit(self._read, self.position, up_to)
            while chunk := coming.result():
                coming = ahead.submit(self._read, chunk.position, up_to)
                self._apply(chunk)
                self.position = chunk.position
                self.events += chunk.events
                self._tell(up_to)
        self.position = max(self.position, up_to)
        return self.events - before

    def _tell(self, up_to: int) -> None:
        """Say how far it is: to whoever began it, and on the connection to everybody else."""
        self._writer.execute(_SAY, (f"{self._purpose} {self.position}/{up_to}",))
        self.progress(self.position, up_to)

    def _read(self, after: int, up_to: int) -> "Chunk | None":
        wanted = {
            "after": after,
            "up_to": up_to,
            "at_most": CHUNK,
            "at_most_bytes": CHUNK_BYTES,
        }
        rows = self._reader.execute(_next.sql, wanted, prepare=True).fetchall()
        if not rows:
            return None
        if self._chain is not None:
            for position, stream, version, topic, state, at, *proven in rows:
                metadata, previous, its_hash, _ = proven
                proof = Proof(state, metadata, previous, its_hash)
                self._chain.step(position, stream, version, topic, at, proof)
        return Chunk(rows[-1][0], len(rows), self._facts(rows))

    def _facts(self, rows: Sequence[tuple[Any, ...]]) -> list[ProjectableEvent]:
        mapper = EventMapper(self._keys(rows), self._erased(rows))
        return [
            ProjectableEvent(
                topic,
                stream,
                with_envelope(
                    mapper.current_state(EventAddress(stream, version, topic), state),
                    version,
                    recorded_at,
                    position,
                ),
                position,
            )
            for position, stream, version, topic, state, recorded_at, *_ in rows
            if self._concerns(topic)
        ]

    def _keys(self, rows: Sequence[tuple[Any, ...]]) -> Keys:
        persons = persons_of_sealed(state for _, _, _, _, state, *_ in rows)
        if not persons:
            return {}
        found = self._reader.execute(KEYS.sql, {"persons": [*persons]}).fetchall()
        # Tables that are made without a lost key would lose what they hold now.
        return require_all(self._master.keys(found))

    def _erased(self, rows: Sequence[tuple[Any, ...]]) -> AbstractSet[str]:
        """Who was erased of those whose words older versions wrote in the clear."""
        persons = persons_in_the_clear((topic, state) for _, _, _, topic, state, *_ in rows)
        if not persons:
            return persons
        found = self._reader.execute(ERASED_OF.sql, {"persons": [*persons]}).fetchall()
        return {person for (person,) in found}

    def _apply(self, chunk: Chunk) -> None:
        self._project(chunk.facts)

    def _project(self, facts: Sequence[ProjectableEvent]) -> None:
        for topic, states in in_runs(facts) if self.in_order else in_waves(facts):
            for statement in self._statements[topic]:
                touched = self._execute(statement, as_array(states))
                expect_rows(statement, topic, len(states), touched)

    def _execute(self, statement: Change, events: str) -> int:
        """How many rows the statement touched."""
        return self._writer.execute(statement.sql, {"events": events}).rowcount

    def _concerns(self, topic: str) -> bool:
        if topic not in self._topics:
            raise UnknownEvent(f"no event class has the topic {topic!r}")
        return topic in self._statements


def replay_connection(dsn: str, purpose: str) -> Connection:
    """A connection whose ``application_name`` tells others what it is for."""
    return psycopg.connect(
        dsn,
        autocommit=True,
        options="-c timezone=UTC -c datestyle=ISO",
        application_name=f"vidwiz {purpose}",
    )


@contextmanager
def maintenance(dsn: str, purpose: str) -> Iterator[tuple[Connection, Connection]]:
    """A reading and a writing connection; only one process at a time has them."""
    with (
        replay_connection(dsn, purpose) as reader,
        replay_connection(dsn, purpose) as writer,
        _switching_often(),
    ):
        if not _one(writer, MAINTENANCE_LOCK):
            raise MaintenanceUnderWay("another rebuild or verification is running")
        yield reader, writer
        _execute(writer, MAINTENANCE_UNLOCK)  # at once; that the connection ends is heard later


@contextmanager
def _switching_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


@contextmanager
def _shadow_schema(writer: Connection) -> Iterator[None]:
    """A schema to replay into; what a killed rebuild left there goes first."""
    _execute(writer, "DROP SCHEMA IF EXISTS rebuild CASCADE")
    _execute(writer, "CREATE SCHEMA rebuild")
    _execute(writer, "SET search_path = rebuild, public")
    try:
        yield
    finally:
        if not writer.broken:
            _execute(writer, "DROP SCHEMA rebuild CASCADE")


def create_tables(writer: Connection, projectors: Sequence[TableProjector]) -> None:
    """Make the projectors' tables, empty, in the first schema of the search path."""
    for projector in projectors:
        _execute_ddl(writer, CreateTable(projector.table))


def create_bare_tables(writer: Connection) -> None:
    """The same of all projectors, without what PostgreSQL computes of a row and nobody looks at."""
    create_tables(writer, PROJECTORS)
    for table in (projector.table for projector in PROJECTORS):
        for column in table.columns:
            if column.computed is not None:
                _execute(writer, f"ALTER TABLE {table.name} DROP COLUMN {column.name}")


def _create_indexes(writer: Connection, projectors: Sequence[TableProjector]) -> None:
    for projector in projectors:
        for index in projector.table.indexes:
            _execute_ddl(writer, CreateIndex(index))
        _execute(writer, f"ANALYZE {projector.table.name}")


def _swap(writer: Connection, replay: Replay, tries: int) -> None:
    """Lock, replay the last events, exchange the tables. Gives way to commands that are at work."""
    for _ in range(tries):
        reached = (replay.position, replay.events)
        try:
            with writer.transaction():
                _exchange(writer, replay)
        except DependentObjectsStillExist as error:
            raise SwapFailed(f"other objects use a table: {error.diag.message_detail}") from error
        except LockNotAvailable:
            replay.position, replay.events = reached
            time.sleep(SWAP_PAUSE_S)  # those who queued behind the lock go first
            replay.run_to_head()
        else:
            return
    raise SwapFailed("long transactions hold the tables; try again when there are fewer")


def _exchange(writer: Connection, replay: Replay) -> None:
    names = [name for (name,) in writer.execute(_SHADOWS).fetchall()]
    live = ", ".join(f"public.{name}" for name in names)
    _execute(writer, f"SET LOCAL lock_timeout = '{SWAP_LOCK_TIMEOUT}'")
    _execute(writer, f"LOCK TABLE {live} IN ACCESS EXCLUSIVE MODE")
    _execute(writer, APPEND_LOCK)
    replay.run_to_head()
    for name in names:
        grants = writer.execute(_GRANTS, (name,)).fetchall()
        _execute(writer, f"DROP TABLE public.{name}")
        _execute(writer, f"ALTER TABLE rebuild.{name} SET SCHEMA public")
        for (grant,) in grants:
            _execute(writer, grant)


_SHADOWS = "SELECT tablename FROM pg_tables WHERE schemaname = 'rebuild' ORDER BY tablename"
_GRANTS = """
SELECT format(
    'GRANT %%s%%s ON public.%%I TO %%s%%s', privilege_type, columns, relname,
    CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
)
FROM pg_class
CROSS JOIN LATERAL (
    SELECT relacl, ''
    UNION ALL
    SELECT attacl, format(' (%%I)', attname) FROM pg_attribute WHERE attrelid = pg_class.oid
) AS its (acl, columns)
CROSS JOIN LATERAL aclexplode(acl)
WHERE relnamespace = 'public'::regnamespace AND relname = %s AND grantee <> relowner
"""


def count_rows(
    writer: Connection, projectors: Sequence[TableProjector] = PROJECTORS
) -> dict[str, int]:
    """How many rows the projectors' tables have."""
    return {  # plain names: SQLAlchemy's are a kind of str that orjson takes for no key
        str(projector.table.name): _one(writer, f"SELECT count(*) FROM {projector.table.name}")
        for projector in projectors
    }


def log_head(connection: Connection) -> int:
    """The position of the newest event; 0 without any."""
    return int(_one(connection, HEAD.sql))


def _one(connection: Connection, query: str) -> Any:
    row = _execute(connection, query).fetchone()
    return row[0] if row else None


def _execute_ddl(connection: Connection, statement: CreateTable | CreateIndex | DropIndex) -> None:
    _execute(connection, str(statement.compile(dialect=_dialect)))


def _execute(connection: Connection, query: str) -> psycopg.Cursor[tuple[Any, ...]]:
    return connection.execute(query)
