"""Open live streams and people who write notes, in a process of their own."""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import uvloop

from bench.apart import call_apart, cpu_seconds
from bench.client import Client, request
from bench.stage import token_of
from bench.used import Used

WRITERS = 16
"""Connections that notes are written over."""
OPENED_AT_ONCE = 50
OPENED_WITHIN_S = 120
TOLD_WITHIN_S = 60
"""After the last note was written."""

_note = re.compile(rb'event: note\ndata: \{"type":"added","note_id":([0-9]+),')
_HELLO = b"event: hello\n"


@dataclass(frozen=True)
class Plan:
    """So many streams of each of so many users, to each of whom some of the notes belong."""

    port: int
    server: int
    users: int
    streams_of_each: int
    video_id: str
    notes: int
    notes_per_s: int


@dataclass(frozen=True)
class Told:
    """What became of the notes; times are seconds, ``generator_cpu`` counts cores.

    ``delays`` run from when a note was sent to when a page was told of it. What the server had
    used is told before the streams were opened, when all were, and at the end.
    """

    written: int
    seconds: float
    told: int
    delays: Sequence[float]
    generator_cpu: float
    used: tuple[Used, Used, Used]
    errors: Sequence[str]


def live(plan: Plan) -> Told:
    """Open the streams, write the notes, and wait until everybody was told."""
    result: Told = call_apart(_hold, plan)
    return result


def _hold(plan: Plan) -> Told:
    return uvloop.run(_Pages(plan).run())


class _Pages:
    """All streams, and what they were told."""

    def __init__(self, plan: Plan) -> None:
        self.errors: list[str] = []
        self._plan = plan
        self._sent: dict[int, float] = {}
        self._arrived: defaultdict[int, list[float]] = defaultdict(list)
        self._told = 0
        self._next = 0
        self._expected: int | None = None
        self._all_told = asyncio.Event()

    async def run(self) -> Told:
        before = Used.by(self._plan.server)
        streams = await self._open()
        opened, began, cpu = Used.by(self._plan.server), time.monotonic(), cpu_seconds()
        await asyncio.gather(*(self._write(began) for _ in range(WRITERS)))
        seconds = time.monotonic() - began
        self._expected = len(self._sent) * self._plan.streams_of_each
        self._check()
        try:
            async with asyncio.timeout(TOLD_WITHIN_S):
                await self._all_told.wait()
        except TimeoutError:
            self.errors.append(f"{self._told} of {self._expected} changes were told")
        used = (cpu_seconds() - cpu) / (time.monotonic() - began)
        after = Used.by(self._plan.server)
        for stream in streams:
            stream.close()
        return Told(
            written=len(self._sent),
            seconds=seconds,
            told=self._told,
            delays=sorted(
                at - sent for note_id, sent in self._sent.items() for at in self._arrived[note_id]
            ),
            generator_cpu=used,
            used=(before, opened, after),
            errors=self.errors,
        )

    async def _open(self) -> Sequence["_Page"]:
        owners = [
            user_id
            for user_id in range(1, self._plan.users + 1)
            for _ in range(self._plan.streams_of_each)
        ]
        pages: list[_Page] = []
        async with asyncio.timeout(OPENED_WITHIN_S):
            for first in range(0, len(owners), OPENED_AT_ONCE):
                some = owners[first : first + OPENED_AT_ONCE]
                pages += await asyncio.gather(*(_Page.opened(self, owner) for owner in some))
        return pages

    @property
    def port(self) -> int:
        return self._plan.port

    def told(self, note_id: int) -> None:
        self._told += 1
        self._arrived[note_id].append(time.monotonic())
        self._check()

    def _check(self) -> None:
        if self._told == self._expected:
            self._all_told.set()

    async def _write(self, began: float) -> None:
        """Take the next note whenever its time has come, however long the last one took."""
        client = await Client.connect(self._plan.port)
        while (number := self._next) < self._plan.notes:
            self._next += 1
            await asyncio.sleep(began + number / self._plan.notes_per_s - time.monotonic())
            note = {"video_id": self._plan.video_id, "timestamp": "1:23", "text": "as it happens"}
            token = token_of(number % self._plan.users + 1)
            sent = time.monotonic()
            status, body = await client.ask(request("POST", "/api/notes", token, note))
            if status == 201:
                self._sent[orjson.loads(body)["id"]] = sent
            else:
                self.errors.append(f"{status} {body[:200]!r}")
        client.close()


class _Page(asyncio.Protocol):
    """One open stream."""

    def __init__(self, pages: _Pages, user_id: int) -> None:
        self._pages = pages
        self._user_id = user_id
        self._open: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._rest = b""
        self._closed = False

    @classmethod
    async def opened(cls, pages: _Pages, user_id: int) -> "_Page":
        loop = asyncio.get_running_loop()
        _, page = await loop.create_connection(lambda: cls(pages, user_id), "127.0.0.1", pages.port)
        await page._open
        return page

    def close(self) -> None:
        self._closed = True
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(request("GET", "/api/stream", token_of(self._user_id)))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._closed:
            self._pages.errors.append(f"a stream ended: {exc!r} {self._rest[:200]!r}")
        if not self._open.done():
            self._open.set_exception(ConnectionError("the stream ended before its hello"))

    def data_received(self, data: bytes) -> None:
        *events, self._rest = (self._rest + data).split(b"\n\n")
        for event in events:
            if (note := _note.search(event)) is not None:
                self._pages.told(int(note[1]))
            elif _HELLO in event:
                self._open.set_result(None)
