"""A canary in everything that is personal is nowhere after an erasure, in a real service."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import psycopg

from tests.cli.command import Vidwiz
from tests.event_store.parts import rows
from tests.support import Server, bearer, serving
from tests.workers import ADMIN

CANARY = "kanarienvogel"
TRANSCRIPT = [{"text": "Houston", "offset": 2.0, "duration": 2.0}]


def dump(dsn: str) -> bytes:
    """Everything in every table, as COPY writes it; bytes are hex in it, so they come twice."""
    whole = []
    with psycopg.connect(dsn) as connection:
        for schema, name in rows(
            dsn,
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
        ):
            with connection.cursor().copy(f"COPY {schema}.{name} TO STDOUT") as copy:
                whole += [bytes(part) for part in copy]
            with connection.cursor().copy(f"COPY {schema}.{name} TO STDOUT BINARY") as copy:
                whole += [bytes(part) for part in copy]
    return b"".join(whole)


def call(server: Server, method: str, path: str, headers: Any, body: Any = None) -> httpx.Response:
    return httpx.request(method, server.url + path, headers=headers, json=body, timeout=60)


def sign_up(server: Server) -> dict[str, str]:
    account = {"email": f"{CANARY}@example.org", "password": f"{CANARY} 1"}
    call(server, "POST", "/api/user/signup", {}, {**account, "name": CANARY}).raise_for_status()
    login = call(server, "POST", "/api/user/login", {}, account).raise_for_status()
    return bearer(login.json()["token"])


def sing(server: Server, who: dict[str, str]) -> None:
    """Put the canary wherever the person may say something, and where is said to them."""
    for name in (f"{CANARY} the first", f"{CANARY} the second"):
        call(server, "PATCH", "/api/user/profile", who, {"name": name}).raise_for_status()
    note = {"video_id": "W421vNri5hw", "video_title": "T", "timestamp": "1:23", "text": CANARY}
    keyed = {**who, "Idempotency-Key": CANARY, "X-Request-ID": "r-1"}
    its = call(server, "POST", "/api/notes", keyed, note).raise_for_status().json()
    edit = {"text": f"{CANARY} edited"}
    call(server, "PATCH", f"/api/notes/{its['id']}", who, edit).raise_for_status()
    call(server, "PATCH", f"/api/notes/{its['id']}", who, {"text": ""}).raise_for_status()
    by_ai = {"text": f"{CANARY} by AI", "generated_by_ai": True}
    call(server, "PATCH", f"/api/notes/{its['id']}", ADMIN, by_ai).raise_for_status()
    path = "/api/videos/W421vNri5hw/transcript"
    brought = httpx.post(server.url + path, content=json.dumps(TRANSCRIPT), headers=ADMIN)
    brought.raise_for_status()
    question = {"video_id": "W421vNri5hw", "message": f"Houston {CANARY}?"}
    call(server, "POST", "/api/wiz/chat", who, question).raise_for_status()


def test_the_canary_is_gone_from_everywhere_and_signed_out_in_every_process(
    dsn: str, tmp_path: Path
) -> None:
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    with serving(vidwiz.data_dir, dsn, "--processes", "2") as server:
        who = sign_up(server)
        sing(server, who)
        assert dump(dsn).count(CANARY.encode()) >= 8
        proof = {"password": f"{CANARY} 1"}
        began = time.monotonic()
        call(server, "DELETE", "/api/user", who, proof).raise_for_status()
        signed_out = 0
        while signed_out < 20:  # each on a connection of its own, so that both processes answer
            answer = call(server, "GET", "/api/search", who)
            signed_out = signed_out + 1 if answer.status_code == 401 else 0
            assert time.monotonic() - began < 30
    assert CANARY.encode() not in dump(dsn)
    assert CANARY.encode().hex().encode() not in dump(dsn)
    assert CANARY not in server.log.read_text()
    for path in vidwiz.data_dir.rglob("*"):
        assert CANARY not in path.name
        assert path.is_dir() or CANARY.encode() not in path.read_bytes()
    history = vidwiz.ok("events", "--json")
    assert (CANARY in history, history.count("[erased]") >= 8) == (False, True)
    assert vidwiz.json("verify")["differences"] == []
    vidwiz.ok("rebuild")
    assert vidwiz.json("verify")["differences"] == []
    assert CANARY.encode() not in dump(dsn)
