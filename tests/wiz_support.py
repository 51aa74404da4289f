"""What the tests of Wiz share: videos to ask about, questions, and streams read to the byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpx

from tests.adapters.fake_gemini import FakeModel, Request
from tests.support import Api, new_video_id, running_api
from tests.workers import ADMIN

TERMINAL = ("completed", "stopped", "failed")
SPOKEN = [
    {"text": "Welcome to the show", "offset": 2.0, "duration": 2.0},
    {"text": "The tank was stirred", "offset": 3340.5, "duration": 3.0},
    {"text": "Houston, we've had a problem", "offset": 3354.0, "duration": 4.0},
]
"""A transcript: 0:02, 55:40 and 55:54."""

Headers = dict[str, str]


def gemini_at(model: FakeModel) -> dict[str, Any]:
    """The settings by which the service asks this stand-in."""
    return {"GEMINI_API_KEY": "x", "GOOGLE_GEMINI_BASE_URL": model.url}


@asynccontextmanager
async def wiz_api(dsn: str, data_dir: Path, model: FakeModel, **more: Any) -> AsyncIterator[Api]:
    """The app over ASGI, answered for by a stand-in Gemini."""
    async with running_api(dsn, data_dir, **gemini_at(model), **more) as its:
        yield its


def guest(name: str | None = None) -> Headers:
    """The headers of a visitor, a new one without a name."""
    return {"X-Guest-Session-ID": name or token_hex(8)}


async def ready_video(client: httpx.AsyncClient, items: Sequence[Any] = SPOKEN) -> str:
    """A video whose transcript is there; its id."""
    video_id = new_video_id()
    await open_video(client, video_id)
    path = f"/api/videos/{video_id}/transcript"
    brought = await client.post(path, content=json.dumps(items), headers=ADMIN)
    brought.raise_for_status()
    return video_id


async def open_video(client: httpx.AsyncClient, video_id: str) -> dict[str, Any]:
    answer = await client.post("/api/wiz/init", json={"video_id": video_id})
    return cast("dict[str, Any]", answer.raise_for_status().json())


async def ask(
    client: httpx.AsyncClient, who: Headers, video_id: str, message: str = "Why?", **more: Any
) -> httpx.Response:
    """The whole answer of a chat."""
    body = {"video_id": video_id, "message": message, **more}
    return await client.post("/api/wiz/chat", json=body, headers=who, timeout=60)


def ids_of(answer: Any) -> tuple[int, int]:
    """The turn and the conversation that an answer's headers name."""
    return int(answer.headers["X-Wiz-Turn-ID"]), int(answer.headers["X-Wiz-Conversation-ID"])


def payloads(body: bytes) -> list[str]:
    """The data of a plain stream, which must be framed as the contract has it."""
    events = body.decode().split("\n\n")
    assert events.pop() == ""
    assert all(one.startswith("data: ") and "\n" not in one for one in events), events
    return [one.removeprefix("data: ") for one in events]


def words_of(body: bytes) -> str:
    """The text of a plain stream's pieces."""
    return "".join(
        json.loads(one)["content"] for one in payloads(body) if one.startswith('{"content"')
    )


@dataclass(frozen=True)
class Typed:
    """An event of a typed stream."""

    event_id: str
    kind: str
    data: dict[str, Any]


def typed(body: bytes) -> list[Typed]:
    """The events of a typed stream, heartbeats left out, of which exactly the last is terminal."""
    blocks = body.decode().split("\n\n")
    assert blocks.pop() == ""
    events = [_typed(block) for block in blocks if not block.startswith(":")]
    assert [one.kind in TERMINAL for one in events] == [False] * (len(events) - 1) + [True]
    return events


def _typed(block: str) -> Typed:
    event_id, kind, data = block.split("\n")
    assert event_id.startswith("id: ")
    assert kind.startswith("event: ")
    assert data.startswith("data: ")
    return Typed(event_id[4:], kind[7:], json.loads(data[6:]))


def text_of(events: Sequence[Typed]) -> str:
    return "".join(one.data["content"] for one in events if one.kind == "delta")


def citations_of(events: Sequence[Typed]) -> list[dict[str, Any]]:
    return [one.data for one in events if one.kind == "citation"]


async def turn_stream(
    client: httpx.AsyncClient, who: Headers, turn_id: int, after: str | None = None
) -> httpx.Response:
    """The whole typed stream of a turn, from its start or behind an event's id."""
    seen = {} if after is None else {"Last-Event-ID": after}
    url = f"/api/wiz/turns/{turn_id}/stream"
    return await client.get(url, headers={**who, **seen}, timeout=60)


async def conversation(client: httpx.AsyncClient, who: Headers, its_id: int) -> dict[str, Any]:
    answer = await client.get(f"/api/wiz/conversations/{its_id}", headers=who)
    return cast("dict[str, Any]", answer.raise_for_status().json())


async def turn_of(client: httpx.AsyncClient, who: Headers, answer: Any) -> dict[str, Any]:
    """How the turn of an answer stands."""
    turn_id, conversation_id = ids_of(answer)
    turns = (await conversation(client, who, conversation_id))["turns"]
    return next(turn for turn in turns if turn["turn_id"] == turn_id)


def system_text(request: Request) -> str:
    """The system text that a model was given."""
    return "".join(part["text"] for part in request.body["systemInstruction"]["parts"])


def said(request: Request) -> list[tuple[str, str]]:
    """The conversation that a model was given: role and text."""
    return [
        (content["role"], "".join(part["text"] for part in content["parts"]))
        for content in request.body["contents"]
    ]


class RawStream:
    """An answer on a socket of its own, chunk by chunk as the server wrote it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.status = 0
        self.headers = httpx.Headers()

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        url: str,
        method: str,
        path: str,
        headers: Headers,
        body: Any = None,
        connecting: AbstractContextManager[None] | None = None,
    ) -> AsyncIterator[Self]:
        """Send the request and read the head of the answer.

        ``connecting`` is entered until the server has accepted the connection.
        """
        address = urlsplit(url)
        with connecting or nullcontext():
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            stream = cls(reader, writer)
            await stream._is_accepted()
        try:
            await stream._begin(method, path, headers, b"" if body is None else json_bytes(body))
            yield stream
        finally:
            writer.close()
            await writer.wait_closed()

    async def chunk(self) -> bytes:
        """The next chunk; empty at the end of the body."""
        async with asyncio.timeout(30):
            length = int(await self._reader.readline(), 16)
            chunk = await self._reader.readexactly(length + 2)
        assert chunk.endswith(b"\r\n")
        return chunk[:-2]

    async def rest(self) -> list[bytes]:
        """The chunks up to the end, which heartbeats do not put off for ever."""
        chunks = []
        async with asyncio.timeout(30):
            while chunk := await self.chunk():
                chunks.append(chunk)
        return chunks

    async def _is_accepted(self) -> None:
        await self._begin("GET", "/api/health/live", {}, b"")
        await self._reader.readexactly(int(self.headers["content-length"]))

    async def _begin(self, method: str, path: str, headers: Headers, body: bytes) -> None:
        lines = [f"{method} {path} HTTP/1.1", "Host: test", f"Content-Length: {len(body)}"]
        lines += ["Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        async with asyncio.timeout(30):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
        first, *rest = head.removesuffix("\r\n\r\n").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = httpx.Headers([cast("Any", line.split(": ", 1)) for line in rest])


def json_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()
