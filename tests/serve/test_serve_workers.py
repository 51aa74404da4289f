"""The built-in workers live as long as the service, and hand in what they are at."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.fake_youtube import VIDEO_IDS, FakeYouTube, fake_youtube, recorded
from tests.support import Server, eventually, serving, serving_with_workers

pytestmark = [recorded, pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")]


@pytest.fixture
def youtube() -> Iterator[FakeYouTube]:
    with fake_youtube() as its:
        yield its


def workers_of(server: Server) -> list[int]:
    """The process ids of the server's ``vidwiz worker``."""
    children = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return [pid for pid in pids if b"worker" in command_of(pid)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def one_worker(server: Server) -> int:
    async def there() -> bool:
        return len(workers_of(server)) == 1

    await eventually(there)
    return workers_of(server)[0]


async def gone(pid: int) -> None:
    async def it_is() -> bool:
        return b"worker" not in command_of(pid)

    await eventually(it_is, 20)


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_job_that_is_under_way_at_the_end_is_handed_in(
    processes: str, youtube: FakeYouTube, dsn: str, tmp_path: Path
) -> None:
    youtube.mood, youtube.slow_s = "slow", 2.0
    data, options = tmp_path / "data", ("--processes", processes)
    video_id = VIDEO_IDS[0]
    with serving_with_workers(data, dsn, *options, VIDWIZ_YOUTUBE_URL=youtube.url) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            opened = await client.post("/api/wiz/init", json={"video_id": video_id})
            opened.raise_for_status()

        async def under_way() -> bool:
            return bool(youtube.watched)

        await eventually(under_way, 30)
        assert server.stop() == 0
    with serving(data, dsn) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            video = await client.get(f"/api/wiz/video/{video_id}")
    assert video.json()["transcript_available"]


async def test_workers_that_end_are_started_again(
    youtube: FakeYouTube, dsn: str, tmp_path: Path
) -> None:
    with serving_with_workers(tmp_path / "data", dsn, VIDWIZ_YOUTUBE_URL=youtube.url) as server:
        first = await one_worker(server)
        os.kill(first, signal.SIGKILL)

        async def another() -> bool:
            return workers_of(server) not in ([], [first])

        await eventually(another, 20)


async def test_workers_end_with_a_service_that_is_killed(
    youtube: FakeYouTube, dsn: str, tmp_path: Path
) -> None:
    with serving_with_workers(tmp_path / "data", dsn, VIDWIZ_YOUTUBE_URL=youtube.url) as server:
        worker = await one_worker(server)
        server.kill()
        await gone(worker)
