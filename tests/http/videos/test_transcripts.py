"""Transcripts that users bring, how far workers have come, and the tasks of the AIs."""

import asyncio
import hashlib
import json
import re
from typing import Any

import pytest

from tests.http.wire import finish_tasks, problems, refused, shaped
from tests.support import Api, Person, new_video_id
from tests.wiz_support import SPOKEN, Headers, json_bytes, open_video
from tests.workers import claimed, drain, failure, poll, report, submit, success
from vidwiz.adapters.object_store import transcript_key
from vidwiz.commands.tasks import QueueTask
from vidwiz.events import TaskType
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.events.videos import TranscriptReady
from vidwiz.http.responses import models
from vidwiz.http.videos.transcripts import REASONS, UNKNOWN_REASON

VTT = "WEBVTT\n\n00:00:02.000 --> 00:00:04.000\nWelcome &amp; <b>hello</b>\n"
SRT = "1\r\n00:00:02,000 --> 00:00:04,000\r\nWelcome & hello\r\n"
PLAIN = "0:02 Welcome & hello\n"
ITEMS = [{"text": "Welcome & hello", "offset": 2.0, "duration": 2.0}]
FORMATS = [VTT, SRT, json.dumps(ITEMS), json.dumps([{"text": "Welcome & hello", "start": 2.0,
                                                     "duration": 2}])]  # fmt: skip
READY = {"state": "ready", "attempts": 0, "reason": None, "message": None}
PENDING = {"state": "pending", "attempts": 0, "reason": None, "message": None}
MISSING = {"state": "missing", "attempts": 0, "reason": None, "message": None}


async def opened(api: Api) -> str:
    """A new video that waits for its transcript; nothing else is queued."""
    await drain(api.client)
    video_id = new_video_id()
    await open_video(api.client, video_id)
    return video_id


async def bring(api: Api, who: Headers, video_id: str, content: str | bytes, **headers: str) -> Any:
    path = f"/api/videos/{video_id}/transcript"
    return await api.client.post(path, content=content, headers={**who, **headers})


async def transcript(api: Api, who: Headers, video_id: str) -> Any:
    return await api.client.get(f"/api/videos/{video_id}/transcript", headers=who)


async def progress(api: Api, video_id: str) -> dict[str, Any]:
    answer = await api.client.get(f"/api/videos/{video_id}/progress")
    its = dict(shaped(models.Progress, answer))
    assert its.pop("video_id") == video_id
    assert its.pop("ai_notes") == {"put_off": [], "next_try_at": None, "message": None}
    return its


@pytest.mark.parametrize("content", [*FORMATS, PLAIN], ids=["vtt", "srt", "json", "start", "plain"])
@pytest.mark.parametrize("content_type", ["", "text/plain", "application/json", "image/png"])
async def test_any_user_brings_a_transcript_in_any_format(
    api: Api, ann: Person, content: str, content_type: str
) -> None:
    video_id = await opened(api)

    answer = await bring(api, ann.headers, video_id, content, **{"Content-Type": content_type})

    added = shaped(models.AddedTranscript, answer)
    assert (added["message"], added["segments"]) == ("Transcript added successfully", 1)
    assert added["skipped"] == {"count": 0, "first": []}
    items = shaped(list[models.TranscriptItem], await transcript(api, ann.headers, video_id))
    assert items == ITEMS if content != PLAIN else items[0]["offset"] == 2.0
    assert items[0]["text"] == "Welcome & hello"
    video = (await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)).json()
    assert video["transcript_available"] is True


async def test_the_event_tells_digest_and_count_of_what_is_stored(api: Api, ann: Person) -> None:
    video_id = await opened(api)
    (await bring(api, api.admin, video_id, json_bytes(SPOKEN))).raise_for_status()
    stored = await api.services.objects.get(transcript_key(video_id))
    assert stored is not None
    past = await api.services.store.past_of(f"video:{video_id}")
    (ready,) = [event for event in past if isinstance(event, TranscriptReady)]
    assert (ready.object_key, ready.segment_count) == (transcript_key(video_id), 3)
    assert ready.sha256 == hashlib.sha256(stored).hexdigest()
    assert ready.origin == "admin"


async def test_of_many_who_bring_one_at_once_one_is_kept(api: Api, ann: Person) -> None:
    video_id = await opened(api)
    answers = await asyncio.gather(
        *(bring(api, ann.headers, video_id, f"0:0{n} words {n}") for n in range(8))
    )
    assert {answer.status_code for answer in answers} == {200}
    (item,) = (await transcript(api, ann.headers, video_id)).json()
    assert re.fullmatch(r"words \d", item["text"])


@pytest.mark.parametrize("at_work", [False, True], ids=["pending", "in progress"])
async def test_the_open_task_is_cancelled_and_a_late_worker_is_refused(
    api: Api, ann: Person, at_work: bool
) -> None:
    video_id = await opened(api)
    task = await claimed(api.client) if at_work else None
    (await bring(api, api.admin, video_id, VTT)).raise_for_status()
    assert await poll(api.client) is None
    if task is not None:
        for late in (success(task), failure(task)):
            answer = await submit(api.client, "transcript", late)
            refused(answer, 400, "Task is not in progress")
    assert (await transcript(api, ann.headers, video_id)).json() == ITEMS
    assert (await progress(api, video_id))["transcript"] == READY


async def test_a_failed_video_is_rescued_by_a_transcript_that_somebody_brings(
    api: Api, ann: Person
) -> None:
    video_id = await opened(api)
    blocked = failure(await claimed(api.client), error_code="blocked", permanent=True)
    (await submit(api.client, "transcript", blocked)).raise_for_status()
    (await bring(api, api.admin, video_id, VTT)).raise_for_status()
    assert (await progress(api, video_id))["transcript"] == READY
    assert (await open_video(api.client, video_id))["tasks_queued"] == ["summary"]


UNREADABLE = ["no times at all", "WEBVTT\n\nnonsense", "[1, 2]", '{"a": 1}', "[{}]",
              b"\xff\xfe\xff", b"\x80abc", '[{"text": "x"}]', "0:99 x", b"\x00"]  # fmt: skip


@pytest.mark.parametrize("content", UNREADABLE, ids=repr)
async def test_what_is_no_transcript_is_422_and_says_why(
    api: Api, ann: Person, content: str | bytes
) -> None:
    video_id = await opened(api)
    ((field, kind, message),) = problems(await bring(api, ann.headers, video_id, content))
    assert (field, kind) == ("transcript", "value_error")
    assert message.endswith((".", "00:00:04.000", "0:05 or 1:02:03", ")")) or ":" in message
    assert (await progress(api, video_id))["transcript"] == PENDING
    refused(await transcript(api, ann.headers, video_id), 404, "Transcript not found")


@pytest.mark.parametrize("content", [b"", b" \n\t"])
async def test_an_empty_body_is_400(api: Api, ann: Person, content: bytes) -> None:
    video_id = await opened(api)
    refused(
        await bring(api, ann.headers, video_id, content), 400, "Request body must be a transcript"
    )


@pytest.mark.parametrize("video_id", ["unknown-id0", "%00", "%ff", "x" * 5000, "🎈", "a%20b"])
async def test_an_unknown_video_is_not_found(api: Api, ann: Person, video_id: str) -> None:
    refused(await bring(api, ann.headers, video_id, VTT), 404, "Video not found")
    refused(await transcript(api, ann.headers, video_id), 404, "Video not found")
    refused(await api.client.get(f"/api/videos/{video_id}/progress"), 404, "Video not found")


async def test_a_file_that_is_too_large_is_413(api: Api, ann: Person) -> None:
    video_id = await opened(api)
    refused(await bring(api, ann.headers, video_id, b"0:01 x\n" * 700_000), 413)


async def test_progress_tells_what_waits_what_is_worked_on_and_what_is_there(
    api: Api, ann: Person
) -> None:
    video_id = await opened(api)
    its = await progress(api, video_id)
    assert (its["transcript"], its["metadata"]) == (PENDING, PENDING)
    assert its["summary"]["state"] in ("missing", "pending")

    task = await claimed(api.client)
    assert (await progress(api, video_id))["transcript"] == {
        **PENDING,
        "state": "in_progress",
        "attempts": 1,
    }
    await submit(api.client, "transcript", success(task))
    await finish_tasks(api, "metadata", {"title": "T"})
    path = f"/api/videos/{video_id}"
    await api.client.patch(path, json={"summary": "S"}, headers=api.admin)
    assert await progress(api, video_id) == {
        "transcript": READY,
        "metadata": READY,
        "summary": READY,
    }


@pytest.mark.parametrize("reason", [*REASONS, "unheard_of"])
async def test_progress_tells_why_a_task_failed_for_good(api: Api, reason: str) -> None:
    video_id = await opened(api)
    its = failure(
        await claimed(api.client), error_code=reason, permanent=True, error_message="IP 10.0.0.1"
    )
    answer = await submit(api.client, "transcript", its)
    assert shaped(models.SubmittedTask, answer)["status"] == "failed"
    assert await poll(api.client) is None
    assert (await progress(api, video_id))["transcript"] == {
        "state": "failed",
        "attempts": 1,
        "reason": reason,
        "message": REASONS.get(reason, UNKNOWN_REASON),
    }


async def test_a_failed_attempt_shows_its_reason_while_the_next_one_waits(api: Api) -> None:
    video_id = await opened(api)
    seen = []
    for code in ("too_many_requests", None, "blocked"):
        its = failure(await claimed(api.client), error_code=code)
        await submit(api.client, "transcript", its)
        now = (await progress(api, video_id))["transcript"]
        seen.append((now["state"], now["attempts"], now["reason"], now["message"]))
    assert seen == [
        ("pending", 1, "too_many_requests", REASONS["too_many_requests"]),
        ("pending", 2, None, None),
        ("failed", 3, "blocked", REASONS["blocked"]),
    ]
    await open_video(api.client, video_id)
    assert (await progress(api, video_id))["transcript"] == PENDING


@pytest.mark.parametrize("code", ["", "Blocked", "x" * 65, "a b", "a\n", "é", 5])
async def test_a_reason_that_is_no_code_is_422(api: Api, code: object) -> None:
    await opened(api)
    task = await claimed(api.client)
    answer = await submit(api.client, "transcript", failure(task, error_code=code))
    assert [field for field, *_ in problems(answer)] == ["error_code"]
    await submit(api.client, "transcript", success(task))


async def queue(api: Api, task_type: TaskType, video_id: str, note_id: int | None = None) -> None:
    await api.services.store.execute(QueueTask(task_type, video_id, note_id), EventMetadata(SYSTEM))


async def test_a_summary_is_a_task_of_the_admin(api: Api, ann: Person) -> None:
    video_id = await opened(api)
    (await bring(api, api.admin, video_id, VTT)).raise_for_status()
    for _ in range(2):  # asking again while it is open queues nothing
        await queue(api, TaskType.SUMMARY, video_id)
    while (task := await claimed(api.client, "summary"))["task_details"]["video_id"] != video_id:
        continue
    assert task == {
        "task_id": task["task_id"],
        "task_type": "write_summary",
        "task_details": {"video_id": video_id},
        "retry_count": 1,
        "message": "Summary task retrieved successfully",
    }
    assert (await progress(api, video_id))["summary"]["state"] == "in_progress"
    path = f"/api/videos/{video_id}"
    await api.client.patch(path, json={"summary": "S"}, headers=api.admin)
    done = report(task, success=True)
    answer = await submit(api.client, "summary", done)
    assert shaped(models.SubmittedTask, answer) == {
        "message": "Summary result submitted successfully",
        "task_id": task["task_id"],
        "status": "completed",
    }
    refused(await submit(api.client, "summary", done), 400, "Task is not in progress")
    await queue(api, TaskType.SUMMARY, video_id)
    assert await poll(api.client, "summary") is None


async def test_a_summary_that_fails_is_tried_three_times_and_tells_why(
    api: Api, ann: Person
) -> None:
    video_id = await opened(api)
    (await bring(api, api.admin, video_id, VTT)).raise_for_status()
    await queue(api, TaskType.SUMMARY, video_id)
    for status in ("pending", "pending", "failed"):
        its = failure(await claimed(api.client, "summary"), error_code="model_over_quota")
        answer = await submit(api.client, "summary", its)
        assert answer.json()["status"] == status
    assert (await progress(api, video_id))["summary"] == {
        "state": "failed",
        "attempts": 3,
        "reason": "model_over_quota",
        "message": REASONS["model_over_quota"],
    }


async def test_a_note_without_words_is_a_task_of_the_admin(api: Api) -> None:
    person = await api.sign_up()
    enable = {"ai_notes_enabled": True}
    await api.client.patch("/api/user/profile", json=enable, headers=person.headers)
    video_id = await opened(api)
    (await bring(api, api.admin, video_id, VTT)).raise_for_status()
    note = await api.add_note(person, video_id, text=None)
    await queue(api, TaskType.AI_NOTE, video_id, note["id"])
    task = await claimed(api.client, "ai-note")
    assert task == {
        "task_id": task["task_id"],
        "task_type": "write_ai_note",
        "task_details": {"video_id": video_id, "note_id": note["id"]},
        "retry_count": 1,
        "message": "AI note task retrieved successfully",
    }
    written = {"text": "What is said", "generated_by_ai": True}
    path = f"/api/notes/{note['id']}"
    (await api.client.patch(path, json=written, headers=api.admin)).raise_for_status()
    answer = await submit(api.client, "ai-note", report(task, success=True))
    assert shaped(models.SubmittedTask, answer)["status"] == "completed"
    assert answer.json()["message"] == "AI note result submitted successfully"
    await queue(api, TaskType.AI_NOTE, video_id, note["id"])
    assert await poll(api.client, "ai-note") is None
    its = await progress(api, video_id)  # of a guest, who has no notes
    assert its.keys() == {"transcript", "metadata", "summary"}


async def test_a_task_is_reported_where_it_was_taken(api: Api, ann: Person) -> None:
    await opened(api)
    task = await claimed(api.client)
    for other in ("summary", "ai-note", "metadata"):
        its = {**report(task, success=True), "metadata": {"a": 1}}
        refused(await submit(api.client, other, its), 404, "Task not found")
    await submit(api.client, "transcript", success(task))


async def test_a_malformed_cue_is_left_out_and_told(api: Api, ann: Person) -> None:
    video_id = await opened(api)
    content = b"WEBVTT\n\n00:01.000 --> 00:02.000\na\n\n00:22:21.320 --> \nlost\n"

    answer = shaped(models.AddedTranscript, await bring(api, ann.headers, video_id, content))

    assert answer["segments"] == 1
    assert answer["skipped"] == {
        "count": 1,
        "first": [{"line": 6, "reason": "Line 6 has nothing for a time like 00:01.000."}],
    }
