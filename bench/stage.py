"""A real ``vidwiz serve`` on an embedded PostgreSQL in a temporary folder."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from bench import seed
from bench.keys import MASTER_KEY
from vidwiz.events import Event
from vidwiz.http.access.tokens import Tokens
from vidwiz.postgres.embedded import start_embedded_postgres
from vidwiz.postgres.migrate import migrate

SECRET_KEY = "a secret for the benchmark, long enough for HS256"
ADMIN_TOKEN = "the admin token of the benchmark"
READY_S = 60
STOP_S = 40

_tokens = Tokens(SECRET_KEY, 24)


@dataclass(frozen=True)
class Stage:
    """Where the server listens, its process, and its database."""

    port: int
    pid: int
    dsn: str

    def resident(self) -> float:
        """The server's resident memory in MiB."""
        return resident(self.pid)


@contextmanager
def stage(events: Iterable[Event], settings: Mapping[str, str] | None = None) -> Iterator[Stage]:
    """A server whose past is ``events``; ``settings`` are added to its environment."""
    with TemporaryDirectory(prefix="vidwiz-bench-") as folder:
        data = Path(folder) / "data"
        with start_embedded_postgres(data) as embedded:
            require_durable(embedded.dsn)
            migrate(embedded.dsn)
            seed.plant(embedded.dsn, events)
            with _serving(data, settings or {}) as (port, pid):
                yield Stage(port, pid, embedded.dsn)


def token_of(user_id: int) -> str:
    """A JWT of one of the seed's people, as the server would issue it."""
    return _tokens.issue(
        user_id=user_id,
        email=f"{user_id}@example.org",
        name=f"Person {user_id}",
        profile_image_url=None,
        issued_at=time.time(),
    )


def resident(pid: int) -> float:
    """A process's resident memory in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def require_durable(dsn: str) -> None:
    """Refuse to measure a database that may lose what it has committed."""
    with psycopg.connect(dsn) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute(f"SHOW {name}".encode()).fetchone()
            if row != ("on",):
                raise SystemExit(f"{name} is {row}, not on: refusing to measure")


@contextmanager
def _serving(data: Path, settings: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    port = free_port()
    log = data / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vidwiz", "serve", "--port", str(port), "--no-workers"],
            env={**environment(data), **settings},
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_ready(port, process, log)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def environment(data: Path) -> dict[str, str]:
    """What a command of ours is started with, on the data in this folder."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    return {
        **kept,
        "SECRET_KEY": SECRET_KEY,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "VIDWIZ_MASTER_KEY": MASTER_KEY,
        "VIDWIZ_DATA_DIR": str(data),
        "VIDWIZ_RATE_LIMITS": "off",
        "VIDWIZ_ENV_FILE": "off",
    }


def _wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/api/health/ready")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.05)
    raise SystemExit(f"the server did not get ready:\n{log.read_text()[-2000:]}")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
