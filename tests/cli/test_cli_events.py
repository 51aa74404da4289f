"""``events`` prints the history: all of it, filtered, as JSON, and as it grows."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from tests.cli.command import Vidwiz
from tests.projections.histories import START, append, happen, mapper, numbered, project
from tests.support import server_environment
from vidwiz.event_store.statements import APPEND
from vidwiz.events import MetadataFetched, NoteAdded, NoteEdited, UserSignedUp, VideoAdded
from vidwiz.events.base import stream_id

EVENTS = [
    UserSignedUp(user_id=5, email="ann@example.org", name="Änn"),
    VideoAdded(id=3, video_id="W421vNri5hw", title=None),
    NoteAdded(note_id=17, user_id=5, video_id="W421vNri5hw", timestamp="1:23", text="a\nb"),
    NoteEdited(note_id=17, user_id=5, text="c", generated_by_ai=False),
]


@pytest.fixture(scope="module")
def vidwiz(tmp_path_factory: pytest.TempPathFactory, module_dsn: str) -> Vidwiz:
    """Somebody wrote one note; the edit was Ann's own, in a request with an id."""
    happen(module_dsn, *EVENTS[:3])
    edit = numbered(EVENTS)[3]
    with psycopg.connect(module_dsn) as connection:
        project(connection, [edit.fact])
        connection.execute(
            APPEND.sql,
            {
                "streams": [stream_id("note:17")],
                "versions": [2],
                "topics": ["NoteEdited"],
                "states": [mapper.encode(edit.event)],
                "metadata": ['{"actor":"user:5","correlation_id":"r-1","causation_id":"3"}'],
                "recorded_at": edit.at,
            },
        )
    return Vidwiz(tmp_path_factory.mktemp("data"), module_dsn)


def printed(vidwiz: Vidwiz, *options: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in vidwiz.ok("events", "--json", *options).splitlines()]


def test_an_event_is_one_line_for_people(vidwiz: Vidwiz) -> None:
    lines = vidwiz.ok("events").splitlines()
    assert len(lines) == 4
    assert lines[2] == (
        "       3 2026-01-01T00:00:02.000+00:00 NoteAdded note:17 v1 by system: note_id=17"
        ' user_id=5 video_id="W421vNri5hw" timestamp="1:23" text="a\\nb"'
    )
    assert "v2 by user:5 in r-1: note_id=17" in lines[3]


def test_an_event_is_one_object_for_programs(vidwiz: Vidwiz) -> None:
    event = printed(vidwiz)[3]
    assert (len(event.pop("previous_hash")), len(event.pop("hash"))) == (64, 64)
    assert event == {
        "position": 4,
        "stream": "note:17",
        "stream_id": str(stream_id("note:17")),
        "version": 2,
        "type": "NoteEdited",
        "recorded_at": "2026-01-01T00:00:03.000003Z",
        "actor": "user:5",
        "correlation_id": "r-1",
        "causation_id": "3",
        "request_id": None,
        "data": {"note_id": 17, "user_id": 5, "text": "c", "generated_by_ai": False},
        "state": '{"note_id":17,"user_id":5,"text":"c","generated_by_ai":false}',
        "metadata": '{"actor":"user:5","correlation_id":"r-1","causation_id":"3"}',
    }


@pytest.mark.parametrize(
    ("options", "positions"),
    [
        ((), [1, 2, 3, 4]),
        (("--type", "NoteAdded"), [3]),
        (("--type", "NoteAdded", "--type", "UserSignedUp"), [1, 3]),
        (("--type", "NoteDeleted"), []),
        (("--stream", "note:17"), [3, 4]),
        (("--stream", "note:18"), []),
        (("--actor", "user:5"), [4]),
        (("--actor", "system"), [1, 2, 3]),
        (("--since", "2026-01-01 00:00:02"), [3, 4]),
        (("--since", "2026-01-01T00:00:03"), [4]),
        (("--since", "2026-01-01T00:00:02.500+00:00"), [4]),
        (("--since", "2026-01-01T03:00:03Z"), []),
        (("--since", "2026-01-01T03:00:03+03:00"), [4]),
        (("--until", "2026-01-01T00:00:00"), [1]),
        (("--since", "2026-01-01T00:00:01", "--until", "2026-01-01T00:00:03"), [2, 3]),
        (("--after", "2"), [3, 4]),
        (("--after", "4"), []),
        (("--after", "99"), []),
        (("--stream", "note:17", "--actor", "system"), [3]),
    ],
    ids=lambda its: " ".join(map(str, its)),
)
def test_only_what_is_wanted_is_printed(
    vidwiz: Vidwiz, options: tuple[str, ...], positions: list[int]
) -> None:
    assert [event["position"] for event in printed(vidwiz, *options)] == positions


def test_a_type_that_is_not_there_is_a_mistake(vidwiz: Vidwiz) -> None:
    done = vidwiz.run("events", "--type", "NoteSold")
    assert done.code == 2
    assert "no such event type: NoteSold" in done.err


def test_an_empty_history_is_nothing(tmp_path: Path, dsn: str) -> None:
    assert Vidwiz(tmp_path / "data", dsn).ok("events") == ""


def test_a_followed_history_goes_on_until_it_is_interrupted(tmp_path: Path, dsn: str) -> None:
    happen(dsn, *EVENTS[:2])
    its = numbered(EVENTS)
    command = [sys.executable, "-m", "vidwiz", "events", "--follow", "--json"]
    with subprocess.Popen(
        command,
        env=server_environment(tmp_path / "data", dsn),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        try:
            assert following.stdout is not None
            seen = [orjson.loads(following.stdout.readline())["position"] for _ in range(2)]
            for event in its[2:]:
                with psycopg.connect(dsn) as connection:
                    append(connection, [event])
                seen.append(orjson.loads(following.stdout.readline())["position"])
            following.send_signal(2)
            left, errors = following.communicate(timeout=30)
        finally:
            following.kill()
    assert seen == [1, 2, 3, 4]
    assert (following.returncode, left, errors) == (0, "", "")
    assert its[0].at == START


def test_the_chain_can_be_recomputed_from_the_printed_lines_alone(vidwiz: Vidwiz) -> None:
    previous = bytes(32)
    for line in printed(vidwiz):
        assert line["previous_hash"] == previous.hex()
        names = ("position", "stream_id", "version", "type", "recorded_at", "metadata", "state")
        fields = [str(line[name]).encode() for name in names]
        framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
        previous = hashlib.sha256(previous + framed).digest()
        assert line["hash"] == previous.hex()


def test_integers_of_any_size_are_printed(dsn: str, tmp_path: Path) -> None:
    video = VideoAdded(id=1, video_id="big", title=None)
    happen(dsn, video, MetadataFetched(video_id="big", metadata={"views": 2**70}))
    its = Vidwiz(tmp_path, dsn)
    assert f'"views":{2**70}' in its.ok("events", "--json").splitlines()[1]
    assert str(2**70) in its.ok("events")
