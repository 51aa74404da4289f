"""A small log of before there were seals makes the same tables for ever.

``golden_log.jsonl`` has every event in every version, each row to the letter, ``golden_rows.json``
what they make. What is there never changes: a new event or version is added at the log's end, and
a new column to the rows.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support import MASTER
from vidwiz.event_store import statements
from vidwiz.events import event_types
from vidwiz.events.base import stream_id
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import engine, verification

HERE = Path(__file__).parent
LOG = [json.loads(line) for line in (HERE / "golden_log.jsonl").read_text().splitlines()]


@pytest.fixture
def golden_dsn(dsn: str) -> str:
    """A database with the log, and nothing but the log."""
    with psycopg.connect(dsn) as connection:
        for event in LOG:
            connection.execute(statements.APPEND.sql, row_of(event))
    return dsn


def row_of(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "streams": [stream_id(event["stream"])],
        "versions": [event["version"]],
        "topics": [event["type"]],
        "states": [event["state"].encode()],
        "metadata": [event["metadata"]],
        "recorded_at": datetime.fromisoformat(event["recorded_at"]),
    }


def rows(dsn: str) -> dict[str, list[dict[str, Any]]]:
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        return {table.name: rows_of(connection, table.name) for table in PROJECTED}


def rows_of(connection: psycopg.Connection[Any], table: str) -> list[dict[str, Any]]:
    query = f"SELECT to_jsonb({table}) FROM {table} ORDER BY id"
    found = [row for (row,) in connection.execute(query)]
    return [{name: row[name] for name in row if name != "words"} for row in found]  # generated


def test_every_version_of_every_event_is_in_the_golden_log() -> None:
    written = {(its["type"], json.loads(its["state"]).get("class_version", 1)) for its in LOG}
    assert written == {
        (topic, version)
        for topic, its in event_types().items()
        for version in range(1, its.class_version + 1)
    }


def test_the_golden_log_has_the_hashes_that_it_always_had(golden_dsn: str) -> None:
    with psycopg.connect(golden_dsn) as connection:
        chained = connection.execute("SELECT hash FROM stored_events ORDER BY notification_id")
        assert [its.hex() for (its,) in chained] == [event["hash"] for event in LOG]
    assert not any(rows(golden_dsn).values())


def test_the_golden_log_is_rebuilt_to_the_rows_that_it_always_made(golden_dsn: str) -> None:
    engine.rebuild(golden_dsn, MASTER)
    assert rows(golden_dsn) == json.loads((HERE / "golden_rows.json").read_text())
    replayed, differences = verification.verify(golden_dsn, MASTER)
    assert list(differences) == []
    assert (replayed.events, replayed.head) == (len(LOG), LOG[-1]["hash"])
