"""The live stream: whom it tells what, how it goes on after a break, and what bounds it."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from secrets import token_hex
from typing import Any

import pytest

from tests.http.wire import error_of, long_term_token, refused, user_id_of
from tests.live_support import Heard, Listener, listening
from tests.support import Api, Person, bearer, eventually, new_video_id
from tests.wiz_support import SPOKEN, ask, guest, json_bytes, open_video
from tests.workers import claimed, drain, failure, submit
from vidwiz.events import Event
from vidwiz.http import live
from vidwiz.live import hub, recent, stream


async def edit(api: Api, person: Person, note_id: int, text: str) -> None:
    body = {"text": text}
    path = f"/api/notes/{note_id}"
    (await api.client.patch(path, json=body, headers=person.headers)).raise_for_status()


async def rename(api: Api, person: Person) -> None:
    """What ends a sequence of changes: a ``profile`` event."""
    body = {"name": f"Name {token_hex(8)}"}
    path = "/api/user/profile"
    (await api.client.patch(path, json=body, headers=person.headers)).raise_for_status()


async def bring(api: Api, video_id: str) -> None:
    path = f"/api/videos/{video_id}/transcript"
    (await api.client.post(path, content=json_bytes(SPOKEN), headers=api.admin)).raise_for_status()


async def heard_until_renamed(api: Api, person: Person, listener: Listener) -> list[Heard]:
    """Everything that the person is told before they are renamed."""
    await rename(api, person)
    return (await listener.until("profile"))[:-1]


def told(events: list[Heard], kind: str) -> list[dict[str, Any]]:
    return [event.data for event in events if event.kind == kind]


async def test_a_person_hears_of_their_notes_and_nobody_else_does(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    await api.add_note(bob, video_id)
    async with listening(api, ann) as anns, listening(api, bob) as bobs:
        note = await api.add_note(ann, video_id, text="secret")
        await edit(api, ann, note["id"], "other words")
        await api.client.delete(f"/api/notes/{note['id']}", headers=ann.headers)
        events = await heard_until_renamed(api, ann, anns)
        assert told(events, "note") == [
            {"type": kind, "note_id": note["id"], "video_id": video_id}
            for kind in ("added", "edited", "deleted")
        ]
        assert told(await heard_until_renamed(api, bob, bobs), "note") == []


async def test_the_first_note_on_a_video_tells_of_the_video_and_its_tasks(
    api: Api, ann: Person
) -> None:
    video_id = new_video_id()
    async with listening(api, ann) as anns:
        await api.add_note(ann, video_id)
        events = await heard_until_renamed(api, ann, anns)
    assert [event.kind for event in events] == ["video", "task", "task", "note"]
    assert told(events, "video") == [{"video_id": video_id, "what": "added"}]
    assert {task["task_type"] for task in told(events, "task")} == {
        "fetch_transcript",
        "fetch_metadata",
    }
    positions = [event.position for event in events]
    assert positions == sorted(set(positions))


async def test_a_task_tells_those_with_a_note_how_it_goes(
    api: Api, ann: Person, bob: Person
) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await api.add_note(ann, video_id)
    async with listening(api, ann) as anns, listening(api, bob) as bobs:
        task = await claimed(api.client, "transcript")
        await submit(api.client, "transcript", failure(task, error_code="blocked"))
        await bring(api, video_id)
        events = await heard_until_renamed(api, ann, anns)
        assert told(await heard_until_renamed(api, bob, bobs), "task") == []
    its = {"video_id": video_id, "task_type": "fetch_transcript"}
    tasks = [task for task in told(events, "task") if task["video_id"] == video_id]
    assert tasks[:2] == [
        {**its, "status": "in_progress", "reason": None},
        {**its, "status": "pending", "reason": "blocked"},
    ]
    assert {"video_id": video_id, "what": "transcript"} in told(events, "video")


async def test_who_names_a_video_hears_of_it_without_a_note(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    named = (new_video_id(), video_id)
    async with listening(api, ann, named=named) as anns, listening(api, bob) as bobs:
        await open_video(api.client, video_id)
        assert {"video_id": video_id, "what": "added"} in told(
            await heard_until_renamed(api, ann, anns), "video"
        )
        assert await heard_until_renamed(api, bob, bobs) == []


async def test_that_a_person_opened_a_video_is_told_to_their_other_devices_alone(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    await open_video(api.client, video_id)
    named = (video_id,)
    async with listening(api, ann) as anns, listening(api, bob, named=named) as bobs:
        body = {"video_id": video_id}
        (await api.client.post("/api/wiz/init", json=body, headers=ann.headers)).raise_for_status()
        opened = {"video_id": video_id, "what": "opened"}
        assert opened in told(await heard_until_renamed(api, ann, anns), "video")
        assert opened not in told(await heard_until_renamed(api, bob, bobs), "video")


async def test_turns_are_told_to_who_asked_and_the_video_to_who_talks_about_it(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    await open_video(api.client, video_id)
    await bring(api, video_id)
    async with listening(api, ann) as anns, listening(api, bob) as bobs:
        answer = await ask(api.client, ann.headers, video_id)
        await ask(api.client, guest(), video_id)
        await bring(api, video_id)
        events = await heard_until_renamed(api, ann, anns)
        assert await heard_until_renamed(api, bob, bobs) == []
    turns = told(events, "turn")
    assert [turn["status"] for turn in turns] == ["answering", "completed"]
    assert {(str(t["turn_id"]), t["video_id"]) for t in turns} == {
        (answer.headers["X-Wiz-Turn-ID"], video_id)
    }
    assert {"video_id": video_id, "what": "transcript"} in told(events, "video")


async def test_after_a_break_exactly_what_was_missed_is_told(
    api: Api, ann: Person, bob: Person
) -> None:
    video_id = new_video_id()
    first = await api.add_note(ann, video_id)
    async with listening(api, ann) as anns:
        await edit(api, ann, first["id"], "before the break")
        (seen,) = await anns.until("note")
    await edit(api, ann, first["id"], "in the break")
    await api.add_note(bob, video_id)
    async with listening(api, ann, after=seen.position) as anns:
        await edit(api, ann, first["id"], "after the break")
        events = await heard_until_renamed(api, ann, anns)
    assert [event.data["type"] for event in events] == ["edited", "edited"]
    assert all(event.position > seen.position for event in events)


async def test_a_stream_begins_behind_what_was_answered_before(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far the reading of the log is."""
    subjects, go_on = api.services.hub._subjects, asyncio.Event()
    of = subjects.of

    async def later(events: Sequence[Event]) -> Any:
        await go_on.wait()
        return await of(events)

    async with listening(api, ann) as early:
        monkeypatch.setattr(subjects, "of", later)
        await rename(api, ann)
        async with listening(api, ann) as late:
            go_on.set()
            await early.until("profile")
            await rename(api, ann)
            (second,) = await early.until("profile")
            assert await late.until("profile") == [second]


@pytest.mark.parametrize(
    "odd", ["x", "-1", "1.5", "9" * 18, "9" * 19, "9" * 5000, "0x1", "1 ", "٣", "'; --", "1,2"]
)
async def test_an_id_that_nobody_gave_is_a_reset(api: Api, ann: Person, odd: str) -> None:
    async with listening(api, ann, after=odd) as anns:
        second = await anns.heard()
        assert second is not None
        assert (second.kind, second.data) == ("reset", {})
        await rename(api, ann)
        assert [event.kind for event in await anns.until("profile")] == ["profile"]


async def test_who_was_away_for_too_long_is_reset(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_KEPT", 2)
    async with listening(api, ann) as anns:
        await rename(api, ann)
        (seen,) = await anns.until("profile")
        for _ in range(3):
            await rename(api, ann)
        newest = (await anns.heard(), await anns.heard(), await anns.heard())[-1]
        async with listening(api, ann, after=seen.position) as late:
            reset = await late.heard()
        async with listening(api, ann, after=newest and newest.position - 1) as in_time:
            missed = await in_time.heard()
    assert reset is not None
    assert reset.kind == "reset"
    assert missed == newest


async def test_a_client_that_does_not_read_is_reset_instead_of_remembered(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_WAITING", 3)
    async with listening(api, ann) as anns, listening(api, ann) as others:
        anns.reads.clear()
        for _ in range(9):
            await rename(api, ann)
            await others.heard()
        anns.reads.set()
        kinds = [event.kind for event in await anns.until("reset")]
        assert len(kinds) <= 2
        await rename(api, ann)
        newest = await others.heard()
        while (heard := await anns.heard()) != newest:
            assert heard is not None


async def test_a_user_has_only_so_many_streams(
    api: Api, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await api.sign_up()
    monkeypatch.setattr(hub, "MOST_OF_ONE", 2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(listening(api, person))
        refusal = await api.client.get("/api/stream", headers=person.headers)
        assert refusal.status_code == 429
        assert error_of(refusal)["message"] == "Too many open streams"
        async with listening(api, bob):
            pass
    async with listening(api, person):
        pass


async def test_a_revoked_token_hears_nothing_more_at_once(api: Api) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    by_token = Person(person.email, person.password, token)
    async with listening(api, by_token) as revoked, listening(api, person) as still:
        await api.client.delete("/api/user/token", headers=person.headers)
        while await revoked.heard() is not None:
            continue
        await rename(api, person)
        await still.until("profile")


async def test_an_idle_stream_shows_that_it_lives(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    async with listening(api, ann) as anns:
        assert (await anns.chunk()).startswith(b":")


@pytest.mark.parametrize("named", [["x"] * 1 + [" "], ["é"], [f"v{n}" for n in range(51)]])
async def test_videos_that_cannot_be_named_are_refused(
    api: Api, ann: Person, named: list[str]
) -> None:
    params: Any = {"video_id": named}
    refused(await api.client.get("/api/stream", params=params, headers=ann.headers), 400)


async def test_the_head_of_a_stream_is_not_asked_for(api: Api, ann: Person) -> None:
    answer = await api.client.head("/api/stream", headers=ann.headers)
    assert answer.status_code == 405


async def test_who_leaves_leaves_nothing_behind(api: Api) -> None:
    person = await api.sign_up()
    user_id = await user_id_of(api, person.headers)
    async with listening(api, person, named=(new_video_id(),)):
        await api.add_note(person, new_video_id())

    async def gone() -> bool:
        return not [*api.services.hub._audience.streams_of(user_id)]

    await eventually(gone)
    assert user_id not in {
        one for users in api.services.hub._audience._interested.values() for one in users
    }
    assert not api.services.hub._audience._watching


async def test_a_process_that_ends_sends_everybody_home(api: Api, ann: Person) -> None:
    async with listening(api, ann) as anns:
        api.services.hub.send_home()
        assert await anns.heard() is None
    assert (await api.client.get("/api/stream", headers=ann.headers)).status_code == 503
    api.services.hub._closing = False
