"""What the tests of tasks share: videos that queue tasks, workers that take and report them."""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tests.support import ADMIN_TOKEN, Api, Person, bearer, eventually, new_video_id

ADMIN = bearer(ADMIN_TOKEN)
KINDS = ("transcript", "metadata")
SEGMENTS = [{"text": "hello", "offset": 0.0, "duration": 1.5}]
FRUIT: dict[str, Any] = {"transcript": SEGMENTS, "metadata": {"title": "A title"}}

Task = dict[str, Any]


async def sign_up(client: httpx.AsyncClient) -> dict[str, str]:
    """The headers of a new user."""
    account = {"email": f"{new_video_id()}@example.org", "password": "correct horse"}
    made = await client.post("/api/user/signup", json={**account, "name": "Ann Example"})
    made.raise_for_status()
    login = await client.post("/api/user/login", json=account)
    return bearer(login.raise_for_status().json()["token"])


async def queue(client: httpx.AsyncClient, user: dict[str, str]) -> str:
    """A new video, which queues a task of each kind; its id."""
    video_id = new_video_id()
    note = {"video_id": video_id, "video_title": "A title", "timestamp": "1:23", "text": "hi"}
    (await client.post("/api/notes", json=note, headers=user)).raise_for_status()
    return video_id


async def poll(
    client: httpx.AsyncClient,
    kind: str = "transcript",
    timeout: float = 0,
    headers: dict[str, str] = ADMIN,
) -> Task | None:
    """The task that a worker gets."""
    answer = await client.get(f"/api/tasks/{kind}?timeout={timeout}", headers=headers)
    if answer.status_code == 204:
        return None
    task: Task = answer.raise_for_status().json()
    return task


async def claimed(
    client: httpx.AsyncClient, kind: str = "transcript", headers: dict[str, str] = ADMIN
) -> Task:
    """A task that is there to be had."""
    task = await poll(client, kind, headers=headers)
    assert task is not None
    return task


async def drain(client: httpx.AsyncClient) -> None:
    """Finish what other tests have queued."""
    for kind in KINDS:
        while (task := await poll(client, kind)) is not None:
            (await client.post(f"/api/tasks/{kind}", json=success(task, kind), headers=ADMIN))


async def submit(
    client: httpx.AsyncClient, kind: str, body: Any, headers: dict[str, str] = ADMIN
) -> httpx.Response:
    """A worker's report; the JSON is written by Python's own encoder."""
    return await client.post(
        f"/api/tasks/{kind}",
        content=json.dumps(body),
        headers={**headers, "Content-Type": "application/json"},
    )


def success(task: Task, kind: str = "transcript", fruit: Any = None) -> dict[str, Any]:
    return {**report(task, success=True), kind: FRUIT[kind] if fruit is None else fruit}


def failure(task: Task, **fields: Any) -> dict[str, Any]:
    return {**report(task, success=False), **fields}


def report(task: Task, *, success: bool) -> dict[str, Any]:
    video_id = task["task_details"]["video_id"]
    return {"task_id": task["task_id"], "video_id": video_id, "success": success}


async def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error, which must be an envelope without details."""
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message"}
    return answer.status_code, body["error"]["code"], body["error"]["message"]


async def waiting(client: httpx.AsyncClient, count: int, kind: str = "transcript") -> None:
    """Until so many workers wait in this service, by its own metrics."""
    gauge = f'vidwiz_waiting_workers{{task_type="fetch_{kind}"}} {float(count)}'

    async def so_many() -> bool:
        return gauge in (await client.get("/metrics")).text.splitlines()

    await eventually(so_many, 30)


async def queued_by(api: Api) -> tuple[Person, str]:
    """A user and the new video of theirs."""
    person = await api.sign_up()
    return person, await queue(api.client, person.headers)


@dataclass
class RawPoll:
    """A long poll on a socket of its own, which the test may close at any moment."""

    socket: socket.socket

    @classmethod
    async def begin(cls, url: str, timeout: float = 30, request_id: str = "raw") -> Self:
        """Connect and send the request."""
        address = urlsplit(url)
        raw = socket.socket()
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, (address.hostname, address.port))
        await loop.sock_sendall(raw, request(timeout, request_id))
        return cls(raw)

    @property
    def answered(self) -> bool:
        """Whether a byte of the answer has arrived."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except (BlockingIOError, ConnectionResetError):  # none, or one that came after the FIN
            return False

    async def answer(self) -> bytes:
        """What arrives until the body's last byte."""
        loop = asyncio.get_running_loop()
        data = b""
        while not data.endswith(b"}"):
            piece = await loop.sock_recv(self.socket, 65536)
            if not piece:
                break
            data += piece
        return data

    def close(self) -> bool:
        """FIN; whether a byte of the answer had arrived by then."""
        self.socket.shutdown(socket.SHUT_RDWR)  # what arrives from now on is refused with RST
        answered = self.answered
        self.socket.close()
        return answered

    def reset(self) -> bool:
        """RST; whether a byte of the answer had arrived, but for the moment between the two."""
        answered = self.answered
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
        return answered


def request(timeout: float, request_id: str) -> bytes:
    """A long poll as bytes."""
    return (
        f"GET /api/tasks/transcript?timeout={timeout} HTTP/1.1\r\nHost: test\r\n"
        f"X-Request-ID: {request_id}\r\n"
        f"Authorization: {ADMIN['Authorization']}\r\n\r\n"
    ).encode()
