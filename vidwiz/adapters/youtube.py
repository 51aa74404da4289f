"""What reading from YouTube has in common: its refusals, another address for it, and threads."""

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Literal, TypeVar

YOUTUBE = "https://www.youtube.com"

Code = Literal[
    "blocked",
    "too_many_requests",
    "disabled",
    "unavailable",
    "age_restricted",
    "no_transcript",
    "unreachable",
    "not_understood",
]

MESSAGES: Mapping[str, str] = {
    "blocked": "YouTube refuses requests from this server.",
    "too_many_requests": "YouTube asks this server to slow down.",
    "disabled": "The video's owner has switched its subtitles off.",
    "unavailable": "The video is private, deleted or not available here.",
    "age_restricted": "YouTube shows the video to signed-in adults only.",
    "no_transcript": "The video has no subtitles.",
    "unreachable": "YouTube could not be reached.",
    "not_understood": "YouTube's answer could not be understood.",
}
_OF_THE_VIDEO = frozenset({"disabled", "unavailable", "age_restricted", "no_transcript"})
_OF_THIS_SERVER = frozenset({"blocked", "too_many_requests", "unreachable"})

_FORBIDDEN = 403
_NOT_FOUND = frozenset({404, 410})
_TOO_MANY_REQUESTS = 429

# The order counts: "Sign in to confirm your age" is no bot's, a rate limit says "isn't available".
_REASONS: tuple[tuple[re.Pattern[str], Code], ...] = (
    (re.compile(r"not a bot|being blocked|captcha", re.IGNORECASE), "blocked"),
    (re.compile(r"try again later|rate.?limit", re.IGNORECASE), "too_many_requests"),
    (re.compile(r"\bage\b|inappropriate", re.IGNORECASE), "age_restricted"),
)

_ID = re.compile(r"[A-Za-z0-9_-]{11}")

T = TypeVar("T")


class YouTubeRefusal(Exception):
    """YouTube did not give what was asked for.

    ``code`` is stable, ``message`` is for people, the exception's own text is for operators.
    """

    def __init__(self, code: Code, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code = code
        self.message = MESSAGES[code]

    @property
    def is_permanent(self) -> bool:
        """Whether it is the video that lacks something, so that asking again is in vain."""
        return self.code in _OF_THE_VIDEO

    @property
    def is_of_this_server(self) -> bool:
        """Whether other videos would be refused as well for now."""
        return self.code in _OF_THIS_SERVER


def require_id(video_id: str) -> None:
    """Raises ``YouTubeRefusal`` when no video can have this id; clients may note anything."""
    if _ID.fullmatch(video_id) is None:
        raise YouTubeRefusal("unavailable", "not an id of YouTube")


def refused_because(reason: str) -> YouTubeRefusal:
    """What YouTube means when it gives this reason for not playing a video."""
    for pattern, code in _REASONS:
        if pattern.search(reason):
            return YouTubeRefusal(code, reason)
    return YouTubeRefusal("unavailable", reason)


def refused_with(status: int) -> YouTubeRefusal:
    """What an HTTP status that is no success means."""
    code: Code = "unreachable"
    if status == _TOO_MANY_REQUESTS:
        code = "too_many_requests"
    elif status == _FORBIDDEN:
        code = "blocked"
    elif status in _NOT_FOUND:
        code = "unavailable"
    return YouTubeRefusal(code, f"HTTP {status}")


def elsewhere(url: str, base_url: str | None) -> str:
    """The same address at another server that speaks YouTube's protocol, if there is one."""
    if base_url is None or not url.startswith(YOUTUBE):
        return url
    return base_url.rstrip("/") + url.removeprefix(YOUTUBE)


async def in_thread(work: Callable[[], T], timeout_s: float) -> T:
    """Do blocking work; raises ``YouTubeRefusal`` when it takes too long.

    The thread is left to itself then. It is a daemon, so it does not keep the program from ending,
    which a thread of asyncio's own would.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[T] = loop.create_future()

    def settle(deliver: Callable[[], None]) -> None:
        if not result.done():
            deliver()

    def run() -> None:
        try:
            deliver = partial(result.set_result, work())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            deliver = partial(result.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(settle, deliver)

    threading.Thread(target=run, name="youtube", daemon=True).start()
    try:
        async with asyncio.timeout(timeout_s):
            return await result
    except TimeoutError as error:
        raise YouTubeRefusal("unreachable", f"no answer within {timeout_s:g} s") from error
