"""The live stream: what changes for a person, told to their open pages."""

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from pydantic import BaseModel, Field
from quart import Blueprint, Response, request
from quart_schema import document_headers, document_querystring
from werkzeug.exceptions import MethodNotAllowed

from vidwiz.adapters.youtube_links import youtube_id
from vidwiz.http.access.guards import User, bearer, user_only
from vidwiz.http.documented import documented
from vidwiz.http.errors import UNAVAILABLE, ApiError
from vidwiz.http.requests.youtube_ids import YouTubeId
from vidwiz.http.responses import models, sse
from vidwiz.http.services import Services, services
from vidwiz.live.hub import TooManyLiveStreams
from vidwiz.live.stream import Told

live = Blueprint("live", __name__)

MOST_NAMED = 50
HEARTBEAT_S = 15.0
"""Seconds without news after which a client hears that the stream lives, and its token is read."""
RETRY_AFTER_S = 30

FAILURES: tuple[type[Exception], ...] = (TooManyLiveStreams, *UNAVAILABLE)

_position = re.compile(r"[0-9]{1,18}")


class LiveQuery(BaseModel):
    """Videos to hear of beside those that the user has notes or conversations on."""

    video_id: list[YouTubeId] = Field([], max_length=MOST_NAMED)


class LastPosition(BaseModel):
    """The id of the last event that was seen."""

    last_event_id: str | None = None


@live.get("/stream")
@documented("live", models.LiveStream, 400, 401, 429, 503)
@document_querystring(LiveQuery)
@document_headers(LastPosition)
@user_only
async def get_stream(caller: User) -> Response:
    """What changes for the caller, as server-sent events, from now or from ``Last-Event-ID`` on.

    The first is ``hello``; ``reset`` says that something was missed, so that everything has to be
    read again; the others name what changed.
    """
    if request.method == "HEAD":  # which Quart adds to every GET
        raise MethodNotAllowed(["GET"])
    named, seen, token = _named(), _seen(), bearer()
    try:
        await services().hub.admit(caller.user_id)
    except TooManyLiveStreams:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        raise ApiError(429, "Too many open streams", headers=headers) from None
    return sse.stream(_events(services(), caller, token, named, seen))


async def _events(
    its: Services, caller: User, token: str, named: frozenset[str], seen: int | None
) -> AsyncGenerator[bytes, None]:
    """The stream; a client whom it fails asks again, and is told why."""
    try:
        async with (
            its.hub.listening(caller.user_id, named, seen) as stream,
            aclosing(stream.follow(HEARTBEAT_S)) as told,
        ):
            checked = time.monotonic()
            async for one in told:
                if one is None or stream.doubted or time.monotonic() - checked > HEARTBEAT_S:
                    stream.doubted, checked = False, time.monotonic()
                    if not await its.guard.still_admits(caller, token):
                        return
                yield sse.HEARTBEAT if one is None else _framed(one)
    except FAILURES:
        return


def _framed(told: Told) -> bytes:
    return sse.event(told.data, told.kind, str(told.position))


def _named() -> frozenset[str]:
    try:
        named = frozenset(map(youtube_id, request.args.getlist("video_id")))
    except ValueError as error:
        raise ApiError(400, str(error)) from None
    if len(named) > MOST_NAMED:
        raise ApiError(400, f"video_id must name at most {MOST_NAMED} videos")
    return named


def _seen() -> int | None:
    """The position that the client names; -1 for what can be none."""
    text = request.headers.get("Last-Event-ID")
    if text is None or text == "":
        return None
    return int(text) if _position.fullmatch(text) else -1
