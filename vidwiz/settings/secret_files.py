"""Secrets that the service makes itself, each in a file that only its user can read."""

import base64
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from vidwiz.settings.environment import SettingsError

KEY_BYTES = 32
FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def new_token() -> str:
    """A secret that nobody guesses."""
    return secrets.token_urlsafe(48)


def new_key() -> str:
    """A key for AES-256 or Ed25519, in base64."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def keep_secret(path: Path, new: Callable[[], str] = new_token) -> str:
    """The secret in this file, which is made with mode 0600 when it is not there yet.

    Several processes may ask at once: one of them makes the file, whole, and all read it.
    A file that others could read is closed to them.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make_secret(path, new())
        _close_to_others(path)
        secret = path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"cannot keep a secret in {path}: {error.strerror}") from error
    if not secret:
        raise SettingsError(f"{path} is empty; delete it to have a new secret made")
    return secret


def _close_to_others(path: Path) -> None:
    if not stat.S_IMODE(path.stat().st_mode) & FOR_OTHERS:
        return
    try:
        path.chmod(0o600)
    except OSError as error:
        raise SettingsError(
            f"others can read {path}, and it cannot be closed to them: {error.strerror}"
        ) from error


def _make_secret(path: Path, secret: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")  # pids repeat among containers
    _write_secret(draft, secret)
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was first; its secret counts
    except OSError:  # no hard links here; another process may see the file before it is whole
        with suppress(FileExistsError):
            _write_secret(path, secret)
    finally:
        draft.unlink()


def _write_secret(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())
