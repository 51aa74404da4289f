"""Who asks Wiz, and how often: users, guests, and what a day allows them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from limits import parse

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import claims, error_of, long_term_token, refused, shaped, signed
from tests.support import Api, Person, bearer, new_video_id
from tests.wiz_support import ask, guest, payloads, ready_video, wiz_api
from vidwiz.http.limits.requests import IN_PROCESS
from vidwiz.http.responses import models

GUESTS = 5
USERS = 20
OF_GUEST = "Daily limit reached (5 guest messages/day)"
OF_USER = "Daily limit reached (20 messages/day)"
INVALID_TOKENS = ["garbage", "a.b.c", "", signed(claims(1), secret="another secret of others x")]


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
async def video_id(api: Api) -> str:
    return await ready_video(api.client)


async def talk(api: Api, who: dict[str, str], video_id: str) -> int:
    """A new conversation."""
    body = {"video_id": video_id}
    answer = await api.client.post("/api/wiz/conversation", json=body, headers=who)
    return int(shaped(models.StartedConversation, answer)["conversation_id"])


async def quota(api: Api, who: dict[str, str]) -> dict[str, Any]:
    return dict(shaped(models.Quota, await api.client.get("/api/wiz/quota", headers=who)))


async def used(api: Api, who: dict[str, str]) -> int:
    return int((await quota(api, who))["used"])


async def use_up(api: Api, who: dict[str, str], video_id: str, count: int = GUESTS) -> None:
    for answer in await asyncio.gather(*(ask(api.client, who, video_id) for _ in range(count))):
        assert answer.status_code == 200


def over_quota(answer: Any, message: str) -> None:
    error = error_of(answer)
    assert answer.status_code == 429
    assert error["message"] == message
    assert error["details"].keys() == {"reset_in_seconds"}
    assert 0 < error["details"]["reset_in_seconds"] <= 24 * 3600
    assert isinstance(error["details"]["reset_in_seconds"], int)


async def test_fifty_questions_of_a_guest_at_once_are_five_answers(api: Api, video_id: str) -> None:
    who, others = guest(), await ready_video(api.client)
    mine = await talk(api, who, video_id)
    answers = await asyncio.gather(
        *(
            ask(api.client, who, video_id, conversation_id=mine)
            if number % 2
            else ask(api.client, who, others)
            for number in range(50)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] * GUESTS + [429] * 45
    for answer in answers:
        if answer.status_code == 429:
            over_quota(answer, OF_GUEST)
        else:
            assert payloads(answer.content)[-1] == "[DONE]"
    left = await quota(api, who)
    assert (left["limit"], left["used"], left["remaining"]) == (GUESTS, GUESTS, 0)


async def test_a_user_has_twenty_a_day_over_all_videos_and_tokens(api: Api, video_id: str) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    other = await ready_video(api.client)
    await use_up(api, person.headers, video_id, 10)
    await use_up(api, token, other, 10)
    over_quota(await ask(api.client, person.headers, video_id), OF_USER)
    over_quota(await ask(api.client, token, other), OF_USER)
    assert await used(api, person.headers) == USERS
    assert (await ask(api.client, guest(), video_id)).status_code == 200


async def test_a_spent_user_does_not_become_a_guest(api: Api, video_id: str) -> None:
    person = await api.sign_up()
    await use_up(api, person.headers, video_id, USERS)
    over_quota(await ask(api.client, {**person.headers, **guest()}, video_id), OF_USER)


async def test_conversations_cost_nothing_and_are_open_to_who_has_spent_all(
    api: Api, video_id: str
) -> None:
    who = guest()
    await talk(api, who, video_id)
    assert await used(api, who) == 0
    await use_up(api, who, video_id)
    assert await talk(api, who, video_id) > 0


async def test_questions_of_yesterday_do_not_count(api: Api, video_id: str) -> None:
    who = guest()
    await use_up(api, who, video_id)
    async with api.services.database.borrowed() as connection:
        await connection.execute("UPDATE quotas SET day = day - 1")
    assert await used(api, who) == 0
    assert (await ask(api.client, who, video_id)).status_code == 200


@pytest.mark.parametrize("token", INVALID_TOKENS, ids=lambda token: token[:8])
async def test_an_invalid_token_with_a_guest_header_is_that_guest(
    api: Api, video_id: str, token: str
) -> None:
    who = guest()
    await use_up(api, {**who, **bearer(token)}, video_id, 2)
    assert await used(api, who) == 2
    assert (await quota(api, {**who, **bearer(token)}))["limit"] == GUESTS


async def test_a_valid_token_wins_over_the_guest_header(
    api: Api, ann: Person, video_id: str
) -> None:
    who = guest()
    before = await used(api, ann.headers)
    await use_up(api, {**who, **ann.headers}, video_id, 1)
    assert await used(api, who) == 0
    assert await used(api, ann.headers) == before + 1


@pytest.mark.parametrize("headers", [{}, {"X-Guest-Session-ID": ""}, bearer("x")], ids=str)
async def test_nobody_is_refused_before_the_body_is_looked_at(
    api: Api, headers: dict[str, str]
) -> None:
    for path in ("chat", "conversation"):
        answer = await api.client.post(f"/api/wiz/{path}", content=b"{", headers=headers)
        refused(answer, 401, "Missing Auth or Guest ID")


async def test_the_admin_is_nobody_here_unless_a_guest(api: Api, video_id: str) -> None:
    refused(await ask(api.client, api.admin, video_id), 401, "Missing Auth or Guest ID")
    assert (await quota(api, {**api.admin, **guest()}))["limit"] == GUESTS


async def test_a_revoked_token_is_nobodys(api: Api, video_id: str) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    assert (await ask(api.client, token, video_id)).status_code == 200
    await api.client.delete("/api/user/token", headers=person.headers)
    refused(await ask(api.client, token, video_id), 401, "Missing Auth or Guest ID")


async def test_a_token_of_an_account_that_is_not_there_cannot_ask(api: Api, video_id: str) -> None:
    nobody = bearer(signed(claims(2**63 - 1)))
    refused(await ask(api.client, nobody, video_id), 404, "User not found")
    body = {"video_id": video_id}
    answer = await api.client.post("/api/wiz/conversation", json=body, headers=nobody)
    refused(answer, 404, "User not found")


@pytest.mark.parametrize(
    "name", ["x", "é\u20ac🎈", "a b", "'; --", "x" * 254, "user:1"], ids=lambda name: name[:8]
)
async def test_any_session_id_is_a_guest_of_its_own(api: Api, video_id: str, name: str) -> None:
    who: Any = {"X-Guest-Session-ID": name.encode()}
    before = await used(api, who)
    assert (await ask(api.client, who, video_id)).status_code == 200
    assert await used(api, who) == before + 1
    longer: Any = {"X-Guest-Session-ID": name.encode() + b"x"}
    assert await used(api, longer) == 0


async def test_neither_a_failed_answer_nor_a_refused_question_costs_anything(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(status=403))
    await use_up(api, who, video_id, 1)
    refused(await ask(api.client, who, new_video_id()), 404, "Video not found")
    assert await used(api, who) == 0


async def test_a_flood_from_one_address_is_refused_and_costs_nothing(
    module_dsn: str,
    tmp_path_factory: pytest.TempPathFactory,
    model: FakeModel,
    video_id: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(IN_PROCESS, "wiz", parse("3/minute"))
    data = tmp_path_factory.mktemp("limited")
    async with wiz_api(module_dsn, data, model, VIDWIZ_RATE_LIMITS=True) as api:
        who = guest()
        for _ in range(3):
            await api.client.post("/api/wiz/init", json={"video_id": video_id}, headers=who)
        for path in ("init", "conversation", "chat"):
            body = {"video_id": video_id, "message": "?"}
            answer = await api.client.post(f"/api/wiz/{path}", json=body, headers=who)
            assert answer.status_code == 429
            assert error_of(answer)["details"].keys() == {"reset_in_seconds"}
            assert int(answer.headers["retry-after"]) > 0
        assert await used(api, who) == 0
