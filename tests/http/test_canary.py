"""What a person or a guest ever brought is found nowhere after their erasure.

Each text has a canary of its own. What stays is what docs/events.md calls not sealed.
"""

import io
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.support import ADMIN_TOKEN, MASTER, Api, bearer, eventually, new_video_id
from tests.wiz_support import guest, ready_video, wiz_api
from tests.workers import drain
from vidwiz.audit.log_export import export

STAYS = {"title", "request"}
"""Canaries of what docs/events.md names as not sealed."""
OTHERS_ROUTES = {
    ("post", "/api/tasks/ai-note"), ("post", "/api/tasks/summary"),
    ("patch", "/api/videos/{video_id}"), ("post", "/api/videos/{video_id}/transcript/share"),
    ("post", "/api/tasks/metadata"), ("post", "/api/user/google/login"),
    ("post", "/api/audit/witness"),
}  # fmt: skip
"""Routes with a body that only an admin may call, or (by default) uses, that takes hashes alone, or
that Google speaks for;
``tests/http/access/test_google_login.py`` has the last."""


def canary(name: str) -> str:
    return f"canary{name}7f3a"


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini(Answer()) as its:
        yield its


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
async def api(module_dsn: str, folder: Path, model: FakeModel) -> AsyncIterator[Api]:
    async with wiz_api(module_dsn, folder, model) as its:
        yield its


class Bringing:
    """Somebody who speaks to every route, and which routes those were."""

    def __init__(self, api: Api, headers: Mapping[str, str]) -> None:
        self._api = api
        self.headers = dict(headers)
        self.spoken: set[tuple[str, str]] = set()

    async def to(self, method: str, path: str, body: Any = None, **names: Any) -> Any:
        self.spoken.add((method, path))
        url = path.format(**names)
        content = None if body is None else json.dumps(body)
        headers = {**self.headers, "Content-Type": "application/json"}
        answer = await self._api.client.request(method, url, headers=headers, content=content)
        return answer.raise_for_status()


async def user_brings(api: Api, model: FakeModel) -> tuple[Bringing, str]:
    """Every text that a user can bring; and what proves them."""
    await drain(api.client)
    password, email = canary("password"), f"{canary('email')}@example.org"
    its = Bringing(api, {"X-Request-ID": canary("request")})
    signup = {"email": email, "password": canary("first"), "name": canary("signup")}
    await its.to("post", "/api/user/signup", signup)
    login = {"email": email, "password": canary("first")}
    its.headers |= bearer((await its.to("post", "/api/user/login", login)).json()["token"])
    change = {"old_password": canary("first"), "new_password": password}
    its.headers |= bearer((await its.to("post", "/api/user/password", change)).json()["token"])
    await its.to("patch", "/api/user/profile", {"name": canary("name")})
    its.headers["Idempotency-Key"] = canary("key")
    video_id = await ready_video(api.client)
    await its.to("post", "/api/wiz/init", {"video_id": new_video_id()})
    note = {"video_id": video_id, "timestamp": "1:23", "text": canary("note")}
    note_id = (await its.to("post", "/api/notes", note)).json()["id"]
    named = {"video_id": new_video_id(), "video_title": canary("title"), "timestamp": "1:23"}
    its.headers["Idempotency-Key"] = canary("again")
    await its.to("post", "/api/notes", named)
    path = "/api/notes/{note_id}"
    await its.to("patch", path, {"text": canary("edit")}, note_id=note_id)
    await its.to("post", path + "/revert", {"version": 1}, note_id=note_id)
    await its.to("delete", path, note_id=note_id)
    await its.to("post", path + "/revert", {"version": 2}, note_id=note_id)
    own = [{"text": f"{canary('spoken')} words", "offset": 1.0, "duration": 2.0}]
    path = "/api/videos/{video_id}/transcript"
    await its.to("post", path, own, video_id=video_id)
    await its.to("patch", path, {"use": "own"}, video_id=video_id)
    await wiz_hears(its, model, video_id, "user")
    work = {"video_id": named["video_id"], "success": False, "error_message": canary("error")}
    tasks = await api.client.get("/api/tasks/transcript?timeout=2", headers=its.headers)
    task = tasks.raise_for_status().json()
    work |= {"task_id": task["task_id"], "video_id": task["task_details"]["video_id"]}
    await its.to("post", "/api/tasks/transcript", work)
    return its, password


async def wiz_hears(its: Bringing, model: FakeModel, video_id: str, who: str) -> None:
    """A question, an answer that quotes the transcript, and one that breaks off."""
    model.will(Answer((f"{canary(who + 'answer')} at [0:01] ",)))
    talk = {"video_id": video_id, "message": canary(who + "question")}
    await its.to("post", "/api/wiz/conversation", {"video_id": video_id})
    await its.to("post", "/api/wiz/chat", talk)
    model.will(Answer((f"{canary(who + 'partial')} ", "more "), end="error"))
    await its.to("post", "/api/wiz/chat", talk)


def contents(dsn: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Everything that lies in the database and in the folder of objects, by where."""
    with psycopg.connect(dsn) as connection:
        query = (
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname <> 'information_schema' AND schemaname !~ '^pg_'"
        )
        for (table,) in connection.execute(query).fetchall():
            for row in connection.execute(f"SELECT * FROM {table}"):
                parts = (one if isinstance(one, bytes) else str(one).encode() for one in row)
                yield table, b" ".join(parts)
    for path in folder.rglob("*"):
        if path.is_file():
            yield f"{path.relative_to(folder)}", str(path).encode() + path.read_bytes()


def found(dsn: str, folder: Path, names: set[str]) -> set[str]:
    """The names of the canaries that are there yet."""
    everything = b"".join(content for _, content in contents(dsn, folder))
    exported = io.BytesIO()
    export(dsn, exported, None, with_keys_of=MASTER)
    everything += exported.getvalue()
    return {name for name in names if canary(name).encode() in everything}


async def told(api: Api, names: set[str]) -> set[str]:
    """The names of the canaries that the audit's routes tell yet, of now and of any past."""
    headers = {**bearer(ADMIN_TOKEN), "Accept": "application/x-ndjson"}
    said = (await api.client.get("/api/audit/events", headers=headers)).raise_for_status().text
    head = len(said.splitlines())
    for at in (head, head // 2):
        for table in ("users", "notes", "messages", "turns", "videos", "personal_transcripts"):
            path = f"/api/audit/state?at={at}&table={table}&limit=1000"
            said += (await api.client.get(path, headers=headers)).raise_for_status().text
    return {name for name in names if canary(name) in said}


async def test_nothing_of_an_erased_user_is_left(
    api: Api, model: FakeModel, module_dsn: str, folder: Path
) -> None:
    its, password = await user_brings(api, model)
    names = {
        "email", "signup", "name", "key", "again", "note", "edit", "spoken", "title", "error",
        "request", "userquestion", "useranswer", "userpartial",
    }  # fmt: skip
    secret = {"password", "first"}
    sealed = {"signup", "note"}  # and in no table any more
    never_kept = {"error"}
    assert (
        found(module_dsn, folder, names | secret) == names - sealed - never_kept
    )  # the check can fail
    assert await told(api, names) >= names - never_kept - {"key", "again", "spoken"}
    await its.to("delete", "/api/user", {"password": password})

    async def gone() -> bool:
        return found(module_dsn, folder, names | secret) == STAYS

    await eventually(gone)
    assert await told(api, names | secret) == STAYS
    document = (await api.client.get("/openapi.json")).raise_for_status().json()
    with_bodies = {
        (method, path)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if "requestBody" in operation or (method, path) in its.spoken
    }
    assert its.spoken == with_bodies - OTHERS_ROUTES


async def test_nothing_of_an_erased_guest_is_left(
    api: Api, model: FakeModel, module_dsn: str, folder: Path
) -> None:
    video_id = await ready_video(api.client)
    its = Bringing(api, guest(canary("session")))
    await wiz_hears(its, model, video_id, "guest")
    names = {"guestquestion", "guestanswer", "guestpartial"}
    assert found(module_dsn, folder, names | {"session"}) == names
    await its.to("delete", "/api/guest")
    assert found(module_dsn, folder, names) == set()
    assert await told(api, names) == set()
