"""How far the reactions are, what is parked, and how to have that tried again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Text, column, func, literal, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from vidwiz.events.recorded import EventMapper, UnknownEvent
from vidwiz.events.sealing import EventAddress
from vidwiz.metrics import REACTION_HELD, REACTION_LAG, REACTION_PARKED
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    PUT_OFF,
    parked_events,
    reaction_checkpoints,
    stored_events,
)
from vidwiz.reactions.deliveries import AiNoteReaction, OwnWriting, SummaryReaction
from vidwiz.reactions.indexing import Passages

Reaction = SummaryReaction | AiNoteReaction | OwnWriting | Passages
REACTIONS: tuple[type[Reaction], ...] = (SummaryReaction, AiNoteReaction, OwnWriting, Passages)
NAMES = tuple(reaction.name for reaction in REACTIONS)


@dataclass(frozen=True, slots=True)
class ParkedEvent:
    """An event that could not be handled, and why."""

    position: int
    attempts: int
    error: str
    parked_at: datetime
    try_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReactionHealth:
    """How a reaction stands: ``lag`` counts the events behind its checkpoint.

    ``parked`` counts the events that are set aside; ``oldest`` is the first that failed itself.
    ``put_off`` counts the notes that are asked for when another day begins.
    ``held`` says which event of a newer program it waits before, if any.
    """

    reaction: str
    checkpoint: int
    lag: int
    parked: int
    oldest: ParkedEvent | None
    held: str | None
    put_off: int

    @property
    def aside(self) -> str:
        """How much is set aside, in words."""
        put_off = f", {self.put_off} put off to another day" if self.put_off else ""
        return f"{self.parked} parked{put_off}"


_names = (
    func.unnest(parameter("reactions", ARRAY(Text)))
    .table_valued(column("reaction", Text))
    .render_derived(name="names")
)
_oldest = (
    select(parked_events)
    .where(parked_events.c.error.is_not(None))
    .order_by(parked_events.c.reaction, parked_events.c.position)
    .ext(distinct_on(parked_events.c.reaction))
    .subquery("oldest")
)
_position = func.coalesce(reaction_checkpoints.c.position, 0)
_health = Statement(
    select(
        _names.c.reaction,
        _position,
        select(func.coalesce(func.max(stored_events.c.notification_id), 0)).scalar_subquery()
        - _position,
        select(func.count()).where(parked_events.c.reaction == _names.c.reaction).scalar_subquery(),
        select(func.count())
        .where(parked_events.c.reaction == func.concat(_names.c.reaction, PUT_OFF))
        .scalar_subquery(),
        _oldest.c.position,
        _oldest.c.attempts,
        _oldest.c.error,
        _oldest.c.parked_at,
        _oldest.c.try_at,
    )
    .select_from(
        _names.outerjoin(
            reaction_checkpoints, reaction_checkpoints.c.reaction == _names.c.reaction
        ).outerjoin(_oldest, _oldest.c.reaction == _names.c.reaction)
    )
    .order_by(_names.c.reaction)
)


def _next_event(reaction: type[Reaction]) -> Any:
    checkpoint = select(reaction_checkpoints.c.position).where(
        reaction_checkpoints.c.reaction == reaction.name
    )
    its = (
        select(
            literal(reaction.name),
            stored_events.c.originator_id,
            stored_events.c.originator_version,
            stored_events.c.topic,
            stored_events.c.state,
        )
        .where(
            stored_events.c.topic.in_([cause.TOPIC for cause in reaction.causes]),
            stored_events.c.notification_id > func.coalesce(checkpoint.scalar_subquery(), 0),
        )
        .order_by(stored_events.c.notification_id)
        .limit(1)
    )
    return select(its.subquery())


_next_events = Statement(union_all(*map(_next_event, REACTIONS)))
_reaction = parameter("reaction", Text)
_at = parameter("position", BigInteger)
_streams = select(parked_events.c.reaction, parked_events.c.originator_id).where(
    or_(
        _reaction.is_(None),
        parked_events.c.reaction.in_((_reaction, func.concat(_reaction, PUT_OFF))),
    ),
    or_(_at.is_(None), parked_events.c.position == _at),
)
_retry = Statement(
    parked_events.update()
    .where(tuple_(parked_events.c.reaction, parked_events.c.originator_id).in_(_streams))
    .values(try_at=func.clock_timestamp())
    .returning(parked_events.c.position)
)


async def health(database: Database) -> list[ReactionHealth]:
    """How each reaction stands; raises ``DatabaseUnavailable``."""
    held = {name: _unknown(*event) for name, *event in await database.all(_next_events)}
    return [
        ReactionHealth(
            reaction=reaction,
            checkpoint=checkpoint,
            lag=lag,
            parked=parked,
            oldest=None if oldest[0] is None else ParkedEvent(*oldest),
            held=held.get(reaction),
            put_off=put_off,
        )
        for reaction, checkpoint, lag, parked, put_off, *oldest in await database.all(
            _health, reactions=[*NAMES]
        )
    ]


def _unknown(stream: UUID, version: int, topic: str, state: bytes) -> str | None:
    """Why this program cannot know the event, if it is of a newer one."""
    try:
        EventMapper().current_state(EventAddress(stream, version, topic), state)
    except UnknownEvent as error:
        return str(error)
    except ValueError:  # no program can read it: it will be parked
        return None
    return None


async def measure(database: Database) -> None:
    """Put the same into the metrics; raises ``DatabaseUnavailable``."""
    for one in await health(database):
        REACTION_LAG.labels(one.reaction).set(one.lag)
        REACTION_PARKED.labels(one.reaction).set(one.parked)
        REACTION_HELD.labels(one.reaction).set(one.held is not None)


async def retry(
    database: Database, reaction: str | None = None, position: int | None = None
) -> int:
    """Have parked events tried again at once; how many. Raises ``DatabaseUnavailable``.

    All of them, or those of one reaction, or the one at a position and those before and behind it
    in its stream, since a stream stays in order.
    """
    return len(await database.all(_retry, reaction=reaction, position=position))
