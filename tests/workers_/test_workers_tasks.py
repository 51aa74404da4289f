"""Workers and the real service: what YouTube gives or refuses arrives there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.fake_youtube import FakeYouTube, Mood, fake_youtube, recorded
from tests.support import ADMIN_TOKEN, Server, eventually, serving
from tests.workers_.test_workers_youtube import WORDS
from tests.workers_.working import ADMIN, QUICK, Line, Service, service_of, working
from vidwiz.workers.api import Api, WorkerRefused
from vidwiz.workers.config import WorkerConfig
from vidwiz.workers.jobs import Fruit, Job, Kind
from vidwiz.workers.pauses import Stop
from vidwiz.workers.run import run_workers
from vidwiz.workers.sources import TaskSource
from vidwiz.workers.worker import Worker

pytestmark = recorded

FIELDS = {"event", "log_level", "kind", "video_id", "task_id", "outcome", "error_code", "attempts"}


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served") / "data", module_dsn) as its:
        yield its


@pytest.fixture(scope="module")
async def service(server: Server) -> AsyncIterator[Service]:
    async with service_of(server) as its:
        yield its


@pytest.fixture
def youtube() -> Iterator[FakeYouTube]:
    with fake_youtube() as its:
        yield its


async def test_transcript_and_metadata_arrive(service: Service, youtube: FakeYouTube) -> None:
    video_id = await service.new_video()
    async with working(
        service.url, Kind.TRANSCRIPT, Kind.METADATA, youtube_url=youtube.url
    ) as workers:

        async def both() -> bool:
            return len([line for line in workers.jobs if line["video_id"] == video_id]) == 2

        await eventually(both, 20)
    assert await service.get(f"videos/{video_id}/transcript") == WORDS
    video = await service.get(f"videos/{video_id}")
    assert video["transcript_available"]
    assert (video["metadata"]["channel"], video["metadata"]["duration_string"]) == (
        "Dave2D",
        "5:16",
    )
    for line in workers.jobs:
        assert set(line) == {*FIELDS, "tries", "ms", "exc_info"}
        assert (line["outcome"], line["attempts"], line["tries"]) == ("done", 1, 1)


@pytest.mark.parametrize("mood", ["disabled", "unavailable"])
async def test_what_the_video_lacks_is_not_asked_for_again(
    service: Service, youtube: FakeYouTube, mood: Mood
) -> None:
    youtube.mood = mood
    video_id = await service.new_video()
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:
        line = await workers.job(video_id)
    assert (line["outcome"], line["error_code"], line["tries"]) == ("failed", mood, 1)
    progress = (await service.get(f"videos/{video_id}/progress"))["transcript"]
    assert (progress["state"], progress["attempts"], progress["reason"]) == ("failed", 1, mood)
    assert youtube.watched == [video_id]


@pytest.mark.parametrize(
    ("mood", "code"),
    [("blocked", "blocked"), ("captcha", "too_many_requests"), ("down", "unreachable")],
)
async def test_a_refusal_that_lasts_is_told_to_the_user(
    service: Service, youtube: FakeYouTube, mood: Mood, code: str
) -> None:
    youtube.mood = mood
    video_id = await service.new_video()
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:

        async def given_up() -> bool:
            progress = await service.get(f"videos/{video_id}/progress")
            return bool(progress["transcript"]["state"] == "failed")

        await eventually(given_up, 20)
    lines = [line for line in workers.jobs if line["video_id"] == video_id]
    assert [(line["error_code"], line["attempts"]) for line in lines] == [
        (code, attempt) for attempt in (1, 2, 3)
    ]
    assert all(line["tries"] > 1 for line in lines)
    progress = (await service.get(f"videos/{video_id}/progress"))["transcript"]
    assert progress["reason"] == code
    assert progress["message"].startswith("YouTube")


async def test_a_refusal_that_passes_costs_no_attempt(
    service: Service, youtube: FakeYouTube
) -> None:
    youtube.will("blocked", "over limit")
    video_id = await service.new_video()
    async with working(
        service.url,
        Kind.TRANSCRIPT,
        youtube_url=youtube.url,
        pace=replace(QUICK, patience_s=5),
    ) as workers:
        line = await workers.job(video_id)
    assert (line["outcome"], line["attempts"], line["tries"]) == ("done", 1, 3)


async def test_a_refused_worker_rests_before_it_burns_the_attempts_of_other_tasks(
    service: Service, youtube: FakeYouTube
) -> None:
    youtube.mood = "blocked"
    video_ids = [await service.new_video() for _ in range(3)]
    pace = replace(QUICK, patience_s=0, first_rest_s=60, longest_rest_s=60)
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url, pace=pace) as workers:

        async def resting() -> bool:
            return any(line["event"] == "resting" for line in workers.lines)

        await eventually(resting)
    assert len(workers.jobs) == 1
    for video_id in video_ids[1:]:
        progress = await service.get(f"videos/{video_id}/progress")
        assert progress["transcript"]["attempts"] == 0
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as again:
        youtube.mood = "plays"
        for video_id in video_ids:
            await again.job(video_id, "done")


async def test_a_task_of_somebody_else_is_left_to_them(
    service: Service, youtube: FakeYouTube
) -> None:
    youtube.mood, youtube.slow_s = "slow", 0.5
    video_id = await service.new_video()
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:

        async def begun() -> bool:
            return bool(youtube.watched)

        await eventually(begun)
        await service.bring(video_id, WORDS[:1])
        line = await workers.job(video_id)
    assert line["outcome"] == "superseded"
    assert len(workers.jobs) == 1


async def test_a_result_that_the_service_cannot_take_is_not_sent_again(service: Service) -> None:
    video_id = await service.new_video()

    async def odd(_: Job) -> Fruit:
        return {"transcript": ["no object"]}

    line = await done_by(service, odd)
    assert (line["outcome"], line["error_code"]) == ("failed", "result_refused")
    progress = (await service.get(f"videos/{video_id}/progress"))["transcript"]
    assert (progress["state"], progress["attempts"]) == ("failed", 1)


async def test_an_error_of_the_worker_is_told_and_logged(service: Service) -> None:
    video_id = await service.new_video()

    async def broken(_: Job) -> Fruit:
        raise ZeroDivisionError

    line = await done_by(service, broken)
    assert (line["outcome"], line["error_code"]) == ("failed", "unexpected")
    assert isinstance(line["exc_info"], ZeroDivisionError)
    progress = (await service.get(f"videos/{video_id}/progress"))["transcript"]
    assert (progress["state"], progress["reason"]) == ("failed", "unexpected")


async def test_work_without_end_is_ended(service: Service) -> None:
    await service.new_video()

    async def endless(_: Job) -> Fruit:
        await asyncio.Event().wait()
        return {}

    line = await done_by(service, endless)
    assert (line["outcome"], line["error_code"]) == ("failed", "timed_out")


async def done_by(service: Service, work: Callable[[Job], Awaitable[Fruit]]) -> Line:
    """The line of the first job when all jobs are done like this, until none is left."""
    pace, stop = replace(QUICK, work_s=0.1, poll_s=0.1), Stop(1)
    with capture_logs() as lines:
        async with Api(WorkerConfig(service.url, ADMIN_TOKEN, pace=pace), stop) as api:
            source = TaskSource(Kind.TRANSCRIPT, api)
            doing = asyncio.create_task(Worker(Kind.TRANSCRIPT, source, work, pace, stop).run())

            async def all_done() -> bool:
                jobs = [line for line in lines if line["event"] == "job"]
                return any(
                    line["attempts"] == 3 or "refused" in line["error_code"] for line in jobs
                )

            await eventually(all_done)
            stop.wish()
            await doing
    return next(line for line in lines if line["event"] == "job")


@pytest.mark.parametrize(
    "url", ["", "localhost:8000", "ftp://example.org", "http://", "http://h:x"]
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(WorkerRefused, match="address must be like"):
        await run_workers([Kind.METADATA], WorkerConfig(url, ADMIN_TOKEN), Stop(1))


async def test_a_wrong_token_is_refused_at_once(service: Service) -> None:
    with pytest.raises(WorkerRefused, match="admin token"):
        await run_workers([Kind.METADATA], WorkerConfig(service.url, "wrong"), Stop(1))


async def test_another_server_is_not_taken_for_the_service(youtube: FakeYouTube) -> None:
    with pytest.raises(WorkerRefused, match="is not the address"):
        await run_workers([Kind.METADATA], WorkerConfig(youtube.url, ADMIN_TOKEN), Stop(1))


@dataclass
class Relay:
    """A port that leads to a service, to another one later, or to nobody."""

    port: int = 1
    url: str = ""
    ways: list[asyncio.StreamWriter] = field(default_factory=list)

    def cut(self) -> None:
        """Lead to nobody."""
        self.port = 1
        for way in self.ways:
            way.close()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inwards, outwards = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            writer.close()
            return
        self.ways += [writer, outwards]
        await asyncio.gather(pipe(reader, outwards), pipe(inwards, writer))


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except ConnectionError:
        pass  # which the other side learns by the close
    finally:
        writer.close()


@asynccontextmanager
async def relay() -> AsyncIterator[Relay]:
    its = Relay()
    listening = await asyncio.start_server(its.connect, "127.0.0.1", 0)
    its.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield its
    finally:
        listening.close()


async def test_a_worker_that_stops_does_not_wait_for_a_service_that_is_away(
    service: Service, youtube: FakeYouTube
) -> None:
    youtube.mood, youtube.slow_s = "slow", 0.5
    async with relay() as front:
        front.port = int(service.url.rpartition(":")[2])
        async with working(front.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:
            video_id = await service.new_video()

            async def begun() -> bool:
                return video_id in youtube.watched

            await eventually(begun)
            front.cut()

            async def away() -> bool:
                return any(line["event"] == "service away" for line in workers.lines)

            await eventually(away)
            workers.stop.wish()
            line = await workers.job(video_id)
    assert line["outcome"] == "undelivered"


async def test_a_killed_service_is_waited_for_and_gets_the_result(
    dsn: str, tmp_path: Path, youtube: FakeYouTube
) -> None:
    youtube.mood, youtube.slow_s = "slow", 0.5
    async with relay() as front:
        with serving(tmp_path / "data", dsn) as first:
            front.port = int(first.url.rpartition(":")[2])
            async with service_of(first) as service:
                video_id = await service.new_video()
            async with working(front.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:

                async def begun() -> bool:
                    return bool(youtube.watched)

                await eventually(begun)
                first.kill()

                async def away() -> bool:
                    return any(line["event"] == "service away" for line in workers.lines)

                await eventually(away)
                with serving(tmp_path / "data", dsn) as second:
                    front.port = int(second.url.rpartition(":")[2])
                    line = await workers.job(video_id)
                    async with service_of(second) as service:
                        answer = await service.client.get(
                            f"/api/videos/{video_id}/transcript", headers=ADMIN
                        )
                        later = await service.new_video()
                        await workers.job(later, "done")
                    workers.stop.wish()
    assert (line["outcome"], line["attempts"]) == ("done", 1)
    assert answer.json() == WORDS
    events = [line["event"] for line in workers.lines]
    assert (events.count("service away"), events.count("service back")) == (1, 1)
