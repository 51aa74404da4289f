"""The log's own statements."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    LargeBinary,
    Text,
    and_,
    column,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from vidwiz.events.base import event_types
from vidwiz.events.chain import Proof
from vidwiz.events.recorded import Actor, EventMapper, EventMetadata, RecordedEvent
from vidwiz.events.sealing import EventAddress
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, first_of, one_more, parameter
from vidwiz.projections.tables import Instant, stored_events

UNORDERED: ColumnElement[Any] = literal_column("interval '1 minute'")
"""Times follow positions but for this: a transaction takes its time before its positions."""

_drafts = (
    func.unnest(
        parameter("streams", ARRAY(postgresql.UUID)),
        parameter("versions", ARRAY(BigInteger)),
        parameter("topics", ARRAY(Text)),
        parameter("states", ARRAY(LargeBinary)),
        parameter("metadata", ARRAY(Text)),
    )
    .table_valued(
        column("stream", postgresql.UUID),
        column("version", BigInteger),
        column("topic", Text),
        column("state", LargeBinary),
        column("metadata", Text),
    )
    .render_derived(name="draft")
)
APPEND = Statement(
    stored_events.insert()
    .from_select(
        [
            "originator_id",
            "originator_version",
            "topic",
            "state",
            "metadata",
            "recorded_at",
        ],
        select(
            _drafts.c.stream,
            _drafts.c.version,
            _drafts.c.topic,
            _drafts.c.state,
            _drafts.c.metadata.cast(JSON),
            parameter("recorded_at", Instant),
        ),
        include_defaults=False,
    )
    .returning(stored_events.c.notification_id)
)
"""Append events; the table's trigger takes the lock, the next positions and chains the hashes.

Must be the last statement of its transaction. A stream version that is already taken raises
``UniqueViolation``.
"""

RECORDED: Sequence[ColumnElement[Any]] = (
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

_behind = (
    select(*RECORDED)
    .where(stored_events.c.notification_id > parameter("after", BigInteger))
    .order_by(stored_events.c.notification_id)
    .limit(one_more())
    .subquery("behind")
)
BEHIND = Statement(first_of(_behind, _behind.c.notification_id, _behind.c.state))
"""The next events behind a position: the ``RECORDED`` columns, and whether there are more."""

HEAD = Statement(select(func.coalesce(func.max(stored_events.c.notification_id), 0)))
"""The highest position; 0 for an empty log."""

CLOCK = Statement(select(func.clock_timestamp(), func.max(stored_events.c.recorded_at)))
"""The database's time, and the newest time in the log; null for an empty one."""

_time = parameter("time", Instant)
_last_recorded = (
    select(stored_events.c.recorded_at)
    .where(stored_events.c.recorded_at <= _time)
    .order_by(stored_events.c.recorded_at.desc())
    .limit(1)
    .scalar_subquery()
)
POSITION_AT = Statement(
    # Adding 0 keeps PostgreSQL from walking back from the log's end for the highest position.
    select(func.coalesce(func.max(stored_events.c.notification_id + 0), 0)).where(
        stored_events.c.recorded_at <= _time,
        stored_events.c.recorded_at > _last_recorded - UNORDERED,
    )
)
"""The last position recorded at or before a time; 0 when there is none."""

_causes = (
    func.unnest(
        parameter("streams", ARRAY(postgresql.UUID)), parameter("versions", ARRAY(BigInteger))
    )
    .table_valued(column("stream", postgresql.UUID), column("version", BigInteger))
    .render_derived(name="cause")
)
CAUSES = Statement(
    select(
        stored_events.c.originator_id,
        stored_events.c.originator_version,
        stored_events.c.notification_id,
        stored_events.c.metadata["correlation_id"].astext,
    ).select_from(
        _causes.join(
            stored_events,
            and_(
                stored_events.c.originator_id == _causes.c.stream,
                stored_events.c.originator_version == _causes.c.version,
            ),
        )
    )
)
"""Positions and correlations of the events at these versions of these streams."""


_topics = select(func.min(stored_events.c.topic).label("topic")).cte("topics", recursive=True)
_next_topic = (
    select(func.min(stored_events.c.topic))
    .where(stored_events.c.topic > _topics.c.topic)
    .scalar_subquery()
)
_all_topics = _topics.union_all(select(_next_topic).where(_topics.c.topic.is_not(None)))
TOPICS = Statement(select(_all_topics.c.topic).where(_all_topics.c.topic.is_not(None)))
"""Every topic in the log; as many steps along the index as there are topics."""


def unknown(topics: Iterable[str]) -> list[str]:
    """Those of the topics that no event class has."""
    return sorted(set(topics) - event_types().keys())


def by_topic(rows: Sequence[Sequence[Any]]) -> list[tuple[str, bytes]]:
    """Topic and state of each of these rows of ``RECORDED`` columns."""
    return [(row[3], row[4]) for row in rows]


def recorded(mapper: EventMapper, row: Sequence[Any]) -> RecordedEvent:
    """The event in a row that begins with the ``RECORDED`` columns.

    Raises ``UnknownEvent`` and ``SealBroken``.
    """
    position, stream, version, topic, state, recorded_at, *proven = row[: len(RECORDED)]
    metadata, previous_hash, its_hash = proven
    origin = orjson.loads(metadata)
    if not isinstance(origin, dict):  # another program wrote it
        origin = {}
    return RecordedEvent(
        event=mapper.decode(EventAddress(stream, version, topic), state),
        originator_version=version,
        recorded_at=recorded_at,
        origin=EventMetadata(
            actor=Actor(origin.get("actor", "unknown")),
            correlation_id=origin.get("correlation_id"),
            causation_id=origin.get("causation_id"),
            request_id=origin.get("request_id"),
        ),
        position=position,
        proof=Proof(state, metadata, previous_hash, its_hash),
    )


def origin_json(origin: EventMetadata) -> str:
    """The ``metadata`` column of an event with this origin."""
    fields = {
        "actor": origin.actor,
        "correlation_id": origin.correlation_id,
        "causation_id": origin.causation_id,
    }
    if origin.request_id is not None:
        fields["request_id"] = origin.request_id
    return orjson.dumps(fields).decode()


async def head_of(database: Database) -> int:
    """The log's highest position; 0 when it is empty."""
    row = await database.one(HEAD)
    return int(row[0]) if row else 0
