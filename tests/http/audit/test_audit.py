"""Auditors find events by everything that is known of them, page by page, and see what changed."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.audit.live import hands
from tests.http.wire import finish_tasks, problems, refused, shaped, user_id_of
from tests.support import Api, Person, new_video_id
from tests.wiz_support import ask, guest
from vidwiz.events.base import stream_id
from vidwiz.events.chain import GENESIS
from vidwiz.http.responses import audit_models
from vidwiz.reactions.health import NAMES

REPLACE = """
UPDATE stored_events SET state = convert_to(replace(convert_from(state, 'UTF8'), %s, %s), 'UTF8')
WHERE originator_id = %s
"""
SOUND, BROKEN = '"sealed":"', '"sealed":"AAAA'
UNREADABLE = (
    "The log holds what this program cannot read:"
    " a sealed field was changed, or moved from where it was sealed"
)


async def get(api: Api, path: str, **query: Any) -> Any:
    return await api.client.get(f"/api/audit/{path}", params=query, headers=api.admin)


async def events(api: Api, **query: Any) -> list[dict[str, Any]]:
    """All events of a query, in pages."""
    found: list[dict[str, Any]] = []
    bound = "before" if query.get("order") == "desc" else "after"
    while True:
        page = shaped(audit_models.LoggedEvents, await get(api, "events", **query))
        found += page["events"]
        if page["next"] is None:
            return found
        assert page["next"] == found[-1]["position"]
        query[bound] = page["next"]


def streams(found: list[dict[str, Any]]) -> set[str]:
    return {one["stream"] for one in found}


async def note_with_id(api: Api, person: Person, request_id: str) -> dict[str, Any]:
    headers = {**person.headers, "X-Request-ID": request_id}
    body = {"video_id": new_video_id(), "video_title": "T", "timestamp": "1:23", "text": "a"}
    answer = await api.client.post("/api/notes", json=body, headers=headers)
    return dict(answer.raise_for_status().json())


async def test_an_event_is_whole_and_chained_to_the_one_before_it(api: Api, ann: Person) -> None:
    note = await note_with_id(api, ann, "whole-event")
    *_, before, added = await events(api)
    user_id = await user_id_of(api, ann.headers)
    assert added == {
        "position": added["position"],
        "stream": f"note:{note['id']}",
        "version": 1,
        "topic": "NoteAdded",
        "data": {
            "note_id": note["id"],
            "user_id": user_id,
            "video_id": note["video_id"],
            "timestamp": "1:23",
            "text": "a",
        },
        "recorded_at": added["recorded_at"],
        "actor": f"user:{user_id}",
        "correlation_id": "whole-event",
        "causation_id": "request:whole-event",
        "request_id": None,
        "previous_hash": before["hash"],
        "hash": added["hash"],
    }
    assert datetime.fromisoformat(added["recorded_at"]) == datetime.fromisoformat(
        note["created_at"]
    )


async def test_all_events_come_in_pages_in_both_orders(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    whole = await events(api, limit=1000)
    positions = [one["position"] for one in whole]
    assert positions == [*range(1, len(whole) + 1)]
    assert whole[0]["previous_hash"] == GENESIS.hex()
    assert await events(api, limit=3) == whole
    assert await events(api, limit=3, order="desc") == whole[::-1]
    assert await events(api, after=2, before=5) == whole[2:4]
    assert await events(api, after=2, before=5, order="desc", limit=1) == whole[3:1:-1]
    assert await events(api, after=10**9) == []


async def test_events_are_found_by_type_stream_and_correlation(api: Api, ann: Person) -> None:
    note = await note_with_id(api, ann, "by-correlation")
    stream = f"note:{note['id']}"
    await api.client.delete(f"/api/notes/{note['id']}", headers=ann.headers)
    found = await events(api, correlation_id="by-correlation")
    assert [one["topic"] for one in found] == [
        "VideoAdded",
        "TaskQueued",
        "TaskQueued",
        "NoteAdded",
    ]
    both = await events(api, stream=stream)
    assert [one["topic"] for one in both] == ["NoteAdded", "NoteDeleted"]
    assert await events(api, stream=stream, type="NoteDeleted") == both[1:]
    kinds = {one["topic"] for one in await events(api, type=["NoteDeleted", "VideoAdded"])}
    assert kinds == {"NoteDeleted", "VideoAdded"}
    assert await events(api, correlation_id="by-correlation", type="NoteDeleted") == []


async def test_events_are_found_by_who_did_it(api: Api, ann: Person, bob: Person) -> None:
    note = await api.add_note(ann, new_video_id())
    await api.add_note(bob, note["video_id"])
    actor = f"user:{await user_id_of(api, bob.headers)}"
    found = await events(api, actor=actor)
    assert found
    assert {one["actor"] for one in found} == {actor}
    assert f"note:{note['id']}" not in streams(found)


async def test_events_are_found_by_when_they_were_recorded(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    whole = await events(api, limit=1000)
    middle = whole[len(whole) // 2]["recorded_at"]
    later = [one for one in whole if one["recorded_at"] >= middle]
    assert await events(api, since=middle) == later
    assert await events(api, until=middle) == [one for one in whole if one["recorded_at"] <= middle]
    assert await events(api, since=middle, until=middle, order="desc") == [
        one for one in whole[::-1] if one["recorded_at"] == middle
    ]
    assert await events(api, since="9998-12-31T23:59:59-12:00") == []
    assert await events(api, until="1970-01-01") == []
    elsewhere = datetime.fromisoformat(middle).astimezone(UTC).isoformat()
    assert await events(api, since=elsewhere) == later


async def test_events_about_a_video_are_those_of_all_that_is_on_it(
    api: Api, ann: Person, bob: Person
) -> None:
    note = await api.add_note(ann, new_video_id())
    deleted = await api.add_note(bob, note["video_id"])
    await api.client.delete(f"/api/notes/{deleted['id']}", headers=bob.headers)
    await api.add_note(ann, new_video_id())
    await finish_tasks(api, "transcript", [{"text": "Houston", "offset": 2.0, "duration": 2.0}])
    (await ask(api.client, guest(), note["video_id"])).raise_for_status()

    found = await events(api, video_id=note["video_id"], limit=4)

    whole = await events(api, limit=1000)
    topics = [one["topic"] for one in found]
    assert {"VideoAdded", "NoteAdded", "NoteDeleted", "TaskQueued", "TaskClaimed", "TaskCompleted",
            "TranscriptReady", "ConversationStarted", "TurnStarted"} <= set(topics)  # fmt: skip
    its = streams([one for one in whole if one["data"].get("video_id") == note["video_id"]])
    assert {f"video:{note['video_id']}", f"note:{note['id']}", f"note:{deleted['id']}"} < its
    assert found == [one for one in whole if one["stream"] in its]
    assert await events(api, video_id="nosuchvideo") == []


async def test_events_by_or_about_a_user_are_found_together(
    api: Api, ann: Person, bob: Person
) -> None:
    someone = await api.sign_up("Someone Else")
    note = await api.add_note(someone, new_video_id(), text=None)
    path = f"/api/notes/{note['id']}"
    edit = {"text": "by AI", "generated_by_ai": True}
    (await api.client.patch(path, json=edit, headers=api.admin)).raise_for_status()
    await api.client.delete(path, headers=someone.headers)
    await api.add_note(bob, note["video_id"])

    found = await events(api, user_id=await user_id_of(api, someone.headers), limit=2)

    assert [(one["topic"], one["actor"] == "admin") for one in found] == [
        ("UserSignedUp", False),
        ("VideoAdded", False),
        ("TaskQueued", False),
        ("TaskQueued", False),
        ("NoteAdded", False),
        ("NoteEdited", True),
        ("NoteDeleted", False),
    ]
    assert await events(api, user_id=10**15) == []


async def test_filters_hold_together(api: Api, ann: Person) -> None:
    note = await note_with_id(api, ann, "all-filters")
    user_id = await user_id_of(api, ann.headers)
    query: dict[str, Any] = {
        "type": "NoteAdded",
        "stream": f"note:{note['id']}",
        "actor": f"user:{user_id}",
        "correlation_id": "all-filters",
        "since": note["created_at"],
        "until": note["created_at"],
        "video_id": note["video_id"],
        "user_id": user_id,
        "after": 0,
        "before": 10**9,
    }
    (found,) = await events(api, **query)
    assert found["data"]["note_id"] == note["id"]
    for name, other in (
        ("type", "NoteEdited"),
        ("stream", "note:999999"),
        ("actor", "admin"),
        ("correlation_id", "other"),
        ("since", "2100-01-01"),
        ("until", "2000-01-01"),
        ("video_id", "other"),
        ("user_id", 10**9),
        ("after", 10**9),
        ("before", 1),
    ):
        assert await events(api, **{**query, name: other}) == [], name


HOSTILE = [
    "after=-1", "after=x", f"after={2**63}", "before=1.5", f"before={10**30}", "limit=0",
    "limit=1001", "limit=", "order=up", "type=Nonsense", "type=", "stream=note", "stream=note:",
    "stream=nothing:1", "stream=note:%00", f"stream=note:{'1' * 200}", "actor=%00", "actor=",
    f"actor={'a' * 101}", "actor=a%20b", "correlation_id=%27", "correlation_id=",
    "correlation_id=a%00", "correlation_id=a%0A",
    f"correlation_id={'a' * 65}", "correlation_id=%C3%A9", "since=x",
    "since=2026-13-01", "since=0001-01-01", "since=9999-12-31", "until=", "until=%00",
    "until=1e3", "video_id=", "video_id=%20", f"video_id={'v' * 65}", "user_id=0", "user_id=x",
    f"user_id={2**63}", "since=2026-01-01T00:00:00%2B99:00", "tpye=NoteAdded", "positions=1",
]  # fmt: skip


@pytest.mark.parametrize("query", HOSTILE)
@pytest.mark.parametrize("path", ["events", "events/stream"])
async def test_a_filter_that_makes_no_sense_is_named(api: Api, path: str, query: str) -> None:
    answer = await api.client.get(f"/api/audit/{path}?{query}", headers=api.admin)
    ((field, *_), *_) = problems(answer)
    assert field.partition(".")[0] == query.partition("=")[0]


async def test_an_event_is_shown_with_its_neighbours_and_what_it_changed(
    api: Api, ann: Person
) -> None:
    note = await api.add_note(ann, new_video_id(), text="first")
    path = f"/api/notes/{note['id']}"
    await api.client.patch(path, json={"text": "second"}, headers=ann.headers)
    await api.client.delete(path, headers=ann.headers)
    await api.client.post(f"{path}/revert", json={"version": 1}, headers=ann.headers)
    logged = await events(api, stream=f"note:{note['id']}")

    seen = [
        shaped(audit_models.EventInItsStream, await get(api, f"events/{one['position']}"))
        for one in logged
    ]

    assert [one["event"] for one in seen] == logged
    assert [one["previous"] for one in seen] == [None, *logged[:-1]]
    assert [one["next"] for one in seen] == [*logged[1:], None]
    gone = {"before": False, "after": None}
    added, edited, deleted, restored = (one["changes"] for one in seen)
    assert added == {}
    assert edited == {
        "text": {"before": "first", "after": "second"},
        "generated_by_ai": {"before": None, "after": False},
    }
    assert deleted["text"] == {"before": "second", "after": None}
    assert deleted["generated_by_ai"] == gone
    assert restored["text"] == {"before": None, "after": "first"}


@pytest.mark.parametrize("position", ["0", "999999999", "x", "-1", "1" * 19, "1.5", "%00"])
async def test_a_position_that_the_log_does_not_have_is_404(api: Api, position: str) -> None:
    refused(await get(api, f"events/{position}"), 404, "There is no such position")


@pytest.mark.parametrize("correlation_id", ["nothing", "x" * 65, "%00", "a%20b"])
async def test_a_request_from_which_nothing_followed_is_404(api: Api, correlation_id: str) -> None:
    refused(await get(api, f"correlations/{correlation_id}"), 404)


async def test_the_whole_log_streams_a_line_for_each_event(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    headers = {**api.admin, "Accept": "application/x-ndjson"}
    answer = await api.client.get("/api/audit/events", headers=headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines == await events(api, limit=1000)
    some = await api.client.get("/api/audit/events?limit=2&order=desc", headers=headers)
    *last, going_on = [json.loads(line) for line in some.text.splitlines()]
    assert last == lines[:-3:-1]
    assert going_on == {"next": last[-1]["position"]}
    nothing = await api.client.get("/api/audit/events?actor=nobody", headers=headers)
    assert nothing.content == b""


async def test_health_says_how_the_log_and_its_followers_stand(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    health = shaped(audit_models.LogHealth, await get(api, "health"))
    newest = (await events(api, order="desc", limit=1))[0]
    assert health["head"]["position"] == newest["position"]
    assert health["head"]["hash"] == newest["hash"]
    assert {one["reaction"] for one in health["reactions"]} == set(NAMES)
    assert all(one["parked"] == 0 for one in health["reactions"])
    assert health["signals"] == {"position": newest["position"], "lag": 0}
    assert health["maintenance"] is None


async def test_pages_do_not_grow_with_what_is_in_them(
    api: Api, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.gather(*(api.add_note(ann, new_video_id(), text="x" * 500) for _ in range(4)))
    whole = await events(api, type="NoteAdded", limit=1000)
    monkeypatch.setattr("vidwiz.audit.reading.PAGE_BYTES", 1000)
    page = shaped(
        audit_models.LoggedEvents, await get(api, "events", type="NoteAdded", order="desc")
    )
    assert len(page["events"]) == 1
    assert page["next"] == whole[-1]["position"]
    assert await events(api, type="NoteAdded") == whole


async def test_a_sealed_text_that_was_changed_is_named_instead_of_shown(api: Api) -> None:
    person = await api.sign_up()
    note = await api.add_note(person, new_video_id(), text="as it was")
    stream = stream_id(f"note:{note['id']}")
    with hands(api.services.database.dsn) as connection:
        connection.execute(REPLACE, (SOUND, BROKEN, stream))
    answers = (
        await get(api, "events", stream=f"note:{note['id']}"),
        await api.client.get(f"/api/notes/{note['id']}/history", headers=person.headers),
    )
    with hands(api.services.database.dsn) as connection:
        connection.execute(REPLACE, (BROKEN, SOUND, stream))
    for answer in answers:
        refused(answer, 503, UNREADABLE)
