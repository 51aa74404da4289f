"""A worker that goes away never takes a task with it."""

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tests.support import Server, eventually, serving
from tests.workers import RawPoll, poll, queue, sign_up, submit, success

ROUNDS = 100
FIRST_OFFSET_S = 0.005

GOODBYES: dict[str, Callable[[RawPoll], bool]] = {"FIN": RawPoll.close, "RST": RawPoll.reset}


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("served") / "data"
    with serving(data, module_dsn, VIDWIZ_STALE_CLAIM_SECONDS="3600") as its:
        yield its


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as its:
        yield its


@pytest.mark.parametrize("goodbye", GOODBYES)
async def test_a_worker_that_leaves_around_the_moment_a_task_appears_swallows_none(
    server: Server, client: httpx.AsyncClient, goodbye: str
) -> None:
    user = await sign_up(client)
    dice = random.Random(goodbye)
    offset = FIRST_OFFSET_S
    outcomes = {"answered": 0, "offered again": 0}
    for turn in range(ROUNDS):
        leaver = await RawPoll.begin(server.url, request_id=f"{goodbye}-{turn}")
        queueing = asyncio.create_task(queue(client, user))
        await asyncio.sleep(offset * dice.uniform(0.5, 1.5))
        answered = GOODBYES[goodbye](leaver)
        video_id = await queueing
        status = await logged_status(server, f"{goodbye}-{turn}")
        # The goodbye may cross an answer that is being written: 200, and nobody saw it.
        written = answered or status == 200
        task = await poll(client, timeout=0.3 if written else 20)
        if written:
            assert task is None
        else:
            assert task is not None
            assert (task["task_details"]["video_id"], task["retry_count"]) == (video_id, 1)
        offset *= 0.9 if answered else 1.1  # hunts for the moment itself, on any machine
        outcomes["answered" if answered else "offered again"] += 1
    assert min(outcomes.values()) >= 10, outcomes


def test_an_answer_that_comes_after_the_goodbye_was_seen_by_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel resets the connection then; on a busy machine before the poll has looked."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        leaver = RawPoll(socket.create_connection(listening.getsockname()))
        leaver.socket.setblocking(False)
        answering, _ = listening.accept()
    shutdown = leaver.socket.shutdown

    class Crossing:
        """The leaver's socket, which is answered at once when it has said goodbye."""

        def shutdown(self, how: int) -> None:
            shutdown(how)
            with answering:
                answering.sendall(b"HTTP/1.1 200 OK\r\n")
                answering.recv(1)
                with suppress(OSError):
                    answering.recv(1)

        def __getattr__(self, name: str) -> Any:
            return getattr(plain, name)

    plain = leaver.socket
    monkeypatch.setattr(leaver, "socket", Crossing())
    assert leaver.close() is False


async def logged_status(server: Server, request_id: str) -> int | str:
    """What the access log says of a request, once it has ended."""
    found: list[int | str] = []

    async def ended() -> bool:
        lines = server.log.read_text().splitlines()
        its = [json.loads(line) for line in lines[-20:] if f'"{request_id}"' in line]
        found.extend(line["status"] for line in its)
        return bool(found)

    await eventually(ended)
    return found[0]


async def test_a_worker_that_hangs_up_as_soon_as_it_has_read_its_answer_keeps_the_task(
    server: Server, client: httpx.AsyncClient
) -> None:
    user = await sign_up(client)
    for turn in range(ROUNDS):
        worker = await RawPoll.begin(server.url, request_id=f"reader-{turn}")
        video_id = await queue(client, user)
        answer = await worker.answer()
        worker.close()
        task = json.loads(answer.partition(b"\r\n\r\n")[2])
        assert task["task_details"]["video_id"] == video_id
        reported = await submit(client, "transcript", success(task))
        assert (reported.status_code, reported.json()["status"]) == (200, "completed")
