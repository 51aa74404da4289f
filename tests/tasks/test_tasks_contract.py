"""CONTRACT.md section 5, sentence by sentence, over the real app."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import Api, bearer
from tests.workers import (
    ADMIN,
    KINDS,
    SEGMENTS,
    claimed,
    drain,
    failure,
    poll,
    queue,
    queued_by,
    refusal,
    report,
    submit,
    success,
)
from vidwiz.http.app import create_app
from vidwiz.http.tasks import _timeout

NOUNS = {"transcript": "Transcript", "metadata": "Metadata"}
TYPES = {"transcript": "fetch_transcript", "metadata": "fetch_metadata"}
BEYOND_BIGINT = 2**63
BIG = 2**70 + 1

kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
async def nothing_in_line(api: Api) -> None:
    await drain(api.client)


async def events_of(api: Api, task: dict[str, Any]) -> list[str]:
    past = await api.services.store.past_of(f"task:{task['task_id']}")
    return [event.TOPIC for event in past]


async def video(api: Api, video_id: str) -> dict[str, Any]:
    person = await api.sign_up()
    answer = await api.client.get(f"/api/videos/{video_id}", headers=person.headers)
    its: dict[str, Any] = json.loads(answer.raise_for_status().content, parse_float=Decimal)
    return its


@kinds
async def test_a_poll_hands_out_a_task_with_exactly_the_contracts_keys(api: Api, kind: str) -> None:
    _, video_id = await queued_by(api)
    answer = await api.client.get(f"/api/tasks/{kind}?timeout=0", headers=ADMIN)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    task = answer.json()
    assert isinstance(task.pop("task_id"), int)
    assert task == {
        "task_type": TYPES[kind],
        "task_details": {"video_id": video_id},
        "retry_count": 1,
        "message": f"{NOUNS[kind]} task retrieved successfully",
    }


@kinds
@pytest.mark.parametrize("timeout", ["0", "-1", "-0.0", "-1e400", "-inf", "0.05"])
async def test_nothing_within_the_time_is_204_with_an_empty_body(
    api: Api, kind: str, timeout: str
) -> None:
    answer = await api.client.get(f"/api/tasks/{kind}?timeout={timeout}", headers=ADMIN)
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        ("", 30),
        ("?timeout=60", 60),
        ("?timeout=60.5", 60),
        ("?timeout=1e9", 60),
        ("?timeout=inf", 60),
        ("?timeout=2.5", 2.5),
        ("?timeout=%201", 1),
        ("?timeout=-5", -5),
    ],
)
async def test_a_poll_waits_30_seconds_by_default_and_60_at_most(
    api: Api, query: str, seconds: float
) -> None:
    async with create_app(Path("nowhere")).test_request_context(f"/api/tasks/transcript{query}"):
        assert _timeout() == seconds


@pytest.mark.parametrize("timeout", ["", "soon", "nan", "1s", "0x10", "null"])
async def test_a_timeout_that_is_no_number_is_refused(api: Api, timeout: str) -> None:
    answer = await api.client.get(f"/api/tasks/transcript?timeout={timeout}", headers=ADMIN)
    assert await refusal(answer) == (400, "BAD_REQUEST", "timeout must be a number of seconds")


@kinds
async def test_a_worker_without_credentials_gets_and_submits_nothing(api: Api, kind: str) -> None:
    await queued_by(api)
    for headers in ({}, bearer("garbage"), {"X-Guest-Session-ID": "a guest"}):
        polled = await api.client.get(f"/api/tasks/{kind}?timeout=0", headers=headers)
        assert (polled.status_code, polled.json()["error"]["code"]) == (401, "UNAUTHORIZED")
        posted = await submit(api.client, kind, {}, headers)
        assert (posted.status_code, posted.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    assert (await claimed(api.client, kind))["retry_count"] == 1


@kinds
async def test_a_user_is_a_worker_too(api: Api, kind: str) -> None:
    person, video_id = await queued_by(api)
    task = await claimed(api.client, kind, person.headers)
    answer = await submit(api.client, kind, success(task, kind), person.headers)
    assert answer.json()["status"] == "completed"
    assert task["task_details"] == {"video_id": video_id}


async def test_tasks_of_one_kind_are_not_handed_to_workers_of_the_other(api: Api) -> None:
    await queued_by(api)
    assert await poll(api.client, "transcript") is not None
    assert await poll(api.client, "transcript") is None
    assert await poll(api.client, "metadata") is not None
    assert await poll(api.client, "metadata") is None


async def test_tasks_are_handed_out_first_come_first_served(api: Api) -> None:
    person = await api.sign_up()
    queued = [await queue(api.client, person.headers) for _ in range(5)]
    handed_out = [await claimed(api.client) for _ in queued]
    assert [task["task_details"]["video_id"] for task in handed_out] == queued


async def test_a_failed_task_keeps_its_place_in_the_line(api: Api) -> None:
    person = await api.sign_up()
    first, second = [await queue(api.client, person.headers) for _ in range(2)]
    await submit(api.client, "transcript", failure(await claimed(api.client)))
    order = [(await claimed(api.client))["task_details"]["video_id"] for _ in range(2)]
    assert order == [first, second]


@kinds
async def test_a_success_is_answered_with_exactly_the_contracts_keys(api: Api, kind: str) -> None:
    await queued_by(api)
    task = await claimed(api.client, kind)
    answer = await submit(api.client, kind, {**success(task, kind), "unknown": [1]})
    assert answer.status_code == 200
    assert answer.json() == {
        "message": f"{NOUNS[kind]} result submitted successfully",
        "task_id": task["task_id"],
        "status": "completed",
    }
    assert await poll(api.client, kind) is None


@kinds
async def test_two_failures_lead_back_to_pending_and_the_third_is_final(
    api: Api, kind: str
) -> None:
    await queued_by(api)
    for attempt, status in ((1, "pending"), (2, "pending"), (3, "failed")):
        task = await claimed(api.client, kind)
        assert task["retry_count"] == attempt
        answer = await submit(api.client, kind, failure(task, error_message="no captions"))
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "message": f"{NOUNS[kind]} result submitted successfully",
                "task_id": task["task_id"],
                "status": status,
            },
        )
    assert await poll(api.client, kind) is None
    refused = await submit(api.client, kind, success(task, kind))
    assert await refusal(refused) == (400, "BAD_REQUEST", "Task is not in progress")
    assert await events_of(api, task) == [
        "TaskQueued",
        "TaskClaimed",
        "TaskAttemptFailed",
        "TaskClaimed",
        "TaskAttemptFailed",
        "TaskClaimed",
        "TaskFailed",
    ]


@kinds
async def test_a_failure_that_brings_a_result_along_is_a_failure(api: Api, kind: str) -> None:
    _, video_id = await queued_by(api)
    task = await claimed(api.client, kind)
    answer = await submit(api.client, kind, {**success(task, kind), "success": False})
    assert answer.json()["status"] == "pending"
    its = await video(api, video_id)
    assert (its["transcript_available"], its["metadata"]) == (False, None)


@kinds
@pytest.mark.parametrize("ended", ["completed", "waiting for a retry"])
async def test_a_second_submit_is_refused(api: Api, kind: str, ended: str) -> None:
    await queued_by(api)
    task = await claimed(api.client, kind)
    first = success(task, kind) if ended == "completed" else failure(task)
    (await submit(api.client, kind, first)).raise_for_status()
    before = await events_of(api, task)
    for second in (success(task, kind), failure(task)):
        answer = await submit(api.client, kind, second)
        assert await refusal(answer) == (400, "BAD_REQUEST", "Task is not in progress")
    assert await events_of(api, task) == before


@kinds
@pytest.mark.parametrize("task_id", [0, -1, BEYOND_BIGINT - 1, BEYOND_BIGINT, 10**25, -(10**25)])
async def test_a_task_that_never_was_is_not_found(api: Api, kind: str, task_id: int) -> None:
    task = {"task_id": task_id, "task_details": {"video_id": "W421vNri5hw"}}
    for body in (success(task, kind), failure(task)):
        answer = await submit(api.client, kind, body)
        assert await refusal(answer) == (404, "NOT_FOUND", "Task not found")


@kinds
async def test_a_task_of_the_other_kind_is_not_found(api: Api, kind: str) -> None:
    await queued_by(api)
    other = next(one for one in KINDS if one != kind)
    task = await claimed(api.client, other)
    for body in (success(task, kind), failure(task)):
        answer = await submit(api.client, kind, body)
        assert await refusal(answer) == (404, "NOT_FOUND", "Task not found")
    assert (await submit(api.client, other, success(task, other))).status_code == 200


@kinds
async def test_submit_checks_the_video_then_the_progress_then_the_worker(
    api: Api, kind: str
) -> None:
    person, video_id = await queued_by(api)
    stranger = (await api.sign_up()).headers
    task = await claimed(api.client, kind, person.headers)
    mismatch = (400, "BAD_REQUEST", "Task video_id mismatch")
    not_in_progress = (400, "BAD_REQUEST", "Task is not in progress")
    other_worker = (403, "FORBIDDEN", "Task belongs to a different worker")
    elsewhere = {**task, "task_details": {"video_id": "W421vNri5hw"}}

    async def refused(of: dict[str, Any], by: dict[str, str]) -> set[tuple[int, str, str]]:
        bodies = (success(of, kind), failure(of))
        return {await refusal(await submit(api.client, kind, body, by)) for body in bodies}

    assert await refused(elsewhere, stranger) == {mismatch}
    assert await refused(elsewhere, person.headers) == {mismatch}
    assert await refused(task, stranger) == {other_worker}
    assert await refused(task, ADMIN) == {other_worker}
    (await submit(api.client, kind, failure(task), person.headers)).raise_for_status()
    assert await refused(elsewhere, stranger) == {mismatch}
    assert await refused(task, stranger) == {not_in_progress}
    admins = await claimed(api.client, kind)
    assert admins["task_details"]["video_id"] == video_id
    assert await refused(admins, person.headers) == {other_worker}
    assert (await submit(api.client, kind, success(admins, kind))).status_code == 200


@kinds
async def test_the_body_is_looked_at_before_the_task(api: Api, kind: str) -> None:
    empty: tuple[Any, ...] = ({}, [], None, 0, "")
    for body in empty:
        answer = await submit(api.client, kind, body)
        assert await refusal(answer) == (400, "BAD_REQUEST", "Request body must be JSON")
    answer = await submit(api.client, kind, {"success": "perhaps", "error_message": 5})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "VALIDATION_ERROR")
    assert error["message"] == "Request validation failed"
    found = {problem["field"]: problem["type"] for problem in error["details"]}
    assert {field: found.get(field) for field in ("task_id", "video_id", "success")} == {
        "task_id": "missing",
        "video_id": "missing",
        "success": "bool_parsing",
    }
    assert found["error_message"] == "string_type"


async def test_a_late_failure_does_not_undo_a_newer_claim_of_the_same_token(api: Api) -> None:
    await queued_by(api)
    first = await claimed(api.client)
    (await submit(api.client, "transcript", failure(first, attempt=1))).raise_for_status()
    second = await claimed(api.client)
    assert (second["task_id"], second["retry_count"]) == (first["task_id"], 2)
    for permanent in (False, True):
        late = failure(first, attempt=1, permanent=permanent)
        answer = await submit(api.client, "transcript", late)
        assert await refusal(answer) == (400, "BAD_REQUEST", "Task is not in progress")
    done = {**success(first), "attempt": 1}
    answer = await submit(api.client, "transcript", done)
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")


@pytest.mark.parametrize("attempt", [0, -1, "first", 1.5, 2**63])
async def test_an_attempt_is_a_count(api: Api, attempt: object) -> None:
    body = {"task_id": 1, "video_id": "x", "success": False, "attempt": attempt}
    answer = await submit(api.client, "transcript", body)
    assert answer.status_code == 422
    assert {problem["field"] for problem in answer.json()["error"]["details"]} == {"attempt"}


OF_SECOND = "of transcript item 2"
NO_SECONDS = f"{OF_SECOND} must be a finite number of seconds"


@pytest.mark.parametrize(
    ("transcript", "message"),
    [
        (["a line"], "Value error, transcript items must be dictionaries"),
        ([{"text": "a"}, None], "Value error, transcript items must be dictionaries"),
        ([{"offset": 1.0}], "Value error, transcript items must contain 'text' field"),
        ([{"text": "a"}, {}], "Value error, transcript items must contain 'text' field"),
        ([{"text": "a"}, {"text": None}], f"Value error, 'text' {OF_SECOND} must be a string"),
        ([{"text": "a"}, {"text": 3}], f"Value error, 'text' {OF_SECOND} must be a string"),
        ([{"text": "a"}, {"text": "b", "offset": "3"}], f"Value error, 'offset' {NO_SECONDS}"),
        ([{"text": "a"}, {"text": "b", "offset": True}], f"Value error, 'offset' {NO_SECONDS}"),
        ([{"text": "a"}, {"text": "b", "duration": []}], f"Value error, 'duration' {NO_SECONDS}"),
    ],
)
async def test_transcript_items_are_objects_with_a_text(
    api: Api, transcript: list[Any], message: str
) -> None:
    await queued_by(api)
    task = await claimed(api.client)
    answer = await submit(api.client, "transcript", success(task, fruit=transcript))
    assert answer.status_code == 422
    assert answer.json()["error"]["details"] == [
        {"field": "transcript", "message": message, "type": "value_error"}
    ]
    assert (await submit(api.client, "transcript", success(task))).status_code == 200


async def test_metadata_must_be_an_object(api: Api) -> None:
    await queued_by(api)
    task = await claimed(api.client, "metadata")
    for wrong in ([1], "text", 7):
        answer = await submit(api.client, "metadata", success(task, "metadata", wrong))
        assert answer.status_code == 422
        (problem,) = answer.json()["error"]["details"]
        assert (problem["field"], problem["type"]) == ("metadata", "dict_type")


@kinds
async def test_a_success_without_its_result_is_refused_and_changes_nothing(
    api: Api, kind: str
) -> None:
    await queued_by(api)
    task = await claimed(api.client, kind)
    for body in (report(task, success=True), {**report(task, success=True), kind: None}):
        answer = await submit(api.client, kind, body)
        assert answer.status_code == 422
        (problem,) = answer.json()["error"]["details"]
        assert (problem["field"], problem["type"]) == (kind, "value_error")
    assert await events_of(api, task) == ["TaskQueued", "TaskClaimed"]


async def test_a_transcript_makes_the_video_available_and_is_stored_as_sent(api: Api) -> None:
    _, video_id = await queued_by(api)
    assert (await video(api, video_id))["transcript_available"] is False
    sent = [
        {"text": 'naïve 日本語 🎬 \u2028 "quoted" \\ \t\n', "offset": 0.1, "duration": 1e-7},
        {"text": "", "offset": 0, "duration": -0.0, "extra": {"deep": [None, True, BIG]}},
        {"text": " ", "offset": 1.7976931348623157e299, "ключ": [1, 1.0, 0.30000000000000004]},
        *SEGMENTS,
    ]
    answer = await submit(api.client, "transcript", success(await claimed(api.client), fruit=sent))
    assert answer.status_code == 200
    assert (await video(api, video_id))["transcript_available"] is True
    stored = await api.services.objects.get(f"transcripts/{video_id}.json")
    assert stored is not None
    assert repr(json.loads(stored)) == repr(sent)


async def test_metadata_becomes_the_videos_metadata_unchanged(api: Api) -> None:
    _, video_id = await queued_by(api)
    sent = {
        "title": 'naïve 日本語 🎬 \u2028 "quoted" \\ \t\n',
        "duration": 4949.75,
        "small": 1e-7,
        "large": 1e23,
        "view_count": BIG,
        "ключ": {"deep": [None, True, False, [], {}, {"deeper": [0.30000000000000004]}]},
        "": "",
    }
    task = await claimed(api.client, "metadata")
    answer = await submit(api.client, "metadata", success(task, "metadata", sent))
    assert answer.status_code == 200
    its = await video(api, video_id)
    as_sent = json.loads(json.dumps(sent), parse_float=Decimal)
    assert its["metadata"] == as_sent
    assert its["transcript_available"] is False


async def test_an_empty_metadata_object_is_a_result_too(api: Api) -> None:
    _, video_id = await queued_by(api)
    task = await claimed(api.client, "metadata")
    answer = await submit(api.client, "metadata", success(task, "metadata", {}))
    assert (answer.status_code, answer.json()["status"]) == (200, "completed")
    assert (await video(api, video_id))["metadata"] == {}
