"""Sign-in with Google against a real server that publishes keys: the whole account matrix."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.http.wire import missing, payload_of, problems, refused, rule, shaped, unknown
from tests.support import Api, Person, bearer, running_api
from vidwiz.http.responses import models

CLIENT_ID = "1234.apps.googleusercontent.com"
PICTURE = "https://lh3.googleusercontent.com/a/photo=s96-c"
PATH = "/api/user/google/login"

_numbers = count(1)


class Google:
    """Issues ID tokens, and publishes the key they are signed with."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.published = json.dumps({"keys": [{**public, "kid": "1", "alg": "RS256"}]}).encode()
        self.url = ""

    def credential(self, **changes: object) -> str:
        """A valid credential of somebody new, but for the changes; ``...`` takes a claim away."""
        now = int(time.time())
        number = next(_numbers)
        its = {
            "iss": "https://accounts.google.com",
            "aud": CLIENT_ID,
            "sub": f"sub-{number}",
            "email": f"person{number}@gmail.com",
            "email_verified": True,
            "name": "Ada Lovelace",
            "picture": PICTURE,
            "iat": now,
            "exp": now + 3600,
            **changes,
        }
        kept = {name: value for name, value in its.items() if value is not ...}
        return jwt.encode(kept, self.key, "RS256", headers={"kid": "1"})


@pytest.fixture(scope="module")
def google() -> Iterator[Google]:
    its = Google()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(its.published)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    its.url = f"http://127.0.0.1:{server.server_port}/certs"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield its
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, google: Google
) -> AsyncIterator[Api]:
    settings = {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CERTS_URL": google.url}
    async with running_api(module_dsn, tmp_path_factory.mktemp("data"), **settings) as its:
        yield its


async def sign_in(api: Api, credential: str) -> httpx.Response:
    return await api.client.post(PATH, json={"credential": credential})


async def profile(api: Api, credential: str) -> dict[str, Any]:
    """The profile that this credential opens."""
    token = shaped(models.Token, await sign_in(api, credential))["token"]
    answer = await api.client.get("/api/user/profile", headers=bearer(token))
    its = dict(shaped(models.Profile, answer))
    claims = payload_of(token)
    assert claims.pop("iat") <= time.time() < claims.pop("exp")
    assert claims.pop("user_id") == its["id"]
    assert claims == {name: its[name] for name in ("email", "name", "profile_image_url")}
    return its


async def test_somebody_new_gets_an_account(api: Api, google: Google) -> None:
    its = await profile(api, google.credential(email=" New.Person@GMail.com "))
    assert (its["email"], its["name"], its["profile_image_url"]) == (
        "new.person@gmail.com",
        "Ada Lovelace",
        PICTURE,
    )
    assert (its["ai_notes_enabled"], its["token_exists"]) == (False, False)


@pytest.mark.parametrize("name", [..., "", "  ", "A", None, 5])
async def test_without_a_name_the_mailbox_is_the_name(
    api: Api, google: Google, name: object
) -> None:
    credential = google.credential(name=name, email=f"mail.box{next(_numbers)}@gmail.com")
    its = await profile(api, credential)
    assert its["name"] == its["email"].partition("@")[0]


async def test_without_a_picture_there_is_none(api: Api, google: Google) -> None:
    assert (await profile(api, google.credential(picture=...)))["profile_image_url"] is None


async def test_the_same_person_comes_back_by_sub_whatever_the_address(
    api: Api, google: Google
) -> None:
    first = await profile(api, google.credential(sub="stable", email="before@gmail.com"))
    again = await profile(
        api, google.credential(sub="stable", email="after@gmail.com", email_verified=False)
    )
    assert again == first


async def test_a_name_stays_and_a_new_picture_replaces_the_old(api: Api, google: Google) -> None:
    first = await profile(api, google.credential(sub="pictured", name="Kept", picture=PICTURE))
    other = PICTURE + "2"
    again = await profile(api, google.credential(sub="pictured", name="Ignored", picture=other))
    assert again == {**first, "name": "Kept", "profile_image_url": other}
    without = await profile(api, google.credential(sub="pictured", picture=...))
    assert without == again


async def test_a_verified_address_links_the_account_that_has_it(api: Api, google: Google) -> None:
    person = await api.sign_up("Password Person")
    before = (await api.client.get("/api/user/profile", headers=person.headers)).json()

    linked = await profile(api, google.credential(sub="linked", email=person.email.upper()))

    assert linked == {**before, "profile_image_url": PICTURE}
    assert (await profile(api, google.credential(sub="linked")))["id"] == before["id"]
    login = {"email": person.email, "password": person.password}
    refused(await api.client.post("/api/user/login", json=login), 401)


@pytest.mark.parametrize("verified", [False, "false", ..., None, ""])
async def test_an_unverified_address_does_not_open_the_account_that_has_it(
    api: Api, google: Google, ann: Person, verified: object
) -> None:
    credential = google.credential(email=ann.email, email_verified=verified)
    refused(await sign_in(api, credential), 401, "Invalid Google credential")


async def test_an_account_of_one_google_account_is_not_opened_by_another(
    api: Api, google: Google
) -> None:
    await profile(api, google.credential(sub="owner", email="owned@gmail.com"))
    refused(await sign_in(api, google.credential(sub="thief", email="owned@gmail.com")), 409)


@pytest.mark.parametrize("email", [..., None, "", "  "])
async def test_without_an_address_there_is_no_account(
    api: Api, google: Google, email: object
) -> None:
    answer = await sign_in(api, google.credential(email=email))
    refused(answer, 400, "Email is required for Google Sign-In")


async def test_such_an_account_has_no_password(api: Api, google: Google) -> None:
    its = await profile(api, google.credential())
    for password in ("x", "None", "null", "the password of an account that is not there"):
        login = {"email": its["email"], "password": password}
        answer = await api.client.post("/api/user/login", json=login)
        refused(answer, 401, "Invalid email or password")
    signup = {"email": its["email"], "password": "correct horse", "name": "Al"}
    answer = await api.client.post("/api/user/signup", json=signup)
    refused(answer, 409, "Email already exists")


async def test_many_first_sign_ins_at_once_make_one_account(api: Api, google: Google) -> None:
    credential = google.credential()
    profiles = await asyncio.gather(*(profile(api, credential) for _ in range(8)))
    assert len({its["id"] for its in profiles}) == 1


async def test_bad_credentials_are_refused(api: Api, google: Google) -> None:
    now = int(time.time())
    stranger = Google()
    header, payload, signature = google.credential().split(".")
    bad = [
        "garbage",
        "a.b.c",
        f"{header}.{payload}.",
        f"{header}.{payload}.{signature[:-4]}AAAA",
        stranger.credential(),
        google.credential(aud="another client"),
        google.credential(aud=[CLIENT_ID, "another client"]),
        google.credential(iss="https://accounts.example.org"),
        google.credential(exp=now - 60),
        google.credential(exp=...),
        google.credential(sub=...),
        google.credential(sub=""),
        google.credential(sub="null\0"),
        google.credential(email="no address"),
        google.credential(email=["a@gmail.com"]),
        jwt.encode({"sub": "1"}, "", "none"),
        jwt.encode({"sub": "1", "aud": CLIENT_ID}, "x" * 32, "HS256", headers={"kid": "1"}),
        "x" * 20_000,
        "ü.ü.ü",
        "W1tb" * 2500 + ".e30.x",
    ]
    for credential in bad:
        refused(await sign_in(api, credential), 401, "Invalid Google credential")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"credential": ""}, [rule("credential", "Credential cannot be empty")]),
        ({"credential": " \t"}, [rule("credential", "Credential cannot be empty")]),
        ({"credential": "x", "aud": "y"}, [unknown("aud")]),
        ({"token": "x"}, [missing("credential"), unknown("token")]),
    ],
)
async def test_a_bad_request_names_every_rule_with_and_without_google(
    api: Api, dsn: str, tmp_path: Any, body: Any, expected: list[Any]
) -> None:
    assert problems(await api.client.post(PATH, json=body)) == sorted(expected)
    async with running_api(dsn, tmp_path) as without:
        assert problems(await without.client.post(PATH, json=body)) == sorted(expected)


async def test_without_a_client_id_it_is_500_after_validation(dsn: str, tmp_path: Any) -> None:
    async with running_api(dsn, tmp_path) as without:
        refused(await sign_in(without, "x"), 500, "Google OAuth not configured")


async def test_when_google_is_away_it_is_503_and_nobody_is_let_in(
    dsn: str, tmp_path: Any, google: Google
) -> None:
    settings = {"GOOGLE_CLIENT_ID": CLIENT_ID, "GOOGLE_CERTS_URL": "http://127.0.0.1:1/certs"}
    async with running_api(dsn, tmp_path, **settings) as cut_off:
        answer = await sign_in(cut_off, google.credential())
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(answer.headers["retry-after"]) > 0


async def test_who_came_by_google_proves_an_erasure_by_a_fresh_sign_in(
    api: Api, google: Google
) -> None:
    its = {"sub": "sub-to-erase", "email": "erase.me@gmail.com"}
    token = (await sign_in(api, google.credential(**its))).json()["token"]

    async def erase(proof: dict[str, str]) -> httpx.Response:
        return await api.client.request("DELETE", "/api/user", json=proof, headers=bearer(token))

    refused(await erase({"password": "correct horse"}), 403)
    refused(await erase({"credential": google.credential()}), 403)
    refused(await erase({"credential": google.credential(**its, exp=1)}), 403)
    assert (await erase({"credential": google.credential(**its)})).status_code == 200
    refused(await erase({"credential": google.credential(**its)}), 401)
    again = await profile(api, google.credential(**its))
    assert (again["email"], again["token_exists"]) == (its["email"], False)
