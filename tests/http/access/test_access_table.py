"""Every route x every caller x own, others' and absent objects, against one declared table.

A route without a row fails: say there who may do what with whose things.
"""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.http.wire import claims, payload_of, segment, signed, user_id_of
from tests.support import Api, Person, bearer, new_video_id
from tests.wiz_support import ask, guest, ids_of, ready_video
from vidwiz.http.app import create_app

METHODS = {"GET", "POST", "PATCH", "DELETE"}
SECRET = "xylophonics"
"""A word of the owner's note and question that nobody else may read."""
ABSENT = 10**15
STRANGERS = ("nobody", "garbage", "unsigned", "expired")
CALLERS = (*STRANGERS, "guest", "other guest", "owner", "owner's token", "other", "admin")
READERS = {"owner", "owner's token", "admin"}
"""Who may see the secret."""

Expected = Mapping[str, int]


def user(own: int, other: int | None = None) -> Expected:
    """An account of their own; nobody else, the admin included."""
    others = dict.fromkeys(CALLERS, 401)
    return {**others, "owner": own, "owner's token": own, "other": other or own}


def admin(status: int) -> Expected:
    """The admin; who has another token is told so."""
    bearers = {"garbage", "unsigned", "expired", "owner", "owner's token", "other"}
    return {**{one: 403 if one in bearers else 401 for one in CALLERS}, "admin": status}


def user_or_admin(own: int, other: int, by_admin: int) -> Expected:
    return {**user(own, other), "admin": by_admin}


def user_or_guest(own: int, other: int, guests: int, other_guests: int) -> Expected:
    return {**user(own, other), "guest": guests, "other guest": other_guests}


def anybody(status: int) -> Expected:
    return dict.fromkeys(CALLERS, status)


@dataclass(frozen=True)
class Things:
    """What the requests are about: an owner's, a guest's, and what is shared."""

    api: Api
    owner: Person
    callers: dict[str, dict[str, str]]
    video_id: str
    conversation: int
    turn: int
    guest_conversation: int
    guest_turn: int


Make = Callable[[Things], Awaitable[dict[str, Any]]]


async def note(its: Things) -> dict[str, Any]:
    made = await its.api.add_note(its.owner, its.video_id, text=f"my {SECRET}")
    return {"note_id": made["id"]}


async def video(its: Things) -> dict[str, Any]:
    return {"video_id": its.video_id}


async def absent_video(_: Things) -> dict[str, Any]:
    return {"video_id": "-----------"}


async def new_video(_: Things) -> dict[str, Any]:
    return {"video_id": new_video_id()}


async def conversation(its: Things) -> dict[str, Any]:
    return {"conversation_id": its.conversation, "turn_id": its.turn, "video_id": its.video_id}


async def fleeting_guest(its: Things) -> dict[str, Any]:
    """The guest is another one, who has asked something."""
    its.callers["guest"] = guest()
    (await ask(its.api.client, its.callers["guest"], its.video_id)).raise_for_status()
    return {}


async def guests(its: Things) -> dict[str, Any]:
    its.callers["guest"] = guest("the guest")
    return {
        "conversation_id": its.guest_conversation,
        "turn_id": its.guest_turn,
        "video_id": its.video_id,
    }


async def own_transcript(its: Things) -> dict[str, Any]:
    """The owner has brought a transcript of a video that the other knows, too."""
    video_id = str((await its.api.add_note(its.owner, new_video_id()))["video_id"])
    path, words = f"/api/videos/{video_id}/transcript", [{"text": SECRET, "offset": 1.0}]
    brought = await its.api.client.post(path, json=words, headers=its.owner.headers)
    brought.raise_for_status()
    profile = await its.api.client.get("/api/user/profile", headers=its.owner.headers)
    return {"video_id": video_id, "user_id": profile.json()["id"]}


async def claimed(its: Things) -> dict[str, Any]:
    """A task of the owner's own."""
    await its.api.add_note(its.owner, new_video_id())
    path = "/api/tasks/transcript?timeout=0"
    task = (await its.api.client.get(path, headers=its.owner.headers)).json()
    return {"task_id": task["task_id"], "video_id": task["task_details"]["video_id"]}


async def tokens(its: Things) -> dict[str, Any]:
    """Both persons have a long-term token, the owner a new one."""
    await its.api.client.delete("/api/user/token", headers=its.owner.headers)
    its.callers["owner's token"] = await long_term(its.api, its.owner.headers)
    await its.api.client.post("/api/user/token", headers=its.callers["other"])
    return {}


async def no_token_of_the_other(its: Things) -> dict[str, Any]:
    await its.api.client.delete("/api/user/token", headers=its.callers["other"])
    return {}


async def sessions(its: Things) -> dict[str, Any]:
    """Sessions of a later time, which outlive the sign-outs; the owner has a long-term token."""
    for name in ("owner", "other"):
        user_id = payload_of(its.callers[name]["Authorization"])["user_id"]
        its.callers[name].update(bearer(signed(claims(user_id, iat=time.time() + 600))))
    return await tokens(its)


async def nothing(_: Things) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Row:
    """A request, and its status for each caller; ``make`` makes the things that it names."""

    method: str
    rule: str
    expected: Expected
    make: Make = nothing
    query: str = ""
    body: Any = None
    takes: tuple[str, ...] = ()
    """What of the things goes into the body."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule} {self.make.__name__}"


REPORT = {"success": False}
NO_TASK = {"task_id": ABSENT, "video_id": "-----------", "success": False}
TABLE = [
    Row("POST", "/api/user/signup", anybody(422), body={"email": "x"}),
    Row("POST", "/api/user/login", anybody(401), body={"email": "x@y.org", "password": "wrong"}),
    Row("POST", "/api/user/google/login", anybody(422), body={"credential": " "}),
    Row("POST", "/api/user/token", user(400, 200), no_token_of_the_other),
    Row("DELETE", "/api/user/token", user(200), tokens),
    Row("GET", "/api/user/profile", user(200)),
    Row("PATCH", "/api/user/profile", user(200), body={"name": "A name"}),
    Row("DELETE", "/api/user", user(403), body={"password": "not theirs"}),
    Row("DELETE", "/api/guest",
        {**dict.fromkeys(CALLERS, 401), "guest": 200, "other guest": 404}, fleeting_guest),
    Row("GET", "/api/user/export", user(200)),
    Row("POST", "/api/notes", user(201), video, body={"timestamp": "1:23"}, takes=("video_id",)),
    Row("GET", "/api/notes/<video_id>", user(200), video),
    Row("PATCH", "/api/notes/<note_id>", user_or_admin(200, 404, 200), note, body={"text": "new"}),
    Row("DELETE", "/api/notes/<note_id>", user(200, 404), note),
    Row("GET", "/api/notes/<note_id>/history", user(200, 404), note),
    Row("POST", "/api/notes/<note_id>/revert", user(200, 404), note, body={"version": 1}),
    Row("GET", "/api/videos/<video_id>", user(200), video),
    Row("GET", "/api/videos/<video_id>", user(404), absent_video),
    Row("PATCH", "/api/videos/<video_id>", admin(200), video, body={"summary": None}),
    Row("PATCH", "/api/videos/<video_id>", admin(404), absent_video, body={"summary": "S"}),
    Row("GET", "/api/videos/<video_id>/notes/ai-note-task", admin(404), video),
    Row("GET", "/api/videos/<video_id>/transcript",
        {**anybody(200), **dict.fromkeys(STRANGERS, 401)}, video),
    Row("POST", "/api/videos/<video_id>/transcript", user_or_admin(404, 404, 404), absent_video,
        body=[{"text": "words", "offset": 1.0}]),
    Row("GET", "/api/videos/<video_id>/transcript",
        {**user_or_guest(200, 404, 404, 404), "admin": 404}, own_transcript),
    Row("GET", "/api/videos/<video_id>/transcripts", user_or_admin(200, 200, 200), own_transcript),
    Row("PATCH", "/api/videos/<video_id>/transcript", user(200, 404), own_transcript,
        body={"use": "shared"}),
    Row("DELETE", "/api/videos/<video_id>/transcript", user(200, 404), own_transcript),
    Row("POST", "/api/videos/<video_id>/transcript/share", admin(200), own_transcript, body={},
        takes=("user_id",)),
    Row("GET", "/api/transcripts/unshared", admin(200), own_transcript),
    Row("GET", "/api/videos/<video_id>/progress", anybody(200), video),
    Row("GET", "/api/videos/<video_id>/progress", anybody(404), absent_video),
    Row("GET", "/api/library", user(200)),
    Row("GET", "/api/search", user(200)),
    Row("GET", "/api/search/all", user(200), query=f"?q={SECRET[:8]}"),
    Row("GET", "/api/tasks/transcript", user_or_admin(400, 400, 400), query="?timeout=x"),
    Row("GET", "/api/tasks/metadata", user_or_admin(400, 400, 400), query="?timeout=x"),
    Row("GET", "/api/tasks/summary", admin(400), query="?timeout=x"),
    Row("GET", "/api/tasks/ai-note", admin(400), query="?timeout=x"),
    Row("POST", "/api/tasks/transcript", user_or_admin(200, 403, 403), claimed, body=REPORT,
        takes=("task_id", "video_id")),
    Row("POST", "/api/tasks/metadata", user_or_admin(404, 404, 404), body=NO_TASK),
    Row("POST", "/api/tasks/transcript", user_or_admin(404, 404, 404), body=NO_TASK),
    Row("POST", "/api/tasks/summary", admin(404), body=NO_TASK),
    Row("POST", "/api/tasks/ai-note", admin(404), body=NO_TASK),
    Row("POST", "/api/wiz/init", anybody(200), new_video, body={}, takes=("video_id",)),
    Row("GET", "/api/wiz/video/<video_id>", anybody(200), video),
    Row("GET", "/api/wiz/video/<video_id>", anybody(404), absent_video),
    Row("POST", "/api/wiz/conversation", user_or_guest(200, 200, 200, 200), video, body={},
        takes=("video_id",)),
    Row("POST", "/api/wiz/chat", user_or_guest(200, 404, 404, 404), conversation,
        body={"message": "Why?"}, takes=("video_id", "conversation_id")),
    Row("POST", "/api/wiz/chat", user_or_guest(404, 404, 200, 404), guests,
        body={"message": "Why?"}, takes=("video_id", "conversation_id")),
    Row("GET", "/api/wiz/quota", user_or_guest(200, 200, 200, 200)),
    Row("GET", "/api/wiz/conversations", user_or_guest(200, 200, 200, 200)),
    Row("GET", "/api/wiz/conversations/<conversation_id>", user_or_guest(200, 404, 404, 404),
        conversation),
    Row("GET", "/api/wiz/conversations/<conversation_id>", user_or_guest(404, 404, 200, 404),
        guests),
    Row("GET", "/api/wiz/turns/<turn_id>/stream", user_or_guest(200, 404, 404, 404), conversation),
    Row("GET", "/api/wiz/turns/<turn_id>/stream", user_or_guest(404, 404, 200, 404), guests),
    Row("POST", "/api/wiz/turns/<turn_id>/stop", user_or_guest(200, 404, 404, 404), conversation),
    Row("POST", "/api/wiz/turns/<turn_id>/stop", user_or_guest(404, 404, 200, 404), guests),
    Row("GET", "/api/stream", user(400), query="?video_id=none"),
    Row("GET", "/api/config", anybody(200)),
    Row("GET", "/api/health/live", anybody(200)),
    Row("GET", "/api/health/ready", anybody(200)),
    Row("GET", "/api/audit/events", admin(200)),
    Row("GET", "/api/audit/events/<position>", admin(200), query=""),
    Row("GET", "/api/audit/events/stream", admin(204), query="?before=1"),
    Row("GET", "/api/audit/correlations/<correlation_id>", admin(404)),
    Row("GET", "/api/audit/health", admin(200)),
    Row("GET", "/api/audit/rebuild", admin(200)),
    Row("POST", "/api/audit/rebuild", admin(422), query="?table=none"),
    Row("POST", "/api/audit/witness", anybody(403), body={
        "position": 1, "hash": "0" * 64, "events": 1, "made_at": "2026-01-01T00:00:00.000000Z",
        "public_key": "0" * 64, "previous": "0" * 64, "signature": "0" * 128}),
    Row("GET", "/api/audit/witness", anybody(200), query=f"?public_key={'0' * 64}"),
    Row("GET", "/api/audit/state", admin(200), query="?at=1"),
    Row("POST", "/api/user/password", {**user(403), "owner's token": 403}, sessions,
        body={"old_password": "not theirs", "new_password": "battery staple"}),
    Row("POST", "/api/user/logout", {**user(200), "owner's token": 403}, sessions),
]  # fmt: skip
ALWAYS = {"position": 1, "correlation_id": "nothing-followed"}
OF_SOMEBODY = ("note_id", "conversation_id", "turn_id")


@pytest.fixture(scope="module")
async def things(api: Api) -> Things:
    owner, other = await api.sign_up("Olive Owner"), await api.sign_up("Otto Other")
    its = claims(await user_id_of(api, owner.headers))
    callers = {
        "nobody": {},
        "garbage": bearer("garbage"),
        "unsigned": bearer(f"{segment({'alg': 'none'})}.{segment(its)}."),
        "expired": bearer(signed({**its, "exp": int(time.time()) - 10})),
        "guest": guest("the guest"),
        "other guest": guest("another guest"),
        "owner": owner.headers,
        "owner's token": await long_term(api, owner.headers),
        "other": other.headers,
        "admin": api.admin,
    }
    video_id = await ready_video(api.client)
    turn, its_own = ids_of(await ask(api.client, owner.headers, video_id, f"{SECRET}?"))
    guest_turn, guests_own = ids_of(await ask(api.client, callers["guest"], video_id))
    return Things(api, owner, callers, video_id, its_own, turn, guests_own, guest_turn)


async def long_term(api: Api, headers: dict[str, str]) -> dict[str, str]:
    answer = await api.client.post("/api/user/token", headers=headers)
    return bearer(answer.raise_for_status().json()["token"])


def test_every_route_has_its_row() -> None:
    routes = {
        (method, rule.rule)
        for rule in create_app(Path("nowhere")).url_map.iter_rules()
        if rule.rule.startswith("/api")
        for method in (rule.methods or set()) & METHODS
    }
    rows = {(row.method, row.rule) for row in TABLE}
    for method, rule in sorted(routes - rows):
        pytest.fail(f"{method} {rule} has no row in the table: who may call it, for whose things?")
    assert rows - routes == set()


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
async def test_who_may_do_what_with_whose_things(api: Api, things: Things, row: Row) -> None:
    found: dict[str, int] = {}
    for caller in CALLERS:
        made = await row.make(things)
        answer = await asked(api, row, things.callers[caller], made)
        found[caller] = answer.status_code
        assert caller in READERS or SECRET not in answer.text, f"{caller} read what is not theirs"
    assert found == dict(row.expected)


@pytest.mark.parametrize(
    "row", [row for row in TABLE if any(name in row.rule for name in OF_SOMEBODY)],
    ids=lambda row: row.name,
)  # fmt: skip
async def test_what_there_is_not_looks_like_what_is_not_theirs(
    api: Api, things: Things, row: Row
) -> None:
    absent: dict[str, Any] = {**dict.fromkeys(OF_SOMEBODY, ABSENT), "video_id": "-----------"}
    for caller, status in row.expected.items():
        answer = await asked(api, row, things.callers[caller], absent)
        assert answer.status_code == (404 if status in (200, 404) else status), caller


async def asked(api: Api, row: Row, who: dict[str, str], made: dict[str, Any]) -> Any:
    path = row.rule
    for name, its in {**ALWAYS, **made}.items():
        path = path.replace(f"<{name}>", str(its))
    body = row.body
    if row.takes:
        body = {**body, **{name: made[name] for name in row.takes}}
    options = {} if row.body is None else {"json": body}
    return await api.client.request(
        row.method, path + row.query, headers=who, timeout=60, **options
    )
