"""What a note was before, who changed it, and back to it."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.wire import problems, refused, shaped
from tests.support import Api, Person, new_video_id
from vidwiz.http.responses import audit_models, models

WORDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


async def history(api: Api, person: Person, note_id: object, query: str = "") -> Any:
    url = f"/api/notes/{note_id}/history{query}"
    answer = await api.client.get(url, headers=person.headers)
    return shaped(audit_models.NoteHistoryResponse, answer)


async def revert(api: Api, person: Person, note_id: object, **to: object) -> Any:
    return await api.client.post(f"/api/notes/{note_id}/revert", json=to, headers=person.headers)


async def edit(api: Api, headers: dict[str, str], note: Any, text: str, by_ai: bool = False) -> Any:
    body = {"text": text, "generated_by_ai": by_ai}
    answer = await api.client.patch(f"/api/notes/{note['id']}", json=body, headers=headers)
    return shaped(models.NoteResponse, answer)


async def delete(api: Api, person: Person, note: Any) -> None:
    answer = await api.client.delete(f"/api/notes/{note['id']}", headers=person.headers)
    answer.raise_for_status()


async def test_every_version_says_what_it_was_and_who_made_it(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text=None)
    await edit(api, api.admin, note, "of the AI", by_ai=True)
    await edit(api, ann.headers, note, "mine")
    await edit(api, api.admin, note, "an admin's")
    await delete(api, ann, note)
    (await revert(api, ann, note["id"], version=3)).raise_for_status()

    found = await history(api, ann, note["id"])

    versions = found["versions"]
    assert [
        (one["version"], one["what"], one["text"], one["generated_by_ai"], one["by"])
        for one in versions
    ] == [
        (6, "restored", "mine", False, "you"),
        (5, "deleted", None, False, "you"),
        (4, "edited", "an admin's", False, "admin"),
        (3, "edited", "mine", False, "you"),
        (2, "edited", "of the AI", True, "AI"),
        (1, "added", None, False, "you"),
    ]
    assert (found["note_id"], found["deleted"], found["next"]) == (note["id"], False, None)
    times = [datetime.fromisoformat(one["at"]) for one in versions]
    assert times == sorted(times, reverse=True)
    assert times[-1] == datetime.fromisoformat(note["created_at"])
    positions = [one["position"] for one in versions]
    assert positions == sorted(positions, reverse=True)


async def test_a_long_history_comes_in_pages(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id())
    for text in "abcd":
        await edit(api, ann.headers, note, text)
    first = await history(api, ann, note["id"], "?limit=3")
    rest = await history(api, ann, note["id"], f"?limit=3&before={first['next']}")
    assert [one["version"] for one in first["versions"]] == [5, 4, 3]
    assert [one["version"] for one in rest["versions"]] == [2, 1]
    assert rest["next"] is None


async def test_an_edit_is_undone_by_version_or_by_position(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text="first")
    await edit(api, ann.headers, note, "second")
    first = (await history(api, ann, note["id"]))["versions"][-1]

    undone = shaped(
        models.NoteResponse, await revert(api, ann, note["id"], position=first["position"])
    )
    redone = shaped(models.NoteResponse, await revert(api, ann, note["id"], version=2))

    assert (undone["text"], redone["text"]) == ("first", "second")
    assert undone["created_at"] == note["created_at"]
    whats = [one["what"] for one in (await history(api, ann, note["id"]))["versions"]]
    assert whats == ["edited", "edited", "edited", "added"]


async def test_a_deletion_is_undone_and_the_note_is_what_it_was(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    note = await api.add_note(ann, video_id, text="words", timestamp="7:55")
    await delete(api, ann, note)
    assert (await history(api, ann, note["id"]))["deleted"] is True

    restored = shaped(models.NoteResponse, await revert(api, ann, note["id"], version=1))

    assert {**restored, "updated_at": None} == {**note, "updated_at": None}
    assert restored["updated_at"] > note["updated_at"]
    listed = await api.client.get(f"/api/notes/{video_id}", headers=ann.headers)
    assert listed.json() == [restored]
    await delete(api, ann, note)
    assert (await history(api, ann, note["id"]))["deleted"] is True


async def test_nobody_reads_or_reverts_anothers_note(api: Api, ann: Person, bob: Person) -> None:
    note = await api.add_note(ann, new_video_id())
    await edit(api, ann.headers, note, "private")
    url = f"/api/notes/{note['id']}/history"
    refused(await api.client.get(url, headers=bob.headers), 404, "Note not found")
    refused(await api.client.get(url, headers=api.admin), 401)
    refused(await revert(api, bob, note["id"], version=1), 404, "Note not found")
    await delete(api, ann, note)
    refused(await api.client.get(url, headers=bob.headers), 404)
    refused(await revert(api, bob, note["id"], version=1), 404)
    assert len((await history(api, ann, note["id"]))["versions"]) == 3


async def test_there_is_no_going_back_to_what_never_was(api: Api, ann: Person) -> None:
    note, other = [await api.add_note(ann, new_video_id()) for _ in range(2)]
    position = (await history(api, ann, other["id"]))["versions"][0]["position"]
    await delete(api, ann, note)
    for to in ({"version": 2}, {"version": 3}, {"version": 2**63 - 1}, {"position": position}):
        refused(
            await revert(api, ann, note["id"], **to), 404, "The note has no words at this version"
        )
    refused(await revert(api, ann, 10**17, version=1), 404, "Note not found")


@pytest.mark.parametrize(
    "body",
    [{"x": 1}, {"version": 1, "position": 1}, {"version": 0}, {"version": 2**63}, {"version": "1"},
     {"version": 1.5}, {"position": True}, {"version": None, "position": None}],
    ids=str,
)  # fmt: skip
async def test_a_revert_names_one_version(api: Api, ann: Person, body: dict[str, Any]) -> None:
    assert problems(await revert(api, ann, 1, **body))


@pytest.mark.parametrize("query", ["before=0", "before=x", "limit=0", "limit=101", "before=1e3"])
async def test_a_page_of_a_history_is_bounded(api: Api, ann: Person, query: str) -> None:
    answer = await api.client.get(f"/api/notes/1/history?{query}", headers=ann.headers)
    assert problems(answer)


async def test_two_reverts_at_once_both_succeed_one_after_the_other(api: Api, ann: Person) -> None:
    note = await api.add_note(ann, new_video_id(), text="first")
    await edit(api, ann.headers, note, "second")
    await delete(api, ann, note)

    answers = await asyncio.gather(
        *(revert(api, ann, note["id"], version=version) for version in (1, 2, 1, 2, 1, 2))
    )

    assert {one.status_code for one in answers} == {200}
    assert [one.json()["text"] for one in answers] == ["first", "second"] * 3
    whats = [one["what"] for one in (await history(api, ann, note["id"]))["versions"]]
    assert sorted(whats[:-3]) == ["edited"] * (len(whats) - 4) + ["restored"]


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(texts=st.lists(WORDS | st.none(), min_size=1, max_size=6), pick=st.integers(0, 100))
async def test_going_back_to_any_version_gives_its_words(
    api: Api, ann: Person, texts: list[str | None], pick: int
) -> None:
    note = await api.add_note(ann, new_video_id(), text="added")
    for text in texts:
        if text is None:
            await delete(api, ann, note)
            await revert(api, ann, note["id"], version=1)
        else:
            await edit(api, ann.headers, note, text)
    versions = (await history(api, ann, note["id"]))["versions"]
    spoken = [one for one in versions if one["what"] != "deleted"]
    wanted = spoken[pick % len(spoken)]
    back = shaped(
        models.NoteResponse, await revert(api, ann, note["id"], version=wanted["version"])
    )
    assert back["text"] == wanted["text"]
