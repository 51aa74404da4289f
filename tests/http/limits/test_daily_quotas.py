"""What a day allows, on the wire: 429 with the time to come back, for all processes together."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import app_at, error_of, shaped, user_id_of
from tests.support import Api, Person, add_note, eventually, new_video_id, sign_up
from tests.wiz_support import SPOKEN, ask, guest, json_bytes, ready_video, wiz_api
from tests.workers import ADMIN, poll, report, submit
from vidwiz.http.limits.daily import FULL
from vidwiz.http.responses import models
from vidwiz.http.videos.transcripts import AI_NOTES_PUT_OFF
from vidwiz.postgres.pool import DatabaseUnavailable
from vidwiz.projections.queries import STORED_BYTES
from vidwiz.reactions.health import health

At = Callable[[str], httpx.AsyncClient]
NEW_VIDEOS, WRITES, BYTES = (FULL[what] for what in ("new_video", "write", "byte"))


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini() as its:
        yield its


def used_up(answer: httpx.Response, message: str) -> None:
    assert answer.status_code == 429, answer.text
    error = error_of(answer)
    assert error["message"] == message
    seconds = int(answer.headers["retry-after"])
    assert error["details"] == {"reset_in_seconds": seconds}
    assert 1 <= seconds <= 24 * 3600


async def two(
    stack: AsyncExitStack, dsn: str, folder: Path, model: FakeModel, **settings: Any
) -> list[Api]:
    """Two processes with daily quotas."""
    more = {"VIDWIZ_RATE_LIMITS": True, **settings}
    return [await stack.enter_async_context(wiz_api(dsn, folder, model, **more)) for _ in range(2)]


async def wanting_ai_notes(api: Api) -> Person:
    person = await api.sign_up()
    await api.client.patch(
        "/api/user/profile", json={"ai_notes_enabled": True}, headers=person.headers
    )
    return person


async def test_the_ceiling_of_model_calls_holds_for_all_processes_and_for_failed_calls(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with AsyncExitStack() as stack:
        one, other = await two(stack, dsn, tmp_path, model, VIDWIZ_MODEL_CALLS_A_DAY=4)
        video_id = await ready_video(one.client)  # whose summary is a call too

        async def summary_is_counted() -> bool:
            return (await one.services.quotas.model_calls())[0] == 1

        await eventually(summary_is_counted)
        model.will(Answer(("Yes.",)), Answer(status=400), Answer(("No.",)))
        for api in (one, other, one):
            quota = (await api.client.get("/api/wiz/quota", headers=guest())).json()
            assert quota["service_limit_reached"] is False
            assert (await ask(api.client, guest(), video_id)).status_code == 200
        for api in (one, other):
            answer = await ask(api.client, guest(), video_id)
            used_up(answer, "Daily limit of all questions reached")
        assert await other.services.quotas.model_calls() == (4, 4)
        metrics = (await other.client.get("/metrics", headers=other.admin)).text
        assert "vidwiz_model_calls_today 4.0" in metrics
        assert "vidwiz_model_calls_ceiling 4.0" in metrics
        who = guest()
        quota = await one.client.get("/api/wiz/quota", headers=who)
        await ask(one.client, who, video_id)
        assert (await one.client.get("/api/wiz/quota", headers=who)).json()["used"] == 0
        assert quota.json()["used"] == 0
        assert shaped(models.Quota, quota)["service_limit_reached"] is True


async def test_whoever_lifts_the_rate_limits_lifts_no_ceiling_of_cost(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    most = {"VIDWIZ_MODEL_CALLS_A_DAY": 1, "VIDWIZ_NEW_VIDEOS_A_DAY": 0, "VIDWIZ_WRITES_A_DAY": 0}
    async with wiz_api(dsn, tmp_path, model, VIDWIZ_RATE_LIMITS=False, **most) as api:
        video_id = await ready_video(api.client)  # whose summary is the call

        async def summary_is_counted() -> bool:
            return (await api.services.quotas.model_calls())[0] == 1

        await eventually(summary_is_counted)
        answer = await ask(api.client, guest(), video_id)
        used_up(answer, "Daily limit of all questions reached")
        await api.add_note(await api.sign_up(), new_video_id())


async def test_a_question_that_is_refused_costs_no_model_call(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with AsyncExitStack() as stack:
        one, _ = await two(stack, dsn, tmp_path, model, VIDWIZ_SUMMARIES_A_DAY=0)
        video_id, who = await ready_video(one.client), guest()
        model.will(*[Answer(("Yes.",))] * 5)
        statuses = [(await ask(one.client, who, video_id)).status_code for _ in range(7)]
        assert statuses == [200] * 5 + [429] * 2
        missing = await ask(one.client, guest(), video_id, conversation_id=10**9)
        assert missing.status_code == 404
        assert (await one.services.quotas.model_calls())[0] == 5
        progress = (await one.client.get(f"/api/videos/{video_id}/progress")).json()
        assert progress["summary"]["state"] == "missing"
        assert progress["summary"]["reason"] == "day_is_full"
        assert "tomorrow" in progress["summary"]["message"]


async def test_an_empty_note_for_an_ai_is_refused_when_the_day_is_full(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with AsyncExitStack() as stack:
        one, other = await two(stack, dsn, tmp_path, model, VIDWIZ_AI_NOTES_A_DAY=2)
        ann, bob = await wanting_ai_notes(one), await one.sign_up()
        key = {"Idempotency-Key": token_hex(8)}

        async def post(api: Api, who: Person, text: str | None, **headers: str) -> httpx.Response:
            note = {"video_id": video_id, "video_title": "T", "timestamp": "1:23", "text": text}
            return await api.client.post(
                "/api/notes", json=note, headers={**who.headers, **headers}
            )

        video_id = new_video_id()
        assert (await post(one, ann, None, **key)).status_code == 201
        charges = one.services.quotas.of_ai_note(await user_id_of(one, ann.headers))
        for _ in range(2):
            assert await one.services.quotas.take(charges) is None
        for api in (one, other):
            for text in (None, ""):
                refusal = await post(api, ann, text)
                used_up(refusal, "Daily limit of AI notes reached; a note with words can be added")
            assert (await post(api, ann, "my words")).status_code == 201
            assert (await post(api, bob, None)).status_code == 201  # who wants none
        again = await post(one, ann, None, **key)
        assert again.status_code == 201  # it was added before


async def test_notes_that_are_put_off_are_named_to_their_owner_with_the_reason(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with AsyncExitStack() as stack:
        one, other = await two(stack, dsn, tmp_path, model, VIDWIZ_AI_NOTES_A_DAY=1)
        ann, bob, video_id = await wanting_ai_notes(one), await one.sign_up(), new_video_id()
        ids = [(await add_note(one.client, ann, video_id, text=None))["id"] for _ in range(3)]
        path = f"/api/videos/{video_id}"
        brought = await one.client.post(
            f"{path}/transcript", content=json_bytes(SPOKEN), headers=ADMIN
        )
        assert brought.is_success

        async def put_off(**headers: str) -> dict[str, Any]:
            answer = await other.client.get(f"{path}/progress", headers=headers)
            told: dict[str, Any] = shaped(models.Progress, answer)["ai_notes"]
            return told

        async def the_last_two() -> bool:
            return bool((await put_off(**ann.headers))["put_off"] == ids[1:])

        await eventually(the_last_two)
        told = await put_off(**ann.headers)
        assert told["message"] == AI_NOTES_PUT_OFF
        left_s = datetime.fromisoformat(told["next_try_at"]).timestamp() - time.time()
        assert 0 < left_s <= 24 * 3600 + 1
        nothing: dict[str, Any] = {"put_off": [], "next_try_at": None, "message": None}
        assert await put_off() == await put_off(**bob.headers) == nothing
        edit = {"text": "mine"}
        note = f"/api/notes/{ids[1]}"
        assert (await one.client.patch(note, json=edit, headers=ann.headers)).is_success
        assert (await put_off(**ann.headers))["put_off"] == ids[2:]


@asynccontextmanager
async def site(dsn: str, folder: Path, **settings: Any) -> AsyncIterator[tuple[At, At]]:
    """Two processes, spoken to from any address."""
    more = {"VIDWIZ_RATE_LIMITS": True, **settings}
    async with app_at(dsn, folder, **more) as one, app_at(dsn, folder, **more) as other:
        yield one, other


async def test_new_videos_of_a_day_are_counted_for_a_user_and_for_the_guests_of_a_network(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        site(dsn, tmp_path, VIDWIZ_NEW_VIDEOS_A_DAY=2) as (one, other),
        one("192.0.2.1") as here,
        other("192.0.2.1") as again,
        other("192.0.2.2") as elsewhere,
    ):

        async def opened(
            client: httpx.AsyncClient, video_id: str, **headers: str
        ) -> httpx.Response:
            body = {"video_id": video_id}
            return await client.post("/api/wiz/init", json=body, headers=headers)

        known = [new_video_id() for _ in range(2)]
        for client, video_id in zip((here, again), known, strict=True):
            assert (await opened(client, video_id)).status_code == 200
        for client in (here, again):
            used_up(await opened(client, new_video_id(), **guest()), NEW_VIDEOS)
            for video_id in known:  # which asks for nothing more
                assert (await opened(client, video_id)).status_code == 200
        assert (await opened(elsewhere, new_video_id())).status_code == 200
        ann = await sign_up(here)
        assert (await opened(again, new_video_id(), **ann.headers)).status_code == 200
        note = {"video_title": "T", "timestamp": "1:23", "text": "hi"}
        for video_id, status in (
            (new_video_id(), 201),
            (new_video_id(), 429),
            (known[0], 201),
        ):
            body = {"video_id": video_id, **note}
            answer = await here.post("/api/notes", json=body, headers=ann.headers)
            assert answer.status_code == status, answer.text
        untitled = {"video_id": new_video_id(), "timestamp": "1:23", "text": "hi"}
        refusal = await here.post("/api/notes", json=untitled, headers=ann.headers)
        assert refusal.status_code == 400  # as it is, whatever the day allows
        assert (await elsewhere.get(f"/api/wiz/video/{known[0]}")).status_code == 200


async def test_a_user_sends_so_many_bytes_a_day_and_nothing_of_more_is_kept(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        site(dsn, tmp_path, VIDWIZ_BYTES_A_DAY=50_000) as (one, other),
        one("192.0.2.1") as here,
        other("192.0.2.9") as there,
    ):
        ann, bob = await sign_up(here), await sign_up(here)
        video_id = (await add_note(here, ann, new_video_id()))["video_id"]
        transcript = f"/api/videos/{video_id}/transcript"
        items = [{"text": "word " * 10, "offset": n, "duration": 1} for n in range(400)]
        content = json_bytes(items)
        assert 25_000 < len(content) < 50_000
        assert (await here.post(transcript, content=content, headers=ann.headers)).is_success
        used_up(await there.post(transcript, content=content, headers=ann.headers), BYTES)
        long = {"video_id": video_id, "timestamp": "1:23", "text": "x" * 30_000}
        used_up(await here.post("/api/notes", json=long, headers=ann.headers), BYTES)
        assert len((await here.get(f"/api/notes/{video_id}", headers=ann.headers)).json()) == 1
        assert (await here.post("/api/notes", json=long, headers=bob.headers)).is_success
        await add_note(there, ann, video_id)  # a short one still goes
        assert (await here.post(transcript, content=content, headers=ADMIN)).is_success
        assert (await here.post(transcript, content=content, headers=ADMIN)).is_success


async def test_a_user_changes_so_much_a_day_and_can_leave_at_any_time(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        site(dsn, tmp_path, VIDWIZ_WRITES_A_DAY=3) as (one, other),
        one("192.0.2.1") as here,
        other("192.0.2.1") as there,
    ):
        ann, bob = await sign_up(here), await sign_up(here)
        note = await add_note(here, ann, new_video_id())
        path = f"/api/notes/{note['id']}"
        for text in ("a", "b"):
            edited = await there.patch(path, json={"text": text}, headers=ann.headers)
            assert edited.status_code == 200
        for refusal in (
            await here.patch(path, json={"text": "c"}, headers=ann.headers),
            await there.delete(path, headers=ann.headers),
            await here.patch("/api/user/profile", json={"name": "Ann B"}, headers=ann.headers),
            await here.post("/api/user/token", headers=ann.headers),
        ):
            used_up(refusal, WRITES)
        shown = (await here.get(f"/api/notes/{note['video_id']}", headers=ann.headers)).json()
        assert [one["text"] for one in shown] == ["b"]
        await add_note(here, bob, note["video_id"])
        body = {"video_id": note["video_id"]}
        who, path = guest(), "/api/wiz/conversation"
        answers = [await here.post(path, json=body, headers=guest()) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        used_up(await there.post(path, json=body, headers=who), WRITES)
        gone = await here.request(
            "DELETE", "/api/user", json={"password": ann.password}, headers=ann.headers
        )
        assert gone.status_code == 200


async def test_a_user_stores_so_much_in_all_and_deleting_makes_room(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with AsyncExitStack() as stack:
        most = {"VIDWIZ_BYTES_A_PERSON": 10_000, "VIDWIZ_RATE_LIMITS": False}
        one, other = await two(stack, dsn, tmp_path, model, **most)
        ann, bob, video_id = await one.sign_up(), await one.sign_up(), await ready_video(one.client)
        note = {"video_id": video_id, "timestamp": "1:23", "text": "ü" * 2000}

        async def post(api: Api, who: Person, **more: Any) -> httpx.Response:
            return await api.client.post("/api/notes", json=note | more, headers=who.headers)

        kept = [(await post(api, ann)).json()["id"] for api in (one, other)]
        path, full = f"/api/notes/{kept[0]}", {"text": "u" * 4000}
        refused = [
            await post(one, ann),
            await other.client.patch(path, json=full, headers=ann.headers),
            await ask(one.client, ann.headers, video_id, "Why? " * 1000),
            await other.client.post(
                f"/api/videos/{video_id}/transcript",
                content=json_bytes([{"text": "word " * 1000, "offset": 1, "duration": 2}]),
                headers=ann.headers,
            ),
        ]
        for refusal in refused:
            assert refusal.status_code == 413, refusal.text
            error = error_of(refusal)
            assert error["code"] == "PAYLOAD_TOO_LARGE"
            assert "Delete notes" in error["message"]
        assert (await post(one, bob)).status_code == 201
        assert (await post(one, ann, text="short")).status_code == 201
        assert (await post(one, ann, text=None)).status_code == 201
        deleted = await one.client.delete(path, headers=ann.headers)
        assert deleted.status_code == 200
        assert (await post(other, ann)).status_code == 201
        assert (await post(one, ann)).status_code == 413
        by_admin = {"text": "u" * 4000, "generated_by_ai": False}
        path = f"/api/notes/{kept[1]}"
        assert (await one.client.patch(path, json=by_admin, headers=one.admin)).status_code == 200


async def test_what_a_person_brought_and_asked_counts_as_stored(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with wiz_api(dsn, tmp_path, model, VIDWIZ_BYTES_A_PERSON=10**6) as api:
        ann, video_id = await api.sign_up(), await ready_video(api.client)
        user_id = await user_id_of(api, ann.headers)

        async def stored() -> int:
            ((its,),) = await api.services.database.all(STORED_BYTES, user_id=user_id)
            return int(its)

        assert await stored() == 0
        model.will(Answer(("Yes.",)))
        assert (await ask(api.client, ann.headers, video_id, "Why?")).status_code == 200
        assert await stored() == len("Why?") + len("Yes.")
        path = f"/api/videos/{video_id}/transcript"
        words = [{"text": "word " * 100, "offset": 1, "duration": 2}]
        brought = await api.client.post(path, content=json_bytes(words), headers=ann.headers)
        assert brought.is_success

        async def transcript_counts() -> bool:
            return await stored() >= 499 + 8

        await eventually(transcript_counts)
        assert (await api.client.delete(path, headers=ann.headers)).is_success

        async def only_the_talk_is_left() -> bool:
            return await stored() == 8

        await eventually(only_the_talk_is_left)


async def test_metrics_are_told_while_the_database_is_away(
    dsn: str, tmp_path: Path, model: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with wiz_api(dsn, tmp_path, model) as api:

        async def away(*_: object, **__: object) -> None:
            raise DatabaseUnavailable("away")

        monkeypatch.setattr(api.services.quotas, "measure", away)
        answer = await api.client.get("/metrics", headers=api.admin)
        assert answer.status_code == 200
        assert "vidwiz_log_head_position" in answer.text


@pytest.mark.parametrize(
    ("attempt", "calls", "extra"),
    [(1, None, 0), (1, 0, -1), (1, 1, 0), (1, 3, 2), (2, 0, 0), (2, 1, 1), (None, 2, 1), (1, 9, 3)],
)
async def test_the_ceiling_follows_what_a_worker_says_that_it_asked(
    dsn: str, tmp_path: Path, model: FakeModel, attempt: int | None, calls: int | None, extra: int
) -> None:
    settings = {"VIDWIZ_RATE_LIMITS": True, "VIDWIZ_MODEL_CALLS_A_DAY": 4}
    async with wiz_api(dsn, tmp_path, model, **settings) as api:
        await ready_video(api.client)

        async def all_is_asked_for() -> bool:  # the opening and the transcript ask for one summary
            return not any(one.lag for one in await health(api.services.database))

        await eventually(all_is_asked_for)
        task = await poll(api.client, "summary", timeout=20)
        assert task is not None
        body = {**report(task, success=False), "permanent": True, "model_calls": calls}
        if attempt is not None and attempt > 1:
            (await submit(api.client, "summary", report(task, success=False))).raise_for_status()
            task = await poll(api.client, "summary", timeout=20)
            assert task is not None
        answer = await submit(api.client, "summary", {**body, "attempt": attempt})
        answer.raise_for_status()
        assert await api.services.quotas.model_calls() == (1 + extra, 4)
