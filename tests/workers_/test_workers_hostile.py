"""What users, models and other servers send cannot stop a worker, nor lead it elsewhere."""

import asyncio
import inspect
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from typing import Any

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from tests.support import eventually
from vidwiz.adapters.gemini import Gemini
from vidwiz.adapters.language_model import ModelUnavailable, Prompt
from vidwiz.http.limits.bodies import is_video_id
from vidwiz.wiz.transcripts import printable
from vidwiz.workers.api import NO_VIDEO, Api, ApiRefused
from vidwiz.workers.config import Timeouts, WorkerConfig
from vidwiz.workers.jobs import Fruit, Job, JobFailed, Kind
from vidwiz.workers.pauses import Stop
from vidwiz.workers.sources import TaskSource
from vidwiz.workers.worker import Worker
from vidwiz.workers.writing import KEPT_VIDEOS, RecentSegments, SummaryWriter

PACE = Timeouts(poll_s=0.2, first_pause_s=0.05, longest_pause_s=0.05)
SPOKEN = [{"text": "Words.", "offset": 0}]
TASK = {"task_id": 1, "retry_count": 1, "task_details": {"video_id": "x"}}
Answers = list[tuple[int, Any]]


class Service:
    """A server that answers every request in turn, and keeps what it was asked."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(head.split(b" ")[1].decode())
                status, body = self.answers[min(len(self.asked), len(self.answers)) - 1]
                content = b"" if body is None else orjson.dumps(body)
                length = b"" if status == 204 else b"Content-Length: %d\r\n" % len(content)
                writer.write(b"HTTP/1.1 %d x\r\n%s\r\n%s" % (status, length, content))
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
        await api.transcript(video_id, None)
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
            await api.transcript("dQw4w9WgXcQ", None)
    assert (len(its.asked), proxy.asked) == (1, [])


@pytest.mark.parametrize("task", [{"task_id": 1}, [], None, "x", {"task_id": "1"}, {}])
async def test_who_hands_out_what_is_no_task_is_waited_for(task: Any) -> None:
    async with service((200, task), (200, TASK)) as (its, config), Api(config, Stop(1)) as api:
        with capture_logs() as lines:
            assert await api.next_task(Kind.SUMMARY) == TASK
    assert [line["event"] for line in lines] == ["service away", "service back"]
    assert len(its.asked) == 2


async def test_a_server_that_does_not_wait_is_not_asked_without_a_pause() -> None:
    async def work(_: Job) -> Fruit:
        raise AssertionError("there was no task")

    stop, began = Stop(1), time.monotonic()
    async with service((204, None)) as (its, config), Api(config, stop) as api:
        source = TaskSource(Kind.SUMMARY, api)
        running = asyncio.create_task(Worker(Kind.SUMMARY, source, work, PACE, stop).run())

        async def asked() -> bool:
            return len(its.asked) >= 5

        await eventually(asked)
        took_s = time.monotonic() - began
        stop.wish()
        await running
    assert took_s >= (len(its.asked) - 1) * PACE.first_pause_s


def test_a_summary_keeps_its_lines_and_loses_what_cannot_be_stored() -> None:
    assert printable("\n# A\0 b\n\n- one\n  - two\ud800 \n") == "# A  b\n\n- one\n  - two"
    assert printable(" \n\0\n") == ""


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_became_wrong_fails_the_job_and_is_asked_with_again(status: int) -> None:
    async with service((status, None)) as (its, config), Api(config, Stop(1)) as api:
        for call in (api.video("x"), api.transcript("x", None), api.waiting_notes("x")):
            with pytest.raises(ApiRefused):
                await asyncio.wait_for(call, 5)
        its.answers += [(status, None)] * 3 + [(200, TASK)]
        assert await api.next_task(Kind.SUMMARY) == TASK
    assert len(its.asked) == 5


async def failure_that_nobody_hears(error: Exception, kind: Kind) -> JobFailed:
    """What a source is told when all work ends like this, and the worker rests thereafter."""
    stop, told = Stop(1), []

    class Source(TaskSource):
        async def failed(self, _: Job, failure: JobFailed) -> None:
            told.append(failure)
            raise TimeoutError

    async def work(_: Job) -> Fruit:
        raise error

    async with service((200, TASK)) as (its, config), Api(config, stop) as api:
        running = asyncio.create_task(Worker(kind, Source(kind, api), work, PACE, stop).run())

        async def is_told() -> bool:
            return bool(told)

        await eventually(is_told)
        assert not (await asyncio.wait([running], timeout=2 * PACE.poll_s))[0]
        stop.wish()
        await running
    assert len(its.asked) == 1
    return told[0]


async def test_a_token_that_became_wrong_puts_no_job_aside() -> None:
    failure = await failure_that_nobody_hears(ApiRefused(401, "no"), Kind.SUMMARY)
    assert (failure.is_permanent, failure.is_general) == (False, True)


async def test_a_service_that_takes_no_report_is_given_a_rest() -> None:
    failure = await failure_that_nobody_hears(JobFailed("odd", "Only this one."), Kind.SUMMARY)
    assert not failure.is_general


async def test_a_model_that_hangs_is_given_a_rest() -> None:
    assert (await failure_that_nobody_hears(TimeoutError(), Kind.AI_NOTE)).is_general


async def test_an_error_of_a_source_ends_no_worker() -> None:
    stop, asked = Stop(1), 0

    class Source(TaskSource):
        async def next(self) -> Job | None:
            nonlocal asked
            asked += 1
            if asked == 3:
                stop.wish()
                return None
            raise KeyError

    async def work(_: Job) -> Fruit:
        return {}

    async with service((204, None)) as (_, config), Api(config, stop) as api:
        await Worker(Kind.SUMMARY, Source(Kind.SUMMARY, api), work, PACE, stop).run()
    assert asked == 3


def test_a_completion_ends_before_the_work_has_to() -> None:
    completion_s = inspect.signature(Gemini).parameters["completion_timeout_s"].default
    assert completion_s < Timeouts().work_s


class Mute:
    """A model whose completions nobody sees."""

    name = "mute"

    def __init__(self, said: str) -> None:
        self.said = said

    async def complete(self, _: Prompt) -> str:
        return self.said

    def stream(self, _: Prompt) -> Any:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize("said", ["", " \n ", "\0\ud800", "\u200b\ufeff\n"])
async def test_what_nobody_can_see_is_no_summary(said: str) -> None:
    async with (
        service((200, {"title": "T", "summary": None}), (200, SPOKEN)) as (its, config),
        Api(config, Stop(1)) as api,
    ):
        with pytest.raises(ModelUnavailable):
            await SummaryWriter(api, Mute(said), 1000)(Job(Kind.SUMMARY, "x", 1))
    assert len(its.asked) == 2  # and nothing was written


async def test_the_notes_of_a_video_share_one_fetch() -> None:
    async with service((200, SPOKEN)) as (its, config), Api(config, Stop(1)) as api:
        recent = RecentSegments(api)
        job = Job(Kind.AI_NOTE, "x", 1)
        found = await asyncio.gather(*(recent.of(job) for _ in range(5)))
        assert [len(segments) for segments in found] == [1] * 5
        assert len(its.asked) == 1
        for number in range(KEPT_VIDEOS):
            await recent.of(Job(Kind.AI_NOTE, f"other-{number}", 1))
        await recent.of(job)
    assert len(its.asked) == 2 + KEPT_VIDEOS


async def test_a_transcript_that_was_missing_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with service((404, None), (200, SPOKEN)) as (its, config), Api(config, Stop(1)) as api:
        recent, job = RecentSegments(api), Job(Kind.AI_NOTE, "x", 1)
        with pytest.raises(JobFailed, match="no transcript yet"):
            await recent.of(job)
        assert await recent.of(job)
        monkeypatch.setattr("vidwiz.workers.writing.KEPT_S", 0.0)
        await recent.of(Job(Kind.AI_NOTE, "old", 1))
        await recent.of(Job(Kind.AI_NOTE, "old", 1))
    assert len(its.asked) == 4
