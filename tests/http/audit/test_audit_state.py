"""The tables as of then, over HTTP; and rebuilds that auditors ask for."""

import asyncio
from typing import Any

import psycopg
import pytest

from tests.http.wire import error_of, problems, refused, shaped, user_id_of
from tests.projections.test_time_travel import copy_of
from tests.support import Api, Person, eventually, new_video_id
from vidwiz.http.responses import audit_models
from vidwiz.replay import as_of
from vidwiz.replay.engine import MAINTENANCE_LOCK
from vidwiz.replay.row_history import drop_stored
from vidwiz.replay.time_travel import TABLES, ReplayTooLong


async def state(api: Api, **query: Any) -> Any:
    answer = await api.client.get("/api/audit/state", params=query, headers=api.admin)
    assert answer.status_code == 200, answer.text
    audit_models.PastState.model_validate(answer.json())
    return answer.json()


async def head(api: Api) -> dict[str, Any]:
    answer = await api.client.get("/api/audit/health", headers=api.admin)
    return dict(answer.json()["head"])


async def test_every_row_is_as_it_was_then(api: Api, ann: Person, module_dsn: str) -> None:
    moments = []
    with psycopg.connect(module_dsn, options="-c timezone=UTC", autocommit=True) as connection:
        for _ in range(4):
            note = await api.add_note(ann, new_video_id())
            path = f"/api/notes/{note['id']}"
            await api.client.patch(path, json={"text": "edited"}, headers=ann.headers)
            moments.append((await head(api), copy_of(connection)))
            await api.client.delete(path, headers=ann.headers)
    for newest, copy in [moments[2], moments[0], moments[3], moments[1]]:
        for at in (newest["position"], newest["recorded_at"]):
            counts = await state(api, at=at)
            assert counts["position"] == newest["position"]
            assert counts["tables"] == {name: len(rows) for name, rows in copy.items()}
        for name, rows in copy.items():
            answer = await api.client.get(
                f"/api/audit/state?at={newest['position']}&table={name}&limit=1000",
                headers=api.admin,
            )
            assert b'"rows":[%b],' % ",".join(rows).encode() in answer.content


async def test_a_note_and_a_list_of_them_are_shown_as_they_were(api: Api, bob: Person) -> None:
    video_id, user_id = new_video_id(), await user_id_of(api, bob.headers)
    note = await api.add_note(bob, video_id, text="before")
    then = (await head(api))["position"]
    path = f"/api/notes/{note['id']}"
    await api.client.patch(path, json={"text": "after"}, headers=bob.headers)
    edited = (await head(api))["position"]
    await api.add_note(bob, video_id)

    one = await state(api, at=then, table="notes", id=note["id"])
    its = {"table": "notes", "user_id": user_id, "video_id": video_id}
    listed = await state(api, at=edited, **its)
    later = await state(api, at="9998-01-01", limit=1, **its)
    rest = await state(api, at="9998-01-01", after=later["next"], **its)

    assert (one["row"]["text"], one["row"]["version"]) == ("before", 1)
    assert [row["text"] for row in listed["rows"]] == ["after"]
    assert listed["next"] is None
    assert [row["id"] for row in later["rows"]] == [note["id"]]
    assert [row["text"] for row in rest["rows"]] == ["hi"]
    answer = await api.client.get(
        f"/api/audit/state?at={then - 1}&table=notes&id={note['id']}", headers=api.admin
    )
    refused(answer, 404, "There was no such row then")


async def test_before_the_first_event_there_was_nothing(api: Api, ann: Person) -> None:
    nothing = dict.fromkeys(TABLES, 0)
    assert (await state(api, at=0))["tables"] == nothing
    assert (await state(api, at="1970-01-01"))["tables"] == nothing


async def test_a_position_beyond_the_head_is_404(api: Api, ann: Person) -> None:
    beyond = (await head(api))["position"] + 1
    for at in (beyond, 10**18 - 1):
        answer = await api.client.get(f"/api/audit/state?at={at}", headers=api.admin)
        refused(answer, 404)


@pytest.mark.parametrize(
    "query",
    ["", "at=", "at=-1", "at=x", "at=1.5", "at=" + "1" * 19, "at=0001-01-01", "at=0&table=",
     "at=0&table=credentials", "at=0&table=stored_events", "at=0&id=1&table=notes&limit=0",
     "at=0&table=notes&id=-1", f"at=0&table=notes&id={2**63}", "at=0&table=notes&user_id=x",
     "at=0&table=notes&after=-1", "at=0&table=notes&limit=1001", "at=0&tabel=notes",
     "at=0&table=notes&video_id=%00"],
)  # fmt: skip
async def test_a_question_that_makes_no_sense_is_422(api: Api, query: str) -> None:
    assert problems(await api.client.get(f"/api/audit/state?{query}", headers=api.admin))


@pytest.mark.parametrize(
    "query", ["id=1", "user_id=1", "after=1", "table=users&user_id=1", "table=tasks&video_id=v"]
)
async def test_a_row_is_of_a_table_that_has_the_column(api: Api, query: str) -> None:
    refused(await api.client.get(f"/api/audit/state?at=0&{query}", headers=api.admin), 422)


async def test_many_who_travel_at_once_all_arrive(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    newest = (await head(api))["position"]
    positions = [newest, 1, 0, newest, 2, 1]
    found = await asyncio.gather(*(state(api, at=position) for position in positions))
    assert [one["position"] for one in found] == positions


async def test_who_waits_too_long_for_others_is_told_to_come_back(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(as_of, "WAIT_S", 0.01)
    async with api.services.desk.states._lock:
        answer = await api.client.get("/api/audit/state?at=0", headers=api.admin)
    refused(answer, 429)
    assert answer.headers["Retry-After"] == "1"


async def test_a_replay_that_takes_too_long_says_how_far_it_got_and_goes_on(
    api: Api, ann: Person, module_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await api.add_note(ann, new_video_id())
    newest = (await head(api))["position"]
    monkeypatch.setattr("vidwiz.replay.engine.CHUNK", newest - 4)
    monkeypatch.setattr(as_of, "REPLAY_S", -1)
    drop_stored(module_dsn)
    answer = await api.client.get(f"/api/audit/state?at={newest}", headers=api.admin)
    assert answer.status_code == 503
    assert error_of(answer)["details"] == {"reached": newest - 4}
    assert (await state(api, at=newest))["position"] == newest


async def rebuild(api: Api, method: str = "GET", query: str = "") -> Any:
    url = f"/api/audit/rebuild{query}"
    return await api.client.request(method, url, headers=api.admin)


async def test_a_rebuild_is_begun_followed_and_done(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    begun = shaped(
        audit_models.RebuildResponse, await rebuild(api, "POST", "?table=notes&table=users"), 202
    )
    assert (begun["state"], begun["tables"]) == ("running", ["notes", "users"])
    again = await rebuild(api, "POST")
    assert again.status_code == 409
    assert error_of(again)["message"] == "A rebuild or a verification is under way"

    async def ended() -> bool:
        return bool(shaped(audit_models.RebuildResponse, await rebuild(api))["state"] != "running")

    await eventually(ended, 60)
    last = shaped(audit_models.RebuildResponse, await rebuild(api))
    assert (last["state"], last["error"], last["maintenance"]) == ("done", None, None)
    assert last["result"]["position"] == (await head(api))["position"]
    assert last["result"]["rows"].keys() == {"notes", "users"}


async def test_only_one_replay_changes_or_checks_the_tables_at_a_time(
    api: Api, module_dsn: str
) -> None:
    with psycopg.connect(
        module_dsn, autocommit=True, application_name="vidwiz verify 17/99"
    ) as other:
        other.execute(MAINTENANCE_LOCK)
        under_way = {"kind": "verify", "position": 17, "of": 99}
        answer = await rebuild(api, "POST")
        assert answer.status_code == 409
        assert error_of(answer)["details"] == under_way
        assert (await rebuild(api)).json()["maintenance"] == under_way
        health = await api.client.get("/api/audit/health", headers=api.admin)
        assert health.json()["maintenance"] == under_way


async def test_only_tables_that_there_are_can_be_rebuilt(api: Api) -> None:
    assert problems(await rebuild(api, "POST", "?table=credentials"))


def test_a_replay_that_took_too_long_names_its_place() -> None:
    assert str(ReplayTooLong(3, 9)) == "the replay is at position 3 of 9; ask again"
