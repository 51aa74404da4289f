"""What a bad setting, a broken database or an unusable folder says, and how secrets are kept."""

import asyncio
import base64
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.command import Vidwiz
from tests.support import free_port, server_environment
from vidwiz.cli.main import main
from vidwiz.settings import Settings
from vidwiz.settings.environment import SettingsError
from vidwiz.settings.secret_files import keep_secret
from vidwiz.workers.config import Timeouts

SECRET = "hunter2"
KEEP = """
import sys
from pathlib import Path
from vidwiz.settings.secret_files import keep_secret
from vidwiz.workers.config import Timeouts
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
            "DB_URL: Value error, cannot be read; the form is postgresql://user:password@host/name",
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
        f"vidwiz.settings.environment.SettingsError: others can read {path},"
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


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours is in the environment, and no .env file is read."""
    for name in [name for name in os.environ if name.startswith("VIDWIZ_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("VIDWIZ_ENV_FILE", "off")


NONSENSE = {
    "AWS_ENDPOINT_URL": ["nonsense", "ftp://x/y", "http://", "http://[", "http://x:99999", "a b"],
    "SQS_AI_NOTE_QUEUE_URL": ["my-queue", "http://h/a\nb"],
    "SQS_SUMMARY_QUEUE_URL": ["my-queue", "://"],
    "GOOGLE_GEMINI_BASE_URL": ["generativelanguage.googleapis.com"],
    "OPENAI_BASE_URL": ["localhost:11434", "http:///v1", "https://h/" + "x" * 2000],
    "VIDWIZ_API_URL": ["127.0.0.1:8000"],
    "VIDWIZ_YOUTUBE_URL": ["youtube.com"],
    "VIDWIZ_YOUTUBE_PROXY": ["proxy:3128", "ftp://proxy:3128"],
    "GOOGLE_CERTS_URL": ["certs.json"],
    "VIDWIZ_WITNESSES": ["http://x:99999", "https://good.example, nonsense"],
    "S3_BUCKET_NAME": ["a", "my bucket", "☃☃☃"],
    "AWS_REGION": ["eu central", "☃"],
    "GEMINI_API_KEY": ["a\nb", "☃"],
    "OPENAI_API_KEY": ["a\r\nX: b"],
    "ADMIN_TOKEN": ["a token\nof two lines", "clé d'administration"],
    "VIDWIZ_METRICS_TOKEN": ["☃"],
    "OPENAI_MODEL": ["a b", "a\nb"],
    "GEMINI_MODEL_NAME": ["☃"],
    "GOOGLE_CLIENT_ID": ["two words"],
    "VIDWIZ_CAPTION_LANGUAGES": ["en;de", ",", "../x"],
    "VIDWIZ_TRUSTED_PROXIES": ["localhost", "10.0.0.0/99", "10.0.0.1,,10.0.0.2", "1.2.3"],
    "VIDWIZ_STALE_CLAIM_SECONDS": ["inf", "nan", "1e999", "-1"],
    "VIDWIZ_PROMPT_TOKENS": ["99999999999999999999"],
}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", NONSENSE)
def test_a_value_that_cannot_be_meant_is_refused_with_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for value in NONSENSE[name]:
        monkeypatch.setenv(name, value)
        done = CliRunner().invoke(main, ["user", "--help"])
        assert (done.exit_code, done.output.count("\n")) == (1, 1), (value, done.output)
        assert done.output.startswith(f"Error: {name}: ")


SENSE = {
    "AWS_ENDPOINT_URL": "http://minio:9000",
    "SQS_AI_NOTE_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/123456789012/notes",
    "OPENAI_BASE_URL": "http://[::1]:11434/v1",
    "VIDWIZ_YOUTUBE_PROXY": "socks5h://user:pass%20word@host:1080",
    "S3_BUCKET_NAME": "arn:aws:s3:eu-central-1:123456789012:accesspoint/notes",
    "OPENAI_MODEL": "hf.co/bartowski/Llama-3.2-1B:Q4_K_M",
    "VIDWIZ_CAPTION_LANGUAGES": "en, pt-BR,zh-Hans",
    "VIDWIZ_TRUSTED_PROXIES": "127.0.0.1, 10.1.2.3/8, ::1",
    "VIDWIZ_WITNESSES": "https://a.example/vidwiz/, http://127.0.0.1:8000",
    "VIDWIZ_STALE_CLAIM_SECONDS": "0.5",
}


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", SENSE)
def test_a_value_that_can_be_meant_is_taken(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, SENSE[name])
    assert CliRunner().invoke(main, ["user", "--help"]).exit_code == 0


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("blank", ["", " ", "\t", " \n "])
def test_a_blank_value_counts_as_missing(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    """Else a blank DATABASE_URL is libpq's default, and a blank ADMIN_TOKEN is an empty one."""
    for name in ("DATABASE_URL", "ADMIN_TOKEN", "SECRET_KEY", "VIDWIZ_POOL_SIZE"):
        monkeypatch.setenv(name, blank)
    settings = Settings()
    assert (settings.embedded, settings.admin_token, settings.secret_key) == (True, None, None)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("line", ["SECRET_KEY: abc", "SECRET_KEY abc", "=abc", 'ADMIN_TOKEN="abc'])
def test_a_line_of_the_env_file_that_is_no_setting_is_refused_with_its_number(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "settings.env"
    file.write_text(f"# ours\nVIDWIZ_LOG_LEVEL=info\n{line}\n")
    monkeypatch.setenv("VIDWIZ_ENV_FILE", str(file))
    refusal = f"{file}: line 3 is not of the form NAME=value"
    assert CliRunner().invoke(main, ["user", "--help"]).output == f"Error: {refusal}\n"


def test_settings_do_not_show_their_secrets() -> None:
    shown = repr(Settings(SECRET_KEY=SECRET, ADMIN_TOKEN=SECRET))
    assert SECRET not in shown


def test_workers_are_quicker_than_claims_go_stale() -> None:
    usual = Timeouts()
    assert usual.within(3600) == usual
    hurried = usual.within(12)
    assert hurried.work_s < 12
    assert hurried.fetch_s + hurried.patience_s < hurried.work_s
