"""A transcript goes to the object store first; the event follows, or nothing happened."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import aioboto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support import Api, eventually, free_port, running_api
from tests.workers import claimed, queue, queued_by, refusal, submit, success
from vidwiz.events import TranscriptReady

BUCKET = "transcripts-of-the-tests"
PARALLEL_ROUNDS = 20
BIG_WORDS = "word " * 20_000


class S3:
    """A bucket behind a server that can go away and come back, empty, on the same port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: ThreadedMotoServer | None = None

    async def up(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", port=self.port, verbose=False)
        await asyncio.to_thread(self._server.start)
        async with aioboto3.Session().client("s3", endpoint_url=self.url) as client:
            await client.create_bucket(Bucket=BUCKET)

    async def down(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await asyncio.to_thread(server.stop)


@pytest.fixture
async def s3(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[S3]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    its = S3()
    await its.up()
    yield its
    await its.down()


def settings(s3: S3) -> dict[str, Any]:
    return {"S3_BUCKET_NAME": BUCKET, "AWS_ENDPOINT_URL": s3.url, "AWS_REGION": "us-east-1"}


async def facts(api: Api, task: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What the log says of the task and of its video."""
    store = api.services.store
    of_task = await store.past_of(f"task:{task['task_id']}")
    of_video = await store.past_of(f"video:{task['task_details']['video_id']}")
    return [event.TOPIC for event in of_task], [event.TOPIC for event in of_video]


async def is_available(api: Api, video_id: str) -> bool:
    person = await api.sign_up()
    answer = await api.client.get(f"/api/videos/{video_id}", headers=person.headers)
    available: bool = answer.raise_for_status().json()["transcript_available"]
    return available


async def assert_refused_without_a_trace(api: Api, task: dict[str, Any]) -> None:
    video_id = task["task_details"]["video_id"]
    answer = await submit(api.client, "transcript", success(task))
    unavailable = (503, "SERVICE_UNAVAILABLE", "Service temporarily unavailable")
    assert await refusal(answer) == unavailable
    assert await facts(api, task) == (["TaskQueued", "TaskClaimed"], ["VideoAdded"])
    assert not await is_available(api, video_id)


async def assert_accepted(api: Api, task: dict[str, Any]) -> None:
    video_id = task["task_details"]["video_id"]
    answer = await submit(api.client, "transcript", success(task))
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert await facts(api, task) == (
        ["TaskQueued", "TaskClaimed", "TaskCompleted"],
        ["VideoAdded", "TranscriptReady"],
    )
    assert await is_available(api, video_id)
    await assert_stored_as_logged(api, video_id)


async def assert_stored_as_logged(api: Api, video_id: str) -> list[Any]:
    """The object that the event names has the digest and the segments that it tells."""
    past = await api.services.store.past_of(f"video:{video_id}")
    (ready,) = [event for event in past if isinstance(event, TranscriptReady)]
    assert ready.object_key == f"transcripts/{video_id}.json"
    stored = await api.services.objects.get(ready.object_key)
    assert stored is not None
    assert hashlib.sha256(stored).hexdigest() == ready.sha256
    segments: list[Any] = json.loads(stored)
    assert len(segments) == ready.segment_count
    return segments


async def test_a_bucket_that_is_down_is_an_error_to_the_worker_and_changes_nothing(
    dsn: str, tmp_path: Path, s3: S3
) -> None:
    async with running_api(dsn, tmp_path, **settings(s3)) as api:
        await queued_by(api)
        task = await claimed(api.client)
        await s3.down()
        await assert_refused_without_a_trace(api, task)
        await s3.up()
        await assert_accepted(api, task)


async def test_a_bucket_that_is_not_there_is_an_error_to_the_worker_and_changes_nothing(
    dsn: str, tmp_path: Path, s3: S3
) -> None:
    async with running_api(dsn, tmp_path, **settings(s3) | {"S3_BUCKET_NAME": "nowhere"}) as api:
        await queued_by(api)
        task = await claimed(api.client)
        await assert_refused_without_a_trace(api, task)
        async with aioboto3.Session().client("s3", endpoint_url=s3.url) as client:
            await client.create_bucket(Bucket="nowhere")
        await assert_accepted(api, task)


async def test_a_folder_that_cannot_be_written_is_an_error_to_the_worker_and_changes_nothing(
    dsn: str, tmp_path: Path
) -> None:
    async with running_api(dsn, tmp_path) as api:
        await queued_by(api)
        task = await claimed(api.client)
        assert await api.services.store_mark.is_ours()
        (tmp_path / "objects").rename(tmp_path / "moved")
        (tmp_path / "objects").write_text("a file stands where the folder should be")
        await assert_refused_without_a_trace(api, task)
        (tmp_path / "objects").unlink()
        (tmp_path / "moved").rename(tmp_path / "objects")
        await assert_accepted(api, task)


async def test_a_failure_is_reported_without_the_object_store(
    dsn: str, tmp_path: Path, s3: S3
) -> None:
    async with running_api(dsn, tmp_path, **settings(s3)) as api:
        await queued_by(api)
        task = await claimed(api.client)
        await s3.down()
        answer = await submit(api.client, "transcript", {**success(task), "success": False})
        assert (answer.status_code, answer.json()["status"]) == (200, "pending")


async def test_a_refused_submit_leaves_the_stored_transcript_alone(
    dsn: str, tmp_path: Path
) -> None:
    async with running_api(dsn, tmp_path) as api:
        await queued_by(api)
        task = await claimed(api.client)
        await assert_accepted(api, task)
        other = success(task, fruit=[{"text": "another"}])
        refused = await submit(api.client, "transcript", other)
        assert await refusal(refused) == (400, "BAD_REQUEST", "Task is not in progress")
        segments = await assert_stored_as_logged(api, task["task_details"]["video_id"])
        assert segments == success(task)["transcript"]


@pytest.fixture(params=["one instance", "two instances"])
async def apis(
    request: pytest.FixtureRequest, dsn: str, tmp_path: Path
) -> AsyncIterator[tuple[Api, Api]]:
    """Two ways to the app: the same instance, or two of them on one database and one folder."""
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(running_api(dsn, tmp_path))
        if request.param == "one instance":
            yield first, first
        else:
            yield first, await stack.enter_async_context(running_api(dsn, tmp_path))


async def test_of_two_submits_of_a_claim_at_once_one_wins_and_its_transcript_is_stored(
    apis: tuple[Api, Api],
) -> None:
    person = await apis[0].sign_up()
    for turn in range(PARALLEL_ROUNDS):
        await queue(apis[0].client, person.headers)
        task = await claimed(apis[0].client)
        # Of different sizes, so that now this one and now that one is stored sooner.
        words = [BIG_WORDS, "short"] if turn % 2 else ["short", BIG_WORDS]
        sent = [[{"text": f"{word}{turn}"}] for word in words]
        answers = await asyncio.gather(
            *(
                submit(api.client, "transcript", success(task, fruit=fruit))
                for api, fruit in zip(apis, sent, strict=True)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        winner = [answer.status_code for answer in answers].index(200)
        refused = await refusal(answers[1 - winner])
        assert refused == (400, "BAD_REQUEST", "Task is not in progress")
        stored = await assert_stored_as_logged(apis[0], task["task_details"]["video_id"])
        assert stored == sent[winner]


async def somebody_waits_for_a_lock(api: Api) -> bool:
    async with api.services.database.borrowed() as connection:
        found = await connection.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return await found.fetchone() == (1,)


async def test_a_submit_whose_worker_hangs_up_is_finished_all_the_same(
    dsn: str, tmp_path: Path
) -> None:
    async with running_api(dsn, tmp_path) as api:
        await queued_by(api)
        task = await claimed(api.client)
        video_id = task["task_details"]["video_id"]
        held = api.services.database.exclusively(f"transcript:{video_id}")
        async with held:  # so that the submit is under way, and cannot be done yet
            submitting = asyncio.create_task(submit(api.client, "transcript", success(task)))
            await eventually(partial(somebody_waits_for_a_lock, api))
            submitting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await submitting
        await api.services.shielded.finish()
        assert (await facts(api, task))[1] == ["VideoAdded", "TranscriptReady"]
        await assert_stored_as_logged(api, video_id)
