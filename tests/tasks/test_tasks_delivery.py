"""Long polls over real sockets: at once, across processes, first come first served, once each."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.support import Server, running_api, serving
from tests.workers import RawPoll, Task, poll, queue, sign_up, submit, success, waiting
from vidwiz.tasks import dispatcher

TASKS = 200
CLAIMERS = 16
NEVER_STALE = {"VIDWIZ_STALE_CLAIM_SECONDS": "3600"}


@pytest.fixture(scope="module", params=["one process", "--processes 2", "two services"])
def servers(
    request: pytest.FixtureRequest, module_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Server]]:
    """Every way in: where a worker waits and where the task is queued."""
    data = tmp_path_factory.mktemp("served")
    options = ("--processes", "2") if request.param == "--processes 2" else ()
    with serving(data / "one", module_dsn, *options, **NEVER_STALE) as one:
        if request.param != "two services":
            yield [one, one]
        else:
            with serving(data / "two", module_dsn, **NEVER_STALE) as two:
                yield [one, two]


@pytest.fixture
async def clients(servers: list[Server]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(httpx.AsyncClient(base_url=one.url, timeout=60))
            for one in servers
        ]


async def test_a_waiting_worker_gets_the_task_that_appears_wherever_it_is_queued(
    clients: list[httpx.AsyncClient],
) -> None:
    user = await sign_up(clients[1])
    for _ in range(5):
        polling = asyncio.create_task(poll(clients[0], timeout=30))
        await waiting(clients[0], 1)
        video_id = await queue(clients[1], user)
        task = await polling
        assert task is not None
        assert (task["task_details"]["video_id"], task["retry_count"]) == (video_id, 1)


async def test_a_signal_alone_brings_a_task_to_a_worker_of_another_instance(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "SWEEP_S", 3600)
    async with running_api(dsn, tmp_path) as one, running_api(dsn, tmp_path) as two:
        person = await two.sign_up()
        for _ in range(10):
            polling = asyncio.create_task(poll(one.client, timeout=30))
            await waiting(one.client, 1)
            video_id = await queue(two.client, person.headers)
            task = await polling
            assert task is not None
            assert task["task_details"] == {"video_id": video_id}


async def test_tasks_are_handed_out_in_the_order_in_which_they_were_queued(
    clients: list[httpx.AsyncClient],
) -> None:
    user = await sign_up(clients[0])
    queued = [await queue(clients[turn % 2], user) for turn in range(12)]
    handed_out = [await poll(clients[turn % 2], timeout=5) for turn in range(12)]
    assert [task and task["task_details"]["video_id"] for task in handed_out] == queued


async def test_workers_are_served_in_the_order_in_which_they_came(dsn: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", dsn) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            user = await sign_up(client)
            workers = []
            for count in range(1, 7):
                workers.append(asyncio.create_task(poll(client, timeout=30)))
                await waiting(client, count)
            queued = [await queue(client, user) for _ in workers]
            tasks = await asyncio.gather(*workers)
            assert [task and task["task_details"]["video_id"] for task in tasks] == queued


async def test_sixteen_claimers_drain_two_hundred_tasks_each_exactly_once(
    clients: list[httpx.AsyncClient], module_dsn: str
) -> None:
    user = await sign_up(clients[0])
    before = await events_by_type(module_dsn)
    claimed: list[Task] = []

    async def work(client: httpx.AsyncClient) -> None:
        while len(claimed) < TASKS:
            task = await poll(client, timeout=1)
            if task is not None:
                claimed.append(task)
                answer = await submit(client, "transcript", success(task))
                assert (answer.status_code, answer.json()["status"]) == (200, "completed")

    workers = [asyncio.create_task(work(clients[turn % 2])) for turn in range(CLAIMERS)]
    queued = [await queue(clients[turn % 2], user) for turn in range(TASKS)]
    await asyncio.gather(*workers)
    assert Counter(task["task_details"]["video_id"] for task in claimed) == Counter(queued)
    assert {task["retry_count"] for task in claimed} == {1}
    after = await events_by_type(module_dsn) - before
    assert after["TaskClaimed"] - after["TaskGivenBack"] == TASKS  # given back: came too late
    assert (after["TaskCompleted"], after["TranscriptReady"]) == (TASKS, TASKS)


async def events_by_type(dsn: str) -> Counter[str]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = await connection.execute("SELECT topic, count(*) FROM stored_events GROUP BY topic")
        return Counter(dict(await found.fetchall()))


async def test_a_task_comes_whole_over_a_bare_socket(
    clients: list[httpx.AsyncClient], servers: list[Server]
) -> None:
    raw = await RawPoll.begin(servers[0].url)
    video_id = await queue(clients[1], await sign_up(clients[1]))
    head, _, body = (await raw.answer()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    task = json.loads(body)
    assert task["task_details"] == {"video_id": video_id}
    answer = await submit(clients[1], "transcript", success(task))
    assert answer.json()["status"] == "completed"
    raw.close()
