"""``migrate``, ``rebuild``, ``verify``, ``demo`` and ``--help``, on both kinds of database."""

import json
import re
import threading
from importlib.resources import files
from pathlib import Path

import httpx
import psycopg
import pytest
from click.testing import CliRunner

from tests.cli.command import Vidwiz
from tests.projections.histories import full_history, happen
from tests.support import MASTER, bearer, server_environment, serving
from vidwiz.cli.main import main
from vidwiz.postgres.migrate import head_revision
from vidwiz.replay import engine

DEMO = "demo@vidwiz.example"
TALK = json.loads(files("vidwiz.cli.sample").joinpath("talk.json").read_bytes())


@pytest.fixture
def vidwiz(tmp_path: Path, dsn: str) -> Vidwiz:
    return Vidwiz(tmp_path / "data", dsn)


def spelled(dsn: str, scheme: str) -> str:
    return scheme + dsn.removeprefix("postgresql")


@pytest.mark.parametrize(
    ("variable", "scheme"),
    [
        ("DATABASE_URL", "postgresql"),
        ("DATABASE_URL", "postgres"),
        ("DATABASE_URL", "postgresql+psycopg"),
        ("DB_URL", "postgresql+psycopg2"),
    ],
)
def test_the_database_is_given_by_either_name_and_spelling(
    tmp_path: Path, dsn: str, variable: str, scheme: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP TABLE alembic_version, users")
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    unset = Vidwiz(tmp_path / "data", None)
    told = unset.ok("migrate", **{variable: spelled(dsn, scheme)})
    assert told == f"The schema is at revision {head_revision()}.\n"
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert not (tmp_path / "data").exists()


def test_the_embedded_database_holds_what_one_command_wrote_for_the_next(tmp_path: Path) -> None:
    vidwiz = Vidwiz(tmp_path / "data", None)
    assert vidwiz.ok("migrate") == f"The schema is at revision {head_revision()}.\n"
    assert vidwiz.ok("demo").startswith(f"Loaded {TALK['title']!r}")
    assert "every table equals its replay" in vidwiz.ok("verify")


@pytest.mark.parametrize("command", ["migrate", "events"])
def test_a_database_of_a_newer_program_is_refused_in_one_line(
    vidwiz: Vidwiz, dsn: str, command: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'from_2099'")
    assert vidwiz.run(command).refused() == (
        "the database is at revision from_2099, which this program does not know;"
        " a newer VidWiz may have migrated it"
    )


def test_a_migration_that_fails_says_why_in_one_line_and_changes_nothing(
    vidwiz: Vidwiz, dsn: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("CREATE TABLE notes (mine text)")
    refusal = 'a migration failed and was undone: relation "notes" already exists'
    assert vidwiz.run("migrate").refused() == refusal
    with psycopg.connect(dsn) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == [("notes",)]
        connection.execute("DROP TABLE notes")
    assert vidwiz.ok("migrate") == f"The schema is at revision {head_revision()}.\n"


HAND_MADE = [
    ("ALTER TABLE notes RENAME TO notes_", "verify"),
    ("ALTER TABLE notes RENAME TO notes_", "rebuild"),
    ("ALTER TABLE users DROP COLUMN name CASCADE", "verify"),
    ("ALTER TABLE stored_events RENAME TO events", "events"),
    ("ALTER TABLE stored_events RENAME TO events", "audit checkpoint"),
    ("ALTER TABLE stored_events RENAME TO events", "state --at 1"),
    ("ALTER TABLE users RENAME TO users_", "user list"),
    ("INSERT INTO alembic_version VALUES ('0009')", "migrate"),
    ("INSERT INTO alembic_version VALUES ('0009')", "events"),
]


@pytest.mark.parametrize(("change", "command"), HAND_MADE)
def test_a_schema_that_was_changed_by_hand_is_refused_in_one_line(
    dsn: str, tmp_path: Path, change: str, command: str
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(change.encode())
    done = CliRunner().invoke(main, command.split(), env=server_environment(tmp_path / "data", dsn))
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    *_, line = done.output.splitlines()
    assert line.startswith("Error: ")
    assert "does not exist" in line or "several revisions: 0009, " in line


def test_a_role_without_rights_is_refused_in_one_line(
    vidwiz: Vidwiz, dsn: str, tmp_path: Path
) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP ROLE IF EXISTS without_rights")
        connection.execute("CREATE ROLE without_rights LOGIN")
    poor = Vidwiz(tmp_path / "data", dsn.replace("//vidwiz@", "//without_rights@"))
    assert "permission denied for table alembic_version" in poor.run("verify").refused()


def test_rebuild_says_what_it_rebuilt(vidwiz: Vidwiz, dsn: str) -> None:
    history = full_history()
    happen(dsn, *history)
    everything = vidwiz.ok("rebuild")
    assert everything.startswith(f"Rebuilt from {len(history)} events (15 users, 15 videos, ")
    some = vidwiz.json("rebuild", "notes", "users")
    assert some["rows"] == {"notes": 15, "users": 15}
    assert some["position"] == len(history)


def test_rebuild_names_the_tables_there_are(vidwiz: Vidwiz) -> None:
    done = vidwiz.run("rebuild", "credentials")
    assert done.code == 2
    names = "'users', 'videos', 'openings', 'personal_transcripts', 'notes'"
    assert f"'credentials' is not one of {names}" in done.err


def test_verify_exits_with_1_and_names_the_rows(vidwiz: Vidwiz, dsn: str) -> None:
    history = full_history()
    happen(dsn, *history)
    assert re.fullmatch(
        rf"Replayed {len(history)} events \(.+\) in .+ events/s: every table equals its replay;"
        rf" the log is whole, its head {len(history)} is [0-9a-f]{{64}}\.\n",
        vidwiz.ok("verify"),
    )
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE notes SET text = 'x', timestamp = '9:99' WHERE id = 2")
        connection.execute("DELETE FROM users WHERE id = 7")
    done = vidwiz.run("verify")
    assert done.code == 1
    first, second, verdict = done.out.splitlines()
    assert (first, second) == ("users 7: missing", "notes 2: differs in timestamp, text")
    assert ": 2 rows differ; the log is whole, " in verdict
    as_json = vidwiz.run("verify", "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["differences"] == [
        {"table": "users", "row": 7, "what": "missing", "columns": [], "since": None},
        {
            "table": "notes",
            "row": 2,
            "what": "different",
            "columns": ["timestamp", "text"],
            "since": None,
        },
    ]


def test_a_second_rebuild_is_refused_in_one_line(vidwiz: Vidwiz, dsn: str) -> None:
    happen(dsn, *full_history())
    begun, go_on = threading.Event(), threading.Event()

    def progress(_at: int, _of: int) -> None:
        begun.set()
        go_on.wait(60)

    running = threading.Thread(target=engine.rebuild, args=(dsn, MASTER, (), progress))
    running.start()
    try:
        assert begun.wait(30)
        for command in ("rebuild", "verify"):
            refusal = "another rebuild or verification is running"
            assert vidwiz.run(command).refused() == refusal
    finally:
        go_on.set()
        running.join()


def test_a_log_that_this_program_cannot_read_is_refused_in_one_line(
    vidwiz: Vidwiz, dsn: str
) -> None:
    happen(dsn, *full_history())
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
            " VALUES (gen_random_uuid(), 1, 'UserRenamed', %s)",
            (b'{"class_version":9}',),
        )
    refusal = "UserRenamed version 9 is newer than this program"
    for command in ("verify", "rebuild", "events"):
        done = vidwiz.run(command)
        assert done.code == 1
        assert done.err == f"Error: {refusal}\n"


def test_demo_loads_the_sample_once(vidwiz: Vidwiz, dsn: str, tmp_path: Path) -> None:
    told = vidwiz.ok("demo")
    password = re.search(r"password  (\S{16})\n", told)
    assert password is not None
    assert "demo@vidwiz.example" in told
    objects = tmp_path / "data" / "objects" / "transcripts"
    transcript = objects / f"{TALK['video_id']}.json"
    assert json.loads(transcript.read_bytes()) == TALK["transcript"]
    written = transcript.stat().st_mtime_ns

    again = vidwiz.ok("demo")
    assert again.startswith("The sample is there already: demo@vidwiz.example has notes on")
    assert "Nothing was changed" in again
    assert password[0] in again
    assert "/api/wiz" not in told + again
    assert transcript.stat().st_mtime_ns == written
    with psycopg.connect(dsn) as connection:
        counts = connection.execute("SELECT topic, count(*) FROM stored_events GROUP BY topic")
        assert dict(counts.fetchall()) == {
            "UserSignedUp": 1,
            "VideoAdded": 1,
            "TranscriptReady": 1,
            "MetadataFetched": 1,
            "SummaryWritten": 1,
            "NoteAdded": len(TALK["notes"]),
        }
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
    assert "every table equals its replay" in vidwiz.ok("verify")


def test_a_demo_that_broke_off_is_finished_by_the_next(
    vidwiz: Vidwiz, dsn: str, tmp_path: Path
) -> None:
    objects = tmp_path / "data" / "objects"
    objects.parent.mkdir()
    objects.write_text("a file where a folder should be")
    vidwiz.run("demo").refused()
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT email FROM users").fetchall() == [(DEMO,)]
    objects.unlink()
    assert f"and {len(TALK['notes'])} notes." in vidwiz.ok("demo")

    with psycopg.connect(dsn) as connection:
        gone = connection.execute("DELETE FROM notes WHERE id % 2 = 0").rowcount
    told = vidwiz.ok("demo")
    assert told.startswith(f"Loaded {TALK['title']!r} ({TALK['video_id']}): {gone} notes.\n")
    with psycopg.connect(dsn) as connection:
        counted = connection.execute("SELECT count(*), count(DISTINCT text) FROM notes").fetchone()
    assert counted == (len(TALK["notes"]), len(TALK["notes"]))


def test_the_demo_leaves_an_account_of_others_alone(vidwiz: Vidwiz, dsn: str) -> None:
    vidwiz.ok("demo", SECRET_KEY="the secret of another time, long enough")
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM notes")
    assert vidwiz.ok("demo") == (
        f"{DEMO} has an account with another password already. Nothing was changed.\n"
    )
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_the_demos_account_sees_its_notes(vidwiz: Vidwiz, dsn: str, tmp_path: Path) -> None:
    password = re.search(r"password  (\S+)\n", vidwiz.ok("demo"))
    assert password is not None
    with (
        serving(tmp_path / "data", dsn) as server,
        httpx.Client(base_url=f"{server.url}/api", timeout=30) as client,
    ):
        account = {"email": "demo@vidwiz.example", "password": password[1]}
        login = client.post("/user/login", json=account).raise_for_status()
        headers = bearer(login.json()["token"])
        notes = client.get(f"/notes/{TALK['video_id']}", headers=headers).json()
        video = client.get(f"/videos/{TALK['video_id']}", headers=headers).json()
    assert [(note["timestamp"], note["text"]) for note in notes] == [
        (note["timestamp"], note["text"]) for note in TALK["notes"]
    ]
    assert video["transcript_available"] is True
    assert (video["metadata"], video["summary"]) == (TALK["metadata"], TALK["summary"])


def test_the_demo_leaves_other_peoples_tasks_alone(vidwiz: Vidwiz, dsn: str) -> None:
    happen(dsn, *full_history())
    with psycopg.connect(dsn, autocommit=True) as connection:
        for sequence in ("user_ids", "video_ids", "note_ids", "task_ids"):
            connection.execute("SELECT setval(%s, 1000)", (sequence,))
        before = connection.execute("SELECT id, status, version FROM tasks ORDER BY id").fetchall()
        vidwiz.ok("demo")
        after = connection.execute("SELECT id, status, version FROM tasks ORDER BY id").fetchall()
    assert after == before


def test_the_sample_is_a_sound_transcript() -> None:
    segments = TALK["transcript"]
    assert 25 <= len(segments) <= 40
    ends = [segment["offset"] + segment["duration"] for segment in segments]
    for segment, end in zip(segments[1:], ends, strict=False):
        assert segment["offset"] == pytest.approx(end, abs=0.02)
    assert ends[-1] <= TALK["metadata"]["duration"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{11}", TALK["video_id"])


@pytest.mark.parametrize("command", sorted(main.commands))
def test_every_command_explains_itself_and_its_options(tmp_path: Path, command: str) -> None:
    told = Vidwiz(tmp_path / "data", None).ok(command, "--help")
    assert told.startswith(f"Usage: python -m vidwiz {command} ")
    assert main.commands[command].get_short_help_str()
    assert not (tmp_path / "data").exists()


def test_help_lists_every_command(tmp_path: Path) -> None:
    told = Vidwiz(tmp_path / "data", None).ok("--help")
    for command in main.commands:
        assert re.search(rf"^  {command} +\S", told, re.MULTILINE)
