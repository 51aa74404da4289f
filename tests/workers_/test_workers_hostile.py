"""What users, models and other servers send cannot stop a worker, nor lead it elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest

from vidwiz.http.bodies import is_video_id
from vidwiz.wiz.transcripts import printable
from vidwiz.workers.api import NO_VIDEO, Api
from vidwiz.workers.config import Pace, WorkerConfig
from vidwiz.workers.jobs import Fruit, Job, Kind
from vidwiz.workers.pauses import Stop
from vidwiz.workers.sources import TaskSource
from vidwiz.workers.worker import Worker

PACE = Pace(poll_s=0.2, first_pause_s=0.05, longest_pause_s=0.05)
Answers = list[tuple[int, Any]]


class Service:
    """A server that answers every request in turn, and keeps what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            self.asked.append(head.split(b" ")[1].decode())
            status, body = self.answers[min(len(self.asked), len(self.answers)) - 1]
            content = orjson.dumps(body)
            writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n" % (status, len(content)))
            writer.write(content)
            await writer.drain()


@asynccontextmanager
async def service(*answers: tuple[int, Any]) -> AsyncIterator[tuple[Service, WorkerConfig]]:
    its = Service([*answers])
    server = await asyncio.start_server(its.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield its, WorkerConfig(f"http://127.0.0.1:{port}", "token", pace=PACE)
    finally:
        server.close()


async def test_workers_are_proved_with_a_video_that_nobody_can_add() -> None:
    assert not is_video_id(NO_VIDEO)
    refusal = (404, {"error": {"message": "no"}})
    async with service(refusal) as (its, config), Api(config, Stop(1)) as api:
        await api.prove()
    assert its.asked == [f"/api/videos/{NO_VIDEO}/notes/ai-note-task"]


@pytest.mark.parametrize("video_id", [".", "..", "../../user", "a/b", "a?b#c"])
async def test_a_video_id_stays_one_part_of_the_path(video_id: str) -> None:
    async with service((200, [])) as (its, config), Api(config, Stop(1)) as api:
        await api.transcript(video_id)
    path = httpx.URL(f"http://x{its.asked[0]}").raw_path.decode()
    assert path.startswith("/api/videos/")
    assert path.endswith("/transcript")
    assert path.count("/") == 4


async def test_a_proxy_does_not_see_the_token_that_is_for_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service((200, [])) as (proxy, other), service((200, [])) as (its, config):
        port = httpx.URL(other.api_url).port
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        async with Api(config, Stop(1)) as api:
            await api.transcript("dQw4w9WgXcQ")
    assert (len(its.asked), proxy.asked) == (1, [])


@pytest.mark.parametrize("task", [{"task_id": 1}, [], "x", {"task_id": "1"}, {}])
async def test_what_is_no_task_is_not_worked_on_again_and_again(task: Any) -> None:
    async def work(_: Job) -> Fruit:
        raise AssertionError("there was no task")

    async with service((200, task)) as (its, config):
        stop = Stop(1)
        async with Api(config, stop) as api:
            source = TaskSource(Kind.SUMMARY, api)
            running = asyncio.create_task(Worker(Kind.SUMMARY, source, work, PACE, stop).run())
            await asyncio.sleep(0.3)
            stop.wish()
            await running
    assert 1 < len(its.asked) < 10


def test_a_summary_keeps_its_lines_and_loses_what_cannot_be_stored() -> None:
    assert printable("\n# A\0 b\n\n- one\n  - two\ud800 \n") == "# A  b\n\n- one\n  - two"
    assert printable(" \n\0\n") == ""
