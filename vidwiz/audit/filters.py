"""Which events are wanted, and the statements that find a page of them by the log's indexes."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, and_, func, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, UUID

from vidwiz.event_store.statements import RECORDED, UNORDERED
from vidwiz.events import ConversationStarted, NoteAdded
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import Actor
from vidwiz.postgres.statement import Statement, first_of, one_more, parameter
from vidwiz.projections.tables import BEGINNINGS, Instant, stored_events

BEGUN_BY_PERSONS = (NoteAdded.TOPIC, ConversationStarted.TOPIC)


@dataclass(frozen=True, slots=True)
class Filter:
    """What the wanted events have in common; what is empty or None lets everything through.

    ``stream`` is a readable name such as ``note:17``. ``video_id`` covers the video's own stream
    and those of the notes, conversations and tasks that began on it; ``user_id`` covers what the
    person did, their account, and the notes and conversations that they began, whoever changed
    them. ``since`` and ``until`` are inclusive.
    """

    topics: tuple[str, ...] = ()
    stream: str | None = None
    actor: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    video_id: str | None = None
    user_id: int | None = None

    @property
    def names(self) -> frozenset[str]:
        """The fields that keep something back."""
        return frozenset(name for name, value in asdict(self).items() if value not in (None, ()))

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of the statement for ``names``."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.names}
        if "topics" in values:
            values["topics"] = [*self.topics]
        if self.stream is not None:
            values["stream"] = stream_id(self.stream)
        if self.video_id is not None:
            values["video_stream"] = stream_id(f"video:{self.video_id}")
        if self.user_id is not None:
            values["user"] = Actor.user(self.user_id)
            values["user_stream"] = stream_id(f"user:{self.user_id}")
        return values


_position = stored_events.c.notification_id
_stream = stored_events.c.originator_id
_recorded_at = stored_events.c.recorded_at
_begun = stored_events.alias("begun")
_its = stored_events.alias("its")


def _last_before(time: ColumnElement[datetime]) -> ColumnElement[int]:
    """The position of the latest event up to a time; others of its time may be around it."""
    latest = (
        select(_its.c.notification_id)
        .where(_its.c.recorded_at <= time)
        .order_by(_its.c.recorded_at.desc())
        .limit(1)
    )
    return func.coalesce(latest.scalar_subquery(), 0)


def _since() -> ColumnElement[bool]:
    since = parameter("since", Instant)
    return and_(_recorded_at >= since, _position > _last_before(since - UNORDERED))


def _until() -> ColumnElement[bool]:
    until = parameter("until", Instant)
    return and_(_recorded_at <= until, _position <= _last_before(until + UNORDERED))


def _about_video() -> ColumnElement[bool]:
    began_on_it = select(_begun.c.originator_id).where(
        _begun.c.topic.in_(BEGINNINGS),
        func.event_field(_begun.c.state, "video_id") == parameter("video_id", Text),
    )
    streams = union_all(select(parameter("video_stream", UUID).cast(UUID)), began_on_it)
    return _stream.in_(streams)


def _by_or_about_user() -> ColumnElement[bool]:
    user = parameter("user", Text)
    began = select(_begun.c.originator_id).where(
        _begun.c.metadata["actor"].astext == user,
        _begun.c.topic.in_(BEGUN_BY_PERSONS),
    )
    streams = union_all(select(parameter("user_stream", UUID).cast(UUID)), began)
    about = select(_its.c.notification_id).where(_its.c.originator_id.in_(streams))
    by = select(_its.c.notification_id).where(_its.c.metadata["actor"].astext == user)
    return _position.in_(union_all(about, by))


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "topics": stored_events.c.topic == func.any(parameter("topics", ARRAY(Text))),
    "stream": _stream == parameter("stream", UUID),
    "actor": stored_events.c.metadata["actor"].astext == parameter("actor", Text),
    "correlation_id": stored_events.c.metadata["correlation_id"].astext
    == parameter("correlation_id", Text),
    "since": _since(),
    "until": _until(),
    "video_id": _about_video(),
    "user_id": _by_or_about_user(),
}


@cache
def page_of(names: frozenset[str], *, newest_first: bool) -> Statement:
    """The statement for a page of the events that a filter with these fields lets through.

    It takes the filter's values, ``after`` and ``before``, which both keep their own position out,
    ``at_most`` events, and ``at_most_bytes`` of their states (one event may have any size). Its
    rows are the ``RECORDED`` columns and whether more events match than the page has.
    """
    order = _position.desc() if newest_first else _position
    matching = (
        select(*RECORDED)
        .where(
            _position > parameter("after", BigInteger),
            _position < parameter("before", BigInteger),
            *(_CONDITIONS[name] for name in sorted(names)),
        )
        .order_by(order)
        .limit(one_more())
        .subquery("matching")
    )
    its_order = matching.c.notification_id.desc() if newest_first else matching.c.notification_id
    return Statement(first_of(matching, its_order, matching.c.state))
