"""Workers stop in order: who waits leaves at once, who works finishes, within bounds."""

import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fake_youtube import FakeYouTube, fake_youtube, recorded
from tests.support import ADMIN_TOKEN, Server, eventually, serving
from tests.workers import waiting
from tests.workers_.test_workers_youtube import WORDS
from tests.workers_.working import QUICK, Service, service_of, worker_process, working
from vidwiz.workers.jobs import Kind

pytestmark = recorded

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])


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


async def at_work(youtube: FakeYouTube) -> None:
    async def watching() -> bool:
        return bool(youtube.watched)

    await eventually(watching, 20)


@SIGNALS
async def test_a_worker_finishes_its_job_before_it_stops(
    service: Service, youtube: FakeYouTube, tmp_path: Path, number: signal.Signals
) -> None:
    youtube.mood = "slow"
    video_id = await service.new_video()
    with worker_process(
        tmp_path, "transcript", service.url, VIDWIZ_YOUTUBE_URL=youtube.url
    ) as worker:
        await at_work(youtube)
        later = await service.new_video()
        worker.signal(number)
        assert await worker.exit_code() == 0
    assert await service.get(f"videos/{video_id}/transcript") == WORDS
    (job,) = [line for line in worker.lines if line["event"] == "job"]
    assert (job["kind"], job["video_id"], job["outcome"]) == ("transcript", video_id, "done")
    assert ADMIN_TOKEN not in worker.log.read_text()
    assert str(WORDS[0]["text"]) not in worker.log.read_text()
    async with working(service.url, Kind.TRANSCRIPT, youtube_url=youtube.url) as workers:
        line = await workers.job(later)
    assert (line["outcome"], line["attempts"]) == ("done", 1)  # it had not been begun


async def test_a_worker_that_waits_leaves_at_once(
    service: Service, youtube: FakeYouTube, tmp_path: Path
) -> None:
    with worker_process(
        tmp_path, "transcript", service.url, VIDWIZ_YOUTUBE_URL=youtube.url
    ) as worker:
        await waiting(service.client, 1)
        began = time.monotonic()
        worker.signal()
        assert await worker.exit_code() == 0
        assert time.monotonic() - began < 6  # of the 30 seconds that it would wait
    await waiting(service.client, 0)
    assert worker.lines[-1]["event"] == "workers stopped"


async def test_a_second_signal_leaves_at_once(
    service: Service, youtube: FakeYouTube, tmp_path: Path
) -> None:
    youtube.mood, youtube.slow_s = "slow", 20
    await service.new_video()
    with worker_process(
        tmp_path, "transcript", service.url, VIDWIZ_YOUTUBE_URL=youtube.url
    ) as worker:
        await at_work(youtube)
        began = time.monotonic()
        worker.signal()
        worker.signal(signal.SIGINT)
        assert await worker.exit_code() == 1
        assert time.monotonic() - began < 6
    (line,) = [line for line in worker.lines if line["event"] == "job"]
    assert line["outcome"] == "interrupted"


async def test_a_job_that_outlives_the_grace_is_given_to_others(
    service: Service, youtube: FakeYouTube
) -> None:
    youtube.mood, youtube.slow_s = "slow", 10
    pace = replace(QUICK, grace_s=0.2)
    async with working(service.url, Kind.METADATA, youtube_url=youtube.url, pace=pace) as workers:
        await at_work(youtube)
        video_id = youtube.watched[0]
        began = time.monotonic()
        workers.stop.wish()
        line = await workers.job(video_id)
    assert time.monotonic() - began < 6
    assert (line["outcome"], line["error_code"]) == ("failed", "interrupted")
    progress = (await service.get(f"videos/{video_id}/progress"))["metadata"]
    assert (progress["state"], progress["attempts"]) == ("pending", 1)


def test_a_wrong_token_ends_the_worker_with_a_reason(server: Server, tmp_path: Path) -> None:
    with worker_process(tmp_path, "summaries", server.url, ADMIN_TOKEN="wrong") as worker:
        assert worker.process.wait(20) == 1
    assert "does not accept this admin token" in worker.log.read_text()
    assert "Traceback" not in worker.log.read_text()
