"""What a day allows, on the wire: 429 with the time to come back, for all processes together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import error_of, user_id_of
from tests.support import Api, Person, eventually, new_video_id
from tests.wiz_support import ask, guest, ready_video, wiz_api
from vidwiz.database import DatabaseUnavailable


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
