"""``history`` fills, shows and drops the row history; ``verify`` begins where it was verified."""

from pathlib import Path

import psycopg
import pytest

from tests.cli.test_cli_state import EVENTS, Here
from tests.projections.histories import happen
from vidwiz.projections.row_history_tables import SCHEMA


@pytest.fixture
def vidwiz(tmp_path: Path, dsn: str) -> Here:
    happen(dsn, *EVENTS)
    return Here(tmp_path / "data", dsn)


def test_the_history_is_filled_shown_and_dropped(vidwiz: Here, dsn: str) -> None:
    assert vidwiz.ok("history", "show") == "There is no row history of this program.\n"
    assert vidwiz.json("history", "show") == {"position": None, "bytes": 0, "verified": []}
    assert vidwiz.ok("history", "fill") == "The row history goes to position 6.\n"
    assert vidwiz.json("history", "fill") == {"position": 6}
    assert vidwiz.ok("state", "--at", "5", "notes", "17").startswith("id=17 user_id=5 ")
    vidwiz.ok("verify")
    shown = vidwiz.ok("history", "show").splitlines()
    assert shown[0].startswith("The row history goes to position 6 and takes ")
    assert [line.split()[:2] for line in shown[1:]] == [["6", "verified"]]
    assert vidwiz.json("history", "show")["verified"] == [6]
    assert vidwiz.ok("history", "drop") == "The row history was dropped.\n"
    with psycopg.connect(dsn) as connection:
        left = connection.execute("SELECT to_regnamespace(%s)", (SCHEMA,)).fetchone()
    assert left == (None,)
    assert vidwiz.json("history", "show") == {"position": None, "bytes": 0, "verified": []}


def test_verify_begins_at_the_newest_snapshot_or_at_the_one_that_is_named(vidwiz: Here) -> None:
    vidwiz.ok("history", "fill")
    vidwiz.ok("verify")
    for asked in (("--from-snapshot",), ("--from-snapshot", "6")):
        found = vidwiz.json("verify", *asked)
        assert (found["from_snapshot"], found["events"], found["differences"]) == (6, 0, [])
    told = vidwiz.ok("verify", "--from-snapshot")
    assert told.startswith("Begun at position 6, which was verified before. Replayed 0 events")
    assert "every table equals its replay; the log is whole behind it" in told


def test_a_version_that_differs_is_told_with_its_position(vidwiz: Here, dsn: str) -> None:
    vidwiz.ok("history", "fill")
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE row_history.notes_ended SET text = 'forged' WHERE since = 3")
    done = vidwiz.run("verify")
    assert done.code == 1
    assert done.out.startswith("row_history.notes_ended 17 since 3: differs in text\n")
    assert vidwiz.json("history", "show")["verified"] == []


def test_without_a_stored_history_the_past_is_replayed(
    vidwiz: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VIDWIZ_ROW_HISTORY", "off")
    assert vidwiz.ok("state", "--at", "5", "notes", "17").startswith("id=17 user_id=5 ")
    assert vidwiz.json("history", "show")["position"] is None
