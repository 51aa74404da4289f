"""``snapshot`` makes, lists and drops copies of the tables as they were."""

from pathlib import Path

import psycopg
import pytest

from tests.cli.test_cli_state import EVENTS, Here
from tests.projections.histories import happen


@pytest.fixture
def vidwiz(tmp_path: Path, dsn: str) -> Here:
    happen(dsn, *EVENTS)
    return Here(tmp_path / "data", dsn)


def test_snapshots_are_made_listed_and_dropped(vidwiz: Here, dsn: str) -> None:
    assert vidwiz.ok("snapshot", "list") == "0 snapshots.\n"
    assert vidwiz.ok("snapshot", "make") == (
        "No snapshot was made: none is due, or another process is at it.\n"
    )
    assert vidwiz.json("snapshot", "make", "--every", "2") == {"made": 6}
    assert vidwiz.ok("snapshot", "make", "--every", "5") == "A snapshot was made at position 5.\n"
    first, second = vidwiz.json("snapshot", "list")
    assert (first["position"], second["position"]) == (5, 6)
    assert first["bytes"] > 0
    assert vidwiz.ok("snapshot", "list").splitlines()[-1] == "2 snapshots."
    assert vidwiz.ok("state", "--at", "5", "notes", "17").startswith("id=17 user_id=5 ")
    assert vidwiz.ok("snapshot", "drop") == "2 snapshots were dropped.\n"
    assert vidwiz.json("snapshot", "list") == []
    with psycopg.connect(dsn) as connection:
        left = connection.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'snapshot%'"
        ).fetchall()
    assert left == []
    assert vidwiz.ok("state", "--at", "5", "notes", "17").startswith("id=17 user_id=5 ")


def test_a_step_of_nothing_is_a_mistake(vidwiz: Here) -> None:
    done = vidwiz.run("snapshot", "make", "--every", "0")
    assert (done.code, done.out) == (2, "")
