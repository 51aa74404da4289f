"""``vidwiz serve`` as an init system runs it: started again whenever it ends by itself."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from bench.chaos.clock import until
from bench.stage import environment, free_port
from vidwiz.postgres.embedded import start_embedded_postgres

RESTART_S = 0.2
READY_S = 60.0
STOP_S = 60.0


@dataclass
class Service:
    """One service on ``port``; its log is ``data/../serve-PORT.log``."""

    data: Path
    options: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    exits: list[int] = field(default_factory=list)
    started_at: float = 0.0
    _process: subprocess.Popen[bytes] | None = None
    _watching: asyncio.Task[None] | None = None

    @property
    def base(self) -> str:
        """The URL of the service."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """Where it logs to, over all its starts."""
        return self.data.with_name(f"serve-{self.port}.log")

    @property
    def pid(self) -> int:
        """The process that was started last."""
        if self._process is None:
            raise RuntimeError("the service was not started")
        return self._process.pid

    def children(self) -> list[tuple[int, str]]:
        """The processes below it, each with its command line."""
        return [
            (int(path.name), _command(path))
            for path in Path("/proc").iterdir()
            if path.name.isdigit() and _parent(path) == self.pid
        ]

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self._launch()
        self._watching = asyncio.create_task(self._watch())
        await self.ready()

    async def ready(self, within_s: float = READY_S) -> float:
        """Wait until it says so; the seconds that it took."""
        async with httpx.AsyncClient(base_url=self.base, timeout=5) as client:

            async def says_so() -> bool:
                if self._watching is not None and self._watching.done():
                    await self._watching
                try:
                    answer = await client.get("/api/health/ready")
                except httpx.TransportError:
                    return False
                return answer.status_code == httpx.codes.OK

            return await until(says_so, within_s, f"ready on port {self.port}")

    def kill(self) -> None:
        """SIGKILL, which it cannot answer."""
        os.kill(self.pid, signal.SIGKILL)

    async def restart(self) -> float:
        """SIGTERM, the orderly end, and a start by the init system; seconds until it is ready."""
        process = self._process
        if process is None:
            raise RuntimeError("the service was not started")
        process.terminate()
        await asyncio.to_thread(process.wait, STOP_S)
        began = time.monotonic()
        await self.started_after(process.pid)
        await self.ready()
        return time.monotonic() - began

    async def started_after(self, pid: int) -> None:
        """Wait until the init system has started another process than this."""

        async def is_another() -> bool:
            return self.pid != pid

        await until(is_another, READY_S, "the next process")

    async def stop(self) -> int:
        """End it for good; its exit code."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._process is None:
            return 0
        self._process.terminate()
        try:
            return await asyncio.to_thread(self._process.wait, STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return -signal.SIGKILL

    def _launch(self) -> None:
        self.started_at = time.monotonic()
        command = [sys.executable, "-m", "vidwiz", "serve", "--port", str(self.port)]
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, *self.options],
                env={**environment(self.data), **self.settings},
                stdout=output,
                stderr=output,
            )

    async def _watch(self) -> None:
        while True:
            if self._process is not None and self._process.poll() is not None:
                self.exits.append(self._process.returncode)
                await asyncio.sleep(RESTART_S)
                self._launch()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Service]:
    """The service, started and in the end stopped."""
    try:
        await service.start()
        yield service
    finally:
        await service.stop()


def embedded_dsn(data: Path) -> str:
    """The address of the database that the service runs in this folder."""
    with start_embedded_postgres(data) as embedded:
        return embedded.dsn


def connected(dsn: str) -> "psycopg.Connection[tuple[object, ...]]":
    """A connection beside the service's, which no setting of the database makes read-only."""
    return psycopg.connect(
        dsn,
        autocommit=True,
        application_name="chaos",
        options="-c default_transaction_read_only=off -c lock_timeout=0 -c statement_timeout=0",
    )


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def _command(path: Path) -> str:
    try:
        return (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
