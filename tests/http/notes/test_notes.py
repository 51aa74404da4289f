"""Section 3 of the contract: notes."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.http.wire import (
    finish_tasks,
    missing,
    not_a_string,
    problems,
    refused,
    rule,
    shaped,
    unknown,
    user_id_of,
)
from tests.support import Api, Person, bearer, new_video_id
from vidwiz.commands.notes import AddNote
from vidwiz.events.recorded import Actor, EventMetadata
from vidwiz.http.limits.bodies import SMALL_BODY
from vidwiz.http.responses import models
from vidwiz.wiz.note_times import PATTERN, require_time, seconds_of
from vidwiz.wiz.transcripts import LONGEST_VIDEO_S
from vidwiz.workers.writing import seconds_of_note as seconds_for_a_prompt

NO_COLON = rule("timestamp", "timestamp must contain at least one ':'")
NO_NUMBERS = rule("timestamp", "timestamp must contain at least two numbers")
NO_TIME = rule("timestamp", "timestamp must be a time like 12:34 or 1:02:03")
TIMES = json.loads(
    (Path(__file__).parents[2] / "cases" / "note_times.json").read_text(encoding="utf-8")
)
"""Shared with ``frontend/src/lib/time.test.ts``."""


async def post(api: Api, person: Person, **fields: object) -> Any:
    return await api.client.post("/api/notes", json=fields, headers=person.headers)


async def edit(api: Api, headers: dict[str, str], note_id: object, **fields: object) -> Any:
    return await api.client.patch(f"/api/notes/{note_id}", json=fields, headers=headers)


async def notes_of(api: Api, person: Person, video_id: str) -> list[dict[str, Any]]:
    answer = await api.client.get(f"/api/notes/{video_id}", headers=person.headers)
    return list(shaped(list[models.NoteResponse], answer))


async def test_a_first_note_adds_the_video_and_has_exactly_the_contracts_keys(
    api: Api, ann: Person
) -> None:
    video_id, before = new_video_id(), datetime.now(UTC)

    answer = await post(
        api, ann, video_id=video_id, video_title="A title", timestamp="1:23", text="words"
    )

    note = shaped(models.NoteResponse, answer, 201)
    created_at = datetime.fromisoformat(note["created_at"])
    assert before <= created_at <= datetime.now(UTC)
    assert note == {
        "id": note["id"],
        "video_id": video_id,
        "timestamp": "1:23",
        "text": "words",
        "generated_by_ai": False,
        "created_at": note["created_at"],
        "updated_at": note["created_at"],
        "user_id": await user_id_of(api, ann.headers),
        "video": {
            "id": note["video"]["id"],
            "video_id": video_id,
            "title": "A title",
            "metadata": None,
            "transcript_available": False,
            "summary": None,
            "created_at": note["created_at"],
            "updated_at": note["created_at"],
        },
    }
    assert await notes_of(api, ann, video_id) == [note]


async def test_a_first_note_queues_one_task_of_each_kind(api: Api, ann: Person) -> None:
    for kind in ("transcript", "metadata"):
        await finish_tasks(api, kind, [{"text": "x"}] if kind == "transcript" else {"a": 1})
    video_id = new_video_id()
    for _ in range(2):
        await api.add_note(ann, video_id)
    for kind in ("transcript", "metadata"):
        path = f"/api/tasks/{kind}?timeout=0"
        task = (await api.client.get(path, headers=api.admin)).json()
        assert task["task_details"] == {"video_id": video_id}
        assert (await api.client.get(path, headers=api.admin)).status_code == 204


@pytest.mark.parametrize("case", TIMES, ids=lambda case: repr(case["given"])[:30])
def test_times_are_read_as_the_table_says(case: dict[str, Any]) -> None:
    assert seconds_of(case["given"]) == case["seconds"]
    if case["seconds"] is not None:
        assert require_time(case["given"]) == case["given"]
        assert seconds_for_a_prompt(case["given"]) == min(int(case["seconds"]), LONGEST_VIDEO_S)
    else:
        with pytest.raises(ValueError, match=f"^{re.escape(case['rule'])}$"):
            require_time(case["given"])


@given(timestamp=st.text("0123456789:. -", max_size=12) | st.text(max_size=8))
def test_a_time_is_what_the_documented_pattern_says(timestamp: str) -> None:
    matches = re.search(PATTERN.removesuffix("$") + r"\Z", timestamp) is not None
    assert (seconds_of(timestamp) is not None) == matches
    if not matches:
        with pytest.raises(ValueError, match="timestamp must"):
            require_time(timestamp)


@pytest.mark.parametrize(
    "timestamp", ["1:23", "12:34:56", " 7:55:35 ", "0:05", "00:00:05", "75:10"]
)
@pytest.mark.parametrize("text", [None, "", " ", "wörds 🎈\r\n\t\"'\\ </script> \u2028 %s {}"])
async def test_timestamp_and_text_are_kept_verbatim(
    api: Api, ann: Person, timestamp: str, text: str | None
) -> None:
    video_id = new_video_id()
    answer = await post(
        api, ann, video_id=video_id, video_title=f"T{text}", timestamp=timestamp, text=text
    )
    note = shaped(models.NoteResponse, answer, 201)
    assert (note["timestamp"], note["text"]) == (timestamp, text)
    assert note["video"]["title"] == f"T{text}"
    assert await notes_of(api, ann, video_id) == [note]


async def test_text_may_be_left_out(api: Api, ann: Person) -> None:
    answer = await post(api, ann, video_id=new_video_id(), video_title="T", timestamp="1:23")
    assert shaped(models.NoteResponse, answer, 201)["text"] is None


@pytest.mark.parametrize("title", [..., None, ""])
async def test_an_unknown_video_needs_a_title(api: Api, ann: Person, title: object) -> None:
    video_id = new_video_id()
    fields = {"video_id": video_id, "timestamp": "1:23", "video_title": title}
    answer = await post(api, ann, **{k: v for k, v in fields.items() if v is not ...})
    refused(answer, 400, "video_title is required when video does not exist")
    found = await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)
    refused(found, 404, "Video not found")


@pytest.mark.parametrize("title", [..., None, "", "Another title"])
async def test_a_known_video_keeps_its_title(api: Api, ann: Person, title: object) -> None:
    video_id = new_video_id()
    await api.add_note(ann, video_id, video_title="The title")
    fields = {"video_id": video_id, "timestamp": "1:23", "video_title": title}
    answer = await post(api, ann, **{k: v for k, v in fields.items() if v is not ...})
    assert shaped(models.NoteResponse, answer, 201)["video"]["title"] == "The title"


INVISIBLE = [
    " ",
    "\t\n",
    "\u00a0\u3000",
    "\u200b\u2060\ufeff",
    "\u202e",
    "\x1b",
    "\u3164",
    "\u00ad",
]


@pytest.mark.parametrize("title", INVISIBLE, ids=ascii)
async def test_a_title_that_nobody_can_see_is_none(
    api: Api, ann: Person, bob: Person, title: str
) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id, video_title=title)
    assert note["video"]["title"] is None
    await finish_tasks(api, "metadata", {"title": title})
    note = await api.add_note(bob, video_id, video_title="The title")
    assert note["video"]["title"] == "The title"
    assert (await api.client.get(f"/api/wiz/video/{video_id}")).json()["title"] == "The title"


@pytest.mark.parametrize(
    "title",
    ["♪", "a\u200b", "\u200f漢", "🎈\ufe0f", "漢", "\u0639\u0651"],
    ids=ascii,
)
async def test_a_title_of_few_signs_is_one(api: Api, ann: Person, title: str) -> None:
    note = await api.add_note(ann, new_video_id(), video_title=title)
    assert note["video"]["title"] == title


async def test_flag_owner_and_id_cannot_be_set(api: Api, ann: Person) -> None:
    note = await api.add_note(
        ann, new_video_id(), generated_by_ai=True, user_id=1, id=1, created_at="x", unknown={}
    )
    assert note["generated_by_ai"] is False
    assert note["user_id"] == await user_id_of(api, ann.headers)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"timestamp": "123"}, [NO_COLON]),
        ({"timestamp": ""}, [NO_COLON]),
        ({"timestamp": "1:"}, [NO_NUMBERS]),
        ({"timestamp": ":"}, [NO_NUMBERS]),
        ({"timestamp": "1:99:99"}, [NO_TIME]),
        ({"timestamp": "1:23" + " " * 97},
         [("timestamp", "string_too_long", "String should have at most 100 characters")]),
        ({"timestamp": 123}, [not_a_string("timestamp")]),
        ({"timestamp": None}, [not_a_string("timestamp")]),
        ({"video_id": 5, "video_title": 5, "text": 5, "timestamp": "5"},
         [not_a_string("video_id"), not_a_string("video_title"), not_a_string("text"), NO_COLON]),
        ({"video_id": None}, [not_a_string("video_id")]),
    ],
)  # fmt: skip
async def test_a_bad_note_names_every_rule(
    api: Api, ann: Person, changes: dict[str, Any], expected: list[Any]
) -> None:
    good = {"video_id": "W421vNri5hw", "video_title": "T", "timestamp": "1:23", "text": None}
    assert problems(await post(api, ann, **{**good, **changes})) == sorted(expected)


async def test_a_note_without_fields_misses_each(api: Api, ann: Person) -> None:
    answer = await post(api, ann, text="x")
    assert problems(answer) == [missing("timestamp"), missing("video_id")]


@pytest.mark.parametrize(
    "video_id",
    ["", " ", "x", "x" * 65, "a b", "\u00fc", "a\tb", "\u202e", "a/b/c", "../../../etc", "x" * 12,
     "https://evilyoutube.com/watch?v=W421vNri5hw", "https://youtu.be/x?list=PL1"],
)  # fmt: skip
async def test_what_is_no_video_is_refused(api: Api, ann: Person, video_id: str) -> None:
    answer = await post(api, ann, video_id=video_id, video_title="T", timestamp="1:23")
    ((field, kind, _),) = problems(answer)
    assert (field, kind) == ("video_id", "value_error")


async def test_a_link_means_its_video(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    for link in (f"https://youtu.be/{video_id}?t=90", f"youtube.com/watch?v={video_id}", video_id):
        note = await api.add_note(ann, link)
        assert note["video_id"] == note["video"]["video_id"] == video_id
    assert len(await notes_of(api, ann, video_id)) == 3


async def test_what_older_versions_took_is_still_shown(api: Api, ann: Person) -> None:
    """Notes with videos and times that are none: they are listed, exported, edited, deleted."""
    user_id = await user_id_of(api, ann.headers)
    for video_id, timestamp in (("old/video.1", "a1:b2"), ("old.video~2", "1:99:99")):
        command = AddNote(user_id, video_id, "Old", timestamp, "words")
        await api.services.store.execute(command, EventMetadata(actor=Actor.user(user_id)))
    (note,) = await notes_of(api, ann, "old.video~2")
    assert (note["video_id"], note["timestamp"]) == ("old.video~2", "1:99:99")
    edited = shaped(models.NoteResponse, await edit(api, ann.headers, note["id"], text="new"))
    assert (edited["text"], edited["timestamp"]) == ("new", "1:99:99")
    listed = await api.client.get("/api/search?query=Old", headers=ann.headers)
    assert {video["video_id"] for video in listed.json()["videos"]} >= {"old/video.1"}
    found = await api.client.get("/api/search/all?q=words", headers=ann.headers)
    hits = {hit["timestamp"]: hit["seconds"] for it in found.json()["videos"] for hit in it["hits"]}
    assert hits["a1:b2"] is None
    archive = await api.client.get("/api/user/export", headers=ann.headers)
    assert archive.status_code == 200
    audited = await api.client.get("/api/audit/events?video_id=old/video.1", headers=api.admin)
    assert "VideoAdded" in {event["topic"] for event in audited.json()["events"]}


async def test_duplicates_are_allowed_and_notes_come_oldest_first(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    made = [await api.add_note(ann, video_id) for _ in range(3)]
    assert len({note["id"] for note in made}) == 3
    assert [note["id"] for note in await notes_of(api, ann, video_id)] == [n["id"] for n in made]


async def test_everybody_sees_only_their_own_notes(api: Api, ann: Person, bob: Person) -> None:
    video_id = new_video_id()
    of_ann, of_bob = await api.add_note(ann, video_id), await api.add_note(bob, video_id)
    assert [note["id"] for note in await notes_of(api, ann, video_id)] == [of_ann["id"]]
    assert [note["id"] for note in await notes_of(api, bob, video_id)] == [of_bob["id"]]
    assert of_ann["video"] == of_bob["video"]


async def test_an_unknown_video_has_no_notes(api: Api, ann: Person) -> None:
    for video_id in ("unknown", "x" * 1000, "%00", "%ff", "%2e%2e"):
        assert await notes_of(api, ann, video_id) == []


async def test_a_note_shows_its_video_as_it_is_now(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id)
    metadata = {"title": "é", "view_count": 10**18, "nested": [{"a": None}, 1.5], "": "empty key"}
    await finish_tasks(api, "transcript", [{"text": "hello", "offset": 0.0}])
    await finish_tasks(api, "metadata", metadata)
    await api.client.patch(f"/api/videos/{video_id}", json={"summary": "S"}, headers=api.admin)
    (found,) = await notes_of(api, ann, video_id)
    assert found["video"]["metadata"] == metadata
    assert found["video"]["transcript_available"] is True
    assert found["video"]["summary"] == "S"
    assert {**found, "video": None} == {**note, "video": None}


async def test_an_owner_edits_words(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text=None)
    for text in ("new", "", " ", "new"):
        answer = await edit(api, ann.headers, note["id"], text=text)
        edited = shaped(models.NoteResponse, answer)
        assert edited["updated_at"] > note["updated_at"]
        assert edited == {**note, "text": text, "updated_at": edited["updated_at"]}


@pytest.mark.parametrize(
    ("flag", "kept"), [(..., False), (None, False), (False, False), (True, True)]
)
async def test_a_flag_that_is_absent_or_null_becomes_false(
    api: Api, ann: Person, flag: object, kept: bool
) -> None:
    note = await api.add_note(ann, new_video_id(), text=None)
    await edit(api, api.admin, note["id"], text="by AI", generated_by_ai=True)
    fields = {"text": "by AI", "generated_by_ai": flag}
    answer = await edit(
        api, ann.headers, note["id"], **{k: v for k, v in fields.items() if v is not ...}
    )
    assert shaped(models.NoteResponse, answer)["generated_by_ai"] is kept


async def test_the_admin_edits_any_note_and_the_owner_stays(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text="")
    answer = await edit(api, api.admin, note["id"], text="by AI", generated_by_ai=True)
    edited = shaped(models.NoteResponse, answer)
    assert (edited["text"], edited["generated_by_ai"]) == ("by AI", True)
    assert edited["user_id"] == note["user_id"]


async def test_a_late_answer_of_an_ai_leaves_what_a_person_wrote_meanwhile(
    api: Api, ann: Person
) -> None:
    """Without ``only_if_empty`` too, which older workers do not give; to them it is a success."""
    for text in (None, "", "of its owner"):
        note = await api.add_note(ann, new_video_id(), text=text)
        mine = [] if text else ["written meanwhile"]
        answers = await asyncio.gather(
            *(edit(api, api.admin, note["id"], text=f"by AI {n}", generated_by_ai=True)
              for n in range(8)),
            *(edit(api, ann.headers, note["id"], text=words) for words in mine),
        )  # fmt: skip
        late = await edit(api, api.admin, note["id"], text="by AI, late", generated_by_ai=True)
        assert {answer.status_code for answer in answers} == {200}
        kept = shaped(models.NoteResponse, late)
        expected = text or mine[0]
        assert (kept["text"], kept["generated_by_ai"]) == (expected, False)
        assert await notes_of(api, ann, note["video_id"]) == [kept]
        fixed = await edit(api, api.admin, note["id"], text="An admin's own edit")
        assert shaped(models.NoteResponse, fixed)["text"] == "An admin's own edit"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"generated_by_ai": True}, [missing("text")]),
        ({"text": None}, [not_a_string("text")]),
        ({"text": 5, "video_id": "x", "generated_by_ai": "perhaps"},
         [not_a_string("text"), unknown("video_id"),
          ("generated_by_ai", "bool_parsing",
           "Input should be a valid boolean, unable to interpret input")]),
        ({"text": "x", "timestamp": "1:23"}, [unknown("timestamp")]),
    ],
)  # fmt: skip
async def test_a_bad_edit_names_every_rule(
    api: Api, ann: Person, body: Any, expected: list[Any]
) -> None:
    note = await api.add_note(ann, new_video_id())
    assert problems(await edit(api, ann.headers, note["id"], **body)) == sorted(expected)
    assert problems(await edit(api, ann.headers, 10**9, **body)) == sorted(expected)


NO_IDS = ["0", "-1", "1e3", "1.0", "%D9%A3", str(10**17), str(10**30), "9" * 5000, "..%5cx", "+1",
          "%201", "1%20", "1%0a", "0x1", "1_0", "null", "%00", "%ff", "%ed%a0%80",
          "🎈"]  # fmt: skip


@pytest.mark.parametrize("note_id", NO_IDS, ids=lambda note_id: note_id[:12])
async def test_what_is_no_note_is_not_found(api: Api, ann: Person, note_id: str) -> None:
    refused(await edit(api, ann.headers, note_id, text="x"), 404, "Note not found")
    refused(await edit(api, api.admin, note_id, text="x"), 404, "Note not found")
    answer = await api.client.delete(f"/api/notes/{note_id}", headers=ann.headers)
    refused(answer, 404, "Note not found")


async def test_another_users_note_is_not_found(api: Api, ann: Person, bob: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id)
    refused(await edit(api, bob.headers, note["id"], text="mine"), 404, "Note not found")
    answer = await api.client.delete(f"/api/notes/{note['id']}", headers=bob.headers)
    refused(answer, 404, "Note not found")
    assert await notes_of(api, ann, video_id) == [note]


async def test_a_deleted_note_is_gone_and_its_video_remains(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id)
    path = f"/api/notes/{note['id']}"
    answer = await api.client.delete(path, headers=ann.headers)
    assert shaped(models.MessageResponse, answer) == {"message": "Note deleted successfully"}
    refused(await api.client.delete(path, headers=ann.headers), 404, "Note not found")
    for headers in (ann.headers, api.admin):
        refused(await edit(api, headers, note["id"], text="x"), 404, "Note not found")
    assert await notes_of(api, ann, video_id) == []
    video = await api.client.get(f"/api/videos/{video_id}", headers=ann.headers)
    assert shaped(models.Video, video) == note["video"]


async def test_of_many_deletions_at_once_one_succeeds(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id())
    path = f"/api/notes/{note['id']}"
    answers = await asyncio.gather(
        *(api.client.delete(path, headers=ann.headers) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[404] * 7]


async def test_many_edits_at_once_all_happen_one_after_the_other(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id)
    answers = await asyncio.gather(
        *(edit(api, ann.headers, note["id"], text=f"text {n}") for n in range(16))
    )
    assert [answer.json()["text"] for answer in answers] == [f"text {n}" for n in range(16)]
    (left,) = await notes_of(api, ann, video_id)
    newest = max((answer.json() for answer in answers), key=lambda one: one["updated_at"])
    assert left["text"] == newest["text"]


async def test_many_first_notes_at_once_add_one_video(api: Api, ann: Person, bob: Person) -> None:
    video_id = new_video_id()
    notes = await asyncio.gather(
        *(api.add_note(person, video_id, video_title=f"{n}")
          for n, person in enumerate([ann, bob] * 5))
    )  # fmt: skip
    assert len({note["id"] for note in notes}) == 10
    assert len({str(note["video"]) for note in notes}) == 1
    assert len(await notes_of(api, ann, video_id)) == 5


async def test_the_same_idempotency_key_makes_one_note(api: Api, ann: Person, bob: Person) -> None:
    video_id = new_video_id()
    body = {"video_id": video_id, "video_title": "T", "timestamp": "1:23", "text": "once"}
    key = {"Idempotency-Key": f"key-{video_id}"}
    answers = await asyncio.gather(
        *(
            api.client.post("/api/notes", json=body, headers={**ann.headers, **key})
            for _ in range(8)
        )
    )
    assert {answer.status_code for answer in answers} == {201}
    (note,) = await notes_of(api, ann, video_id)
    assert [answer.json() for answer in answers] == [note] * 8

    other = {**body, "text": "another"}
    refused(
        await api.client.post("/api/notes", json=other, headers={**ann.headers, **key}),
        422,
        "Idempotency-Key was already used with a different request",
    )
    of_bob = await api.client.post("/api/notes", json=other, headers={**bob.headers, **key})
    assert of_bob.status_code == 201
    await api.client.delete(f"/api/notes/{note['id']}", headers=ann.headers)
    refused(await api.client.post("/api/notes", json=body, headers={**ann.headers, **key}), 409)
    assert await notes_of(api, ann, video_id) == []


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é", "a\tb"])
async def test_an_idempotency_key_that_is_none_is_refused(api: Api, ann: Person, key: str) -> None:
    video_id = new_video_id()
    body = {"video_id": video_id, "video_title": "T", "timestamp": "1:23"}
    headers: Any = {**ann.headers, "Idempotency-Key": key.encode()}
    refused(await api.client.post("/api/notes", json=body, headers=headers), 400)
    assert await notes_of(api, ann, video_id) == []


async def test_a_refused_request_does_not_use_up_its_key(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    headers = {**ann.headers, "Idempotency-Key": f"key-{video_id}"}
    body = {"video_id": video_id, "timestamp": "1:23"}
    refused(await api.client.post("/api/notes", json=body, headers=headers), 400)
    body["video_title"] = "T"
    answer = await api.client.post("/api/notes", json=body, headers=headers)
    assert answer.status_code == 201


async def test_a_note_of_an_account_that_is_not_there_is_404(api: Api) -> None:
    from tests.http.wire import claims, signed

    video_id = new_video_id()
    body = {"video_id": video_id, "video_title": "T", "timestamp": "1:23"}
    nobody = bearer(signed(claims(10**12)))
    refused(await api.client.post("/api/notes", json=body, headers=nobody), 404, "User not found")
    found = await api.client.get(f"/api/videos/{video_id}", headers=nobody)
    refused(found, 404, "Video not found")


async def test_a_text_has_a_length(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text="é" * 100_000)
    assert note["text"] == "é" * 100_000
    answer = await edit(api, ann.headers, note["id"], text="x" * 100_001)
    ((field, kind, _),) = problems(answer)
    assert (field, kind) == ("text", "string_too_long")


async def test_a_body_over_the_limit_is_413(api: Api, ann: Person) -> None:
    async def chunks() -> Any:
        for _ in range(SMALL_BODY // 65536 + 1):
            yield b" " * 65536

    headers = {**ann.headers, "Content-Type": "application/json"}
    for content in (b" " * (SMALL_BODY + 1), chunks()):
        refused(await api.client.post("/api/notes", content=content, headers=headers), 413)
