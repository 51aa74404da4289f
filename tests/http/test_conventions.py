"""Section 1 of the contract, over all routes: credentials, envelope, JSON, CORS, request ids."""

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import encode

from tests.http.test_openapi import api_routes, the_app
from tests.http.wire import (
    NOT_JSON,
    claims,
    encoded,
    error_of,
    long_term_token,
    problems,
    refused,
    segment,
    signed,
    user_id_of,
)
from tests.support import ADMIN_TOKEN, SECRET_KEY, Api, Person, bearer

SIGNED_IN = [("POST", "/api/user/password"), ("POST", "/api/user/logout")]
USER = [
    ("POST", "/api/user/token"),
    ("DELETE", "/api/user/token"),
    ("GET", "/api/user/profile"),
    ("PATCH", "/api/user/profile"),
    ("POST", "/api/notes"),
    ("GET", "/api/notes/abcdefghijk"),
    ("DELETE", "/api/notes/999999"),
    ("GET", "/api/notes/999999/history"),
    ("POST", "/api/notes/999999/revert"),
    ("GET", "/api/videos/abcdefghijk"),
    ("PATCH", "/api/videos/abcdefghijk/transcript"),
    ("DELETE", "/api/videos/abcdefghijk/transcript"),
    ("GET", "/api/library"),
    ("GET", "/api/search"),
    ("DELETE", "/api/user"),
    ("GET", "/api/search/all"),
    ("GET", "/api/stream?video_id=%00"),  # refused, or it would go on for ever
    ("GET", "/api/user/export"),
]
ADMIN = [
    ("PATCH", "/api/videos/abcdefghijk"),
    ("GET", "/api/videos/abcdefghijk/notes/ai-note-task"),
    ("POST", "/api/videos/abcdefghijk/transcript/share"),
    ("GET", "/api/transcripts/unshared"),
    ("GET", "/api/tasks/summary?timeout=0"),
    ("POST", "/api/tasks/summary"),
    ("GET", "/api/tasks/ai-note?timeout=0"),
    ("POST", "/api/tasks/ai-note"),
    ("GET", "/api/audit/events"),
    ("GET", "/api/audit/events/999999"),
    ("GET", "/api/audit/events/stream"),
    ("GET", "/api/audit/correlations/nothing"),
    ("GET", "/api/audit/health"),
    ("GET", "/api/audit/rebuild"),
    ("POST", "/api/audit/rebuild"),
    ("GET", "/api/audit/state?at=0"),
]
EITHER = [
    ("PATCH", "/api/notes/999999"),
    ("GET", "/api/tasks/transcript?timeout=0"),
    ("POST", "/api/tasks/transcript"),
    ("GET", "/api/tasks/metadata?timeout=0"),
    ("POST", "/api/tasks/metadata"),
    ("POST", "/api/videos/abcdefghijk/transcript"),
    ("GET", "/api/videos/abcdefghijk/transcripts"),
]
VISITOR = [
    ("POST", "/api/wiz/conversation"),
    ("POST", "/api/wiz/chat"),
    ("GET", "/api/wiz/quota"),
    ("GET", "/api/wiz/conversations"),
    ("GET", "/api/wiz/conversations/999999"),
    ("GET", "/api/wiz/turns/999999/stream"),
    ("POST", "/api/wiz/turns/999999/stop"),
]
GUEST_ONLY = [("DELETE", "/api/guest")]
READER = [("GET", "/api/videos/abcdefghijk/transcript")]
PUBLIC = [
    ("GET", "/api/config"),
    ("POST", "/api/user/signup"),
    ("POST", "/api/user/login"),
    ("POST", "/api/user/google/login"),
    ("POST", "/api/wiz/init"),
    ("GET", "/api/wiz/video/abcdefghijk"),
    ("GET", "/api/videos/abcdefghijk/progress"),
    ("GET", "/api/health/live"),
    ("GET", "/api/health/ready"),
    ("POST", "/api/audit/witness"),
    ("GET", "/api/audit/witness?public_key=" + "0" * 64),
]
ALL = [*PUBLIC, *USER, *ADMIN, *EITHER, *VISITOR, *GUEST_ONLY, *READER]
TAKE_JSON = [
    (method, path)
    for method, path in ALL
    if (method in ("POST", "PATCH") or path == "/api/user")
    and not path.endswith(("/token", "/stop", "/rebuild"))
    and (method, path) != ("POST", "/api/videos/abcdefghijk/transcript")
]
GUEST = {"X-Guest-Session-ID": "a guest"}
NO_BEARER: list[dict[str, str]] = [
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer"},
    {"Authorization": "Bearer "},
    {"Authorization": "Bearer   "},
    {"Authorization": "Basic YTpi"},
    {"Authorization": "Token abc"},
    {"Authorization": ADMIN_TOKEN},
    {"Cookie": "token=abc"},
    GUEST,
]
NO_TOKENS = ["garbage", "a.b.c", "..", "é", ADMIN_TOKEN + "x", "x" * 10_000, "Bearer x"]


async def send(api: Api, method: str, path: str, headers: Any, **body: Any) -> Any:
    return await api.client.request(method, path, headers=headers, **body)


def credentials_for(api: Api, person: Person, path: str) -> dict[str, str]:
    return api.admin if path in [its for _, its in ADMIN] else person.headers


def test_no_route_is_left_out_here() -> None:
    app = the_app()
    urls = app.url_map.bind("test")
    guards: dict[str, set[tuple[str, str]]] = {}
    for rule, method, view in api_routes(app):
        guards.setdefault(view.guard, set()).add((method, rule.endpoint))
    assert guards == {
        guard: {(method, urls.match(path.partition("?")[0], method)[0]) for method, path in routes}
        for guard, routes in (
            ("public", PUBLIC),
            ("user", USER),
            ("signed_in_user", SIGNED_IN),
            ("admin", ADMIN),
            ("user_or_admin", EITHER),
            ("guest", GUEST_ONLY),
            ("user_or_guest", VISITOR),
            ("visitor_or_admin", READER),
        )
    }


@pytest.mark.parametrize("headers", NO_BEARER, ids=str)
@pytest.mark.parametrize(("method", "path"), [*USER, *ADMIN, *EITHER])
async def test_without_a_bearer_token_every_guarded_route_answers_401(
    api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    refused(await send(api, method, path, headers), 401)


@pytest.mark.parametrize("token", NO_TOKENS, ids=lambda token: token[:12])
@pytest.mark.parametrize(("method", "path"), [*USER, *EITHER])
async def test_what_is_no_token_is_401_for_a_user(
    api: Api, method: str, path: str, token: str
) -> None:
    headers = {"Authorization": f"Bearer {token}".encode()}
    refused(await send(api, method, path, headers), 401)


@pytest.mark.parametrize(("method", "path"), USER)
async def test_the_admin_is_no_user(api: Api, method: str, path: str) -> None:
    refused(await send(api, method, path, api.admin), 401)


@pytest.mark.parametrize(("method", "path"), ADMIN)
async def test_any_other_token_is_403_where_the_admin_is_asked_for(
    api: Api, ann: Person, method: str, path: str
) -> None:
    tokens = [*NO_TOKENS, signed(claims(1)), ann.headers["Authorization"].removeprefix("Bearer ")]
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}".encode()}
        refused(await send(api, method, path, headers), 403)


@pytest.mark.parametrize(("method", "path"), EITHER)
async def test_users_and_the_admin_pass_where_either_may(
    api: Api, ann: Person, method: str, path: str
) -> None:
    for headers in (ann.headers, api.admin):
        answer = await send(api, method, path, headers)
        if method == "GET":
            assert answer.status_code in (200, 204, 404)
        else:
            refused(answer, 400)


@pytest.mark.parametrize("headers", [one for one in NO_BEARER if one is not GUEST], ids=str)
@pytest.mark.parametrize(("method", "path"), [*VISITOR, *GUEST_ONLY, *READER])
async def test_a_visitor_without_a_token_or_a_session_is_401(
    api: Api, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await send(api, method, path, {"X-Guest-Session-ID": " ", **headers})
    refused(answer, 401, "Missing Auth or Guest ID")


@pytest.mark.parametrize(("method", "path"), VISITOR)
async def test_whoever_has_no_valid_token_is_the_guest_that_the_header_names(
    api: Api, ann: Person, method: str, path: str
) -> None:
    passes = await send(api, method, path, ann.headers)
    assert passes.status_code in (200, 400, 404)
    for token in [*NO_TOKENS, ADMIN_TOKEN, *bad_tokens(1).values()]:
        headers = {"Authorization": f"Bearer {token}".encode()}
        refused(await send(api, method, path, headers), 401, "Missing Auth or Guest ID")
        answer = await send(api, method, path, {**GUEST, **headers})
        assert answer.status_code == passes.status_code


@pytest.mark.parametrize(
    ("method", "path"), [*USER, *ADMIN, *EITHER, *VISITOR, *GUEST_ONLY, *READER]
)
async def test_the_guard_runs_before_the_body_is_looked_at(
    api: Api, method: str, path: str
) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": str(10**12)}
    refused(await send(api, method, path, headers, content=b"{"), 401)


async def test_a_token_that_was_signed_elsewhere_is_that_user(api: Api, ann: Person) -> None:
    user_id = await user_id_of(api, ann.headers)

    token = signed(claims(user_id, email="other@example.org", name="Other", exp=time.time() + 1e6))

    profile = await api.client.get("/api/user/profile", headers=bearer(token))
    assert profile.json()["email"] == ann.email


async def test_a_token_of_an_account_that_is_not_there_is_404_on_the_user_routes(api: Api) -> None:
    nobody = bearer(signed(claims(2**63 - 1)))
    for method, path in USER[:4]:
        answer = await send(api, method, path, nobody, json={"name": "Nobody"})
        refused(answer, 404, "User not found")


def bad_tokens(user_id: int) -> dict[str, str]:
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    good = signed(claims(user_id))
    header, payload, signature = good.split(".")
    now = int(time.time())
    its: dict[str, Any] = claims(user_id)
    return {
        "wrong signature": f"{header}.{payload}.{encoded(b'x' * 32)}",
        "no signature": f"{header}.{payload}.",
        "cut signature": good[:-2],
        "other payload": f"{header}.{segment(claims(user_id + 1))}.{signature}",
        "other secret": signed(its, secret="another secret, long enough for HS256"),
        "alg none": f"{segment({'alg': 'none'})}.{payload}.",
        "alg None": f"{segment({'alg': 'None', 'typ': 'JWT'})}.{payload}.{signature}",
        "alg none signed": signed(its, algorithm="none"),
        "no alg": f"{segment({})}.{payload}.{signature}",
        "alg is a list": f"{segment({'alg': ['HS256']})}.{payload}.{signature}",
        "HS384": signed(its, algorithm="HS384", digest="sha384"),
        "HS512": signed(its, algorithm="HS512", digest="sha512"),
        "HS512 signed as HS256": signed(its, algorithm="HS512"),
        "RS256": encode(its, rsa_key, "RS256"),
        "deep header": f"{encoded(b'[' * 3000)}.{payload}.{signature}",
        "deep payload": signed_raw(b"[" * 2900),
        "header is no object": f"{segment([])}.{payload}.{signature}",
        "payload is no object": signed([1]),
        "payload is no JSON": signed_raw(b"\xff\xfe"),
        "expired a second ago": signed(claims(user_id, exp=now - 1)),
        "expires this instant": signed(claims(user_id, exp=now)),
        "expired, in fractions": signed(claims(user_id, exp=now - 0.5)),
        "no exp": signed(claims(user_id, exp=...)),
        "exp null": signed(claims(user_id, exp=None)),
        "exp a string": signed(claims(user_id, exp=str(now + 60))),
        "exp true": signed(claims(user_id, exp=True)),
        "exp NaN": signed(claims(user_id, exp=float("nan"))),
        "exp a list": signed(claims(user_id, exp=[now + 60])),
        "nbf a minute ahead": signed(claims(user_id, nbf=now + 60)),
        "nbf a string": signed(claims(user_id, nbf=str(now))),
        "nbf null": signed(claims(user_id, nbf=None)),
        "no user_id": signed(claims(...)),
        "user_id null": signed(claims(None)),
        "user_id a string": signed(claims(str(user_id))),
        "user_id a float": signed(claims(float(user_id))),
        "user_id true": signed(claims(True)),
        "user_id a list": signed(claims([user_id])),
        "user_id zero": signed(claims(0)),
        "user_id negative": signed(claims(-user_id)),
        "user_id no bigint": signed(claims(2**63)),
        "user_id absurd": signed(claims(10**400)),
        "four parts": f"{good}.{signature}",
        "older long-term token": signed({"user_id": user_id, "type": "long_term", "iat": now}),
        "long-term token never issued": signed(
            {"user_id": user_id, "type": "long_term", "jti": "ab" * 16, "iat": now}
        ),
        "long-term id is no string": signed(
            {"user_id": user_id, "type": "long_term", "jti": None, "exp": now + 60}
        ),
    }


def signed_raw(payload: bytes) -> str:
    """Signed by us, whatever it is: ``signed`` of a payload that is no JSON."""
    import hashlib
    import hmac

    head = f"{segment({'alg': 'HS256'})}.{encoded(payload)}"
    return (
        f"{head}.{encoded(hmac.new(SECRET_KEY.encode(), head.encode(), hashlib.sha256).digest())}"
    )


@pytest.mark.parametrize("kind", bad_tokens(1))
async def test_bad_tokens_are_refused(api: Api, ann: Person, kind: str) -> None:
    token = bad_tokens(await user_id_of(api, ann.headers))[kind]
    for path in ("/api/user/profile", "/api/search", "/api/tasks/transcript?timeout=0"):
        refused(await api.client.get(path, headers=bearer(token)), 401)


async def test_a_long_term_token_is_accepted_wherever_a_jwt_is(api: Api) -> None:
    person = await api.sign_up()
    token = bearer(await long_term_token(api, person.headers))
    for method, path in [*USER[2:], *EITHER, *VISITOR]:
        answer = await send(api, method, path, token)
        assert answer.status_code not in (401, 403), path
    assert (await send(api, "DELETE", "/api/user/token", token)).status_code == 200
    refused(await send(api, "GET", "/api/user/profile", token), 401)


async def test_a_long_term_token_is_dead_the_moment_it_is_revoked_or_replaced(api: Api) -> None:
    person = await api.sign_up()
    first = await long_term_token(api, person.headers)
    assert (await api.client.get("/api/search", headers=bearer(first))).status_code == 200

    await api.client.delete("/api/user/token", headers=person.headers)
    refused(await api.client.get("/api/search", headers=bearer(first)), 401)

    second = await long_term_token(api, person.headers)
    assert second != first
    refused(await api.client.get("/api/search", headers=bearer(first)), 401)
    assert (await api.client.get("/api/search", headers=bearer(second))).status_code == 200


async def test_a_long_term_token_with_the_id_of_another_users_is_refused(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    from tests.http.wire import payload_of

    stolen = payload_of(await long_term_token(api, other.headers))["jti"]
    forged = {"user_id": await user_id_of(api, person.headers), "type": "long_term", "jti": stolen}
    refused(await api.client.get("/api/search", headers=bearer(signed(forged))), 401)


NOT_JSON_TYPES = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "text/json",
    "",
    "json",
    "\xff",
]
NOT_JSON_BODIES = [
    b"", b" \n", b"{", b"{'a': 1}", b"nope", b"{}", b"[]", b"null", b"0", b'""', b"false", b"0.0",
    b"-0", b"[1", b'{"a":1}x', b'{"a":1}{"b":2}', b'{"a":NaN}', b'{"a":Infinity}',
    b'{"a":-Infinity}', b"NaN", b'{"a":"\\ud800"}', b'{"\\udfff":1}', b'{"a":"\xff"}',
    b'{"a":"\xed\xa0\x80"}', b'\xef\xbb\xbf{"a":1}', '{"a":1}'.encode("utf-16"), b"\x00",
    b"[" * 201,
    b'{"a":' * 100_000, b'{"a":01}', b'{"a":1,}', b'{"a":"\n"}', b"{a:1}", b'{"a":.5}',
]  # fmt: skip


@pytest.mark.parametrize("content_type", NOT_JSON_TYPES)
@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_another_content_type_than_json_is_400(
    api: Api, ann: Person, method: str, path: str, content_type: str
) -> None:
    headers: dict[str, Any] = credentials_for(api, ann, path)
    headers = {**headers, "Content-Type": content_type.encode("latin-1")}
    refused(await send(api, method, path, headers, content=b'{"a": 1}'), 400, NOT_JSON)


@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_what_does_not_parse_or_is_empty_is_400(
    api: Api, ann: Person, method: str, path: str
) -> None:
    headers = {**credentials_for(api, ann, path), "Content-Type": "application/json"}
    for body in NOT_JSON_BODIES:
        refused(await send(api, method, path, headers, content=body), 400, NOT_JSON)


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8",
                                          "Application/JSON", "application/json;charset=UTF-16",
                                          "application/problem+json"])  # fmt: skip
async def test_json_is_json_in_any_spelling_and_always_utf_8(api: Api, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    body = json.dumps({"email": "nobody@example.org", "password": "pässword"}, ensure_ascii=False)
    answer = await api.client.post("/api/user/login", content=body.encode(), headers=headers)
    refused(answer, 401, "Invalid email or password")


@pytest.mark.parametrize("body", [[1], "text", 1, 1.5, True, [[]], [{"a": 1}]], ids=repr)
@pytest.mark.parametrize(("method", "path"), TAKE_JSON)
async def test_a_value_that_is_no_object_is_422(
    api: Api, ann: Person, method: str, path: str, body: object
) -> None:
    headers = credentials_for(api, ann, path)
    assert [(field, kind) for field, kind, _ in problems(
        await send(api, method, path, headers, json=body)
    )] == [("", "model_type")]  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/notes/999999"),
        ("PATCH", "/api/videos/unknown"),
        ("POST", "/api/tasks/metadata"),
        ("POST", "/api/tasks/transcript"),
        ("POST", "/api/tasks/summary"),
        ("POST", "/api/tasks/ai-note"),
    ],
)
async def test_validation_comes_before_existence(api: Api, method: str, path: str) -> None:
    bad = {"text": 1, "summary": 1, "task_id": 999_999, "video_id": "x", "success": "?"}
    assert problems(await send(api, method, path, api.admin, json=bad))


async def test_every_bad_field_is_reported_at_once_in_pydantics_words(api: Api) -> None:
    body = {"task_id": "x", "video_id": 1, "success": "perhaps", "metadata": []}
    answer = await api.client.post("/api/tasks/metadata", json=body, headers=api.admin)
    assert problems(answer) == [
        ("metadata", "dict_type", "Input should be a valid dictionary"),
        ("success", "bool_parsing",
         "Input should be a valid boolean, unable to interpret input"),
        ("task_id", "int_parsing",
         "Input should be a valid integer, unable to parse string as an integer"),
        ("video_id", "string_type", "Input should be a valid string"),
    ]  # fmt: skip


ANSWERS = [
    ("GET", "/", 200), ("GET", "/some/page", 200), ("GET", "/openapi.json", 200),
    ("GET", "/docs", 200), ("GET", "/metrics", 200), ("GET", "/api/health/live", 200),
    ("GET", "/api/nope", 404), ("PUT", "/api/notes", 405), ("POST", "/", 404),
    ("GET", "/api/search", 401), ("PATCH", "/api/videos/x", 401), ("POST", "/api/user/login", 400),
    ("OPTIONS", "/api/notes", 200), ("HEAD", "/api/search", 401),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
async def test_every_answer_is_for_every_origin_and_has_a_request_id(
    api: Api, method: str, path: str, status: int
) -> None:
    headers = {"Origin": "chrome-extension://abc", "X-Request-ID": "from-the.client_1"}
    answer = await send(api, method, path, headers)
    assert answer.status_code == status
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "access-control-allow-credentials" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert answer.headers.get_list("x-request-id") == ["from-the.client_1"]
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("path", ["/api/notes", "/api/notes/1", "/api/nope", "/", "/api/wiz/chat"])
async def test_a_preflight_names_all_that_the_clients_send(api: Api, path: str) -> None:
    headers = {
        "Origin": "https://example.org",
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = await api.client.options(path, headers=headers)
    assert answer.status_code == 204
    assert answer.content == b""
    assert "content-length" not in answer.headers  # RFC 9110, 8.6: none in a 204
    assert answer.headers["access-control-allow-origin"] == "*"
    methods = answer.headers["access-control-allow-methods"].split(", ")
    assert {"GET", "POST", "PATCH", "DELETE"} <= set(methods)
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "x-guest-session-id"} <= set(allowed)
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a/b", "é", "<script>", "a\x7f"])
async def test_a_request_id_that_is_none_is_replaced(api: Api, given: str) -> None:
    answer = await api.client.get("/api/nope", headers={b"X-Request-ID": given.encode()})
    made = answer.headers["x-request-id"]
    assert len(made) == 24
    assert made.isalnum()


async def test_the_request_id_is_recorded_with_the_events(api: Api, ann: Person) -> None:
    headers = {**ann.headers, "X-Request-ID": "traced-request"}
    await api.client.patch("/api/user/profile", json={"name": "Ann Traced"}, headers=headers)
    async with api.services.database.borrowed() as connection:
        rows = await connection.execute(
            "SELECT topic, metadata FROM stored_events"
            " WHERE metadata->>'correlation_id' = 'traced-request'"
        )
        ((topic, metadata),) = await rows.fetchall()
    assert topic == "UserRenamed"
    user_id = await user_id_of(api, ann.headers)
    assert metadata == {
        "actor": f"user:{user_id}",
        "correlation_id": "traced-request",
        "causation_id": "request:traced-request",
    }


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/notes", {"POST", "OPTIONS"}),
        ("PUT", "/api/notes/1", {"GET", "HEAD", "PATCH", "DELETE", "OPTIONS"}),
        ("TRACE", "/api/user/profile", {"GET", "HEAD", "PATCH", "OPTIONS"}),
        ("GET", "/api/user/token", {"POST", "DELETE", "OPTIONS"}),
        ("DELETE", "/api/search", {"GET", "HEAD", "OPTIONS"}),
        ("BREW", "/api/user/login", {"POST", "OPTIONS"}),
    ],
)
async def test_a_wrong_method_is_405_and_says_which_are_right(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = await send(api, method, path, {})
    refused(answer, 405)
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nope", "/api//notes", "//api/x", "/api/notes/1/2", "/api/%00"]
)
async def test_an_unknown_path_of_the_api_is_404_for_every_method(
    api: Api, ann: Person, method: str, path: str
) -> None:
    refused(await send(api, method, f"http://test{path}", ann.headers), 404)


async def test_a_head_request_has_the_headers_and_no_body(api: Api, ann: Person) -> None:
    got = await api.client.get("/api/search", headers=ann.headers)
    answer = await api.client.head("/api/search", headers=ann.headers)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["content-length"] == got.headers["content-length"]


async def test_details_are_absent_when_there_is_nothing_to_say(api: Api) -> None:
    assert error_of(await api.client.get("/api/nope")).keys() == {"code", "message"}
