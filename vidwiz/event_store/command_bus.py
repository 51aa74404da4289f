"""The event store: commands in, events appended and projected in one transaction, log read back.

Commands that arrive while a transaction is under way run together in the next one (group
commit): their look-ups are answered together, each decides alone, and what they decided is
projected, recorded and appended together. Appending comes last, because it takes the lock that
makes position order commit order. See docs/adr/0002-group-commit.md.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import structlog
from psycopg import errors

from vidwiz.commands.base import Command, Decision, Follows, StreamQuery
from vidwiz.commands.users import UserNotFound
from vidwiz.event_store import loaders, side_writes, statements
from vidwiz.event_store.command_queue import CommandQueue, Conflict, Entry, Overloaded
from vidwiz.event_store.loaders.log import pasts
from vidwiz.event_store.log_clock import LogClock
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.personal_keys import locked_keys
from vidwiz.events import Event
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMapper, EventMetadata, with_envelope
from vidwiz.events.sealing import Keys
from vidwiz.metrics import BATCH_SIZE, COMMANDS, TRANSACTION_SECONDS
from vidwiz.postgres.pool import (
    Connection,
    Database,
    DatabaseUnavailable,
    SilentServer,
    as_unavailable,
    fetch_all,
    is_stale,
    means_unavailable,
    outages,
    ran_out_of_patience,
)
from vidwiz.projections.projector import (
    ProjectableEvent,
    ProjectionFailed,
    as_array,
    expect_rows,
    in_waves,
    plan,
)
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.supervision import Loop

MAX_TRIES = 5
FROZEN_AFTER = "30s"
"""A process that is frozen in mid-transaction must not hold the log's lock for ever."""
CLOSE_S = 10.0
"""Seconds that what was accepted has to be executed when the service stops."""
HASTE = "SET LOCAL lock_timeout = '100ms'; SET LOCAL statement_timeout = '2s'"
"""For a command that is tried again although a lock was not to be had, while others wait."""

log = structlog.get_logger(__name__)

CLASHES = (
    side_writes.RecordRefused,
    errors.UniqueViolation,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)

_statements = plan(PROJECTORS)


class _CommitUnknown(Exception):
    """The connection broke while PostgreSQL was committing."""


@dataclass(frozen=True, slots=True)
class _Decided:
    """An entry with its outcome, its events numbered within their streams."""

    entry: Entry
    outcome: Decision
    numbered: Sequence[tuple[Event, int]]

    @property
    def persons(self) -> set[str]:
        """Whom its events are about, and whom nobody may erase meanwhile: but for itself."""
        if self.outcome.erases:
            return set()
        return {event.person for event, _ in self.numbered if event.person is not None}


@dataclass(frozen=True, slots=True)
class _Draft:
    """An event that has its place in its stream, but none in the log yet.

    Projectors read its ``state``; the log keeps it ``sealed``.
    """

    event: Event
    version: int
    origin: str
    state: bytes
    sealed: bytes


@dataclass(slots=True)
class _Batch:
    """What became of the entries of one transaction; ``head`` is 0 when nothing happened."""

    decided: list[_Decided] = field(default_factory=list)
    refused: list[tuple[Entry, Exception]] = field(default_factory=list)
    deferred: list[Entry] = field(default_factory=list)
    results: list[Any] = field(default_factory=list)
    head: int = 0

    @property
    def erases(self) -> bool:
        """Whether somebody is forgotten."""
        return any(one.outcome.erases for one in self.decided)


class Store:
    """Executes commands."""

    def __init__(
        self,
        database: Database,
        signals: Signals,
        master: MasterKey,
        decisions: Mapping[type, Callable[[Any, Any], Decision]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._signals = signals
        self._master = master
        self._decisions = decisions
        self._clock = LogClock(database, now)
        self._queue = CommandQueue()
        self._running: Sequence[Entry] = ()
        self._closing = False
        self._connection: Connection | None = None
        self._writer = Loop(
            "store writer", self._write_forever, self._writer_failed, essential=True
        )
        self._started = False

    @property
    def running(self) -> bool:
        """Whether commands are executed."""
        return self._writer.running

    @property
    def is_connected(self) -> bool:
        """Whether the writer has a connection; else the next command makes it connect."""
        return self._connection is not None and not self._connection.closed

    async def start(self) -> None:
        """Connect and begin to execute; raises ``DatabaseUnavailable``."""
        self._connection = await self._connected()
        self._started = True
        self._writer.start()

    async def close(self) -> None:
        """Execute what was accepted, then stop; takes bounded time."""
        self._closing = True
        self._queue.wake()
        await self._writer.stop(CLOSE_S)
        self._fail_everybody(Overloaded())
        self._disconnect()

    async def execute(self, command: Command, origin: EventMetadata) -> Any:
        """Run one command to its end, even if the caller goes away.

        Returns the outcome's result, or the answer it asks for. Raises the decision's
        ``DomainError``, ``Conflict``, ``Overloaded``, ``DatabaseUnavailable``, or
        ``ProjectionFailed`` when a table has drifted from the log.
        """
        if self._closing or self._queue.is_full:
            raise Overloaded
        if self._started and not self._writer.running:
            raise DatabaseUnavailable("the writer failed; it begins again in a moment")
        future = asyncio.get_running_loop().create_future()
        self._queue.put(Entry(command, origin, future))
        return await future

    async def past_of(self, stream: str) -> Sequence[Event]:
        """Everything that happened in a stream, oldest first."""
        async with self._database.borrowed() as connection:
            return await self.past_on(connection, stream)

    async def past_on(self, connection: Connection, stream: str) -> Sequence[Event]:
        """The same, read on a connection that the caller has."""
        (history,) = await pasts(connection, self._master, [StreamQuery((stream,))])
        return history.of(stream)

    async def _write_forever(self) -> None:
        while True:
            if self._queue:
                self._running = self._queue.take()
                await self._write(self._running)
                self._running = ()
            elif self._closing:
                return
            else:
                await self._queue.wait()

    def _writer_failed(self, error: BaseException) -> None:
        """Whatever it was at may or may not be done, and the connection is in an unknown state."""
        self._disconnect()
        reason = type(error).__name__
        self._fail_everybody(DatabaseUnavailable(f"the writer failed: {reason}"))

    def _fail_everybody(self, error: Exception) -> None:
        for entry in self._running:
            entry.fail(error)
        self._running = ()
        self._queue.fail_all(error)

    async def _write(self, entries: Sequence[Entry]) -> None:
        """Run the entries together; if that fails they run singly, so that only the guilty fail."""
        if len(entries) == 1:
            await self._write_alone(entries[0])
            return
        try:
            batch = await self._transaction(entries)
        except (_CommitUnknown, DatabaseUnavailable) as error:
            self._fail_everybody(DatabaseUnavailable(str(error)))
        except Exception as error:  # noqa: BLE001  each entry meets its own error below
            log.info("a batch runs singly", size=len(entries), error=type(error).__name__)
            if ran_out_of_patience(error):
                self._queue.doubt({entry.kind for entry in entries})
            self._queue.put_back(entries, suspects=True)
        else:
            self._settle(batch)

    async def _write_alone(self, entry: Entry) -> None:
        clash: Exception = Conflict()
        for tries_left in reversed(range(MAX_TRIES)):
            try:
                batch = await self._transaction([entry])
            except ProjectionFailed as error:  # the row is not, or not yet, as the log has it
                clash = error
                continue
            except CLASHES:
                continue
            except _CommitUnknown as error:
                entry.fail(DatabaseUnavailable(str(error)))
            except DatabaseUnavailable as error:  # it cannot be reached, for nobody
                entry.fail(error)
                self._queue.fail_all(error)
            except psycopg.Error as error:
                if await self._clock.mends(error) or self._may_try_anew(error, tries_left):
                    continue
                await self._refuse(entry, error)
            except Exception as error:  # noqa: BLE001  it belongs to the command's sender
                entry.fail(error)
            else:
                self._queue.release(entry.kind)
                self._settle(batch)
            return
        entry.fail(clash)

    def _may_try_anew(self, error: psycopg.Error, tries_left: int) -> bool:
        """Whether another connection may do better: this one is gone, or was to be read-only."""
        connection = self._connection
        if not means_unavailable(error) or connection is None:
            return False
        if not (connection.closed or is_stale(error)):
            return False
        self._disconnect()
        return tries_left > 0 and not isinstance(error, SilentServer)

    async def _refuse(self, entry: Entry, error: psycopg.Error) -> None:
        """Nothing can be written now, or nothing of this kind, or this entry is to blame."""
        if not means_unavailable(error):
            entry.fail(error)
            return
        unavailable = as_unavailable(error)
        entry.fail(unavailable)
        if ran_out_of_patience(error):
            self._queue.hold(entry.kind, unavailable, self._database.patience.lock_s)
        elif is_stale(error):
            self._queue.fail_all(unavailable)
            await self._database.renew()

    async def _connected(self) -> Connection:
        return await self._database.connect(
            "writer", idle_in_transaction_session_timeout=FROZEN_AFTER
        )

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.pgconn.finish()  # as its close() does, which is for those who can wait

    async def _transaction(self, entries: Sequence[Entry]) -> _Batch:
        """Run the entries in one transaction, to the end of its commit.

        Raises, with nothing done, when the database refuses, and ``DatabaseUnavailable`` when it
        cannot be reached. Nobody is told anything here.
        """
        if self._connection is None:
            self._connection = await self._connected()
        connection = self._connection
        BATCH_SIZE.observe(len(entries))
        with TRANSACTION_SECONDS.time():
            await connection.execute("BEGIN")
            try:
                if any(self._queue.is_held(entry.kind) for entry in entries):
                    await connection.execute(HASTE, prepare=False)
                batch = await self._decide(connection, entries)
                keys = await self._admit(connection, batch)
                await self._keep(connection, batch, EventMapper(keys))
            except BaseException:
                await self._roll_back(connection)
                raise
            await _commit(connection)
        return batch

    async def _roll_back(self, connection: Connection) -> None:
        """End the transaction, or else the connection; whoever calls has an error to tell."""
        try:
            if not connection.closed:
                await connection.execute("ROLLBACK")
        except psycopg.Error as error:
            log.info("a connection is given up", error=type(error).__name__)
            self._disconnect()

    async def _decide(self, connection: Connection, entries: Sequence[Entry]) -> _Batch:
        """Let each command decide; whoever knows or writes a stream of an earlier one has to wait.

        Also one that changes nothing waits, since its answer must not show another's change. An
        erasure, which is about streams that it does not know, shares its transaction with nobody.
        """
        asked = [entry.command.lookup() for entry in entries]
        found = await loaders.answer(connection, self._master, asked)
        batch = _Batch()
        touched: set[str] = set()
        for entry, its in zip(entries, found, strict=True):
            try:
                outcome = self._decisions[type(entry.command)](entry.command, its)
            except Exception as error:  # noqa: BLE001  a refusal, or a bug of this command alone
                batch.refused.append((entry, error))
                continue
            touches = {
                *its.versions,
                *(event.stream for event in outcome.events),
                *(record.once for record in outcome.records),
            }
            if touches & touched or (batch.decided and (outcome.erases or batch.erases)):
                batch.deferred.append(entry)
                continue
            touched |= touches
            batch.decided.append(_Decided(entry, outcome, _numbered(outcome.events, its.versions)))
        return batch

    async def _admit(self, connection: Connection, batch: _Batch) -> Keys:
        """The keys of all whom the batch is about; refuses what is about an erased person."""
        persons = {person for one in batch.decided for person in one.persons}
        keys = await locked_keys(connection, self._master, persons)
        erased = {person for person, key in keys.items() if key is None}
        if erased:
            gone = [one for one in batch.decided if one.persons & erased]
            batch.refused += [(one.entry, UserNotFound()) for one in gone]
            batch.decided = [one for one in batch.decided if not one.persons & erased]
        return keys

    async def _keep(self, connection: Connection, batch: _Batch, mapper: EventMapper) -> None:
        """Record, project, look up the answers, append."""
        now = self._clock.now()
        decided = batch.decided
        origins = await _origins(connection, decided)
        drafts = [
            _draft(mapper, origin, event, version)
            for one, origin in zip(decided, origins, strict=True)
            for event, version in one.numbered
        ]
        await side_writes.write(
            connection, [r for one in decided for r in one.outcome.records], now
        )
        await _project(connection, drafts, now)
        batch.results = await self._results(connection, decided)
        batch.head = await _append(connection, drafts, now)

    async def _results(self, connection: Connection, decided: Sequence[_Decided]) -> list[Any]:
        asked = [one.outcome.answer for one in decided if one.outcome.answer is not None]
        answers = iter(await loaders.answer(connection, self._master, asked))
        return [
            one.outcome.result if one.outcome.answer is None else next(answers) for one in decided
        ]

    def _settle(self, batch: _Batch) -> None:
        """Tell everybody, after the commit."""
        self._queue.put_back(batch.deferred)
        for entry, error in batch.refused:
            COMMANDS.labels(type(entry.command).__name__, "refused").inc()
            entry.fail(error)
        for one, result in zip(batch.decided, batch.results, strict=True):
            COMMANDS.labels(type(one.entry.command).__name__, "accepted").inc()
            one.entry.succeed(result)
        if batch.head:
            topics = {event.TOPIC for one in batch.decided for event, _ in one.numbered}
            self._signals.committed(batch.head, topics)


def _draft(mapper: EventMapper, origin: str, event: Event, version: int) -> _Draft:
    state = mapper.encode(event)
    return _Draft(event, version, origin, state, mapper.sealed(event, state, version))


def _numbered(events: Sequence[Event], versions: Mapping[str, int]) -> list[tuple[Event, int]]:
    """The events with their versions in their streams, counted on from ``versions``."""
    latest = dict(versions)
    numbered = []
    for event in events:
        latest[event.stream] = latest.get(event.stream, 0) + 1
        numbered.append((event, latest[event.stream]))
    return numbered


async def _origins(connection: Connection, decided: Sequence[_Decided]) -> list[str]:
    """Where the events of each entry say they come from."""
    followed = [one.outcome.follows for one in decided if one.numbered and one.outcome.follows]
    causes = await _causes(connection, followed) if followed else {}
    return [
        statements.origin_json(
            one.entry.origin.following(*causes[one.outcome.follows])
            if one.outcome.follows in causes
            else one.entry.origin
        )
        for one in decided
    ]


async def _causes(
    connection: Connection, followed: Sequence[Follows]
) -> dict[Follows | None, tuple[int, str | None]]:
    """Position and correlation of each event that is followed."""
    streams = {stream_id(one.stream): one.stream for one in followed}
    rows = await fetch_all(
        connection,
        statements.CAUSES,
        {
            "streams": [stream_id(one.stream) for one in followed],
            "versions": [one.version for one in followed],
        },
    )
    return {
        Follows(streams[stream], version): (position, correlation_id)
        for stream, version, position, correlation_id in rows
    }


async def _project(connection: Connection, drafts: Sequence[_Draft], now: datetime) -> None:
    facts = [
        ProjectableEvent(
            draft.event.TOPIC,
            stream_id(draft.event.stream),
            with_envelope(draft.state, draft.version, now),
        )
        for draft in drafts
    ]
    for topic, states in in_waves(facts):
        for statement in _statements.get(topic, ()):
            cursor = await connection.execute(statement.sql, {"events": as_array(states)})
            expect_rows(statement, topic, len(states), cursor.rowcount)


async def _append(connection: Connection, drafts: Sequence[_Draft], now: datetime) -> int:
    if not drafts:
        return 0
    cursor = await connection.execute(
        statements.APPEND.sql,
        {
            "streams": [stream_id(draft.event.stream) for draft in drafts],
            "versions": [draft.version for draft in drafts],
            "topics": [draft.event.TOPIC for draft in drafts],
            "states": [draft.sealed for draft in drafts],
            "metadata": [draft.origin for draft in drafts],
            "recorded_at": now,
        },
    )
    positions: list[int] = [position for (position,) in await cursor.fetchall()]
    return max(positions)


async def _commit(connection: Connection) -> None:
    try:
        with outages():
            await connection.execute("COMMIT")
    except DatabaseUnavailable as error:
        raise _CommitUnknown(str(error)) from error
