"""A worker that goes away never takes a task with it."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from tests.support import Server, eventually, serving
from tests.workers import RawPoll, poll, queue, sign_up

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
        # A reset may follow so closely on an answer that nobody saw it; a FIN never does.
        unseen = goodbye == "RST" and status == 200
        task = await poll(client, timeout=0.3 if answered or unseen else 20)
        if task is not None:
            assert (task["task_details"]["video_id"], task["retry_count"]) == (video_id, 1)
        else:
            assert answered or unseen
        offset *= 0.9 if answered else 1.1  # hunts for the moment itself, on any machine
        outcomes["answered" if answered else "offered again"] += 1
    assert min(outcomes.values()) >= 10, outcomes


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
