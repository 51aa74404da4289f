"""Those who use the service while it is troubled: writers, followers, uploaders, askers."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import httpx
import orjson

from bench.chaos.clock import until
from bench.chaos.tally import Tally
from bench.stage import ADMIN_TOKEN

PAUSE_S = 0.05
RETRY_S = 0.1
GIVE_UP_S = 30.0
"""A client waits no longer for an answer."""
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


@dataclass
class Writer:
    """Adds note after note, each with a key, each until it is acknowledged."""

    number: int
    base: str
    tally: Tally
    headers: dict[str, str] = field(default_factory=dict)
    video_id: str = field(default_factory=lambda: token_hex(6)[:11])
    stopping: bool = False

    async def sign_up(self, client: httpx.AsyncClient) -> None:
        """An account of its own."""
        account = {"email": f"{token_hex(6)}@example.org", "password": "a long secret"}
        signed = await client.post("/api/user/signup", json={**account, "name": "Writer"})
        signed.raise_for_status()
        token = (await client.post("/api/user/login", json=account)).raise_for_status()
        self.headers = {"Authorization": f"Bearer {token.json()['token']}"}

    async def write(self, client: httpx.AsyncClient) -> None:
        """Write until told to stop; the note under way is finished."""
        count = 0
        while not self.stopping:
            count += 1
            await self._write_one(client, f"{self.number}-{count}")
            await asyncio.sleep(PAUSE_S)

    async def _write_one(self, client: httpx.AsyncClient, text: str) -> None:
        note = {"video_id": self.video_id, "video_title": "T", "timestamp": "1:23", "text": text}
        headers = {**self.headers, "Idempotency-Key": token_hex(8)}
        while True:
            began = time.monotonic()
            try:
                answer = await client.post("/api/notes", json=note, headers=headers)
            except httpx.TransportError:
                self.tally.cut_off += 1
                self.tally.longest_s = max(self.tally.longest_s, time.monotonic() - began)
            else:
                self.tally.answered(answer.status_code, time.monotonic() - began, answer.text)
                if answer.status_code == httpx.codes.CREATED:
                    self.tally.accepted(self.number, text)
                    return
            await asyncio.sleep(RETRY_S)

    async def kept(self, client: httpx.AsyncClient) -> Counter[str]:
        """The texts that the service has."""
        answer = await client.get(f"/api/notes/{self.video_id}", headers=self.headers)
        return Counter(note["text"] for note in answer.raise_for_status().json())


@dataclass
class Follower:
    """Reads the log's live stream, goes on behind the last event, and looks for holes."""

    base: str
    positions: list[int] = field(default_factory=list)
    reconnections: int = 0
    refused: Counter[int] = field(default_factory=Counter)

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Follow until cancelled."""
        while True:
            last = self.positions[-1] if self.positions else 0
            headers = {**ADMIN, "Last-Event-ID": str(last)}
            with suppress(httpx.TransportError):  # it connects again
                await self._read(client, headers)
            self.reconnections += 1
            await asyncio.sleep(RETRY_S)

    async def _read(self, client: httpx.AsyncClient, headers: dict[str, str]) -> None:
        async with client.stream("GET", "/api/audit/events/stream", headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                self.refused[answer.status_code] += 1
                return
            async for line in answer.aiter_lines():
                if line.startswith("id:"):
                    self.positions.append(int(line[3:]))

    def problems(self, head: int) -> list[str]:
        """Events that it missed, or was told twice, up to ``head``."""
        seen = self.positions
        dense = list(range(seen[0], seen[-1] + 1)) if seen else []
        found = [] if seen == dense else [f"a follower saw {len(seen)} of {len(dense)} events"]
        if not seen or seen[-1] < head:
            found.append(f"a follower stands at {seen[-1] if seen else 0} of {head}")
        odd = {status: n for status, n in self.refused.items() if status != 503}
        return found + ([f"a follower was answered {odd}"] if odd else [])


@dataclass
class Uploader:
    """Brings transcripts for new videos until each is accepted; they must be there in the end."""

    tally: Tally
    kept: dict[str, str] = field(default_factory=dict)
    stopping: bool = False

    async def work(self, client: httpx.AsyncClient) -> None:
        """Bring one after the other."""
        while not self.stopping:
            video_id, words = token_hex(6)[:11], token_hex(8)
            if await self._until_ok(client, "/api/wiz/init", orjson.dumps({"video_id": video_id})):
                content = orjson.dumps([{"text": words, "offset": 1, "duration": 2}])
                path = f"/api/videos/{video_id}/transcript"
                if await self._until_ok(client, path, content):
                    self.kept[video_id] = words
            await asyncio.sleep(PAUSE_S)

    async def _until_ok(self, client: httpx.AsyncClient, path: str, content: bytes) -> bool:
        headers = {**ADMIN, "Content-Type": "application/json"}
        while not self.stopping:
            began = time.monotonic()
            try:
                answer = await client.post(path, content=content, headers=headers)
            except httpx.TransportError:
                self.tally.cut_off += 1
            else:
                self.tally.answered(answer.status_code, time.monotonic() - began, answer.text)
                if answer.is_success:
                    return True
            await asyncio.sleep(RETRY_S)
        return False

    async def lost(self, client: httpx.AsyncClient) -> int:
        """How many of the accepted transcripts are not there, or are others."""
        lost = 0
        for video_id, words in self.kept.items():
            answer = await client.get(f"/api/videos/{video_id}/transcript", headers=ADMIN)
            lost += answer.status_code != httpx.codes.OK or words not in answer.text
        return lost


@dataclass
class Asker:
    """Asks Wiz about a video with a transcript; a failed answer is an event of the stream."""

    tally: Tally
    video_id: str
    answers: int = 0
    failures: int = 0
    stopping: bool = False

    async def work(self, client: httpx.AsyncClient) -> None:
        """Ask again and again, each time as another guest."""
        while not self.stopping:
            began = time.monotonic()
            question = {"video_id": self.video_id, "message": "What happened?"}
            headers = {"X-Guest-Session-ID": token_hex(8)}
            try:
                answer = await client.post("/api/wiz/chat", json=question, headers=headers)
            except httpx.TransportError:
                self.tally.cut_off += 1
            else:
                self.tally.answered(answer.status_code, time.monotonic() - began, answer.text)
                done = answer.status_code == httpx.codes.OK and "[DONE]" in answer.text
                self.answers += done
                self.failures += not done
            await asyncio.sleep(4 * PAUSE_S)


@dataclass
class Crowd:
    """All clients of a trial."""

    base: str
    tally: Tally = field(default_factory=Tally)
    writers: list[Writer] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    others: list[Uploader | Asker] = field(default_factory=list)

    def client(self, timeout_s: float = GIVE_UP_S) -> httpx.AsyncClient:
        """Connections to the service; a follower's are silent for as long as nothing happens."""
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        return httpx.AsyncClient(base_url=self.base, timeout=timeout_s, limits=limits)

    async def all_writing(self, within_s: float = 30.0) -> None:
        """Wait until every writer has an acknowledgement."""

        async def everybody() -> bool:
            return len(self.tally.acknowledged) == len(self.writers)

        await until(everybody, within_s, "a first acknowledgement of every writer")

    async def recovered(self, within_s: float) -> None:
        """Wait until every writer has been acknowledged again, or the time is over."""

        async def back() -> bool:
            return self.tally.recovered_s is not None

        try:
            await until(back, within_s, "recovery")
        except TimeoutError as error:
            self.tally.odd.append(str(error))


def followed(followers: list[Follower]) -> str:
    """What followers saw, in a phrase."""
    seen: Any = min((len(one.positions) for one in followers), default=0)
    return f"{seen} events, {sum(one.reconnections for one in followers)} reconnections"
