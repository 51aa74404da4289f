"""Listens to a person's live stream over ASGI, event by event, as their browser would."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from tests.support import Api, Person

WITHIN_S = 10.0


@dataclass(frozen=True)
class Heard:
    """An event of the stream."""

    position: int
    kind: str
    data: dict[str, Any]


class Listener:
    """An open request; ``status`` and ``headers`` are there once the answer has begun."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.left = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()
        self._begun = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            self._begun.set()
        elif message.get("body"):
            self._sent.put_nowait(message["body"])
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._sent.put_nowait(b"")

    async def begun(self) -> None:
        async with asyncio.timeout(WITHIN_S):
            await self._begun.wait()

    async def chunk(self) -> bytes:
        """What the server sent next; empty at the end."""
        async with asyncio.timeout(WITHIN_S):
            return await self._sent.get()

    async def heard(self) -> Heard | None:
        """The next event, heartbeats left out; None at the end."""
        while (chunk := await self.chunk()).startswith(b":"):
            continue
        return _event(chunk) if chunk else None

    async def until(self, kind: str) -> list[Heard]:
        """The events up to and including the first of a kind."""
        events: list[Heard] = []
        while not events or events[-1].kind != kind:
            event = await self.heard()
            assert event is not None, events
            events.append(event)
        return events

    def nothing_is_waiting(self) -> bool:
        return self._sent.empty()


def _event(chunk: bytes) -> Heard:
    position, kind, data, *rest = chunk.decode().split("\n")
    assert rest == ["", ""]
    assert position.startswith("id: ")
    assert kind.startswith("event: ")
    assert data.startswith("data: ")
    return Heard(int(position[4:]), kind[7:], json.loads(data[6:]))


@asynccontextmanager
async def listening(
    api: Api, person: Person, *, after: Any = None, named: tuple[str, ...] = (), hello: bool = True
) -> AsyncIterator[Listener]:
    """An open stream, whose hello was read unless ``hello`` is false."""
    listener = Listener()
    headers = {**person.headers, **({} if after is None else {"Last-Event-ID": str(after)})}
    app = cast("Any", api.client)._transport.app
    scope = _scope(headers, urlencode([("video_id", one) for one in named]))
    asking = asyncio.create_task(app(scope, listener.receive, listener.send))
    try:
        await listener.begun()
        if hello:
            first = await listener.heard()
            assert first is not None
            assert (first.kind, first.data) == ("hello", {})
        yield listener
    finally:
        listener.left.set()
        await asyncio.wait([asking], timeout=WITHIN_S)


def _scope(headers: dict[str, str], query: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/stream",
        "raw_path": b"/api/stream",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("test", 80),
    }
