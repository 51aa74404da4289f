"""What followed from one request: its events, those of workers and reactions, to the last."""

import asyncio
from collections.abc import Iterator
from typing import Any

from tests.http.wire import finish_tasks, shaped
from tests.projections.histories import START
from tests.support import Api, eventually, new_video_id
from tests.wiz_support import ask, guest
from vidwiz.audit.causation import DEEPEST, trees
from vidwiz.events import TaskClaimed, TaskType
from vidwiz.events.recorded import SYSTEM, EventMetadata, RecordedEvent
from vidwiz.http.responses import audit_models

Path = tuple[str, ...]


async def causation(api: Api, correlation_id: str) -> Any:
    url = f"/api/audit/correlations/{correlation_id}"
    answer = await api.client.get(url, headers=api.admin)
    found = shaped(audit_models.Causation, answer)
    assert found["next"] is None
    return found


def paths(effects: list[dict[str, Any]], above: Path = ()) -> Iterator[Path]:
    """Every event by the topics that lead to it."""
    for one in effects:
        path = (*above, one["topic"])
        yield path
        yield from paths(one["effects"], path)


def all_of(effects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in effects:
        yield one
        yield from all_of(one["effects"])


async def work(api: Api, kind: str, result: dict[str, Any], request_id: str = "w") -> Any:
    """Claim the next task, write what it is for, and submit the result."""
    headers = {**api.admin, "X-Request-ID": f"{request_id}-claim"}
    claimed = await api.client.get(f"/api/tasks/{kind}?timeout=10", headers=headers)
    assert claimed.status_code == 200, claimed.text
    task = claimed.json()
    details = task["task_details"]
    headers = {**api.admin, "X-Request-ID": f"{request_id}-write"}
    for_task = {"task_id": task["task_id"]}
    if kind == "summary":
        url = f"/api/videos/{details['video_id']}"
        words = await api.client.patch(url, params=for_task, json={"summary": "S"}, headers=headers)
        words.raise_for_status()
    if kind == "ai-note":
        url = f"/api/notes/{details['note_id']}"
        edit = {"text": "by AI", "generated_by_ai": True}
        words = await api.client.patch(url, params=for_task, json=edit, headers=headers)
        words.raise_for_status()
    body = {**for_task, "video_id": details["video_id"], "success": True, **result}
    headers = {**api.admin, "X-Request-ID": f"{request_id}-submit"}
    done = await api.client.post(f"/api/tasks/{kind}", json=body, headers=headers)
    done.raise_for_status()
    return task


async def test_all_that_followed_from_a_note_is_one_tree(api: Api) -> None:
    ann = await api.sign_up()
    enabled = {"ai_notes_enabled": True}
    (
        await api.client.patch("/api/user/profile", json=enabled, headers=ann.headers)
    ).raise_for_status()
    body = {"video_id": new_video_id(), "video_title": "T", "timestamp": "0:02"}
    headers = {**ann.headers, "X-Request-ID": "the-note"}
    (await api.client.post("/api/notes", json=body, headers=headers)).raise_for_status()
    spoken = [{"text": "Houston", "offset": 2.0, "duration": 2.0}]
    await work(api, "transcript", {"transcript": spoken})
    await work(api, "metadata", {"metadata": {"title": "T"}})
    await work(api, "summary", {})
    await work(api, "ai-note", {})

    found = await causation(api, "the-note")

    (root,) = found["causes"]
    assert root["cause"] == "request:the-note"
    ready = ("TaskQueued", "TaskClaimed", "TranscriptReady", "TaskQueued", "TaskClaimed")
    assert sorted(paths(root["effects"])) == sorted(
        [
            ("VideoAdded",),
            ("NoteAdded",),
            ("TaskQueued",),
            ("TaskQueued", "TaskClaimed"),
            ("TaskQueued", "TaskClaimed", "TaskCompleted"),
            ("TaskQueued", "TaskClaimed", "MetadataFetched"),
            ("TaskQueued",),
            ("TaskQueued", "TaskClaimed"),
            ("TaskQueued", "TaskClaimed", "TaskCompleted"),
            ("TaskQueued", "TaskClaimed", "TranscriptReady"),
            *[ready[:4], ready[:5], (*ready, "TaskCompleted")] * 2,
            (*ready, "SummaryWritten"),
            (*ready, "NoteEdited"),
        ]
    )
    assert found["events"] == len([*all_of(root["effects"])])
    by_topic = {one["topic"]: one for one in all_of(root["effects"])}
    assert by_topic["NoteAdded"]["request_id"] is None
    assert by_topic["TaskClaimed"]["request_id"] == "w-claim"
    assert by_topic["TranscriptReady"]["request_id"] == "w-submit"
    assert by_topic["NoteEdited"]["request_id"] == "w-write"
    assert {one["correlation_id"] for one in all_of(root["effects"])} == {"the-note"}


async def test_an_answer_follows_from_the_question_that_began_its_turn(api: Api) -> None:
    video_id = new_video_id()
    await api.client.post("/api/wiz/init", json={"video_id": video_id})
    spoken = [{"text": "Houston", "offset": 2.0, "duration": 2.0}]
    path = f"/api/videos/{video_id}/transcript"
    (await api.client.post(path, json=spoken, headers=api.admin)).raise_for_status()
    headers = {**guest(), "X-Request-ID": "the-question"}
    (await ask(api.client, headers, video_id, "What of Houston?")).raise_for_status()

    found = await causation(api, "the-question")

    (root,) = found["causes"]
    assert [*paths(root["effects"])] == [
        ("ConversationStarted",),
        ("MessageSent",),
        ("TurnStarted",),
        ("TurnStarted", "MessageSent"),
        ("TurnStarted", "TurnCompleted"),
    ]


async def test_words_for_a_task_that_never_was_follow_from_their_own_request(api: Api) -> None:
    ann = await api.sign_up()
    note = await api.add_note(ann, new_video_id(), text=None)
    headers = {**api.admin, "X-Request-ID": "on-its-own"}
    url = f"/api/notes/{note['id']}?task_id=999999999"
    edit = {"text": "by AI", "generated_by_ai": True}
    (await api.client.patch(url, json=edit, headers=headers)).raise_for_status()
    (root,) = (await causation(api, "on-its-own"))["causes"]
    assert root["cause"] == "request:on-its-own"
    assert [*paths(root["effects"])] == [("NoteEdited",)]


async def test_a_user_names_no_task(api: Api) -> None:
    ann = await api.sign_up()
    note = await api.add_note(ann, new_video_id())
    headers = {**ann.headers, "X-Request-ID": "by-a-user"}
    url = f"/api/notes/{note['id']}?task_id=1"
    (await api.client.patch(url, json={"text": "b"}, headers=headers)).raise_for_status()
    (root,) = (await causation(api, "by-a-user"))["causes"]
    assert root["cause"] == "request:by-a-user"


async def test_a_claim_that_is_given_back_stays_in_the_tree(api: Api) -> None:
    await finish_tasks(api, "transcript", [{"text": "Houston"}])
    headers = {"X-Request-ID": "given-back"}
    await api.client.post("/api/wiz/init", json={"video_id": new_video_id()}, headers=headers)
    dispatcher = api.services.dispatchers[TaskType.TRANSCRIPT]
    origin = EventMetadata(SYSTEM, correlation_id="a-worker")
    claim = await dispatcher.claim("admin", 5, origin, asyncio.Future())
    assert claim is not None
    dispatcher.give_back(claim, origin)

    async def is_back() -> bool:
        (root,) = (await causation(api, "given-back"))["causes"]
        return ("TaskQueued", "TaskClaimed", "TaskGivenBack") in paths(root["effects"])

    await eventually(is_back)


def test_a_tree_is_only_so_deep() -> None:
    events = [
        RecordedEvent(
            event=TaskClaimed(task_id=1, worker="w", attempt=1),
            originator_version=position,
            recorded_at=START,
            origin=EventMetadata(SYSTEM, "c", f"event:{position - 1}"),
            position=position,
        )
        for position in range(1, 500)
    ]
    (root,) = trees(events)
    found = [*paths(root["effects"])]
    assert len(found) == len(events)
    assert max(map(len, found)) == DEEPEST
