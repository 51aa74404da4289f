"""Settings come from the environment, a .env file and files of secrets; nothing is ignored."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.support import server_environment
from vidwiz.settings import INTERNAL, SECRETS, Settings, environment, names_of, unknown_settings
from vidwiz.settings.environment import SettingsError, hand_on_to_aws, read_environment

LONG = "a long secret 0123456789 abcdefghij"
URLS = {
    "DATABASE_URL": "postgresql://me@host/db",
    "DB_URL": "postgresql://me@host/db",
    "VIDWIZ_YOUTUBE_PROXY": "http://me:secret@host:3128",
}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An empty environment in an empty folder."""
    for name in os.environ:
        if name not in ("PATH", "HOME", "TMPDIR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.mark.parametrize("name", SECRETS)
def test_every_secret_can_be_given_by_a_file(
    given: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    secret = URLS.get(name, LONG)
    (tmp_path / "secret").write_text(f"{secret}\n")
    given.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert shown(Settings(), name) == secret


def test_secrets_are_all_that_nobody_may_read() -> None:
    hidden = {
        alias
        for field in Settings.model_fields.values()
        if SecretStr.__name__ in str(field.annotation)  # it may be annotated with its form
        for alias in names_of(field)
    }
    assert {*SECRETS} == hidden | {"DATABASE_URL", "DB_URL"}
    assert {"SECRET_KEY", "ADMIN_TOKEN", "VIDWIZ_MASTER_KEY", "GEMINI_API_KEY"} <= hidden


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (None, "No such file or directory"),
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"x" * 70_000, "is longer than 65536 bytes"),
    ],
    ids=["absent", "empty", "blank", "binary", "huge"],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_named(
    given: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, refusal: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    given.setenv("SECRET_KEY_FILE", str(path))
    with pytest.raises(SettingsError, match=f"SECRET_KEY_FILE: .*{path}.*{refusal}"):
        Settings()


def test_a_secret_given_twice_in_one_place_is_refused(
    given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(LONG)
    given.setenv("ADMIN_TOKEN_FILE", str(tmp_path / "secret"))
    given.setenv("ADMIN_TOKEN", "another")
    with pytest.raises(SettingsError, match="both ADMIN_TOKEN and ADMIN_TOKEN_FILE are set"):
        Settings()


def test_the_env_file_of_the_folder_is_read_and_the_environment_wins(
    given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "admin").write_text(f"{LONG}\r\n")
    (tmp_path / ".env").write_text(
        "# ours\n"
        f'SECRET_KEY="in $the file"\nexport VIDWIZ_POOL_SIZE=3\nADMIN_TOKEN_FILE={tmp_path}/admin\n'
        "JWT_EXPIRY_HOURS=2\nVIDWIZ_LOG_LEVEL=\n"
    )
    given.setenv("JWT_EXPIRY_HOURS", "5")
    settings = Settings()
    assert shown(settings, "SECRET_KEY") == "in $the file"
    assert settings.pool_size == 3
    assert shown(settings, "ADMIN_TOKEN") == LONG
    assert settings.jwt_expiry_hours == 5
    assert settings.log_level == "info"


@pytest.mark.parametrize(
    ("named", "pool_size"), [("off", 12), ("other.env", 4), ("", 3)], ids=["off", "other", "none"]
)
def test_another_env_file_can_be_named(
    given: pytest.MonkeyPatch, tmp_path: Path, named: str, pool_size: int
) -> None:
    (tmp_path / ".env").write_text("VIDWIZ_POOL_SIZE=3")
    (tmp_path / "other.env").write_text("VIDWIZ_POOL_SIZE=4")
    given.setenv("VIDWIZ_ENV_FILE", named)
    assert Settings().pool_size == pool_size


def test_an_env_file_that_is_named_and_not_there_is_refused(given: pytest.MonkeyPatch) -> None:
    given.setenv("VIDWIZ_ENV_FILE", "absent.env")
    with pytest.raises(SettingsError, match=r"VIDWIZ_ENV_FILE: there is no file .*absent\.env"):
        Settings()


def test_an_env_file_that_is_no_text_is_refused(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"SECRET_KEY=\xff\xfe")
    with pytest.raises(SettingsError, match="is not UTF-8 text"):
        Settings()


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"VIDWIZ_POLL_SIZE": "3"}, ["VIDWIZ_POLL_SIZE", "VIDWIZ_POOL_SIZE"]),
        ({"vidwiz_log_levl": "info"}, ["VIDWIZ_LOG_LEVL", "VIDWIZ_LOG_LEVEL"]),
        ({"VIDWIZ_SIGNING_KEY_FIEL": "x"}, ["VIDWIZ_SIGNING_KEY_FIEL", "VIDWIZ_SIGNING_KEY"]),
        ({"VIDWIZ_POOL_SIZE_FILE": "x"}, ["VIDWIZ_POOL_SIZE_FILE", "VIDWIZ_POOL_SIZE"]),
        ({"VIDWIZ_FROBNICATE": "x"}, ["VIDWIZ_FROBNICATE is no setting"]),
        ({"SECRET_KEYS": "somebody else's"}, []),
        ({"VIDWIZ_POOL_SIZE": "3", **dict.fromkeys(INTERNAL, "x")}, []),
    ],
    ids=lambda its: "+".join(its)[:40] if isinstance(its, dict) else "",
)
def test_a_variable_that_looks_like_a_setting_and_is_none_is_named(
    given: pytest.MonkeyPatch, variables: Mapping[str, str], said: list[str]
) -> None:
    for name, value in variables.items():
        given.setenv(name, value)
    sentences = unknown_settings(environment())
    assert len(sentences) == (1 if said else 0)
    for word in said:
        assert word in sentences[0]


def test_in_the_env_file_also_other_names_are_misspelt(
    given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("SECRETKEY=x\nDATABSE_URL=x\nPOSTGRES_USER=me\n")
    assert unknown_settings(environment()) == [
        "DATABSE_URL is no setting; did you mean DATABASE_URL?",
        "SECRETKEY is no setting; did you mean SECRET_KEY?",
    ]


def test_the_aws_sdk_finds_what_the_env_file_and_files_of_secrets_hold(
    given: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("secret\n")
    (tmp_path / ".env").write_text(
        f"AWS_ACCESS_KEY_ID=id\nAWS_SECRET_ACCESS_KEY_FILE={tmp_path}/key\nAWS_PROFILE=theirs\n"
    )
    given.setenv("AWS_PROFILE", "mine")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        given.setenv(name, "")  # so that it is put back
        given.delenv(name)
    hand_on_to_aws(read_environment(SECRETS))
    assert os.environ["AWS_ACCESS_KEY_ID"] == "id"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "secret"
    assert os.environ["AWS_PROFILE"] == "mine"


@pytest.mark.parametrize(
    ("secrets", "weakness"),
    [
        ({}, None),
        ({"SECRET_KEY": "x" * 31 + "y"}, "SECRET_KEY repeats a few characters"),
        ({"SECRET_KEY": "abcdefgh" * 6}, "SECRET_KEY repeats a few characters"),
        ({"SECRET_KEY": LONG[:31]}, "SECRET_KEY has only 31 bytes of at least 32"),
        ({"SECRET_KEY": LONG[:32]}, None),
        ({"SECRET_KEY": "changeme-0123456789-abcdefghijklmn"}, "SECRET_KEY is the placeholder"),
        ({"SECRET_KEY": "PASSWORD of my database 0123456789"}, "SECRET_KEY is the placeholder"),
        ({"ADMIN_TOKEN": "admin-token"}, "ADMIN_TOKEN has only 11 bytes of at least 16"),
        ({"ADMIN_TOKEN": "0123456789abcdef"}, None),
        ({"ADMIN_TOKEN": LONG, "SECRET_KEY": LONG}, "SECRET_KEY and ADMIN_TOKEN are the same"),
        ({"VIDWIZ_MASTER_KEY": "A" * 43 + "="}, "VIDWIZ_MASTER_KEY repeats a few bytes"),
        ({"VIDWIZ_SIGNING_KEY": "AAAA" * 10 + "AAE="}, "VIDWIZ_SIGNING_KEY repeats a few bytes"),
    ],
    ids=lambda its: "+".join(its.values())[:30] if isinstance(its, dict) else "",
)
def test_a_secret_that_can_be_guessed_is_named(
    given: pytest.MonkeyPatch, tmp_path: Path, secrets: Mapping[str, str], weakness: str | None
) -> None:
    given.setenv("VIDWIZ_DATA_DIR", str(tmp_path / "data"))
    for name, value in secrets.items():
        given.setenv(name, value)
    found = Settings().weaknesses()
    assert len(found) == (0 if weakness is None else 1)
    assert weakness is None or found[0].startswith(weakness)
    assert not (tmp_path / "data").exists()


def test_secrets_that_vidwiz_makes_are_strong(given: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given.setenv("VIDWIZ_DATA_DIR", str(tmp_path / "data"))
    settings = Settings()
    _ = settings.signing_key, settings.admin_bearer, settings.master_key_bytes, settings.audit_key
    assert settings.weaknesses() == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org"])
def test_with_weak_secrets_nothing_listens_beyond_loopback(tmp_path: Path, host: str) -> None:
    done = vidwiz(tmp_path, "serve", "--host", host, SECRET_KEY="x", ADMIN_TOKEN="a")
    assert done.returncode == 1
    assert done.stderr == (
        "Error: SECRET_KEY has only 1 bytes of at least 32; ADMIN_TOKEN has only 1 bytes of at"
        f" least 16; with this {host} is not listened on, only loopback is\n"
    )


def test_a_command_says_which_env_file_it_read_and_what_is_misspelt(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VIDWIZ_POLL_SIZE=3\n")
    done = vidwiz(tmp_path, "audit", "key", VIDWIZ_ENV_FILE="")
    assert done.returncode == 0
    assert done.stderr.splitlines()[:2] == [
        f"Settings are read from {tmp_path}/.env too",
        "Warning: VIDWIZ_POLL_SIZE is no setting; did you mean VIDWIZ_POOL_SIZE?",
    ]


def vidwiz(folder: Path, *arguments: str, **env: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "vidwiz", *arguments],
        cwd=folder,
        env=server_environment(folder / "data", None, **env),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def shown(settings: Settings, name: str) -> str | None:
    """A secret of the settings, by the name of its variable."""
    for key, field in Settings.model_fields.items():
        if name in names_of(field):
            value = getattr(settings, key)
            return value.get_secret_value() if isinstance(value, SecretStr) else value
    raise KeyError(name)
