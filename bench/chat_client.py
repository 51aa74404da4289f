"""Chats with Wiz, from a process of their own: many at once, each checked byte by byte."""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import orjson
import uvloop

from bench.apart import call_apart, cpu_seconds
from bench.stage import Stage
from bench.used import Used
from vidwiz.http.responses.sse import HEARTBEAT

DONE = b"data: [DONE]\n\n"
ENDS_WITHIN_S = 120
"""After the last chat was begun."""

_stamped = re.compile(rb'data: \{"content":"([0-9]+\.[0-9]+) "\}\n\n')


@dataclass(frozen=True)
class Plan:
    """What is asked where; one chat for each request, begun evenly over so many seconds.

    ``pieces`` must come behind a first one, which says when the model sent it.
    """

    port: int
    server: int
    requests: Sequence[bytes]
    over_s: float
    pieces: Sequence[str]


@dataclass(frozen=True)
class Chats:
    """What became of them; times are seconds, ``generator_cpu`` counts cores.

    A first byte's time counts from when the model sent it, a wait's from when the question was.
    A chat is open from the head of its answer to the end of it. What the server had used is told
    at the start, when the last chat was open, and at the end.
    """

    complete: int
    most_open: int
    first_bytes: Sequence[float]
    waits: Sequence[float]
    seconds: float
    generator_cpu: float
    used: tuple[Used, Used, Used]
    errors: Sequence[str]


def chats(on: Stage, requests: Sequence[bytes], over_s: float, pieces: Sequence[str]) -> Chats:
    """Hold the chats, and wait until all have ended."""
    result: Chats = call_apart(_hold, Plan(on.port, on.pid, requests, over_s, pieces))
    return result


def question(guest: str, video_id: str, message: str) -> bytes:
    """The request of a guest who begins a conversation."""
    body = orjson.dumps({"video_id": video_id, "message": message})
    lines = (
        "POST /api/wiz/chat HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Guest-Session-ID: {guest}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    )
    return "\r\n".join((*lines, "", "")).encode() + body


def _hold(plan: Plan) -> Chats:
    return uvloop.run(_Crowd(plan).run())


class _Crowd:
    """All chats, and what is counted of them."""

    def __init__(self, plan: Plan) -> None:
        self.expected = [_event(piece) for piece in plan.pieces] + [DONE]
        self.first_bytes: list[float] = []
        self.waits: list[float] = []
        self._plan = plan
        self._unopened = len(plan.requests)
        self._open = self._most_open = 0
        self._all_open: Used | None = None
        self._errors: list[str] = []

    async def run(self) -> Chats:
        before, began, cpu = Used.by(self._plan.server), time.monotonic(), cpu_seconds()
        ends = await self._begin()
        _, unended = await asyncio.wait(ends, timeout=ENDS_WITHIN_S)
        self._errors += ["a chat did not end"] * len(unended)
        seconds, after = time.monotonic() - began, Used.by(self._plan.server)
        return Chats(
            complete=len(ends) - len(self._errors),
            most_open=self._most_open,
            first_bytes=sorted(self.first_bytes),
            waits=sorted(self.waits),
            seconds=seconds,
            generator_cpu=(cpu_seconds() - cpu) / seconds,
            used=(before, self._all_open or after, after),
            errors=self._errors,
        )

    async def _begin(self) -> Sequence["asyncio.Future[None]"]:
        loop, ends = asyncio.get_running_loop(), []
        pause_s = self._plan.over_s / len(self._plan.requests)
        began = loop.time()
        for number, request in enumerate(self._plan.requests):
            await asyncio.sleep(began + number * pause_s - loop.time())
            chat = partial(_Chat, self, request)
            _, begun = await loop.create_connection(chat, "127.0.0.1", self._plan.port)
            ends.append(begun.ended)
        return ends

    def opened(self) -> None:
        self._unopened -= 1
        self._open += 1
        self._most_open = max(self._most_open, self._open)
        if self._unopened == 0:
            self._all_open = Used.by(self._plan.server)

    def ended(self, error: str | None, *, was_open: bool) -> None:
        self._open -= was_open
        if error is not None:
            self._errors.append(error)


class _Chat(asyncio.Protocol):
    """One chat: each chunk of its answer must be a whole event, and each read whole chunks."""

    def __init__(self, crowd: _Crowd, request: bytes) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._crowd = crowd
        self._request = request
        self._received = b""
        self._asked = time.monotonic()
        self._is_open = False
        self._events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(f"the connection broke after {self._events} events: {exc!r}")

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        if not self._is_open:
            data = self._head(self._received + data)
        while data and not self.ended.done():
            data = self._chunk(data, now)

    def _head(self, received: bytes) -> bytes:
        """What is behind the head; of an answer that is no stream, nothing."""
        head, end, rest = received.partition(b"\r\n\r\n")
        if not end:
            self._received = received
            return b""
        if not head.startswith(b"HTTP/1.1 200 ") or b"text/event-stream" not in head:
            status = head.partition(b"\r\n")[0]
            self._end(f"{status!r} {rest[:200]!r}")
            return b""
        self._is_open = True
        self._crowd.opened()
        return rest

    def _chunk(self, data: bytes, now: float) -> bytes:
        """What is behind the first chunk."""
        size, _, rest = data.partition(b"\r\n")
        end = int(size, 16)
        if len(rest) < end + 2:
            self._end(f"an event came in parts: {data!r}")
        elif end == 0:
            complete = self._events == len(self._crowd.expected) + 1
            self._end(None if complete else f"an answer of {self._events} events")
        elif not self._is_expected(rest[:end], now):
            self._end(f"event {self._events} was {rest[:end]!r}")
        return rest[end + 2 :]

    def _is_expected(self, event: bytes, now: float) -> bool:
        if event == HEARTBEAT:
            return True
        self._events += 1
        if self._events > 1:
            return self._crowd.expected[self._events - 2 : self._events - 1] == [event]
        stamp = _stamped.fullmatch(event)
        if stamp is not None:
            self._crowd.first_bytes.append(now - float(stamp[1]))
            self._crowd.waits.append(now - self._asked)
        return stamp is not None

    def _end(self, error: str | None) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
            self._crowd.ended(error, was_open=self._is_open)
            self._transport.abort()


def _event(piece: str) -> bytes:
    return b"data: %b\n\n" % orjson.dumps({"content": piece})
