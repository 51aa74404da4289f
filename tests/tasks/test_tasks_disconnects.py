"""A worker that goes away never takes a task with it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.support import Server, bearer, eventually, serving
from tests.tasks.workers import KINDS, RawPoll, claimed, poll, queue, sign_up, submit, success

ROUNDS = 100
LONGEST_OFFSET_S = 0.012
"""Longer than it takes to queue a task and to hand it to a worker."""

GOODBYES: dict[str, Callable[[RawPoll], None]] = {"FIN": RawPoll.close, "RST": RawPoll.reset}


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory):
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
    outcomes = {"answered": 0, "offered again": 0}
    for _ in range(ROUNDS):
        leaver = await RawPoll.begin(server.url)
        queueing = asyncio.create_task(queue(client, user))
        await asyncio.sleep(dice.uniform(0, LONGEST_OFFSET_S))
        answered = leaver.answered
        GOODBYES[goodbye](leaver)
        video_id = await queueing
        if answered:
            outcomes["answered"] += 1
            continue
        task = await poll(client, timeout=10)
        assert task is not None
        assert (task["task_details"]["video_id"], task["retry_count"]) == (video_id, 1)
        outcomes["offered again"] += 1
    assert min(outcomes.values()) >= 5, outcomes
