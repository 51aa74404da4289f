"""Helpers that several test modules share: the app over ASGI, people in it, a real server."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any, cast

import httpx
from quart import Quart

from vidwiz.events.master_key import MasterKey
from vidwiz.http.services import EXTENSION, Services
from vidwiz.server.composition import create_service
from vidwiz.server.serve import framed
from vidwiz.settings import Settings

SECRET_KEY = "a secret for tests, long enough for HS256"
ADMIN_TOKEN = "the admin token of the tests"
MASTER_KEY = "bWFzdGVyIGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGU="
MASTER = MasterKey(b64decode(MASTER_KEY))
SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class Api:
    """The running app: ``client`` speaks to it, ``services`` are its parts."""

    client: httpx.AsyncClient
    services: Services

    @property
    def admin(self) -> dict[str, str]:
        """The admin's headers."""
        return bearer(ADMIN_TOKEN)

    async def sign_up(self, name: str = "Ann Example") -> "Person":
        """A new account, logged in."""
        return await sign_up(self.client, name)

    async def add_note(self, person: "Person", video_id: str, **fields: Any) -> dict[str, Any]:
        """A note on a video, which is added with it if it is new."""
        return await add_note(self.client, person, video_id, **fields)


@dataclass(frozen=True)
class Person:
    """Somebody with an account."""

    email: str
    password: str
    headers: dict[str, str]


async def sign_up(client: httpx.AsyncClient, name: str = "Ann Example") -> Person:
    """A new account, logged in."""
    email, password = f"{token_hex(6)}@example.org", "correct horse"
    signup = {"email": email, "password": password, "name": name}
    (await client.post("/api/user/signup", json=signup)).raise_for_status()
    login = await client.post("/api/user/login", json={"email": email, "password": password})
    return Person(email, password, bearer(login.raise_for_status().json()["token"]))


async def add_note(
    client: httpx.AsyncClient, person: Person, video_id: str, **fields: Any
) -> dict[str, Any]:
    """A note on a video, which is added with it if it is new."""
    note = {"video_id": video_id, "video_title": "A title", "timestamp": "1:23", "text": "hi"}
    answer = await client.post("/api/notes", json={**note, **fields}, headers=person.headers)
    return cast("dict[str, Any]", answer.raise_for_status().json())


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def new_video_id() -> str:
    return token_hex(6)[:11]


@asynccontextmanager
async def running_api(dsn: str, data_dir: Path, **settings: Any) -> AsyncIterator[Api]:
    """The app with all its parts, spoken to without a network."""
    chosen = test_settings(data_dir, **settings)
    app = create_service(chosen, dsn)
    async with served(app) as services:
        transport = httpx.ASGITransport(cast("Any", framed(app, chosen)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            yield Api(client, services)


@asynccontextmanager
async def served(app: Quart) -> AsyncIterator[Services]:
    await app.startup()
    try:
        yield app.extensions[EXTENSION]
    finally:
        await app.shutdown()


def test_settings(data_dir: Path, **changes: Any) -> Settings:
    """Settings that read nothing of the environment but what a test gives."""
    given = {
        "SECRET_KEY": SECRET_KEY,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "VIDWIZ_MASTER_KEY": MASTER_KEY,
        "VIDWIZ_DATA_DIR": data_dir,
        "VIDWIZ_RATE_LIMITS": False,
        "VIDWIZ_STATIC_DIR": data_dir / "static",
    }
    return Settings(**{**given, **changes})


test_settings.__test__ = False  # type: ignore[attr-defined]  # a helper, whatever its name


@dataclass
class Server:
    """A real ``vidwiz serve`` in a process of its own."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(40)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(10)


@contextmanager
def serving(data_dir: Path, dsn: str | None = None, *options: str, **env: str) -> Iterator[Server]:
    """``vidwiz serve`` on a free port, ready; embedded PostgreSQL when there is no ``dsn``."""
    with serving_with_workers(data_dir, dsn, *options, "--no-workers", **env) as server:
        yield server


@contextmanager
def serving_with_workers(
    data_dir: Path, dsn: str | None = None, *options: str, **env: str
) -> Iterator[Server]:
    """The same with the built-in workers."""
    with serving_on(free_port(), data_dir, dsn, *options, **env) as server:
        yield server


@contextmanager
def serving_on(
    port: int, data_dir: Path, dsn: str | None = None, *options: str, **env: str
) -> Iterator[Server]:
    """The same on this port."""
    log = data_dir.parent / f"{data_dir.name}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "vidwiz", "serve", "--port", str(port), *options],
            env=server_environment(data_dir, dsn, **env),
            stdout=output,
            stderr=output,
        )
    server = Server(process, f"http://127.0.0.1:{port}{env.get('VIDWIZ_BASE_PATH', '')}", log)
    try:
        wait_until_ready(server)
        yield server
    finally:
        if process.poll() is None:
            server.stop()


def server_environment(data_dir: Path, dsn: str | None, **env: str) -> dict[str, str]:
    """The environment of a server or a CLI command of the tests."""
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
    its = {
        **kept,
        "SECRET_KEY": SECRET_KEY,
        "ADMIN_TOKEN": ADMIN_TOKEN,
        "VIDWIZ_MASTER_KEY": MASTER_KEY,
        "VIDWIZ_DATA_DIR": str(data_dir),
        "VIDWIZ_RATE_LIMITS": "off",
        "VIDWIZ_ENV_FILE": "off",
    }
    return {**its, **({"DATABASE_URL": dsn} if dsn else {}), **env}


def wait_until_ready(server: Server, seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/api/health/ready", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the server did not get ready:\n{server.log.read_text()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(condition: Any, seconds: float = 10) -> None:
    """Wait until the (async) condition holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if await condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("the condition did not come true")
