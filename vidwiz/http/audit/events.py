"""The log as auditors read it: filtered, followed, one event, and what followed from a request."""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Literal

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from quart import Blueprint, Response, request
from quart_schema import document_headers, document_querystring
from werkzeug.exceptions import MethodNotAllowed

from vidwiz.audit.causation import causation_of
from vidwiz.audit.filters import Filter
from vidwiz.audit.one_event import seen
from vidwiz.audit.reading import Range, follow, page, pages
from vidwiz.audit.shapes import as_json, shape
from vidwiz.audit.times import instant_of
from vidwiz.event_store.statements import head_of
from vidwiz.events import event_types
from vidwiz.events.recorded import UnknownEvent
from vidwiz.events.sealing import SealBroken
from vidwiz.http.access.guards import Admin, admin_only
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.queries import read_query
from vidwiz.http.requests.youtube_ids import LoggedId
from vidwiz.http.responses import audit_models, sse
from vidwiz.http.responses.answers import JSON_TYPE, NDJSON_TYPE, big_json, json_answer, ndjson
from vidwiz.http.services import Services, services
from vidwiz.postgres.pool import DatabaseUnavailable
from vidwiz.postgres.statement import MAX_BIGINT

audit = Blueprint("audit", __name__, url_prefix="/audit")

EVENTS_PER_PAGE = 100
MOST_PER_PAGE = 1000

UNREADABLE = (DatabaseUnavailable, UnknownEvent, SealBroken)
"""Why a stream that has begun ends: it is too late for a status that says so."""

log = structlog.get_logger(__name__)

_position = re.compile(r"[0-9]{1,18}")
_correlation = re.compile(r"^[A-Za-z0-9._-]{1,64}$")


def _topic(name: str) -> str:
    if name not in event_types():
        raise ValueError("there is no such event type")
    return name


def _stream(name: str) -> str:
    noun, _, key = name.partition(":")
    if noun not in {kind.NOUN for kind in event_types().values()} or not key:
        raise ValueError("a stream is named like note:17")
    return name


Topic = Annotated[str, CheckedAs(_topic, enum=sorted(event_types()))]
Words = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")]
Position = Annotated[int, Field(ge=0, le=MAX_BIGINT)]
Instant = Annotated[datetime, BeforeValidator(instant_of)]


class Wanted(BaseModel):
    """What the events have in common; times are ISO 8601, UTC if they name no zone.

    ``video_id`` covers the video and the notes, conversations and tasks on it; ``user_id`` what the
    person did, their account, and their notes and conversations, whoever changed them.
    """

    model_config = ConfigDict(extra="forbid")

    type: list[Topic] = Field([], max_length=100)
    stream: Annotated[Words, CheckedAs(_stream, examples=["note:17"])] | None = None
    actor: Words | None = None
    correlation_id: Annotated[str, Field(pattern=_correlation.pattern)] | None = None
    since: Instant | None = None
    until: Instant | None = None
    video_id: LoggedId | None = None
    user_id: Annotated[int, Field(ge=1, le=MAX_BIGINT)] | None = None
    after: Position | None = None

    @property
    def filter(self) -> Filter:
        """The same for the statements."""
        return Filter(
            topics=tuple(sorted(set(self.type))),
            stream=self.stream,
            actor=self.actor,
            correlation_id=self.correlation_id,
            since=self.since,
            until=self.until,
            video_id=self.video_id,
            user_id=self.user_id,
        )


class EventStreamQuery(Wanted):
    """Which events, up to a position that is left out."""

    before: Position = MAX_BIGINT


class EventsQuery(EventStreamQuery):
    """Which events, between two positions that are left out, and in which order."""

    order: Literal["asc", "desc"] = "asc"
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] | None = None

    @property
    def range(self) -> Range:
        """The positions."""
        return Range(self.after or 0, self.before, newest_first=self.order == "desc")


class LastEventId(BaseModel):
    """Where to go on."""

    last_event_id: str | None = Field(None, pattern=r"^[0-9]{1,18}$")


@audit.get("/events")
@documented("audit", audit_models.LoggedEvents, 401, 403, 422, 429, 503)
@document_querystring(EventsQuery)
@admin_only
async def get_events(_: Admin) -> Response:
    """A page of the log; with ``Accept: application/x-ndjson`` all of it, one event a line.

    A stream that ends before the log does, since ``limit`` is reached or the service stops, says
    in its last line ``{"next": <position>}`` where to go on.
    """
    query = read_query(EventsQuery)
    if request.accept_mimetypes.best_match([JSON_TYPE, NDJSON_TYPE]) == NDJSON_TYPE:
        services().desk.streams.require_room()
        return ndjson(services().desk.streams.counted(_lines(services(), query)))
    limit = query.limit or EVENTS_PER_PAGE
    found = await page(services().desk.log, query.filter, query.range, limit)
    events = b",".join(map(as_json, found.events))
    end = b"null" if found.next is None else b"%d" % found.next
    return json_answer(b'{"events":[%b],"next":%b}' % (events, end))


async def _lines(its: Services, query: EventsQuery) -> AsyncGenerator[bytes, None]:
    """The lines; when the log cannot be read on, the last says where to go on."""
    going_on: int | None = MAX_BIGINT if query.range.newest_first else query.range.after
    reading = pages(its.desk.log, query.filter, query.range, query.limit)
    try:
        async with aclosing(reading):
            async for found in reading:
                yield b"".join(as_json(one) + b"\n" for one in found.events)
                going_on = found.next
                if its.desk.streams.is_over():
                    break
    except UNREADABLE as error:
        log.warning("lines of the log end before it does", error=str(error))
    if going_on is not None:
        yield b'{"next":%d}\n' % going_on


@audit.get("/events/<position>")
@documented("audit", audit_models.EventInItsStream, 401, 403, 404, 503)
@admin_only
async def get_event(_: Admin, position: str) -> Response:
    """One event, its neighbours in its stream, and what it changed of what they tell."""
    found = None
    if _position.fullmatch(position):
        found = await seen(services().desk.log, int(position))
    if found is None:
        raise ApiError(404, "There is no such position")
    return big_json(
        {
            "event": shape(found.event),
            "previous": found.previous and shape(found.previous),
            "next": found.next and shape(found.next),
            "changes": found.changes,
        }
    )


@audit.get("/events/stream")
@documented("audit", audit_models.EventStream, 400, 401, 403, 422, 429, 503, empty=204)
@document_querystring(EventStreamQuery)
@document_headers(LastEventId)
@admin_only
async def get_event_stream(_: Admin) -> Response:
    """Follow the log as server-sent events whose ids are positions.

    It goes on behind ``Last-Event-ID``, or begins behind ``after``, or with what is to come, and
    ends at ``before`` if that is given; whoever asks for more of it then is told 204. A
    ``Last-Event-ID`` that the log does not have is answered by an event ``reset``, behind whose id
    the stream begins: what was missed is to be read from the pages.
    """
    if request.method == "HEAD":  # which Quart adds to every GET
        raise MethodNotAllowed(["GET"])
    query = read_query(EventStreamQuery)
    services().desk.streams.require_room()
    head = await head_of(services().database)
    seen, is_known = _seen(head)
    after = head if query.after is None else query.after
    within = Range(after if seen is None else seen, query.before)
    if is_known and within.after + 1 >= query.before:
        return sse.no_more()
    live = _live(services(), query.filter, within, is_reset=not is_known)
    return sse.stream(services().desk.streams.counted(live))


def _seen(head: int) -> tuple[int | None, bool]:
    """What the client says that it saw last, and whether the log has that."""
    last = request.headers.get("Last-Event-ID")
    if last is None or last == "":
        return None, True
    if _position.fullmatch(last) is None or int(last) > head:
        return None, False
    return int(last), True


async def _live(
    its: Services, wanted: Filter, within: Range, *, is_reset: bool
) -> AsyncGenerator[bytes, None]:
    """The stream; when the log cannot be read it ends, and the client that asks again is told."""
    following = follow(its.desk.log, its.signals, wanted, within, its.desk.streams.is_over)
    yield sse.HEARTBEAT  # the client learns at once that it is heard
    if is_reset:
        yield sse.event(b'{"after":%d}' % within.after, "reset", str(within.after))
    try:
        async with aclosing(following):
            async for events in following:
                for one in events:
                    yield sse.event(as_json(one), one.event.TOPIC, str(one.position))
                if not events:
                    yield sse.HEARTBEAT
    except UNREADABLE as error:
        log.warning("a stream of the log ends", error=str(error))


@audit.get("/correlations/<correlation_id>")
@documented("audit", audit_models.Causation, 401, 403, 404, 503)
@admin_only
async def get_correlation(_: Admin, correlation_id: str) -> Response:
    """What followed from the request with this ``X-Request-ID``: events, and their effects."""
    found = None
    if _correlation.fullmatch(correlation_id):
        found = await causation_of(services().desk.log, correlation_id)
    if found is None:
        raise ApiError(404, "Nothing followed from such a request")
    return big_json(found)
