"""Section 4 of the contract: videos."""

from typing import Any

import pytest

from tests.http.wire import finish_tasks, not_a_string, problems, refused, rule, shaped, unknown
from tests.support import Api, Person, new_video_id
from vidwiz.http.responses import models

TOO_LONG = rule("summary", "summary must be less than 10000 characters")


async def summarise(api: Api, video_id: str, **fields: object) -> Any:
    path = f"/api/videos/{video_id}"
    return await api.client.patch(path, json=fields, headers=api.admin)


async def for_ai(api: Api, video_id: str) -> Any:
    path = f"/api/videos/{video_id}/notes/ai-note-task"
    return await api.client.get(path, headers=api.admin)


async def want_ai(api: Api, person: Person, enabled: bool) -> None:
    body = {"ai_notes_enabled": enabled}
    answer = await api.client.patch("/api/user/profile", json=body, headers=person.headers)
    answer.raise_for_status()


async def test_any_user_reads_any_video(api: Api, ann: Person, bob: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id)
    answer = await api.client.get(f"/api/videos/{video_id}", headers=bob.headers)
    assert shaped(models.Video, answer) == note["video"]


@pytest.mark.parametrize(
    "video_id", ["unknown", "x" * 5000, "%00", "%ff", "%ed%a0%80", "%2e%2e", "🎈"]
)
async def test_an_unknown_video_is_not_found(api: Api, ann: Person, video_id: str) -> None:
    answer = await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)
    refused(answer, 404, "Video not found")
    refused(await summarise(api, video_id, summary="x"), 404, "Video not found")
    refused(await summarise(api, video_id, summary=None), 404, "Video not found")
    refused(await for_ai(api, video_id), 404, "Video not found")


async def test_the_admin_writes_the_summary(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    video = (await api.add_note(ann, video_id))["video"]
    for summary in ("A summary", "ü" * 10_000, ""):
        written = shaped(models.Video, await summarise(api, video_id, summary=summary))
        assert written["updated_at"] > video["updated_at"]
        assert written == {**video, "summary": summary, "updated_at": written["updated_at"]}
    kept = shaped(models.Video, await summarise(api, video_id, summary="Kept"))
    assert shaped(models.Video, await summarise(api, video_id, summary=None)) == kept
    assert shaped(models.Video, await summarise(api, video_id, summary="Kept")) == kept


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"summary": "x" * 10_001}, [TOO_LONG]),
        ({"summary": 5, "title": "T"}, [not_a_string("summary"), unknown("title")]),
        ({"metadata": {}}, [unknown("metadata")]),
    ],
    ids=["long", "type", "unknown"],
)
async def test_a_bad_summary_names_every_rule(api: Api, body: Any, expected: list[Any]) -> None:
    assert problems(await summarise(api, "unknown", **body)) == sorted(expected)


async def test_metadata_and_transcript_show_in_the_video(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    await api.add_note(ann, video_id)
    metadata = {"b": 1, "a": [None, True, 1.5e10, -0.5, "\u2028"], "long": 10**299, "": {"": {}}}
    await finish_tasks(api, "metadata", metadata)
    await finish_tasks(api, "transcript", [{"text": "hi"}])
    video = shaped(
        models.Video, await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)
    )
    assert video["metadata"] == metadata
    assert video["transcript_available"] is True


async def test_the_ai_is_given_notes_without_words_of_those_who_want_it_now(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    await want_ai(api, ann, enabled=True)
    await want_ai(api, bob, enabled=False)
    null, empty = [await api.add_note(ann, video_id, text=text) for text in (None, "")]
    for text in (" ", "words", "\n"):
        await api.add_note(ann, video_id, text=text)
    of_bob = await api.add_note(bob, video_id, text=None)

    task = shaped(models.Notes, await for_ai(api, video_id))
    assert (task["video_id"], task["notes"]) == (video_id, [null, empty])
    assert isinstance(task["message"], str)

    await want_ai(api, bob, enabled=True)
    await want_ai(api, ann, enabled=False)
    assert shaped(models.Notes, await for_ai(api, video_id))["notes"] == [of_bob]

    path = f"/api/notes/{of_bob['id']}"
    await api.client.patch(path, json={"text": "x", "generated_by_ai": True}, headers=api.admin)
    refused(await for_ai(api, video_id), 404, "No notes found for users with AI notes enabled")
    await api.client.patch(path, json={"text": ""}, headers=bob.headers)
    assert [note["id"] for note in (await for_ai(api, video_id)).json()["notes"]] == [of_bob["id"]]
    await api.client.delete(path, headers=bob.headers)
    refused(await for_ai(api, video_id), 404, "No notes found for users with AI notes enabled")
