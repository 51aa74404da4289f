"""The log's own statements, and the hash chain as anybody can recompute it."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Column, LargeBinary, Text, column, func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from vidwiz.events.log import Actor, EventMapper, Origin, Recorded
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import Instant, stored_events

GENESIS = bytes(32)
"""The previous hash of the first event."""

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

_RECORDED: Sequence[Column[Any]] = (
    stored_events.c.notification_id,
    stored_events.c.originator_version,
    stored_events.c.topic,
    stored_events.c.state,
    stored_events.c.recorded_at,
    stored_events.c.metadata,
)

BEHIND = Statement(
    select(*_RECORDED)
    .where(stored_events.c.notification_id > parameter("after", BigInteger))
    .order_by(stored_events.c.notification_id)
    .limit(parameter("at_most", BigInteger))
)
"""The next events behind a position."""

HEAD = Statement(select(func.coalesce(func.max(stored_events.c.notification_id), 0)))
"""The highest position; 0 for an empty log."""


def recorded(mapper: EventMapper, row: Sequence[Any]) -> Recorded:
    """The event in a row of ``BEHIND``; raises ``UnknownEvent``."""
    position, version, topic, state, recorded_at, metadata = row
    return Recorded(
        event=mapper.decode(topic, state),
        originator_version=version,
        recorded_at=recorded_at,
        origin=Origin(
            actor=Actor(metadata.get("actor", "unknown")),
            correlation_id=metadata.get("correlation_id"),
            causation_id=metadata.get("causation_id"),
        ),
        position=position,
    )


def chained_hash(
    previous: bytes,
    *,
    position: int,
    stream: UUID,
    version: int,
    topic: str,
    recorded_at: datetime,
    metadata: str,
    state: bytes,
) -> bytes:
    """The hash of a row: SHA-256 over the previous hash and the row's fields.

    Each field is UTF-8 text behind its length (4 bytes, big-endian), in the order of the
    arguments; ``metadata`` is the column's text to the letter and ``recorded_at`` is written
    like ``2026-01-31T23:59:59.000001Z``. The trigger ``chain_event`` computes the same.
    """
    when = recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    texts = (str(position), str(stream), str(version), topic, when, metadata)
    digest = hashlib.sha256(previous)
    for part in (*(text.encode() for text in texts), state):
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.digest()


def origin_json(origin: Origin) -> str:
    """The ``metadata`` column of an event with this origin."""
    return orjson.dumps(
        {
            "actor": origin.actor,
            "correlation_id": origin.correlation_id,
            "causation_id": origin.causation_id,
        }
    ).decode()
