"""Section 2 of the contract, but for Google: sign up, log in, profile, long-term token."""

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.event_store.parts import rows
from tests.http.wire import (
    long_term_token,
    missing,
    not_a_string,
    payload_of,
    problems,
    refused,
    rule,
    shaped,
    unknown,
    user_id_of,
)
from tests.support import Api, Person, bearer, running_api
from vidwiz.http.access.passwords import MOST_WAITING, Passwords
from vidwiz.http.responses import models

GOOD = {"email": "new@example.org", "password": "1234567", "name": "No"}
EMPTY_EMAIL = rule("email", "Email cannot be empty")
BAD_EMAIL = rule("email", "Invalid email format")
EMPTY_PASSWORD = rule("password", "Password cannot be empty")
SHORT_PASSWORD = rule("password", "Password must be more than 6 characters long")
EMPTY_NAME = rule("name", "Name cannot be empty")
SHORT_NAME = rule("name", "Name must be at least 2 characters long")
LONG_NAME = rule("name", "Name must be less than 100 characters")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"email": ""}, [EMPTY_EMAIL]),
        ({"email": " \t\n"}, [EMPTY_EMAIL]),
        *(
            ({"email": email}, [BAD_EMAIL])
            for email in ("a", "a@b", "a@b.c", "@b.org", "a b@c.org", "a@b.org.", "a@b.o1",
                          "a@@b.org", "ä@b.org", "a@bü.org", "a@b.org\nx@y.org", "a'b@c.org",
                          "a" * 315 + "@b.org")
        ),
        ({"email": None}, [not_a_string("email")]),
        ({"email": 5}, [not_a_string("email")]),
        ({"password": ""}, [EMPTY_PASSWORD]),
        ({"password": "123456"}, [SHORT_PASSWORD]),
        ({"password": ["1234567"]}, [not_a_string("password")]),
        ({"name": ""}, [EMPTY_NAME]),
        ({"name": " \u2003"}, [EMPTY_NAME]),
        ({"name": " N "}, [SHORT_NAME]),
        ({"name": "N" * 101}, [LONG_NAME]),
        ({"name": True}, [not_a_string("name")]),
        ({"admin": True}, [unknown("admin")]),
        ({"id": 1, "google_id": "1"}, [unknown("google_id"), unknown("id")]),
        ({"email": "", "password": "", "name": "", "x": 0},
         [EMPTY_EMAIL, EMPTY_NAME, EMPTY_PASSWORD, unknown("x")]),
    ],
)  # fmt: skip
async def test_a_bad_sign_up_names_every_rule(
    api: Api, changes: dict[str, Any], expected: list[Any]
) -> None:
    answer = await api.client.post("/api/user/signup", json={**GOOD, **changes})
    assert problems(answer) == sorted(expected)


async def test_a_sign_up_without_fields_misses_each(api: Api) -> None:
    answer = await api.client.post("/api/user/signup", json={"x": 1})
    expected = [missing("email"), missing("name"), missing("password"), unknown("x")]
    assert problems(answer) == sorted(expected)


@pytest.mark.parametrize(
    ("email", "kept"),
    [("  Mixed.Case+tag%x-y_z@Sub-Domain.Example.ORG \n",
      "mixed.case+tag%x-y_z@sub-domain.example.org"),
     ("a@b.museum", "a@b.museum")],
)  # fmt: skip
async def test_an_address_is_trimmed_and_lowered(api: Api, email: str, kept: str) -> None:
    account = {"email": email, "password": "  7 chars ", "name": "  " + "N" * 100 + " "}
    answer = await api.client.post("/api/user/signup", json=account)
    assert shaped(models.MessageResponse, answer, 201) == {"message": "User created successfully"}

    login = {"email": f" {email.upper()} ", "password": "  7 chars "}
    token = shaped(models.Token, await api.client.post("/api/user/login", json=login))["token"]

    profile = await api.client.get("/api/user/profile", headers=bearer(token))
    assert shaped(models.Profile, profile)["email"] == kept
    assert profile.json()["name"] == "N" * 100


async def test_a_password_is_not_trimmed(api: Api) -> None:
    account = {"email": "spaces@example.org", "password": " secret! ", "name": "Al"}
    assert (await api.client.post("/api/user/signup", json=account)).status_code == 201
    for wrong in ("secret!", " secret!", "secret! ", " SECRET! "):
        login = {"email": "spaces@example.org", "password": wrong}
        answer = await api.client.post("/api/user/login", json=login)
        refused(answer, 401, "Invalid email or password")


async def test_an_address_has_one_account_in_any_case(api: Api, ann: Person) -> None:
    for email in (ann.email, ann.email.upper(), f" {ann.email} "):
        answer = await api.client.post("/api/user/signup", json={**GOOD, "email": email})
        refused(answer, 409, "Email already exists")


async def test_of_many_sign_ups_at_once_one_succeeds(api: Api) -> None:
    tries = [
        api.client.post(
            "/api/user/signup", json={"email": email, "password": f"pass word {n}", "name": "Al"}
        )
        for n, email in enumerate(["race@example.org", "RACE@example.org"] * 3)
    ]
    answers = await asyncio.gather(*tries)
    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [201, 409, 409, 409, 409, 409]

    login = {"email": "race@example.org", "password": f"pass word {statuses.index(201)}"}
    assert (await api.client.post("/api/user/login", json=login)).status_code == 200


async def test_a_login_gives_a_jwt_that_the_web_app_can_read(api: Api, ann: Person) -> None:
    user_id = await user_id_of(api, ann.headers)
    before = int(time.time())

    answer = await api.client.post(
        "/api/user/login", json={"email": ann.email, "password": ann.password}
    )

    its = payload_of(shaped(models.Token, answer)["token"])
    assert before <= its.pop("iat") <= time.time()
    assert before + 86400 <= its.pop("exp") <= int(time.time()) + 86400
    assert its == {
        "user_id": user_id,
        "email": ann.email,
        "name": "Ann Example",
        "profile_image_url": None,
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": "", "password": ""}, [EMPTY_EMAIL, EMPTY_PASSWORD]),
        ({"email": "  ", "password": "x"}, [EMPTY_EMAIL]),
        ({"email": "a@b.org", "password": "x", "name": "Al"}, [unknown("name")]),
        ({"password": 7}, [missing("email"), not_a_string("password")]),
        ({"email": None, "password": None}, [not_a_string("email"), not_a_string("password")]),
    ],
)
async def test_a_bad_login_names_every_rule(api: Api, body: Any, expected: list[Any]) -> None:
    assert problems(await api.client.post("/api/user/login", json=body)) == sorted(expected)


async def test_unknown_address_and_wrong_password_look_the_same(api: Api, ann: Person) -> None:
    answers = [
        await api.client.post("/api/user/login", json={"email": email, "password": password})
        for email, password in [
            ("nobody@example.org", "correct horse"),
            (ann.email, "wrong horse"),
            (ann.email, " "),
            ("no address", "correct horse"),
            (f"{ann.email}' OR '1'='1", "correct horse"),
            ("%", "correct horse"),
            (ann.email, "x" * 100_000),
        ]
    ]
    for answer in answers:
        refused(answer, 401, "Invalid email or password")
        assert answer.content == answers[0].content


OLDER = PasswordHasher(time_cost=3, memory_cost=8 * 1024, parallelism=4)
"""Parameters that are not today's."""


class Watched(Passwords):
    """Passwords that remember what work they did: the parameters of each hash."""

    def __init__(self) -> None:
        super().__init__()
        self.work: list[str] = []

    def _matches(self, password_hash: str, password: bytes) -> bool:
        self.work.append(password_hash.rsplit("$", 2)[0])
        return super()._matches(password_hash, password)

    def done(self) -> list[str]:
        work, self.work = self.work, []
        return work


async def test_unknown_addresses_cost_the_work_that_known_ones_do(dsn: str, tmp_path: Any) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_RATE_LIMITS=False) as api:
        watched = Watched()
        object.__setattr__(api.services, "passwords", watched)

        async def work(email: str, password: str = "wrong horse") -> str:
            login = {"email": email, "password": password}
            refused(await api.client.post("/api/user/login", json=login), 401)
            (work,) = watched.done()
            return work

        strangers = [f"nobody{number}@example.org" for number in range(24)]
        today = "$argon2id$v=19$m=19456,t=2,p=1"
        assert {await work(email) for email in strangers[:2]} == {today}  # nobody is there

        people = [await api.sign_up() for _ in range(4)]
        watched.done()
        assert {await work(email) for email in strangers} == {today}
        rows(dsn, "UPDATE credentials SET password_hash = %(older)s WHERE user_id %% 2 = 0",
             older=OLDER.hash("correct horse"))  # fmt: skip
        older = "$argon2id$v=19$m=8192,t=3,p=4"
        kinds = Counter([await work(person.email) for person in people])
        assert kinds == {today: 2, older: 2}
        before = {email: await work(email) for email in strangers}
        assert set(before.values()) == {today, older}
        assert {email: await work(email) for email in strangers} == before  # each time the same
        assert await work(strangers[0], "correct horse") == before[strangers[0]]  # and never in

        for person in people:
            login = {"email": person.email, "password": person.password}
            (await api.client.post("/api/user/login", json=login)).raise_for_status()
        watched.done()
        assert {await work(email) for email in strangers} == {today}


async def test_a_refused_thread_leaves_no_place_taken() -> None:
    passwords = Passwords()
    passwords.close()
    for _ in range(MOST_WAITING + 1):
        with pytest.raises(RuntimeError, match="shutdown"):
            await passwords.hash("correct horse")


async def test_the_hash_of_nobody_costs_what_a_real_one_does_and_never_matches() -> None:
    passwords = Passwords()
    try:
        real = await passwords.hash("correct horse")
        assert passwords._nobody.split("$")[:4] == real.split("$")[:4]
        assert await passwords.verify(real, "correct horse")
        assert not await passwords.verify(real, "wrong horse")
        for guess in ("the password of an account that is not there", "", "correct horse"):
            assert not await passwords.verify(None, guess)
        assert not await passwords.verify("no hash", "correct horse")
    finally:
        passwords.close()


async def test_a_long_term_token_is_made_shown_and_revoked(api: Api) -> None:
    person = await api.sign_up()
    profile = await api.client.get("/api/user/profile", headers=person.headers)
    assert (profile.json()["token_exists"], profile.json()["long_term_token"]) == (False, None)
    none_yet = await api.client.delete("/api/user/token", headers=person.headers)
    refused(none_yet, 404, "No long-term token found")

    made = await api.client.post("/api/user/token", headers=person.headers)
    token = shaped(models.LongTermToken, made)["token"]
    assert made.json()["message"] == "Long-term token generated successfully"
    assert "exp" not in payload_of(token)

    profile = await api.client.get("/api/user/profile", headers=bearer(token))
    assert (profile.json()["token_exists"], profile.json()["long_term_token"]) == (True, token)
    again = await api.client.post("/api/user/token", headers=person.headers)
    refused(
        again,
        400,
        "A long-term token already exists. "
        "Please revoke the existing token before generating a new one.",
    )

    gone = await api.client.delete("/api/user/token", headers=person.headers)
    assert shaped(models.MessageResponse, gone) == {
        "message": "Long-term token revoked successfully"
    }
    profile = await api.client.get("/api/user/profile", headers=person.headers)
    assert (profile.json()["token_exists"], profile.json()["long_term_token"]) == (False, None)


async def test_the_token_routes_need_no_body_and_mind_none(api: Api) -> None:
    person = await api.sign_up()
    headers = {**person.headers, "Content-Type": "application/json"}
    made = await api.client.post("/api/user/token", content=b"{", headers=headers)
    assert made.status_code == 200
    gone = await api.client.request("DELETE", "/api/user/token", content=b"{", headers=headers)
    assert gone.status_code == 200


async def test_of_many_token_requests_at_once_one_succeeds(api: Api) -> None:
    person = await api.sign_up()
    for method, refusal in (("POST", 400), ("DELETE", 404)):
        answers = await asyncio.gather(
            *(
                api.client.request(method, "/api/user/token", headers=person.headers)
                for _ in range(8)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, *[refusal] * 7]


async def test_a_profile_is_changed_in_part(api: Api) -> None:
    person = await api.sign_up("Before")
    token = await long_term_token(api, person.headers)

    async def patch(**fields: object) -> dict[str, Any]:
        answer = await api.client.patch("/api/user/profile", json=fields, headers=person.headers)
        return dict(shaped(models.Profile, answer))

    before = (await api.client.get("/api/user/profile", headers=person.headers)).json()
    assert before["ai_notes_enabled"] is False
    changed = await patch(name="  After ")
    assert changed == {**before, "name": "After", "long_term_token": None}
    assert changed["token_exists"] is True
    assert (await patch(ai_notes_enabled=True))["ai_notes_enabled"] is True
    unchanged = await patch(name=None, ai_notes_enabled=None)
    assert (unchanged["name"], unchanged["ai_notes_enabled"]) == ("After", True)
    assert (await patch(ai_notes_enabled=False))["ai_notes_enabled"] is False

    after = (await api.client.get("/api/user/profile", headers=person.headers)).json()
    assert after == {**before, "name": "After", "long_term_token": token}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"email": "x@example.org"}, [unknown("email")]),
        ({"long_term_token": None}, [unknown("long_term_token")]),
        ({"name": ""}, [EMPTY_NAME]),
        ({"name": "N"}, [SHORT_NAME]),
        ({"name": "N" * 101}, [LONG_NAME]),
        ({"name": 1, "ai_notes_enabled": "perhaps", "x": 1},
         [not_a_string("name"), unknown("x"),
          ("ai_notes_enabled", "bool_parsing",
           "Input should be a valid boolean, unable to interpret input")]),
    ],
)  # fmt: skip
async def test_a_bad_profile_names_every_rule(
    api: Api, ann: Person, body: Any, expected: list[Any]
) -> None:
    answer = await api.client.patch("/api/user/profile", json=body, headers=ann.headers)
    assert problems(answer) == sorted(expected)


async def test_a_new_name_is_in_the_next_jwt(api: Api) -> None:
    person = await api.sign_up("Before")
    await api.client.patch("/api/user/profile", json={"name": "Zoë"}, headers=person.headers)
    login = {"email": person.email, "password": person.password}
    token = (await api.client.post("/api/user/login", json=login)).json()["token"]
    assert payload_of(token)["name"] == "Zoë"
