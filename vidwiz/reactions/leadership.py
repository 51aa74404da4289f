"""The right to act for a reaction, and the reaction's bookkeeping on the connection that holds it.

Whoever loses the connection has lost the right, and cannot write down anything any more: what it
did not finish is the next leader's.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import BigInteger, Float, Integer, Text, func, literal_column, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on, insert

from vidwiz.event_store import statements
from vidwiz.postgres.pool import Connection, Database, fetch_all, means_unavailable
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    PUT_OFF,
    parked_events,
    reaction_checkpoints,
    stored_events,
)
from vidwiz.supervision import Outage

REACTION_LOCK = 7163394
"""First half of the advisory lock that the leader of a reaction holds."""
FROZEN_AFTER = "120s"
"""A leader that is frozen, or whose host is gone, must not lead for ever."""

_TAKE = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_CONFIRM = "SELECT 1"


class LeadershipLost(Outage):
    """The connection that held the lock is gone."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event as it lies in the log, not yet decoded."""

    position: int
    stream: UUID
    version: int
    topic: str
    state: bytes
    correlation_id: str | None


@dataclass(frozen=True, slots=True)
class Parked:
    """A logged event that could not be handled, so many times."""

    logged: Logged
    attempts: int


_reaction = parameter("reaction", Text)
_position = parameter("position", BigInteger)
_logged = (
    stored_events.c.notification_id,
    stored_events.c.originator_id,
    stored_events.c.originator_version,
    stored_events.c.topic,
    stored_events.c.state,
    stored_events.c.metadata["correlation_id"].astext,
)
_this_parked = (
    parked_events.c.reaction == _reaction,
    parked_events.c.position == _position,
)
_try_at = func.clock_timestamp() + parameter("in_s", Float).cast(Float) * literal_column(
    "interval '1 second'"
)

_checkpoint = Statement(
    select(reaction_checkpoints.c.position).where(reaction_checkpoints.c.reaction == _reaction)
)
_advance = insert(reaction_checkpoints).values(reaction=_reaction, position=_position)
_advanced = Statement(
    _advance.on_conflict_do_update(
        index_elements=["reaction"], set_={"position": _advance.excluded.position}
    )
)
_between = Statement(
    select(*_logged)
    .where(
        stored_events.c.notification_id > parameter("after", BigInteger),
        stored_events.c.notification_id <= parameter("upto", BigInteger),
        stored_events.c.topic == func.any(parameter("topics", ARRAY(Text))),
    )
    .order_by(stored_events.c.notification_id)
    .limit(parameter("at_most", BigInteger))
)
_held = Statement(
    select(parked_events.c.originator_id)
    .distinct()
    .where(
        parked_events.c.reaction == _reaction,
        parked_events.c.originator_id == func.any(parameter("streams", ARRAY(postgresql.UUID))),
    )
)
_park = Statement(
    insert(parked_events)
    .values(
        reaction=_reaction,
        position=_position,
        originator_id=parameter("stream", postgresql.UUID),
        attempts=parameter("attempts", Integer),
        error=parameter("error", Text),
        parked_at=func.clock_timestamp(),
        try_at=_try_at,
    )
    .on_conflict_do_nothing()
)
_postpone = Statement(
    parked_events.update()
    .where(*_this_parked)
    .values(attempts=parameter("attempts", Integer), error=parameter("error", Text), try_at=_try_at)
)
_release = Statement(parked_events.delete().where(*_this_parked))
_release_due = Statement(
    parked_events.delete().where(*_this_parked, parked_events.c.try_at <= func.clock_timestamp())
)
_first_parked = (
    select(
        parked_events.c.position,
        parked_events.c.attempts,
        parked_events.c.try_at,
    )
    .where(parked_events.c.reaction == _reaction)
    .order_by(parked_events.c.originator_id, parked_events.c.position)
    .ext(distinct_on(parked_events.c.originator_id))
    .subquery("first")
)
_due = Statement(
    select(*_logged, _first_parked.c.attempts)
    .select_from(
        _first_parked.join(
            stored_events, stored_events.c.notification_id == _first_parked.c.position
        )
    )
    .where(or_(_first_parked.c.try_at.is_(None), _first_parked.c.try_at <= func.clock_timestamp()))
    .order_by(stored_events.c.notification_id)
    .limit(parameter("at_most", BigInteger))
)


_put_off = Statement(
    insert(parked_events)
    .from_select(
        ["reaction", "position", "originator_id", "attempts", "parked_at", "try_at"],
        select(
            _reaction,
            stored_events.c.notification_id,
            stored_events.c.originator_id,
            literal_column("0"),
            func.clock_timestamp(),
            _try_at,
        ).where(
            stored_events.c.originator_id == parameter("stream", postgresql.UUID),
            stored_events.c.originator_version == 1,
        ),
    )
    .on_conflict_do_update(
        index_elements=["reaction", "position"],
        set_={"try_at": literal_column("excluded.try_at")},
    )
)


class Leadership:
    """Of one reaction. Every method raises ``LeadershipLost`` when the connection is gone."""

    def __init__(self, connection: Connection, reaction: str) -> None:
        self._connection = connection
        self._reaction = reaction

    async def take(self) -> bool:
        """Whether this process leads from now on; nobody else does until the connection ends."""
        with _leading():
            cursor = await self._connection.execute(_TAKE, (REACTION_LOCK, self._reaction))
            row = await cursor.fetchone()
        return row is not None and bool(row[0])

    async def confirm(self) -> None:
        """Make sure that this process still leads."""
        with _leading():
            await self._connection.execute(_CONFIRM)

    async def checkpoint(self) -> int:
        """The position up to which everything was handled or parked."""
        rows = await self._all(_checkpoint, reaction=self._reaction)
        return int(rows[0][0]) if rows else 0

    async def head(self) -> int:
        """The log's highest position."""
        ((position,),) = await self._all(statements.HEAD)
        return int(position)

    async def between(
        self, after: int, upto: int, topics: Sequence[str], at_most: int
    ) -> list[Logged]:
        """The events of these topics behind ``after``, up to and including ``upto``."""
        rows = await self._all(_between, after=after, upto=upto, topics=[*topics], at_most=at_most)
        return [Logged(*row) for row in rows]

    async def held(self, streams: Iterable[UUID]) -> set[UUID]:
        """Those of the streams in which an event is parked."""
        rows = await self._all(_held, reaction=self._reaction, streams=[*streams])
        return {stream for (stream,) in rows}

    async def advance(self, position: int) -> None:
        """Everything up to this position is done with."""
        await self._run(_advanced, reaction=self._reaction, position=position)

    async def park(
        self, logged: Logged, *, attempts: int = 0, error: str | None = None, in_s: float | None
    ) -> None:
        """Set the event aside, to be tried again in so many seconds, and go on behind it."""
        with _leading():
            async with self._connection.transaction():
                await self._run(
                    _park,
                    reaction=self._reaction,
                    position=logged.position,
                    stream=logged.stream,
                    attempts=attempts,
                    error=error,
                    in_s=in_s,
                )
                await self.advance(logged.position)

    async def put_off(self, stream: UUID, in_s: float) -> None:
        """Have the first event of a stream looked at again in so many seconds."""
        name = self._reaction + PUT_OFF
        await self._run(_put_off, reaction=name, stream=stream, in_s=in_s)

    async def due(self, at_most: int) -> list[Parked]:
        """Of each stream the first parked event, if it is to be tried again now."""
        return await self._due(self._reaction, at_most)

    async def put_off_until_now(self, at_most: int) -> list[Parked]:
        """What was put off and may be looked at again, oldest first."""
        return await self._due(self._reaction + PUT_OFF, at_most)

    async def _due(self, name: str, at_most: int) -> list[Parked]:
        rows = await self._all(_due, reaction=name, at_most=at_most)
        return [Parked(Logged(*logged), attempts) for *logged, attempts in rows]

    async def looked_at_again(self, position: int) -> None:
        """It is put off no more, unless it was put off anew."""
        await self._run(_release_due, reaction=self._reaction + PUT_OFF, position=position)

    async def postpone(self, position: int, *, attempts: int, error: str, in_s: float) -> None:
        """Leave the event parked for so many seconds more."""
        await self._run(
            _postpone,
            reaction=self._reaction,
            position=position,
            attempts=attempts,
            error=error,
            in_s=in_s,
        )

    async def release(self, position: int) -> None:
        """The parked event is done with."""
        await self._run(_release, reaction=self._reaction, position=position)

    async def _all(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        with _leading():
            return await fetch_all(self._connection, statement, values)

    async def _run(self, statement: Statement, **values: Any) -> None:
        with _leading():
            await self._connection.execute(statement.sql, values)


@contextmanager
def _leading() -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        if means_unavailable(error):
            raise LeadershipLost(str(error)) from error
        raise


@asynccontextmanager
async def candidacy(database: Database, reaction: str) -> AsyncIterator[Leadership]:
    """A connection on which leadership can be taken; raises ``DatabaseUnavailable``."""
    connection = await database.connect(f"reaction {reaction}", idle_session_timeout=FROZEN_AFTER)
    try:
        yield Leadership(connection, reaction)
    finally:
        await connection.close()
