"""What a bad setting, a broken database or an unusable folder says, and how secrets are kept."""

import asyncio
import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import Vidwiz
from tests.support import free_port, server_environment
from vidwiz.environment import SettingsError
from vidwiz.secret_files import keep_secret
from vidwiz.settings import Settings
from vidwiz.workers.config import Pace

SECRET = "hunter2"
KEEP = """
import sys
from pathlib import Path
from vidwiz.secret_files import keep_secret
from vidwiz.workers.config import Pace
sys.stdin.read(1)
print(keep_secret(Path(sys.argv[1])))
"""

REFUSING = """
import errno, os, sys
def refuse(event, _):
    if event == sys.argv[2]:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
sys.addaudithook(refuse)
"""


@pytest.mark.parametrize(
    ("env", "refusal"),
    [
        (
            {"DATABASE_URL": f"mysql://u:{SECRET}@h/d"},
            "DATABASE_URL: Value error, only PostgreSQL is supported:"
            " postgresql://user:password@host/name",
        ),
        (
            {"DB_URL": f"postgresql://u:{SECRET}@[h/d"},
            "DATABASE_URL: Value error, cannot be read; the form is"
            " postgresql://user:password@host/name",
        ),
        (
            {"VIDWIZ_POOL_SIZE": "many"},
            "VIDWIZ_POOL_SIZE: Input should be a valid integer, unable to parse string as an"
            " integer",
        ),
        (
            {"JWT_EXPIRY_HOURS": "0", "VIDWIZ_LOG_LEVEL": "loud"},
            "JWT_EXPIRY_HOURS: Input should be greater than 0;"
            " VIDWIZ_LOG_LEVEL: Input should be 'debug', 'info', 'warning' or 'error'",
        ),
        (
            {"VIDWIZ_RATE_LIMITS": "perhaps"},
            "VIDWIZ_RATE_LIMITS: Input should be a valid boolean, unable to interpret input",
        ),
    ],
    ids=lambda its: "+".join(its) if isinstance(its, dict) else "",
)
def test_a_bad_setting_is_one_line_that_names_it_and_tells_no_secret(
    tmp_path: Path, env: dict[str, str], refusal: str
) -> None:
    done = Vidwiz(tmp_path / "data", None).run("migrate", **env)
    assert done.refused() == refusal
    assert SECRET not in done.err


@pytest.mark.parametrize("command", ["migrate", "rebuild", "verify", "events", "demo", "serve"])
def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path, command: str) -> None:
    dsn = f"postgresql://nobody:{SECRET}@127.0.0.1:{free_port()}/none"
    done = Vidwiz(tmp_path / "data", dsn).run(command)
    assert done.refused().startswith("cannot connect to PostgreSQL: connection failed: ")
    assert SECRET not in done.err


def test_an_unusable_data_folder_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    done = Vidwiz(tmp_path / "data", None).run("migrate")
    assert f"The data folder {tmp_path / 'data'} cannot be used" in done.refused()


def test_an_unusable_folder_for_secrets_is_one_line_that_names_it(tmp_path: Path, dsn: str) -> None:
    (tmp_path / "data").write_text("a file where a folder should be")
    done = Vidwiz(tmp_path / "data", dsn).run("serve", SECRET_KEY="")
    assert done.refused().startswith(f"cannot keep a secret in {tmp_path / 'data' / 'secret_key'}:")


def test_an_unusable_object_store_is_one_line(tmp_path: Path, dsn: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "objects").write_text("a file where a folder should be")
    refusal = Vidwiz(tmp_path / "data", dsn).run("demo").refused()
    assert str(tmp_path / "data" / "objects") in refusal


async def test_processes_that_start_together_keep_one_secret_that_only_they_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "data" / "secret_key"
    starters = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            KEEP,
            str(path),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=server_environment(tmp_path, None),
        )
        for _ in range(8)
    ]
    told = await asyncio.gather(*(starter.communicate(b"!") for starter in starters))
    secrets = {out.decode().strip() for out, _ in told}
    assert len(secrets) == 1
    (secret,) = secrets
    assert path.read_text() == f"{secret}\n"
    assert len(secret) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [its.name for its in path.parent.iterdir()] == ["secret_key"]


def test_a_secret_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text("older than its mode\n")
    path.chmod(0o644)
    assert keep_secret(path) == "older than its mode"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_that_cannot_be_closed_to_others_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o640)
    done = keep_where_refused("os.chmod", path)
    assert done.returncode == 1
    assert SECRET not in done.stdout
    assert done.stderr.splitlines()[-1] == (
        f"vidwiz.environment.SettingsError: others can read {path},"
        " and it cannot be closed to them: Operation not permitted"
    )


def test_a_secret_is_kept_where_there_are_no_hard_links(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_key"
    first, second = (keep_where_refused("os.link", path) for _ in range(2))
    assert (first.returncode, first.stdout) == (0, path.read_text())
    assert second.stdout == first.stdout
    assert len(path.read_text()) == 65
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [its.name for its in path.parent.iterdir()] == ["secret_key"]


def keep_where_refused(event: str, path: Path) -> "subprocess.CompletedProcess[str]":
    """Keep a secret where the system does not permit what Python audits as this event."""
    return subprocess.run(
        [sys.executable, "-c", REFUSING + KEEP, str(path), event],
        input="!",
        env=server_environment(path.parent, None),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_kept_secret_stays_and_each_has_its_own(tmp_path: Path) -> None:
    first = keep_secret(tmp_path / "secret_key")
    assert keep_secret(tmp_path / "secret_key") == first
    assert keep_secret(tmp_path / "admin_token") != first


def test_an_empty_secret_is_not_a_secret(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("\n")
    with pytest.raises(SettingsError, match="secret_key is empty; delete it"):
        keep_secret(tmp_path / "secret_key")


def test_a_secret_that_was_given_is_not_kept(tmp_path: Path) -> None:
    settings = Settings(SECRET_KEY="given", VIDWIZ_DATA_DIR=tmp_path / "data")
    assert settings.signing_key == "given"
    assert not (tmp_path / "data").exists()
    assert settings.admin_bearer == (tmp_path / "data" / "admin_token").read_text().strip()
    assert not (tmp_path / "data" / "secret_key").exists()


def test_the_key_of_checkpoints_is_made_once_and_kept_for_this_user_alone(tmp_path: Path) -> None:
    first, second = (Settings(VIDWIZ_DATA_DIR=tmp_path).audit_key for _ in range(2))
    kept = tmp_path / "audit_key"
    assert first == second == base64.b64decode(kept.read_text())
    assert len(first) == 32
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_the_key_of_checkpoints_can_be_given(tmp_path: Path) -> None:
    seed = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(VIDWIZ_SIGNING_KEY=seed, VIDWIZ_DATA_DIR=tmp_path / "data")
    assert settings.audit_key == bytes(range(32))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("given", ["c2hvcnQ=", "not base64 at all", "ü" * 44])
def test_a_key_of_checkpoints_that_is_none_is_refused_without_being_shown(
    tmp_path: Path, given: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        _ = Settings(VIDWIZ_SIGNING_KEY=given).audit_key
    assert str(refusal.value) == "VIDWIZ_SIGNING_KEY has to be 32 bytes in base64"
    (tmp_path / "audit_key").write_text("truncated\n")
    with pytest.raises(SettingsError, match="audit_key has to be 32 bytes"):
        _ = Settings(VIDWIZ_DATA_DIR=tmp_path).audit_key


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(Settings(SECRET_KEY=SECRET, ADMIN_TOKEN=SECRET))
    assert SECRET not in shown


def test_workers_are_quicker_than_claims_go_stale() -> None:
    usual = Pace()
    assert usual.within(3600) == usual
    hurried = usual.within(12)
    assert hurried.work_s < 12
    assert hurried.fetch_s + hurried.patience_s < hurried.work_s
