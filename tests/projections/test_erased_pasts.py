"""What older versions wrote in the clear of persons who are erased is shown as of no position.

Every word of theirs in the golden log is a canary here. The log's own bytes keep them, since the
chain of hashes covers them: so does an export, and docs/events.md says so.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.events.test_golden_log import LOG, row_of
from tests.support import ADMIN_TOKEN, MASTER, bearer, running_api
from vidwiz.event_store import statements
from vidwiz.events import event_types
from vidwiz.replay import engine, verification
from vidwiz.replay.time_travel import TABLES, TimeMachine

CANARY = "canary7f3a"
GUEST = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
FREE_TIMESTAMP = {
    "note_id": 97, "user_id": 5, "video_id": "W421vNri5hw", "timestamp": CANARY, "text": None,
}  # fmt: skip
ENDS: list[tuple[str, int, str, dict[str, Any]]] = [
    ("note:97", 1, "NoteAdded", FREE_TIMESTAMP),
    ("user:5", 11, "UserErased", {"user_id": 5}),
    ("user:6", 8, "UserErased", {"user_id": 6}),
    (f"guest:{GUEST}", 1, "GuestErased", {"guest_id": GUEST}),
]


def with_canaries(value: Any) -> Any:
    """The same with a canary in every text."""
    if isinstance(value, dict):
        return {name: with_canaries(its) for name, its in value.items()}
    if isinstance(value, list):
        return [with_canaries(its) for its in value]
    return f"{CANARY} {value}" if isinstance(value, str) else value


def old_log() -> Iterator[dict[str, Any]]:
    """The golden log, all of its persons' words canaries; then all of its persons are erased."""
    for event in LOG:
        fields, kind = json.loads(event["state"]), event_types()[event["type"]]
        for name in kind.personal_fields() & fields.keys():
            fields[name] = with_canaries(fields[name])
        yield {**event, "state": json.dumps(fields, ensure_ascii=False, separators=(",", ":"))}
    at = datetime.fromisoformat(LOG[-1]["recorded_at"])
    for seconds, (stream, version, topic, fields) in enumerate(ENDS, 1):
        its = {"stream": stream, "version": version, "type": topic, "metadata": LOG[-1]["metadata"]}
        recorded_at = (at + timedelta(seconds=seconds)).isoformat()
        yield {**its, "state": json.dumps(fields), "recorded_at": recorded_at}


@pytest.fixture(scope="module")
def old_dsn(module_dsn: str) -> str:
    with psycopg.connect(module_dsn) as connection:
        for event in old_log():
            connection.execute(statements.APPEND.sql, row_of(event))
    engine.rebuild(module_dsn, MASTER)
    return module_dsn


def test_no_position_before_the_erasure_shows_a_word_of_theirs(old_dsn: str) -> None:
    machine = TimeMachine(old_dsn, MASTER)
    seen = 0
    for position in range(len(LOG) + len(ENDS) + 1):
        with machine.at(position) as state:
            for name in TABLES:
                rows = "".join(state.all_rows(name, {}))
                assert CANARY not in rows, (position, name)
                seen += rows.count("[erased]")
    machine.close()
    assert seen > len(LOG)  # the words were there, as of many positions


def test_the_rebuilt_tables_are_what_verify_makes_of_the_log(old_dsn: str) -> None:
    assert list(verification.verify(old_dsn, MASTER)[1]) == []


async def test_the_audit_routes_tell_no_word_and_the_logs_bytes_keep_them(
    old_dsn: str, tmp_path: Path
) -> None:
    headers = {**bearer(ADMIN_TOKEN), "Accept": "application/x-ndjson"}
    async with running_api(old_dsn, tmp_path) as api:
        told = (await api.client.get("/api/audit/events", headers=headers)).raise_for_status().text
        for at in (15, 47, len(LOG) + 1):
            for table in ("users", "notes", "messages", "turns", "personal_transcripts"):
                path = f"/api/audit/state?at={at}&table={table}&limit=1000"
                told += (await api.client.get(path, headers=headers)).raise_for_status().text
    assert CANARY not in told
    assert told.count("[erased]") > len(ENDS)
    with psycopg.connect(old_dsn) as connection:
        states = connection.execute("SELECT state FROM stored_events").fetchall()
    assert any(CANARY.encode() in state for (state,) in states)
