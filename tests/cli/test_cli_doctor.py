"""``doctor`` names what is broken or missing, and what that turns off."""

import re
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from tests.cli.command import Vidwiz
from tests.faults import read_only
from tests.projections.histories import full_history, happen
from tests.support import free_port
from vidwiz.postgres.migrate import head_revision
from vidwiz.settings.secret_files import keep_secret, new_key

MIGRATE = "bring the schema up to date: vidwiz migrate"


@pytest.fixture
def vidwiz(tmp_path: Path, dsn: str) -> Vidwiz:
    return Vidwiz(tmp_path / "data", dsn)


def findings(vidwiz: Vidwiz, code: int, **env: str) -> dict[str, dict[str, Any]]:
    done = vidwiz.run("doctor", "--json", **env)
    assert done.code == code, done.err
    return {one.pop("what"): one for one in orjson.loads(done.out)}


def test_a_sound_installation_is_told_with_what_is_off(vidwiz: Vidwiz, tmp_path: Path) -> None:
    for name in ("admin_token", "audit_key"):
        keep_secret(tmp_path / "data" / name, new_key)
    told = findings(vidwiz, 0, VIDWIZ_STATIC_DIR=str(tmp_path), ADMIN_TOKEN="")
    assert {what: one["state"] for what, one in told.items()} == {
        "database": "ok",
        "SECRET_KEY": "ok",
        "ADMIN_TOKEN": "ok",
        "VIDWIZ_SIGNING_KEY": "ok",
        "object store": "ok",
        "event types": "ok",
        "master key": "ok",
        "personal data": "ok",
        "transcripts": "ok",
        "checkpoint": "ok",
        "reaction ai-notes": "ok",
        "reaction own-writing": "ok",
        "reaction passages": "ok",
        "reaction summaries": "ok",
        "Google sign-in": "off",
        "language model": "off",
        "AI-note queue": "ok",
        "summary queue": "ok",
        "web app": "off",
        "rate limits": "off",
        "model calls": "ok",
    }
    detail = f"external, PostgreSQL 18, 0 events, schema {head_revision()}"
    assert told["database"]["detail"] == detail
    assert told["SECRET_KEY"]["detail"] == "from the environment"
    assert told["ADMIN_TOKEN"]["detail"] == f"in {tmp_path / 'data' / 'admin_token'}"
    assert told["VIDWIZ_SIGNING_KEY"]["detail"] == f"in {tmp_path / 'data' / 'audit_key'}"
    assert told["checkpoint"]["detail"] == "the log is empty"
    assert told["object store"]["detail"] == f"folder {tmp_path / 'data' / 'objects'}"
    assert told["Google sign-in"]["detail"] == "GOOGLE_CLIENT_ID is not set"
    assert told["language model"]["detail"] == "Wiz answers with passages of the transcript"
    assert told["summary queue"]["detail"] == "the database, for our own workers"
    assert told["web app"]["detail"] == f"not built in {tmp_path}"
    assert told["rate limits"]["detail"] == "VIDWIZ_RATE_LIMITS=off; quotas of cost still hold"


def test_the_ceiling_of_model_calls_is_shown_with_its_use(vidwiz: Vidwiz) -> None:
    for most, state in (("7", "ok"), ("0", "off")):
        told = findings(vidwiz, 0, VIDWIZ_MODEL_CALLS_A_DAY=most)["model calls"]
        assert (told["state"], told["detail"]) == (state, f"0 of {most} today")


def test_what_is_set_is_on(vidwiz: Vidwiz, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    keep_secret(tmp_path / "data" / "audit_key", new_key)
    told = findings(
        vidwiz,
        0,
        GOOGLE_CLIENT_ID="client",
        GEMINI_API_KEY="key",
        SQS_SUMMARY_QUEUE_URL="https://sqs.example/summaries",
        AWS_REGION="eu-central-1",
        VIDWIZ_STATIC_DIR=str(tmp_path),
        VIDWIZ_RATE_LIMITS="on",
    )
    assert {one["state"] for one in told.values()} == {"ok"}
    assert told["language model"]["detail"] == "gemini-2.5-flash at Google"
    assert told["summary queue"]["detail"] == "SQS, https://sqs.example/summaries"


def test_secrets_that_can_be_guessed_are_broken(vidwiz: Vidwiz) -> None:
    done = vidwiz.run("doctor", "--json", SECRET_KEY="short", ADMIN_TOKEN="a")
    found = orjson.loads(done.out)
    broken = [one["detail"] for one in found if one["state"] == "broken"]
    assert broken == [
        "SECRET_KEY has only 5 bytes of at least 32",
        "ADMIN_TOKEN has only 1 bytes of at least 16",
    ]
    assert done.code == 1


def test_a_misspelt_setting_is_broken_and_named_with_what_was_meant(vidwiz: Vidwiz) -> None:
    done = vidwiz.run("doctor", "--json", VIDWIZ_POLL_SIZE="3")
    broken = [one["detail"] for one in orjson.loads(done.out) if one["state"] == "broken"]
    assert broken == ["VIDWIZ_POLL_SIZE is no setting; did you mean VIDWIZ_POOL_SIZE?"]
    assert done.code == 1


def test_a_new_installation_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    nothing = dict.fromkeys(("SECRET_KEY", "ADMIN_TOKEN", "VIDWIZ_MASTER_KEY"), "")
    told = findings(Vidwiz(tmp_path / "data", None), 0, **nothing)
    assert told["database"]["detail"] == "not made yet"
    assert told["SECRET_KEY"]["detail"] == f"made on first run, in {tmp_path}/data/secret_key"
    assert not {one["state"] for one in told.values()} & {"broken"}
    assert not (tmp_path / "data").exists()


def test_a_master_key_that_is_gone_is_broken_and_none_is_made(
    vidwiz: Vidwiz, tmp_path: Path
) -> None:
    vidwiz.ok("demo")
    told = findings(vidwiz, 1, VIDWIZ_MASTER_KEY="")
    assert told["master key"]["detail"] == f"not set, and not in {tmp_path}/data/master_key"
    assert not (tmp_path / "data" / "master_key").exists()


def test_a_database_that_does_not_answer_is_named_with_the_reason(tmp_path: Path) -> None:
    port = free_port()
    dsn = f"postgresql://nobody:hunter2@127.0.0.1:{port}/none"
    done = Vidwiz(tmp_path / "data", dsn).run("doctor", "--json")
    assert done.code == 1
    database = orjson.loads(done.out)[0]
    assert database["state"] == "broken"
    assert f'"127.0.0.1", port {port} failed: Connection refused' in database["detail"]
    assert "hunter2" not in done.out + done.err
    assert done.err == ""


def test_an_embedded_database_without_a_usable_folder_is_named_with_all_it_breaks(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    told = findings(Vidwiz(tmp_path / "data", None), 1, SECRET_KEY="")
    broken = {what for what, one in told.items() if one["state"] == "broken"}
    assert broken == {"database", "SECRET_KEY", "VIDWIZ_SIGNING_KEY", "object store"}
    for what in broken:
        assert str(tmp_path / "data") in told[what]["detail"]
    assert told["object store"]["advice"] == "transcripts cannot be stored"


def test_an_embedded_database_is_told_with_its_folder(tmp_path: Path) -> None:
    vidwiz = Vidwiz(tmp_path / "data", None)
    vidwiz.ok("migrate")
    detail = findings(vidwiz, 0)["database"]["detail"]
    assert detail.startswith(f"embedded in {tmp_path / 'data'}, PostgreSQL 18, 0 events, schema ")


def test_a_database_without_a_schema_is_to_be_migrated(vidwiz: Vidwiz, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    told = findings(vidwiz, 1)["database"]
    assert (told["state"], told["advice"]) == ("broken", MIGRATE)


HAND_MADE = {
    "ALTER TABLE notes RENAME TO notes_": "the table notes is missing",
    "ALTER TABLE users RENAME COLUMN name TO names": "the column users.name is missing",
    "INSERT INTO alembic_version VALUES ('0009')": "schema ",
}


@pytest.mark.parametrize("change", HAND_MADE)
def test_a_schema_that_was_changed_by_hand_is_broken(vidwiz: Vidwiz, dsn: str, change: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(change.encode())
    told = findings(vidwiz, 1)["database"]
    assert told["state"] == "broken"
    assert HAND_MADE[change] in told["detail"]


def test_a_read_only_database_is_broken(vidwiz: Vidwiz, dsn: str) -> None:
    with read_only(dsn):
        told = findings(vidwiz, 1)["database"]
    assert told["state"] == "broken"
    assert told["detail"].endswith(": it is read-only")


def test_a_log_that_cannot_be_read_is_broken(vidwiz: Vidwiz, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("INSERT INTO log_checkpoints SELECT 1, '', 1, 'infinity', '', '', ''")
        connection.execute(
            "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
            " VALUES (gen_random_uuid(), 1, 'T', '{}')"
        )
    assert findings(vidwiz, 1)["log"]["state"] == "broken"


def test_a_schema_that_this_program_does_not_know_is_named(vidwiz: Vidwiz, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    told = findings(vidwiz, 1)["database"]
    newest = head_revision()
    assert told["detail"].endswith(f": schema 0000, but this program needs {newest}")
    assert told["advice"] == MIGRATE


def test_the_newest_checkpoint_is_told_with_its_age_and_its_copy(
    vidwiz: Vidwiz, dsn: str, tmp_path: Path
) -> None:
    happen(dsn, *full_history()[:3])
    told = findings(vidwiz, 0)["checkpoint"]
    assert (told["state"], told["detail"]) == ("off", "none of 3 events is pinned")
    vidwiz.ok("audit", "checkpoint")
    (copy,) = (tmp_path / "data" / "objects" / "audit" / "checkpoints").iterdir()
    told = findings(vidwiz, 0)["checkpoint"]
    assert told["state"] == "ok"
    where = f"folder {tmp_path / 'data' / 'objects'}"
    assert re.fullmatch(rf"at 3, \d+ s old, 0 events behind, copied to {where}", told["detail"])
    copy.write_bytes(b"{}")
    told = findings(vidwiz, 1)["checkpoint"]
    assert told["detail"].endswith(f"0 events behind, but {where} has another copy")
    assert told["advice"] == "find out why: vidwiz audit verify"
    copy.unlink()
    told = findings(vidwiz, 0)["checkpoint"]
    assert (told["state"], told["advice"]) == (
        "off",
        "the service makes it, or: vidwiz audit checkpoint",
    )


def test_a_person_gets_a_table_that_shows_brackets_as_they_are(tmp_path: Path, dsn: str) -> None:
    done = Vidwiz(tmp_path / "data [red]", dsn).run("doctor", COLUMNS="300")
    assert done.code == 0
    assert f"in {tmp_path / 'data [red]'}" not in done.err
    assert str(tmp_path / "data [red]") in done.out
