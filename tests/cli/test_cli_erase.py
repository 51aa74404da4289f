"""``erase`` forgets a person, and no command works on a database with another's master key."""

import asyncio
import hashlib
import stat
import subprocess
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from tests.cli.command import Vidwiz
from tests.event_store.parts import rows, running
from tests.projections.histories import append, numbered
from tests.support import server_environment
from tests.support import test_settings as settings_of
from vidwiz.cli.erase import ErasableAccount, find
from vidwiz.commands.conversations import Identity, StartConversation
from vidwiz.commands.users import SignUp
from vidwiz.commands.videos import OpenVideo
from vidwiz.events import NoteAdded, UserSignedUp
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.settings import Settings
from vidwiz.settings.environment import SettingsError

OTHER_KEY = b64encode(b"another master key, of 32 bytes!").decode()


@pytest.fixture
def vidwiz(tmp_path: Path, dsn: str) -> Vidwiz:
    return Vidwiz(tmp_path / "data", dsn)


@pytest.fixture
async def ann(dsn: str) -> int:
    """Somebody with an account; her id."""
    async with running(dsn) as parts:
        return int(
            await parts.store.execute(SignUp("ann@example.org", "Ann", "x"), EventMetadata(SYSTEM))
        )


def test_a_person_is_erased_by_their_address(vidwiz: Vidwiz, dsn: str, ann: int) -> None:
    assert vidwiz.ok("erase", " Ann@Example.org ", "--yes") == f"User {ann} is erased.\n"
    assert rows(dsn, "SELECT * FROM users") == []
    assert "ann@" not in vidwiz.ok("events", "--json")
    assert "every table equals its replay" in vidwiz.ok("verify")


@pytest.mark.parametrize("named", ["digest", "session id"])
async def test_a_guest_is_erased_by_the_digest_or_the_session_id(
    vidwiz: Vidwiz, dsn: str, named: str
) -> None:
    session = "a guest's session"
    digest = hashlib.sha256(session.encode()).hexdigest()[:32]
    async with running(dsn) as parts:
        await parts.store.execute(
            OpenVideo("W421vNri5hw", datetime.now(UTC)), EventMetadata(SYSTEM)
        )
        talk = StartConversation(Identity(guest_id=digest), "W421vNri5hw")
        await parts.store.execute(talk, EventMetadata(SYSTEM))
    who = f"guest:{digest if named == 'digest' else session}"
    told = await asyncio.to_thread(vidwiz.ok, "erase", who, "--yes")
    assert told == f"Guest {digest} is erased.\n"
    assert rows(dsn, "SELECT * FROM conversations") == []
    refusal = (await asyncio.to_thread(vidwiz.run, "erase", who, "--yes")).refused()
    assert "nobody has this id" in refusal


@pytest.mark.parametrize(("said", "left"), [("y\n", 0), ("n\n", 1)])
def test_an_erasure_asks_first(vidwiz: Vidwiz, dsn: str, ann: int, said: str, left: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vidwiz", "erase", f"{ann}"],
        env=server_environment(vidwiz.data_dir, dsn),
        input=said,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert f"Erase user {ann} (ann@example.org) for ever? [y/N]" in done.stdout
    assert len(rows(dsn, "SELECT * FROM users")) == left
    assert done.returncode == left


def test_whoever_is_not_there_cannot_be_erased(vidwiz: Vidwiz) -> None:
    refusal = vidwiz.run("erase", "nobody", "--yes").refused()
    assert refusal == "nobody has this id or e-mail address"


async def test_a_person_is_found_by_id_or_address_and_by_nothing_else(dsn: str, ann: int) -> None:
    async with running(dsn) as parts:
        for who in (f"{ann}", "ann@example.org", " ANN@example.ORG "):
            assert await find(parts.database, who) == ErasableAccount(ann, "ann@example.org")
        for who in ("0", "-1", "9" * 25, "nobody", "٣", "", "%", f"{ann}.0"):
            assert await find(parts.database, who) is None


def test_a_database_is_not_opened_with_another_master_key(vidwiz: Vidwiz, ann: int) -> None:
    assert "UserSignedUp" in vidwiz.ok("events")
    for command in (["serve", "--port", "0"], ["events"], ["erase", f"{ann}", "--yes"]):
        refusal = vidwiz.run(*command, VIDWIZ_MASTER_KEY=OTHER_KEY).refused()
        assert "this is not the master key of the database: set VIDWIZ_MASTER_KEY" in refusal


def test_a_master_key_that_nobody_set_is_made_once_and_kept(tmp_path: Path) -> None:
    key = keyed(tmp_path, None).master_key_bytes
    path = tmp_path / "master_key"
    assert b64decode(path.read_text()) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keyed(tmp_path, None).master_key_bytes == key
    path.write_text("hunter2\n")
    with pytest.raises(SettingsError, match=r"master_key has to be 32 bytes in base64"):
        _ = keyed(tmp_path, None).master_key_bytes


@pytest.mark.parametrize("odd", ["hunter2", "aHVudGVyMg==", "é" * 44, OTHER_KEY[:-2]])
def test_what_is_no_master_key_is_refused_and_not_repeated(tmp_path: Path, odd: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        _ = keyed(tmp_path, odd).master_key_bytes
    assert str(refusal.value) == "VIDWIZ_MASTER_KEY has to be 32 bytes in base64"


def keyed(data_dir: Path, key: str | None) -> Settings:
    return settings_of(data_dir, VIDWIZ_MASTER_KEY=key)


def test_a_service_does_not_start_on_events_that_it_has_no_class_for(
    vidwiz: Vidwiz, dsn: str
) -> None:
    with psycopg.connect(dsn) as connection:
        for topic in ("NoteSold", "NoteLent"):
            connection.execute(
                "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
                " VALUES (gen_random_uuid(), 1, %s, '{}')",
                (topic,),
            )
    refusal = vidwiz.run("serve", "--port", "0").refused()
    assert refusal == "the log has events without a class here: NoteLent, NoteSold"
    assert "not known here: NoteLent, NoteSold" in vidwiz.run("doctor").out


def test_the_doctor_tells_of_the_master_key_and_of_what_is_in_the_clear(
    vidwiz: Vidwiz, dsn: str, ann: int
) -> None:
    env = {"COLUMNS": "300"}
    told = vidwiz.ok("doctor", **env)
    assert "sealed in every event" in told
    old = numbered(
        [
            UserSignedUp(user_id=90, email="old@example.org", name="Old"),
            NoteAdded(note_id=90, user_id=90, video_id="v", timestamp="0:01", text='"old"'),
            NoteAdded(note_id=91, user_id=90, video_id="v", timestamp="0:01", text=None),
            NoteAdded(note_id=92, user_id=90, video_id="v", timestamp="0:01", text=""),
        ]
    )
    with psycopg.connect(dsn) as connection:  # dated now: the log refuses times that go back
        append(connection, [replace(its, at=datetime.now(UTC)) for its in old])
    assert "in the clear in 2 events of an older version" in vidwiz.ok("doctor", **env)
    vidwiz.ok("events")  # which makes the database remember its key
    other = vidwiz.run("doctor", VIDWIZ_MASTER_KEY=OTHER_KEY, **env)
    assert other.code == 1
    assert "this is not the master key of the database" in other.out
