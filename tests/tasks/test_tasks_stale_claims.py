"""Claims of workers that fell silent are offered again, three times in all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import Api, running_api, test_settings
from tests.workers import (
    KINDS,
    claimed,
    failure,
    poll,
    queued_by,
    refusal,
    submit,
    success,
)

STALE_S = 1
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture
async def api(dsn: str, tmp_path: Path) -> AsyncIterator[Api]:
    settings = {"VIDWIZ_STALE_CLAIM_SECONDS": STALE_S, "VIDWIZ_USER_WORKERS": "any"}
    async with running_api(dsn, tmp_path, **settings) as its:
        yield its


async def past(api: Api, task_id: int) -> list[str]:
    events = await api.services.store.past_of(f"task:{task_id}")
    return [event.TOPIC for event in events]


def test_a_claim_is_stale_after_120_seconds_unless_a_setting_says_otherwise(
    tmp_path: Path,
) -> None:
    assert test_settings(tmp_path).stale_claim_s == 120
    assert test_settings(tmp_path, VIDWIZ_STALE_CLAIM_SECONDS="7").stale_claim_s == 7


async def test_a_fresh_claim_is_not_offered_to_others(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path) as api:
        await queued_by(api)
        await claimed(api.client)
        assert await poll(api.client, timeout=1.5) is None


@kinds
async def test_a_stale_claim_is_offered_again_twice_and_then_failed(api: Api, kind: str) -> None:
    await queued_by(api)
    task = await claimed(api.client, kind)
    for attempt in (2, 3):
        again = await poll(api.client, kind, timeout=10)
        assert again == {**task, "retry_count": attempt}
    assert await poll(api.client, kind, timeout=STALE_S + 2.5) is None
    assert await past(api, task["task_id"]) == ["TaskQueued", *["TaskClaimed"] * 3, "TaskFailed"]
    refused = await submit(api.client, kind, success(task, kind))
    assert await refusal(refused) == (400, "BAD_REQUEST", "Task is not in progress")


async def test_a_worker_that_comes_when_the_line_was_found_empty_gets_what_goes_stale(
    api: Api,
) -> None:
    await queued_by(api)
    task = await claimed(api.client)
    assert await poll(api.client, timeout=0.1) is None
    await asyncio.sleep(1.5 * STALE_S)  # the claim's time, and nobody waits meanwhile
    assert await poll(api.client, timeout=10) == {**task, "retry_count": 2}


async def test_an_expired_task_does_not_keep_the_next_one_from_its_worker(api: Api) -> None:
    await queued_by(api)
    first = await claimed(api.client)
    for _ in range(2):
        assert await poll(api.client, timeout=10) is not None
    await asyncio.sleep(1.1 * STALE_S)  # the third claim's time
    _, video_id = await queued_by(api)
    second = await claimed(api.client)
    assert second["task_details"]["video_id"] == video_id
    assert (await past(api, first["task_id"]))[-1] == "TaskFailed"


@kinds
async def test_a_late_result_is_welcome_as_long_as_nobody_else_took_over(
    api: Api, kind: str
) -> None:
    await queued_by(api)
    task = await claimed(api.client, kind)
    await asyncio.sleep(1.1 * STALE_S)
    answer = await submit(api.client, kind, success(task, kind))
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert await poll(api.client, kind, timeout=0) is None


@kinds
async def test_a_late_result_is_refused_once_another_worker_took_over(api: Api, kind: str) -> None:
    person, _ = await queued_by(api)
    slow = await claimed(api.client, kind, person.headers)
    other = await poll(api.client, kind, timeout=10)
    assert other == {**slow, "retry_count": 2}
    for late in (success(slow, kind), failure(slow)):
        refused = await submit(api.client, kind, late, person.headers)
        expected = (403, "FORBIDDEN", "Task belongs to a different worker")
        assert await refusal(refused) == expected
    answer = await submit(api.client, kind, success(other, kind))
    assert answer.json()["status"] == "completed"
    refused = await submit(api.client, kind, success(slow, kind), person.headers)
    assert await refusal(refused) == (400, "BAD_REQUEST", "Task is not in progress")


async def test_a_late_result_of_one_admin_counts_for_the_other_as_they_are_one_worker(
    api: Api,
) -> None:
    await queued_by(api)
    slow = await claimed(api.client)
    other = await poll(api.client, timeout=10)
    assert other == {**slow, "retry_count": 2}
    answer = await submit(api.client, "transcript", success(slow))
    assert answer.json()["status"] == "completed"
    refused = await submit(api.client, "transcript", success(other))
    assert await refusal(refused) == (400, "BAD_REQUEST", "Task is not in progress")
