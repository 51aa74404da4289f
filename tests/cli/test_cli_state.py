"""``state`` shows the tables as they were at a position or a time."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from tests.cli.command import Done, Vidwiz
from tests.projections.histories import happen
from tests.support import test_settings
from vidwiz.cli.main import main
from vidwiz.events import NoteAdded, NoteDeleted, NoteEdited, UserSignedUp, VideoAdded

NOTE = NoteAdded(note_id=17, user_id=5, video_id="W421vNri5hw", timestamp="1:23", text="before")
EVENTS = [
    UserSignedUp(user_id=5, email="ann@example.org", name="Änn"),
    VideoAdded(id=3, video_id="W421vNri5hw", title=None),
    NOTE,
    NoteEdited(note_id=17, user_id=5, text="after", generated_by_ai=False),
    NOTE.model_copy(update={"note_id": 18, "user_id": 6}),
    NoteDeleted(note_id=17, user_id=5),
]


class Here(Vidwiz):
    """Runs ``state`` in this process, which is much faster, and configures no logs."""

    def run(self, *arguments: str, **_: str) -> Done:
        settings = test_settings(self.data_dir, DATABASE_URL=self.dsn)
        command, *its = arguments
        done = CliRunner().invoke(main.commands[command], its, obj=settings)
        assert done.exception is None or isinstance(done.exception, SystemExit)
        return Done(done.exit_code, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def vidwiz(tmp_path_factory: pytest.TempPathFactory, module_dsn: str) -> Vidwiz:
    """Six events, a second apart."""
    happen(module_dsn, *EVENTS)
    return Here(tmp_path_factory.mktemp("data"), module_dsn)


def rows(vidwiz: Vidwiz, *arguments: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in vidwiz.ok("state", "--json", *arguments).splitlines()]


def test_a_row_is_shown_as_it_was_at_a_position_and_at_a_time(vidwiz: Vidwiz) -> None:
    (before,) = rows(vidwiz, "--at", "3", "notes", "17")
    (after,) = rows(vidwiz, "--at", "2026-01-01T00:00:03.5", "notes", "17")
    assert (before["text"], after["text"]) == ("before", "after")
    assert (before["version"], after["version"]) == (1, 2)


def test_a_list_and_a_whole_table_are_shown(vidwiz: Vidwiz) -> None:
    assert [row["id"] for row in rows(vidwiz, "--at", "5", "notes")] == [17, 18]
    assert [row["id"] for row in rows(vidwiz, "--at", "6", "notes")] == [18]
    of_user = rows(vidwiz, "--at", "5", "notes", "--user", "6", "--video", "W421vNri5hw")
    assert [row["id"] for row in of_user] == [18]


def test_people_read_fields_by_name(vidwiz: Vidwiz) -> None:
    (line,) = vidwiz.ok("state", "--at", "1", "users").splitlines()
    assert line.startswith('id=5 email="ann@example.org" name="Änn"')
    counted = vidwiz.ok("state", "--at", "3").splitlines()
    assert counted[0] == "As of position 3:"
    assert counted[1].split() == ["1", "users"]
    (sizes,) = rows(vidwiz, "--at", "0")
    assert sizes["position"] == 0
    assert set(sizes["tables"].values()) == {0}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--at", "7"), "the log has no position 7; its head is 6"),
        (("--at", "6", "notes", "17"), "there was no row 17 in notes at position 6"),
    ],
)
def test_what_there_was_not_is_said_in_one_line(
    vidwiz: Vidwiz, arguments: tuple[str, ...], why: str
) -> None:
    done = vidwiz.run("state", *arguments)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"Error: {why}")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--at", "yesterday"), "a position or a time"),
        (("--at", "9" * 30), "a position has at most 18 digits"),
        (("--at", "0001-01-01"), "of the years 1970 to 9998"),
        (("--at", "6", "users", "--user", "5"), "users has no user_id"),
        (("--at", "6", "credentials"), "credentials"),
        ((), "--at"),
    ],
)
def test_what_there_cannot_be_is_a_mistake(
    vidwiz: Vidwiz, arguments: tuple[str, ...], why: str
) -> None:
    done = vidwiz.run("state", *arguments)
    assert (done.code, done.out) == (2, "")
    assert why in done.err


def test_an_empty_log_has_no_past_but_nothing(tmp_path: Path, dsn: str) -> None:
    (sizes,) = rows(Here(tmp_path / "data", dsn), "--at", "2026-01-01")
    assert sizes["position"] == 0
