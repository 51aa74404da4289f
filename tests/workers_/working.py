"""What the tests of workers share: a service, workers in this process or their own, their log."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from structlog.testing import capture_logs

from tests.support import (
    ADMIN_TOKEN,
    Server,
    bearer,
    eventually,
    new_video_id,
    server_environment,
)
from tests.workers import sign_up
from vidwiz.workers.config import Timeouts, WorkerConfig
from vidwiz.workers.jobs import Kind
from vidwiz.workers.pauses import Stop
from vidwiz.workers.run import run_workers

ADMIN = bearer(ADMIN_TOKEN)
QUICK = Timeouts(
    poll_s=5,
    work_s=10,
    fetch_s=5,
    patience_s=0.3,
    deliver_s=60,
    grace_s=3,
    first_pause_s=0.05,
    longest_pause_s=0.2,
    first_rest_s=0.05,
    longest_rest_s=0.1,
    hidden_s=3,
)
Line = MutableMapping[str, Any]


@dataclass
class Working:
    """Workers that run in this process; ``lines`` is their log."""

    stop: Stop
    lines: list[Line] = field(default_factory=list)

    @property
    def jobs(self) -> list[Line]:
        """The lines of jobs."""
        return [line for line in self.lines if line["event"] == "job"]

    async def jobs_done(self, video_id: str, count: int) -> None:
        """Wait until so many jobs of the video are done."""

        async def done() -> bool:
            its = [(line["video_id"], line["outcome"]) for line in self.jobs]
            return its.count((video_id, "done")) == count

        await eventually(done, 20)

    async def job(self, video_id: str, outcome: str | None = None, attempts: int = 0) -> Line:
        """The line of a video's job, which may still have to come."""

        def found() -> list[Line]:
            return [
                line
                for line in self.jobs
                if line["video_id"] == video_id
                and outcome in (None, line["outcome"])
                and attempts in (0, line["attempts"])
            ]

        async def there() -> bool:
            return bool(found())

        await eventually(there, 20)
        return found()[-1]


@asynccontextmanager
async def working(
    api_url: str, *kinds: Kind, pace: Timeouts = QUICK, **config: Any
) -> AsyncIterator[Working]:
    """Workers of these kinds, until the block ends."""
    its = Working(Stop(pace.grace_s))
    config = {"admin_token": ADMIN_TOKEN, **config}
    with capture_logs() as its.lines:
        running = asyncio.create_task(
            run_workers(kinds, WorkerConfig(api_url, pace=pace, **config), its.stop)
        )
        try:
            yield its
        finally:
            its.stop.wish()
            await running


@dataclass
class WorkerProcess:
    """Workers in a process of their own."""

    process: subprocess.Popen[bytes]
    log: Path

    def signal(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.process.send_signal(number)

    async def exit_code(self) -> int:
        return await asyncio.to_thread(self.process.wait, 20)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    async def says(self, event: str) -> None:
        """Wait for a line of the log."""

        async def said() -> bool:
            return any(line["event"] == event for line in self.lines)

        await eventually(said, 20)


@contextmanager
def worker_process(folder: Path, kind: str, api_url: str, **env: str) -> Iterator[WorkerProcess]:
    """``vidwiz worker``."""
    log = folder / f"worker-{kind}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vidwiz", "worker", kind],
            env=server_environment(folder / "none", None, VIDWIZ_API_URL=api_url, **env),
            stdout=output,
            stderr=output,
        )
    try:
        yield WorkerProcess(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)


@dataclass
class Service:
    """A running service, and somebody with an account."""

    client: httpx.AsyncClient
    user: dict[str, str]
    url: str

    async def note(self, video_id: str | None = None, **fields: Any) -> dict[str, Any]:
        """A new note, on a new video if no other is named."""
        note = {"video_id": video_id or new_video_id(), "video_title": "A title"}
        answer = await self.client.post(
            "/api/notes",
            json={**note, "timestamp": "1:23", "text": "hi", **fields},
            headers=self.user,
        )
        its: dict[str, Any] = answer.raise_for_status().json()
        return its

    async def new_video(self) -> str:
        """The id of a video whose transcript and metadata are wanted."""
        return str((await self.note())["video_id"])

    async def bring(self, video_id: str, transcript: list[dict[str, Any]]) -> None:
        """A transcript."""
        answer = await self.client.post(
            f"/api/videos/{video_id}/transcript", content=json.dumps(transcript), headers=ADMIN
        )
        answer.raise_for_status()

    async def enable_ai_notes(self) -> None:
        """For the user."""
        answer = await self.client.patch(
            "/api/user/profile", json={"ai_notes_enabled": True}, headers=self.user
        )
        answer.raise_for_status()

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/{path}", headers=self.user)
        return answer.raise_for_status().json()


@asynccontextmanager
async def service_of(server: Server) -> AsyncIterator[Service]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        yield Service(client, await sign_up(client), server.url)
