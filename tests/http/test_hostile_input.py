"""Hostile input over every route: always the envelope with a 4xx or a documented success."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.http.wire import encoded, error_of, finish_tasks, refused, shaped, signed, user_id_of
from tests.support import Api, Person, new_video_id, serving
from vidwiz.http.limits.bodies import MOST_MEMBERS, RESULT_BODY, SMALL_BODY
from vidwiz.http.responses import models

fuzzed = settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@dataclass(frozen=True)
class Route:
    """A route as OpenAPI names it; ``good`` is a body that passes validation.

    The ``query`` lets what would wait or work for long answer at once.
    """

    method: str
    path: str
    good: dict[str, Any] | None = None
    admin: bool = False
    query: str = ""

    def at(self, segment: str = "x") -> str:
        """A path of this route."""
        head, brace, rest = self.path.partition("{")
        its = head + segment + rest.partition("}")[2] if brace else self.path
        query = "?timeout=0" if self.method == "GET" and "tasks" in its else self.query
        return f"{its}{query}"


ROUTES = [
    Route("POST", "/api/user/signup", {"email": "a@b.org", "password": "1", "name": "Al"}),
    Route("POST", "/api/user/login", {"email": "a@b.org", "password": "1234567"}),
    Route("POST", "/api/user/google/login", {"credential": "x"}),
    Route("POST", "/api/user/password", {"old_password": "1", "new_password": "1234567"}),
    Route("POST", "/api/user/logout"),
    Route("POST", "/api/user/token"),
    Route("DELETE", "/api/user/token"),
    Route("DELETE", "/api/user", {"password": "1234567"}),
    Route("DELETE", "/api/guest"),
    Route("GET", "/api/user/profile"),
    Route("PATCH", "/api/user/profile", {"name": "Al", "ai_notes_enabled": True}),
    Route("POST", "/api/notes",
          {"video_id": "W421vNri5hw", "video_title": "T", "timestamp": "1:23", "text": "x"}),
    Route("GET", "/api/notes/{video_id}"),
    Route("PATCH", "/api/notes/{note_id}", {"text": "x", "generated_by_ai": True}),
    Route("DELETE", "/api/notes/{note_id}"),
    Route("GET", "/api/notes/{note_id}/history"),
    Route("POST", "/api/notes/{note_id}/revert", {"version": 1}),
    Route("GET", "/api/videos/{video_id}"),
    Route("PATCH", "/api/videos/{video_id}", {"summary": "S"}, admin=True),
    Route("GET", "/api/videos/{video_id}/notes/ai-note-task", admin=True),
    Route("GET", "/api/search"),
    Route("GET", "/api/search/all", query="?q=x"),
    Route("GET", "/api/library", query="?limit=%00"),
    Route("GET", "/api/stream", query="?video_id=%00"),
    Route("GET", "/api/config"),
    Route("GET", "/api/user/export"),
    Route("GET", "/api/tasks/transcript"),
    Route("GET", "/api/tasks/metadata"),
    Route("POST", "/api/tasks/transcript",
          {"task_id": 1, "video_id": "v", "success": True, "transcript": [{"text": "x"}],
           "error_message": "E"}),
    Route("POST", "/api/tasks/metadata",
          {"task_id": 1, "video_id": "v", "success": True, "metadata": {"a": 1},
           "error_message": "E"}),
    Route("GET", "/api/tasks/summary", admin=True),
    Route("GET", "/api/tasks/ai-note", admin=True),
    Route("POST", "/api/tasks/summary",
          {"task_id": 1, "video_id": "v", "success": False, "error_message": "E",
           "error_code": "blocked", "permanent": True}, admin=True),
    Route("POST", "/api/tasks/ai-note", {"task_id": 1, "video_id": "v", "success": True},
          admin=True),
    Route("GET", "/api/videos/{video_id}/transcript"),
    Route("POST", "/api/videos/{video_id}/transcript"),
    Route("PATCH", "/api/videos/{video_id}/transcript", {"use": "own"}),
    Route("DELETE", "/api/videos/{video_id}/transcript"),
    Route("POST", "/api/videos/{video_id}/transcript/share", {"user_id": 1}, admin=True),
    Route("GET", "/api/videos/{video_id}/transcripts"),
    Route("GET", "/api/transcripts/unshared", admin=True),
    Route("GET", "/api/videos/{video_id}/progress"),
    Route("POST", "/api/wiz/init", {"video_id": "W421vNri5hw"}),
    Route("GET", "/api/wiz/video/{video_id}"),
    Route("POST", "/api/wiz/conversation", {"video_id": "W421vNri5hw"}),
    Route("POST", "/api/wiz/chat",
          {"video_id": "W421vNri5hw", "message": "Why?", "conversation_id": 1}),
    Route("GET", "/api/wiz/quota"),
    Route("GET", "/api/wiz/conversations"),
    Route("GET", "/api/wiz/conversations/{conversation_id}"),
    Route("GET", "/api/wiz/turns/{turn_id}/stream"),
    Route("POST", "/api/wiz/turns/{turn_id}/stop"),
    Route("GET", "/api/audit/events", admin=True),
    Route("GET", "/api/audit/events/{position}", admin=True),
    Route("GET", "/api/audit/events/stream", admin=True, query="?before=1"),
    Route("GET", "/api/audit/correlations/{correlation_id}", admin=True),
    Route("GET", "/api/audit/health", admin=True),
    Route("GET", "/api/audit/rebuild", admin=True),
    Route("POST", "/api/audit/rebuild", admin=True, query="?table=none"),
    Route("POST", "/api/audit/witness",
          {"position": 1, "hash": "0" * 64, "events": 1, "made_at": "2026-01-01T00:00:00.000000Z",
           "public_key": "0" * 64, "previous": "0" * 64, "signature": "0" * 128},
          query="?public_key=" + "0" * 64),
    Route("GET", "/api/audit/witness", query="?public_key=" + "0" * 64),
    Route("GET", "/api/audit/state", admin=True, query="?at=0"),
]  # fmt: skip
WITH_BODY = [route for route in ROUTES if route.good is not None]
FIELDS = [(route, field) for route in WITH_BODY for field in route.good or ()]
WITH_PATH = [route for route in ROUTES if "{" in route.path]


class Document:
    """The OpenAPI document; not a dict, which Hypothesis would print."""

    def __init__(self, paths: dict[str, Any]) -> None:
        self._paths = paths

    @property
    def routes(self) -> set[tuple[str, str]]:
        return {(verb.upper(), path) for path, its in self._paths.items() for verb in its}

    def statuses(self, route: Route) -> set[str]:
        return set(self._paths[route.path][route.method.lower()]["responses"])

    def media_types(self, route: Route, status: int) -> set[str]:
        responses = self._paths[route.path][route.method.lower()]["responses"]
        return {*responses[str(status)]["content"]}


@pytest.fixture(scope="module")
async def document(api: Api) -> Document:
    return Document((await api.client.get("/openapi.json")).json()["paths"])


def test_no_documented_route_is_left_out_here(document: Document) -> None:
    here = {(route.method, route.path) for route in ROUTES}
    assert {one for one in document.routes if "/health/" not in one[1]} == here


def named(value: object) -> str:
    return f"{value.method} {value.path}" if isinstance(value, Route) else repr(value)[:20]


async def send(
    api: Api, person: Person, route: Route, url: str = "", **request: Any
) -> httpx.Response:
    if route.path == "/api/user/logout":  # who it succeeds for could ask nothing more
        person = await api.sign_up()
    headers = {**(api.admin if route.admin else person.headers), **request.pop("headers", {})}
    url = url or route.at()
    return await api.client.request(route.method, f"http://test{url}", headers=headers, **request)


def is_orderly(document: Document, route: Route, answer: httpx.Response) -> None:
    """A documented success, or a documented 4xx in the envelope."""
    assert answer.status_code < 500 or route.path == "/api/user/google/login", answer.text
    assert str(answer.status_code) in document.statuses(route), (route, answer.text)
    if answer.status_code >= 400:
        error_of(answer)
    elif answer.status_code != 204:
        media_types = document.media_types(route, answer.status_code)
        assert answer.headers["content-type"] in media_types


def raw(value: str) -> bytes:
    """UTF-8, lone surrogates and all."""
    return value.encode("utf-8", "surrogatepass")


SCALARS = {
    "NUL": r'"a\u0000b"',
    "raw NUL": '"a\0b"',
    "lone surrogate": r'"\ud800"',
    "swapped surrogates": r'"\udc00\ud800"',
    "raw surrogate": '"\ud800"',
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "-1e999": "-1e999",
    "1e0000999": "1e0000999",
    "overflow without a long exponent": "1" + "0" * 290 + "e99",
    "overflow by digits": "9" * 310 + ".5",
    "10**30": str(10**30),
    "-10**30": str(-(10**30)),
    "10**400": "1" + "0" * 400,
    "5000 digits": "7" * 5000,
    "100000 digits": "7" * 100_000,
    "tiny": "1e-999",
    "minus nothing": "-0.0",
    "nested 150": "[" * 150 + "]" * 150,
    "nested 199": "[" * 199 + "]" * 199,
    "nested objects 198": '{"a":' * 198 + "1" + "}" * 198,
    "nested 1000": "[" * 1000 + "]" * 1000,
    "nested 100000": "[" * 100_000 + "]" * 100_000,
    "NUL in a key": r'{"a\u0000": 1}',
    "duplicate keys": '{"a": 1, "a": 2}',
    "null": "null",
    "true": "true",
    "empty": '""',
    "blank": r'" \t\n\u2028"',
    "controls": r'"\u0001\u001f\u007f\u0085\ufeff\uffff\u202e"',
    "long": json.dumps("x" * 200_000),
    "non-characters": '"\U0010ffff\ufdd0"',
    "SQL": json.dumps("'; DROP TABLE users; --"),
    "format": json.dumps("%s %(a)s {0} ${x} \\u0000 {{7*7}}"),
}


@pytest.mark.parametrize(("route", "field"), FIELDS, ids=named)
async def test_every_field_survives_every_odd_value(
    api: Api, ann: Person, document: Document, route: Route, field: str
) -> None:
    headers = {"Content-Type": "application/json"}
    for odd in SCALARS.values():
        body = json.dumps({**(route.good or {}), field: "@"}).replace('"@"', odd)
        answer = await send(api, ann, route, content=raw(body), headers=headers)
        is_orderly(document, route, answer)


REFUSED = ["NUL", "raw NUL", "lone surrogate", "NaN", "Infinity", "1e999", "10**400",
           "nested 100000", "overflow without a long exponent", "overflow by digits", "1e0000999",
           "5000 digits"]  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("where", ["metadata", "unknown", "deep"])
async def test_what_no_table_can_hold_is_400_wherever_it_stands(
    api: Api, kind: str, where: str
) -> None:
    odd = SCALARS[kind]
    values = {"metadata": '{"a": @}', "unknown": '{}, "b": @', "deep": '{"a": [[{"b": [@]}]]}'}
    body = '{"task_id": 1, "video_id": "v", "success": true, "metadata": %s}'
    body = body.replace("%s", values[where]).replace("@", odd)
    headers = {**api.admin, "Content-Type": "application/json"}
    answer = await api.client.post("/api/tasks/metadata", content=raw(body), headers=headers)
    refused(answer, 400)


async def test_the_oddest_metadata_that_is_accepted_comes_back_and_can_be_replayed(
    api: Api, ann: Person
) -> None:
    video_id = new_video_id()
    await finish_tasks(api, "metadata", {"x": 1})
    await api.add_note(ann, video_id)
    nested: Any = 1
    for _ in range(190):
        nested = {"a": [nested]} if isinstance(nested, int) else [nested]
    metadata = {
        "big": 10**299, "negative": -(10**299), "tiny": 5e-324, "nested": nested, "": "",
        "text": "\u2028\x01\x7f\ufeff\uffff\U0010ffff \\u0000 \\ud800 '\" </script>",
        "a.b": [[], {}],
    }  # fmt: skip
    await finish_tasks(api, "metadata", metadata)
    await finish_tasks(api, "transcript", [metadata])
    answer = await api.client.patch(
        f"/api/videos/{video_id}", json={"summary": "decodes its past"}, headers=api.admin
    )
    assert shaped(models.Video, answer)["metadata"] == metadata
    assert answer.json()["transcript_available"] is True


SEGMENTS = ["%00", "%ff", "%ed%a0%80", "%C0%80", "-1", "0", "1e3", "%D9%A3", str(10**30),
            "9" * 5000, "..%5cx", "%20", "%0d%0aX-Injected:1", "null", "%7B%7D", "'%3B--",
            "a" * 8000, "%F0%9F%8E%88", "%25%30%30", ";", "%3Fx=1", "%23"]  # fmt: skip


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda segment: segment[:16])
@pytest.mark.parametrize("route", WITH_PATH, ids=named)
async def test_every_path_survives_every_odd_id(
    api: Api, ann: Person, document: Document, route: Route, segment: str
) -> None:
    answer = await send(api, ann, route, route.at(segment), json=route.good)
    is_orderly(document, route, answer)
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize("segment", ["", "..", "../x", "..%2fx", "a%2fb", "a/b", "%2f", ".", "./."])
@pytest.mark.parametrize("route", WITH_PATH, ids=named)
async def test_a_path_of_no_route_is_404_or_405(
    api: Api, ann: Person, route: Route, segment: str
) -> None:
    answer = await send(api, ann, route, route.at(segment), json=route.good)
    if segment not in ("..", ".", "./."):  # these are ids, if odd ones, or name a collection
        assert answer.status_code in (404, 405)
    assert answer.status_code < 500
    assert answer.status_code == 200 or error_of(answer)


HEADERS: list[dict[str, bytes]] = [
    {"X-Guest-Session-ID": b"\xff\x00"}, {"Last-Event-ID": b"\xff" * 500},
    {"Idempotency-Key": b"\xff\x00"}, {"Idempotency-Key": b"k" * 60_000},
    {"X-Request-ID": b"\xff" * 500}, {"Content-Type": b"\xff\xfe"}, {"Host": b"a b/\\\xff"},
    {"X-Forwarded-For": b"\xff, ,,', 999.999.1.1"}, {"Accept": b"\x80" * 9000},
    {"Range": b"bytes=-99999999999999999999"}, {"If-None-Match": b'"' * 999},
    {"If-Modified-Since": b"99999 \xff"}, {"Content-Length": b"1"}, {"Cookie": b"a" * 9000},
    {"Content-Encoding": b"gzip"}, {"Expect": b"100-continue"}, {"Origin": b"null\xff"},
    {"Content-Type": b"application/json; charset=\xff; charset=nope; boundary=\x80"},
]  # fmt: skip


@pytest.mark.parametrize("headers", HEADERS, ids=str)
async def test_every_route_survives_every_odd_header(
    api: Api, ann: Person, document: Document, headers: dict[str, Any]
) -> None:
    for route in ROUTES:
        answer = await send(api, ann, route, json=route.good, headers=headers)
        is_orderly(document, route, answer)


@pytest.mark.parametrize("method", ["HEAD", "PUT", "TRACE", "CONNECT", "PROPFIND", "X" * 500])
async def test_every_route_survives_every_odd_method(api: Api, ann: Person, method: str) -> None:
    for route in ROUTES:
        if method == "HEAD" and "tasks" in route.path:
            continue
        answer = await api.client.request(method, route.at(), headers=ann.headers)
        if method == "HEAD":
            assert answer.status_code in (200, 403, 404, 405)
            assert answer.content == b""
        else:
            refused(answer, 405)


async def test_every_unknown_member_costs_an_entry_so_their_number_has_a_limit(api: Api) -> None:
    def body(members: int) -> dict[str, int]:
        return {f"member {number}": number for number in range(members)}

    allowed = await api.client.post("/api/user/login", json=body(MOST_MEMBERS))
    assert len(error_of(allowed)["details"]) == MOST_MEMBERS + 2
    refused(await api.client.post("/api/user/login", json=body(MOST_MEMBERS + 1)), 400)


@pytest.mark.parametrize("route", WITH_BODY, ids=named)
async def test_a_body_over_the_limit_is_413_announced_or_not(
    api: Api, ann: Person, route: Route
) -> None:
    most = RESULT_BODY if route.path.endswith("tasks/transcript") else SMALL_BODY

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(most // 65536 + 1):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    refused(await send(api, ann, route, content=b" " * (most + 1), headers=headers), 413)
    refused(await send(api, ann, route, content=chunks(), headers=headers), 413)
    announced = {**headers, "Content-Length": str(10**15)}
    refused(await send(api, ann, route, content=b"{", headers=announced), 413)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=20)
    | st.sampled_from(["1:23", "v", "a@b.org", "x" * 7, "0", "1", 1, 2**63, -(2**63) - 1]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def bodies(draw: st.DrawFn, route: Route) -> bytes:
    """Now a good body with some fields replaced, now any JSON, now any bytes."""
    value: Any = draw(st.sampled_from(["fields", "json", "bytes"]))
    if value == "bytes":
        return draw(st.binary(max_size=50))
    if value == "json" or not route.good:
        return json.dumps(draw(json_values)).encode()
    fields = dict(route.good)
    for name in draw(st.lists(st.sampled_from([*fields, "unknown"]), max_size=3)):
        fields[name] = draw(json_values)
    return json.dumps(fields, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


QUERIES = ["query", "page", "per_page", "video_id", "before", "x"]
ODD_HEADERS = ["Idempotency-Key", "X-Request-ID", "Last-Event-ID", "X-Guest-Session-ID"]


@st.composite
def requests(draw: st.DrawFn) -> tuple[Route, str, bytes, dict[str, bytes]]:
    route = draw(st.sampled_from(ROUTES))
    segment = (
        st.binary(min_size=1, max_size=70)
        .map(lambda one: quote_from_bytes(one, safe=""))
        .filter(lambda one: one not in (".", ".."))  # httpx would resolve them
    )
    url = route.at(draw(segment | st.sampled_from(["1", "2", "v", "x"])))
    query = draw(st.dictionaries(st.sampled_from(QUERIES),
                                 st.binary(max_size=20), max_size=3))  # fmt: skip
    if query and "?" not in url:
        url += "?" + "&".join(f"{k}={quote_from_bytes(v, safe='')}" for k, v in query.items())
    header = st.binary(max_size=40).filter(lambda value: not set(value) & {0, 10, 13})
    headers = draw(st.dictionaries(st.sampled_from(ODD_HEADERS), header))
    headers["Content-Type"] = draw(st.sampled_from([b"application/json"] * 9 + [b"text/plain"]))
    return route, url, draw(bodies(route)), headers


@fuzzed
@given(request=requests())
async def test_whatever_is_sent_the_answer_is_orderly(
    api: Api, ann: Person, document: Document, request: Any
) -> None:
    route, url, content, headers = request
    answer = await send(api, ann, route, url, content=content, headers=headers)
    if "%2F" in url.partition("?")[0]:  # it is the path of another route, or of none
        assert answer.status_code < 500
        assert answer.status_code < 400 or error_of(answer)
    else:
        is_orderly(document, route, answer)


tokens = st.one_of(
    st.binary(max_size=60).map(lambda one: one.translate(None, b"\0\r\n")),
    st.lists(st.binary(max_size=40).map(encoded), max_size=4).map(lambda p: ".".join(p).encode()),
    st.tuples(json_values, json_values).map(
        lambda two: ".".join([*(encoded(json.dumps(one).encode()) for one in two), "x"]).encode()
    ),
    st.dictionaries(st.sampled_from(["user_id", "exp", "type", "jti", "iat", "nbf", "aud", "iss"]),
                    json_values).map(lambda claims: signed(claims).encode()),
)  # fmt: skip


@fuzzed
@given(token=tokens)
async def test_whatever_the_token_is_the_answer_is_401(api: Api, token: bytes) -> None:
    headers: Any = {"Authorization": b"Bearer " + token}
    answer = await api.client.get("/api/user/profile", headers=headers)
    assert answer.status_code in (401, 404)  # 404: signed, and of an account that is not there
    error_of(answer)


async def test_races_of_all_writes_at_once_leave_one_consistent_state(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    note = await api.add_note(person, video_id)
    path = f"/api/notes/{note['id']}"
    calls: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"text": "one"}), ("DELETE", path, None), ("PATCH", path, {"text": "two"}),
        ("POST", "/api/user/token", None), ("DELETE", "/api/user/token", None),
        ("PATCH", "/api/user/profile", {"name": "Racer One", "ai_notes_enabled": True}),
        ("PATCH", "/api/user/profile", {"name": "Racer Two", "ai_notes_enabled": False}),
        ("POST", "/api/notes", {"video_id": video_id, "timestamp": "1:23"}),
    ]  # fmt: skip
    answers = await asyncio.gather(
        *(api.client.request(method, url, json=body, headers=person.headers)
          for _ in range(6) for method, url, body in calls)
    )  # fmt: skip
    assert {answer.status_code for answer in answers} <= {200, 201, 400, 404}
    deleted = [
        one for one in answers if one.request.method == "DELETE" and one.request.url.path == path
    ]
    assert sorted(one.status_code for one in deleted) == [200, *[404] * 5]
    notes = await api.client.get(f"/api/notes/{video_id}", headers=person.headers)
    assert len(shaped(list[models.NoteResponse], notes)) == 6
    events = await api.services.store.past_of(f"user:{await user_id_of(api, person.headers)}")
    issued = [type(one).__name__ for one in events if "LongTermToken" in type(one).__name__]
    assert issued == ["LongTermTokenIssued", "LongTermTokenRevoked"] * (len(issued) // 2) + [
        "LongTermTokenIssued"
    ] * (len(issued) % 2)


RAW = {
    b"OPTIONS * HTTP/1.1": 404,
    b"GET http://evil.example/api/nope HTTP/1.1": 404,
    b"GET //api/x HTTP/1.1": 404,
    b"GET /api/nope HTTP/1.1\r\nHost: a b/\\": 404,
    b"GET /api/%zz?%zz HTTP/1.1": 404,
    b"TRACE /api/notes HTTP/1.1": 405,
    b"GET /api/user/profile HTTP/1.1\r\nAuthorization: Bearer \xff\xfe": 401,
    b"GET /api/notes/a HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade": 401,
    b"POST /api/user/login HTTP/1.1\r\nContent-Length: 99999999999": 413,
    b"GET /../api/nope HTTP/1.1": 200,
    b"GET /api/../../etc/passwd HTTP/1.1": 404,
    b"GET /\xff HTTP/1.1": 400,
    b"GET /?a=\xff HTTP/1.1": 400,
    b"BREW / HTTP/1.1": 400,
    b"POST /api/user/login HTTP/1.1\r\nContent-Length: -1": 400,
    b"\0\1\2": 400,
}


async def test_a_real_server_survives_what_no_client_library_would_send(
    dsn: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", dsn) as server:
        host, _, port = server.url.removeprefix("http://").partition(":")
        for request, status in RAW.items():
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(request + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = await asyncio.wait_for(reader.read(), 10)
            assert answer.startswith(b"HTTP/1.1 %d " % status), request
            assert b"root:" not in answer
            if status not in (200, 400):  # 400 comes before the app
                assert b'{"error":{"code":' in answer
            writer.close()
            await writer.wait_closed()
        assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()
