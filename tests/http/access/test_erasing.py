"""``DELETE /api/user``: with a proof the account is gone at once, with its tokens, everywhere."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import long_term_token, refused, shaped, user_id_of
from tests.support import Api, Person, bearer, eventually, new_video_id, running_api
from tests.wiz_support import ask, guest, ready_video, turn_stream, typed, wiz_api
from vidwiz.http.access.guesses import OF_PROOF
from vidwiz.http.errors import ErrorEnvelope
from vidwiz.http.responses import models

PATH = "/api/user"
TALKS = "/api/wiz/conversations"


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini() as its:
        yield its


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, model: FakeModel
) -> AsyncIterator[Api]:
    async with wiz_api(module_dsn, tmp_path_factory.mktemp("data"), model) as its:
        yield its


@pytest.fixture(scope="module")
async def elsewhere(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, model: FakeModel
) -> AsyncIterator[Api]:
    """Another process, as far as the two can tell."""
    async with wiz_api(module_dsn, tmp_path_factory.mktemp("data"), model) as its:
        yield its


async def erase(api: Api, who: Person, **proof: Any) -> httpx.Response:
    body = proof or {"password": who.password}
    return await api.client.request("DELETE", PATH, json=body, headers=who.headers)


async def signed_out(api: Api, headers: dict[str, str]) -> bool:
    answer = await api.client.get("/api/search", headers=headers)
    return answer.status_code == 401


async def test_the_password_erases_the_account_and_every_token_is_dead_everywhere(
    api: Api, elsewhere: Api
) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    await api.add_note(person, new_video_id())
    assert not await signed_out(elsewhere, person.headers)
    answer = await erase(api, person)
    assert shaped(models.MessageResponse, answer) == {"message": "Account erased"}
    for headers in (person.headers, token):
        refused(await api.client.get("/api/user/profile", headers=headers), 401)

        async def out() -> bool:
            return await signed_out(elsewhere, headers)  # noqa: B023  it is awaited at once

        await eventually(out)
    login = {"email": person.email, "password": person.password}
    refused(await api.client.post("/api/user/login", json=login), 401)
    refused(await erase(api, person), 401)


async def test_the_visitor_of_an_erased_account_is_a_guest_like_any_other(api: Api) -> None:
    person = await api.sign_up()
    await erase(api, person)
    as_guest = await api.client.get("/api/wiz/quota", headers={**person.headers, **guest()})
    assert as_guest.json()["limit"] == 5
    refused(await api.client.get("/api/wiz/quota", headers=person.headers), 401)


@pytest.mark.parametrize(
    ("proof", "status"),
    [
        ({"password": "wrong"}, 403),
        ({"password": "x" * 100_000}, 403),
        ({"credential": "no credential"}, 403),
        ({"password": "correct horse", "credential": "x"}, 422),
        ({"password": ""}, 422),
        ({"password": None}, 422),
        ({"email": "a@example.org", "password": "correct horse"}, 422),
    ],
)
async def test_without_a_proof_nothing_is_erased(
    api: Api, ann: Person, proof: dict[str, Any], status: int
) -> None:
    answer = await erase(api, ann, **proof)
    assert answer.status_code == status
    ErrorEnvelope.model_validate(answer.json())
    assert not await signed_out(api, ann.headers)


async def test_a_long_term_token_proves_nothing(api: Api) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    without = await api.client.request("DELETE", PATH, headers=token)
    refused(without, 400, "Request body must be JSON")
    proof = {"password": token["Authorization"].removeprefix("Bearer ")}
    refused(await api.client.request("DELETE", PATH, json=proof, headers=token), 403)
    assert not await signed_out(api, person.headers)


async def test_guesses_at_an_erasure_are_few_a_day_and_cost_no_sign_in(
    dsn: str, tmp_path: Path
) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as api:
        person = await api.sign_up()
        for _ in range(OF_PROOF.most):
            refused(await erase(api, person, password="guess"), 403)
        assert (await erase(api, person)).status_code == 429
        login = {"email": person.email, "password": person.password}
        assert (await api.client.post("/api/user/login", json=login)).status_code == 200


async def test_an_ai_worker_finds_no_note_of_an_erased_person(api: Api) -> None:
    person = await api.sign_up()
    note = await api.add_note(person, new_video_id(), text=None)
    await erase(api, person)
    for query in ("", "?only_if_empty=true"):
        path = f"/api/notes/{note['id']}{query}"
        words = {"text": "by AI", "generated_by_ai": True}
        refused(await api.client.patch(path, json=words, headers=api.admin), 404, "Note not found")


async def test_an_erased_person_reports_on_no_task(api: Api) -> None:
    person = await api.sign_up()
    await api.add_note(person, new_video_id())
    poll = "/api/tasks/transcript?timeout=0"
    task = (await api.client.get(poll, headers=person.headers)).json()
    await erase(api, person)
    result = {"task_id": task["task_id"], "video_id": task["task_details"]["video_id"]}
    body = {**result, "success": True, "transcript": [{"text": "x"}]}
    refused(await api.client.post("/api/tasks/transcript", json=body, headers=person.headers), 401)


async def test_an_answer_under_way_is_given_up_and_leaves_nothing(
    api: Api, elsewhere: Api, model: FakeModel
) -> None:
    person, video_id = await api.sign_up(), await ready_video(api.client)
    user_id = await user_id_of(api, person.headers)
    model.will(Answer(("word ",) * 1000, interval_s=0.1))
    asking = asyncio.create_task(ask(api.client, person.headers, video_id))

    async def begun() -> bool:
        return bool(api.services.turns.all_here())

    await eventually(begun)
    (turn_id,) = api.services.turns.all_here()
    following = asyncio.create_task(turn_stream(elsewhere.client, person.headers, turn_id))

    async def mirrored() -> bool:
        return turn_id in elsewhere.services.elsewhere._mirrors

    await eventually(mirrored)
    assert (await erase(api, person)).status_code == 200
    assert b'"error"' in (await asking).content
    last = typed((await following).content)[-1]
    assert (last.kind, last.data["code"]) == ("failed", "account_erased")
    assert not api.services.turns.all_here()
    for table in ("conversations", "messages", "turns"):
        assert await rows_of(api, table, user_id) == 0


async def test_a_guest_erases_themselves_and_is_nobody_everywhere(
    api: Api, elsewhere: Api, model: FakeModel
) -> None:
    who, other, video_id = guest(), guest(), await ready_video(api.client)
    (await ask(api.client, who, video_id)).raise_for_status()
    (await ask(api.client, other, video_id)).raise_for_status()
    model.will(Answer(("word ",) * 1000, interval_s=0.1))
    asking = asyncio.create_task(ask(api.client, who, video_id))

    async def begun() -> bool:
        return bool(api.services.turns.all_here())

    await eventually(begun)
    (turn_id,) = api.services.turns.all_here()
    following = asyncio.create_task(turn_stream(elsewhere.client, who, turn_id))

    async def mirrored() -> bool:
        return turn_id in elsewhere.services.elsewhere._mirrors

    await eventually(mirrored)
    person = await api.sign_up()  # a token beside the header changes nothing
    answer = await api.client.delete("/api/guest", headers={**person.headers, **who})
    assert shaped(models.MessageResponse, answer) == {"message": "Guest erased"}
    assert b'"error"' in (await asking).content
    last = typed((await following).content)[-1]
    assert (last.kind, last.data["code"]) == ("failed", "account_erased")

    async def nobody_there() -> bool:
        return (await elsewhere.client.get(TALKS, headers=who)).status_code == 401

    await eventually(nobody_there)
    for client in (api.client, elsewhere.client):
        answer = await client.get(TALKS, headers=who)
        refused(answer, 401)
        assert "This guest was erased" in answer.text
        refused(await client.delete("/api/guest", headers=who), 401)
    assert len((await api.client.get(TALKS, headers=other)).json()["conversations"]) == 1
    (await api.client.get("/api/user/profile", headers=person.headers)).raise_for_status()


@pytest.mark.parametrize(("session", "status"), [("x" * 256, 400), ("", 401), ("nobody", 404)])
async def test_whoever_is_no_guest_cannot_be_erased(api: Api, session: str, status: int) -> None:
    headers = {"X-Guest-Session-ID": session}
    refused(await api.client.delete("/api/guest", headers=headers), status)


async def rows_of(api: Api, table: str, user_id: int) -> int:
    async with api.services.database.borrowed() as connection:
        query = f"SELECT count(*) FROM {table} WHERE user_id = %s"
        cursor = await connection.execute(query, (user_id,))
        ((count,),) = await cursor.fetchall()
        return int(count)


async def test_an_erasure_goes_on_when_its_client_does_not_wait(api: Api) -> None:
    person = await api.sign_up()
    erasing = asyncio.create_task(erase(api, person))

    async def accepted() -> bool:
        return bool(api.services.store._queue) or erasing.done()

    await eventually(accepted)
    erasing.cancel()

    async def out() -> bool:
        return await signed_out(api, person.headers)

    await eventually(out)


async def test_an_answer_under_way_is_heard_no_longer_than_the_session(
    api: Api, model: FakeModel
) -> None:
    person, video_id = await api.sign_up(), await ready_video(api.client)
    model.will(Answer(("word ",) * 40, interval_s=0.05))
    asking = asyncio.create_task(ask(api.client, person.headers, video_id))

    async def begun() -> bool:
        return bool(api.services.turns.all_here())

    await eventually(begun)
    (turn_id,) = api.services.turns.all_here()
    following = asyncio.create_task(turn_stream(api.client, person.headers, turn_id))
    answer = await api.client.post("/api/user/logout", headers=person.headers)
    assert answer.status_code == 200
    plain = (await asking).content
    assert b'"error"' in plain
    assert b"[DONE]" not in plain
    followed = await following
    assert followed.status_code == 401 or b"completed" not in followed.content
