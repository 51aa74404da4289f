"""Sessions end: by a sign-out, another password, a Google link, the operator, another secret."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.access.test_google_login import CLIENT_ID, Google, google
from tests.http.wire import claims, long_term_token, refused, shaped, signed, user_id_of
from tests.live_support import listening
from tests.support import ADMIN_TOKEN, Api, Person, bearer, eventually, new_video_id, running_api
from vidwiz.commands.users import ChangePassword, DisableUser, EnableUser
from vidwiz.events.recorded import ADMIN, EventMetadata
from vidwiz.http.access.guesses import OF_PROOF
from vidwiz.http.responses import models

__all__ = ["google"]
PROFILE, PASSWORD, LOGOUT = "/api/user/profile", "/api/user/password", "/api/user/logout"
OPERATOR = EventMetadata(ADMIN, "user")


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, google: Google
) -> AsyncIterator[Api]:
    settings = {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CERTS_URL": google.url}
    async with running_api(module_dsn, tmp_path_factory.mktemp("data"), **settings) as its:
        yield its


@pytest.fixture(scope="module")
async def elsewhere(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """Another process on the same database."""
    async with running_api(module_dsn, tmp_path_factory.mktemp("data")) as its:
        yield its


async def status(api: Api, headers: dict[str, str]) -> int:
    return (await api.client.get(PROFILE, headers=headers)).status_code


async def again(api: Api, person: Person, password: str | None = None) -> dict[str, str]:
    """Another session of the same person."""
    body = {"email": person.email, "password": password or person.password}
    answer = await api.client.post("/api/user/login", json=body)
    return bearer(answer.raise_for_status().json()["token"])


async def all_dead(api: Api, *headers: dict[str, str]) -> bool:
    return {await status(api, its) for its in headers} == {401}


async def test_signing_out_ends_every_session_everywhere(api: Api, elsewhere: Api) -> None:
    ann, bob = await api.sign_up(), await api.sign_up()
    user_id = await user_id_of(api, ann.headers)
    old = [
        ann.headers,
        await again(elsewhere, ann),
        bearer(await long_term_token(api, ann.headers)),
        bearer(signed(claims(user_id))),  # made elsewhere, without a time
        bearer(signed(claims(user_id, iat=1))),
    ]
    assert {await status(its, headers) for its in (api, elsewhere) for headers in old} == {200}
    answer = await api.client.post(LOGOUT, headers=ann.headers)
    assert shaped(models.MessageResponse, answer)["message"] == "Signed out everywhere"
    assert await all_dead(api, *old)
    await eventually(lambda: all_dead(elsewhere, *old))
    for its in (api, elsewhere):
        assert await status(its, await again(its, ann)) == 200
        assert await status(its, bob.headers) == 200
    assert await status(api, bearer(signed(claims(user_id)))) == 401


async def test_another_password_ends_all_other_sessions_and_gives_a_new_one(
    api: Api, elsewhere: Api
) -> None:
    ann = await api.sign_up()
    old = [ann.headers, await again(api, ann), bearer(await long_term_token(api, ann.headers))]
    body = {"old_password": ann.password, "new_password": "battery staple"}
    answer = await api.client.post(PASSWORD, json=body, headers=ann.headers)
    new = bearer(shaped(models.Token, answer)["token"])
    assert await all_dead(api, *old)
    await eventually(lambda: all_dead(elsewhere, *old))
    for its in (api, elsewhere):
        assert await status(its, new) == 200
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        await again(api, ann)
    assert await status(api, await again(api, ann, "battery staple")) == 200
    profile = (await api.client.get(PROFILE, headers=new)).json()
    assert (profile["token_exists"], profile["long_term_token"]) == (False, None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"old_password": "wrong horse", "new_password": "battery staple"}, 403),
        ({"credential": "none", "new_password": "battery staple"}, 403),
        ({"old_password": "correct horse", "new_password": "short"}, 422),
        ({"old_password": "correct horse", "new_password": "ü" * 513}, 422),
        ({"new_password": "battery staple"}, 422),
        ({"old_password": "x", "credential": "y", "new_password": "battery staple"}, 422),
    ],
)
async def test_a_password_is_not_changed_without_its_proof(
    api: Api, ann: Person, body: dict[str, str], code: int
) -> None:
    answer = await api.client.post(PASSWORD, json=body, headers=ann.headers)
    assert answer.status_code == code, answer.text
    assert await status(api, ann.headers) == 200
    assert await status(api, await again(api, ann)) == 200


async def test_an_api_key_neither_changes_the_password_nor_signs_out(api: Api) -> None:
    ann = await api.sign_up()
    key = bearer(await long_term_token(api, ann.headers))
    body = {"old_password": ann.password, "new_password": "battery staple"}
    refused(await api.client.post(PASSWORD, json=body, headers=key), 403)
    refused(await api.client.post(LOGOUT, headers=key), 403)
    refused(await api.client.post(LOGOUT, headers=bearer(ADMIN_TOKEN)), 401)
    assert await status(api, ann.headers) == 200


async def test_guesses_at_the_old_password_are_few(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as api:
        ann = await api.sign_up()
        body = {"old_password": "guess", "new_password": "battery staple"}
        for _ in range(OF_PROOF.most):
            refused(await api.client.post(PASSWORD, json=body, headers=ann.headers), 403)
        right = {**body, "old_password": ann.password}
        answer = await api.client.post(PASSWORD, json=right, headers=ann.headers)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0


async def test_a_google_link_shuts_out_whoever_prepared_the_account(
    api: Api, elsewhere: Api, google: Google
) -> None:
    thief = await api.sign_up()
    user_id = await user_id_of(api, thief.headers)
    old = [thief.headers, bearer(await long_term_token(api, thief.headers))]
    old.append(bearer(signed(claims(user_id))))
    credential = {"credential": google.credential(email=thief.email.upper())}
    answer = await api.client.post("/api/user/google/login", json=credential)
    owner = bearer(shaped(models.Token, answer)["token"])
    assert await all_dead(api, *old)
    await eventually(lambda: all_dead(elsewhere, *old))
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        await again(api, thief)
    assert await status(api, owner) == 200
    assert await status(elsewhere, owner) == 200
    assert await user_id_of(api, owner) == user_id
    # The owner may have a password again, proven by Google.
    wrong = {**credential, "new_password": "battery staple", "credential": google.credential()}
    refused(await api.client.post(PASSWORD, json=wrong, headers=owner), 403)
    body = {**credential, "new_password": "battery staple"}
    changed = await api.client.post(PASSWORD, json=body, headers=owner)
    assert await status(api, bearer(changed.json()["token"])) == 200
    assert await status(api, await again(api, thief, "battery staple")) == 200


async def test_a_second_sign_in_by_google_ends_nothing(api: Api, google: Google) -> None:
    changes: dict[str, Any] = {"sub": "one-person", "email": "one-person@gmail.com"}
    tokens = []
    for _ in range(2):
        body = {"credential": google.credential(**changes)}
        answer = await api.client.post("/api/user/google/login", json=body)
        tokens.append(bearer(answer.raise_for_status().json()["token"]))
    assert [await status(api, token) for token in tokens] == [200, 200]


async def test_a_live_stream_ends_with_the_session(api: Api, elsewhere: Api) -> None:
    ann = await api.sign_up()
    for its in (api, elsewhere):
        person = Person(ann.email, ann.password, await again(api, ann))
        async with listening(its, person) as stream:
            await api.client.post(LOGOUT, headers=person.headers)
            while await stream.heard() is not None:
                continue


async def test_a_disabled_account_is_shut_until_it_is_enabled(
    api: Api, elsewhere: Api, google: Google
) -> None:
    ann = await api.sign_up()
    user_id = await user_id_of(api, ann.headers)
    old = [ann.headers, bearer(await long_term_token(api, ann.headers))]
    changes: dict[str, Any] = {"sub": f"google-{user_id}", "email": ann.email}
    await elsewhere.services.store.execute(DisableUser(user_id, now()), OPERATOR)
    await eventually(lambda: all_dead(api, *old))
    login = {"email": ann.email, "password": ann.password}
    refused(await api.client.post("/api/user/login", json=login), 401, "Invalid email or password")
    credential = {"credential": google.credential(**changes)}
    refused(await api.client.post("/api/user/google/login", json=credential), 401)
    assert await all_dead(api, bearer(signed(claims(user_id, iat=2**33))))
    await elsewhere.services.store.execute(EnableUser(user_id), OPERATOR)

    async def opened() -> bool:
        return await status(api, await again(api, ann)) == 200

    await eventually(opened)
    assert await all_dead(api, *old)


async def test_a_reset_password_ends_the_sessions(api: Api, elsewhere: Api) -> None:
    ann = await api.sign_up()
    user_id = await user_id_of(api, ann.headers)
    hashed = await api.services.passwords.hash("battery staple")
    await elsewhere.services.store.execute(ChangePassword(user_id, hashed, now()), OPERATOR)
    await eventually(lambda: all_dead(api, ann.headers))
    assert await status(api, await again(api, ann, "battery staple")) == 200


async def test_a_new_secret_shows_no_token_that_nobody_issued(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path) as api:
        ann = await api.sign_up()
        old = await long_term_token(api, ann.headers)
        assert (await api.client.get(PROFILE, headers=ann.headers)).json()["long_term_token"] == old
    async with running_api(
        dsn, tmp_path, SECRET_KEY="another secret, as long as it has to be"
    ) as api:
        new = await again(api, ann)
        assert await all_dead(api, bearer(old), ann.headers)
        profile = (await api.client.get(PROFILE, headers=new)).json()
        assert (profile["token_exists"], profile["long_term_token"]) == (False, None)
        made = await long_term_token(api, new)
        assert made != old
        assert await status(api, bearer(made)) == 200
        refused(await api.client.post("/api/user/token", headers=new), 400)


async def test_closed_sign_up_says_so(dsn: str, tmp_path: Path, google: Google) -> None:
    settings = {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CERTS_URL": google.url}
    async with running_api(dsn, tmp_path, **settings) as api:
        ann = await api.sign_up()
        assert (await api.client.get("/api/config")).json()["sign_up"] == "open"
    async with running_api(dsn, tmp_path, VIDWIZ_SIGN_UP="closed", **settings) as api:
        assert (await api.client.get("/api/config")).json()["sign_up"] == "closed"
        body = {"email": "new@example.org", "password": "correct horse", "name": "New"}
        message = "Sign-up is closed on this server"
        refused(await api.client.post("/api/user/signup", json=body), 403, message)
        newcomer = {"credential": google.credential()}
        refused(await api.client.post("/api/user/google/login", json=newcomer), 403, message)
        linked = {"credential": google.credential(email=ann.email)}
        assert (await api.client.post("/api/user/google/login", json=linked)).status_code == 200


def now() -> datetime:
    return datetime.now(UTC)


async def sign_out(api: Api, person: Person) -> None:
    (await api.client.post(LOGOUT, headers=person.headers)).raise_for_status()


async def change_password(api: Api, person: Person) -> None:
    body = {"old_password": person.password, "new_password": "battery staple"}
    (await api.client.post(PASSWORD, json=body, headers=person.headers)).raise_for_status()


async def be_disabled(api: Api, person: Person) -> None:
    command = DisableUser(await user_id_of(api, person.headers), datetime.now(UTC))
    await api.services.store.execute(command, OPERATOR)


async def be_erased(api: Api, person: Person) -> None:
    body = {"password": person.password}
    answer = await api.client.request("DELETE", "/api/user", json=body, headers=person.headers)
    answer.raise_for_status()


@pytest.mark.parametrize("user_workers", ["own", "any"])
async def test_who_waits_for_a_task_waits_no_longer_than_the_session(
    dsn: str, tmp_path: Path, user_workers: str
) -> None:
    async with (
        running_api(dsn, tmp_path / "one", VIDWIZ_USER_WORKERS=user_workers) as one,
        running_api(dsn, tmp_path / "other", VIDWIZ_USER_WORKERS=user_workers) as other,
    ):

        async def poll(its: Api, headers: dict[str, str]) -> httpx.Response:
            return await its.client.get("/api/tasks/transcript?timeout=60", headers=headers)

        async def all_wait(count: int) -> bool:
            at = [its.services.polls.waiting for its in (one, other)]
            return at == [count, count]

        bob = await one.sign_up()
        both = (one, other)
        staying = [asyncio.create_task(poll(its, bob.headers)) for its in both]
        for ended in (sign_out, change_password, be_disabled, be_erased):
            ann = await one.sign_up()
            key = bearer(await long_term_token(one, ann.headers))
            waits = [
                asyncio.create_task(poll(its, headers))
                for its in both
                for headers in (ann.headers, key)
            ]
            await eventually(lambda: all_wait(3))
            await ended(one, ann)
            for answer in await asyncio.wait_for(asyncio.gather(*waits), 20):
                refused(answer, 401)
            await eventually(lambda: all_wait(1))
        key = bearer(await long_term_token(one, bob.headers))
        with_key = asyncio.create_task(poll(one, key))

        async def key_waits() -> bool:
            return one.services.polls.waiting == 2

        await eventually(key_waits)
        gone = await one.client.delete("/api/user/token", headers=bob.headers)
        gone.raise_for_status()
        refused(await asyncio.wait_for(with_key, 20), 401)
        await one.add_note(bob, new_video_id())
        done, waiting = await asyncio.wait(staying, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert [its.result().status_code for its in done] == [200]
        for its in waiting:
            its.cancel()
