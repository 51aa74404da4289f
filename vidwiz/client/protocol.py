"""How the log is asked for over HTTP, apart from any I/O; both clients share it."""

import json
import random
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

import httpx

from vidwiz.client.events import LoggedEvent

EVENTS = "/api/audit/events"
STREAM = "/api/audit/events/stream"
NDJSON = "application/x-ndjson"
SILENCE_S = 60.0
"""The service sends a heartbeat every 15 seconds; after a minute of silence it is gone."""
CONNECT_S = 10.0
TRANSIENT = (429, 502, 503, 504)
"""Answers after which the same request may succeed later."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.25, 30.0


class EventFilter(TypedDict, total=False):
    """What the events have in common; what is left out lets everything through.

    ``type`` names topics. ``video_id`` also covers the notes, conversations and tasks on the video.
    ``user_id`` covers what the person did, their account, notes and conversations. Both times are
    inclusive and need a time zone.
    """

    type: Sequence[str]
    stream: str
    actor: str
    correlation_id: str
    since: datetime
    until: datetime
    video_id: str
    user_id: int


class EventLogError(Exception):
    """The service refused the request, or was away for too long; ``status`` is 0 without one."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}" if status else message)
        self.status = status
        self.message = message


class LogReset(Exception):
    """The log ends before the checkpoint: it is another log, or an older copy of this one.

    What was projected from it is to be thrown away; ``position`` is where the log ends now.
    """

    def __init__(self, position: int) -> None:
        super().__init__(f"the log ends at {position}, before the checkpoint")
        self.position = position


def refusal(answer: httpx.Response | None) -> httpx.Response | None:
    """The answer, unless it came and was good, and only its body broke off."""
    return None if answer is None or answer.status_code == httpx.codes.OK else answer


def new_timeout() -> httpx.Timeout:
    """Time limits of a connection that waits for news."""
    return httpx.Timeout(CONNECT_S, read=SILENCE_S)


def parameters(
    limits: EventFilter, after: int, before: int | None = None
) -> list[tuple[str, str | int | float | bool | None]]:
    """The query of a request for events between two positions, both left out."""
    values: dict[str, Any] = {**limits, "after": after}
    if before is not None:
        values["before"] = before
    pairs: list[tuple[str, str | int | float | bool | None]] = []
    for name, value in values.items():
        many = value if isinstance(value, list | tuple) else [value]
        pairs += [(name, _text(item)) for item in many]
    return pairs


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def stream_headers(after: int) -> Mapping[str, str]:
    """Headers of a request for the live stream behind a position.

    The service resets the stream when the log does not have the position of ``Last-Event-ID``. It
    does not when it has ``after`` in the query too.
    """
    return {"Last-Event-ID": str(after)} if after else {}


def stream_parameters(
    limits: EventFilter, after: int
) -> list[tuple[str, str | int | float | bool | None]]:
    """The query of a request for the live stream behind a position."""
    return [pair for pair in parameters(limits, after) if pair[0] != "after" or after == 0]


def streamed(topic: str, data: str) -> LoggedEvent:
    """The event in a message of the live stream; raises ``LogReset``."""
    if topic == "reset":
        raise LogReset(int(json.loads(data)["after"]))
    return LoggedEvent.from_json(data)


def next_position(line: str) -> int | None:
    """Where to go on, when the line is the last of an answer that ends before the log does."""
    return int(json.loads(line)["next"]) if line.startswith('{"next":') else None


class RetryPolicy:
    """Decides after each failure how long to wait, and when to give up."""

    def __init__(self, give_up_after_s: float) -> None:
        self._give_up_after_s = give_up_after_s
        self._failures = 0
        self._failing_since = 0.0

    def succeeded(self) -> None:
        """Something arrived."""
        self._failures = 0

    def wait_s(self, error: httpx.TransportError | None, answer: httpx.Response | None) -> float:
        """Seconds until the next try. Raises ``EventLogError`` when there is to be none.

        ``error`` is None when the service answered or only closed the connection.
        """
        if answer is not None and answer.status_code not in TRANSIENT:
            raise EventLogError(answer.status_code, _message(answer))
        now = time.monotonic()
        if self._failures == 0:
            self._failing_since = now
        self._failures += 1
        if now - self._failing_since > self._give_up_after_s:
            reason = str(error) if error is not None else "the service closes the connection"
            status, text = (answer.status_code, _message(answer)) if answer else (0, reason)
            raise EventLogError(status, text)
        longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(self._failures - 1, 10))
        asked = _retry_after(answer)
        jitter = random.uniform(0.5, 1.0)  # noqa: S311 - it parts clients, it hides nothing
        return jitter * longest if asked == 0 else asked + jitter * FIRST_WAIT_S


def _retry_after(answer: httpx.Response | None) -> float:
    text = "" if answer is None else answer.headers.get("Retry-After", "")
    return min(float(text), LONGEST_WAIT_S) if text.isdecimal() else 0.0


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.reason_phrase
