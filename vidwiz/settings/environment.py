"""Where settings come from: the environment, a .env file, and files that hold one secret each.

The environment wins over the .env file of the folder that the command is started in. Beside
``NAME`` a secret may be given as ``NAME_FILE``, the path of a file that holds it, as Docker,
Kubernetes and systemd hand secrets over.
"""

import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import parse_stream

FILE_SUFFIX = "_FILE"
ENV_FILE = "VIDWIZ_ENV_FILE"
"""Names another .env file; ``off`` reads none."""
OURS = "VIDWIZ_"
AWS = "AWS_"
AWS_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
MAX_SECRET_BYTES = 64 * 1024
SIMILARITY = 0.8
"""How alike a name has to be to one of ours to count as a misspelling of it, 0 to 1."""


class SettingsError(Exception):
    """A setting cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Environment:
    """The variables that count, by upper-case name, and the .env file that some came from.

    ``from_file`` are the names that the .env file holds, whether they count or not.
    """

    values: Mapping[str, str]
    env_file: Path | None = None
    from_file: frozenset[str] = field(default_factory=frozenset)

    def unknown(self, known: Iterable[str]) -> dict[str, str | None]:
        """Names that look like settings and are none, each with the setting that was meant.

        All names that begin with ``VIDWIZ_`` look so, and in the .env file those that nearly are
        the name of a setting.
        """
        names = {*known, ENV_FILE}
        strange: dict[str, str | None] = {}
        for name in sorted(self.values):
            if name in names:
                continue
            close = get_close_matches(name, names, 1, SIMILARITY)
            if name.startswith(OURS) or (name in self.from_file and close):
                strange[name] = close[0] if close else None
        return strange


def read_environment(secrets: Iterable[str]) -> Environment:
    """What the process was given, with the ``secrets`` (names) read from their files.

    Blank values count as missing. Raises ``SettingsError`` for a file that cannot be used, and for
    a secret that is given twice in the same place.
    """
    given = {name.upper(): value for name, value in os.environ.items() if value.strip()}
    env_file = _env_file(given)
    in_file = {} if env_file is None else _parsed(env_file)
    secrets = (*secrets, *AWS_SECRETS)
    values = {**_resolved(in_file, secrets, env_file), **_resolved(given, secrets, None)}
    return Environment(values, env_file, frozenset(in_file))


def hand_on_to_aws(environment: Environment) -> None:
    """Give the AWS SDK, which reads the process's environment itself, what else was found."""
    for name, value in environment.values.items():
        if name.startswith(AWS):
            os.environ.setdefault(name, value)


def _env_file(given: Mapping[str, str]) -> Path | None:
    """The .env file to read; raises ``SettingsError`` if one is named that is not there."""
    named = given.get(ENV_FILE)
    if named is not None and named.lower() == "off":
        return None
    path = Path(named or ".env").expanduser().absolute()
    if path.is_file():
        return path
    if named is not None:
        raise SettingsError(f"{ENV_FILE}: there is no file {path}")
    return None


def _parsed(path: Path) -> dict[str, str]:
    text = _text(path, f"the settings in {path}")
    for line in parse_stream(io.StringIO(text)):
        if line.error:
            raise SettingsError(f"{path}: line {line.original.line} is not of the form NAME=value")
    read = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {name.upper(): value for name, value in read.items() if value and value.strip()}


def _resolved(
    given: Mapping[str, str], secrets: Iterable[str], env_file: Path | None
) -> dict[str, str]:
    """The variables with those of ``NAME_FILE`` replaced by what the file holds."""
    values = dict(given)
    where = "" if env_file is None else f" in {env_file}"
    for name in secrets:
        path = values.pop(name + FILE_SUFFIX, None)
        if path is None:
            continue
        if name in values:
            raise SettingsError(f"both {name} and {name}{FILE_SUFFIX} are set{where}; keep one")
        values[name] = _secret(name + FILE_SUFFIX, Path(path).expanduser())
    return values


def _secret(setting: str, path: Path) -> str:
    secret = _text(path, setting).strip()
    if not secret:
        raise SettingsError(f"{setting}: {path} is empty")
    return secret


def _text(path: Path, what: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"{what}: cannot read {path}: {reason}") from error
    if len(content) > MAX_SECRET_BYTES:
        raise SettingsError(f"{what}: {path} is longer than {MAX_SECRET_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise SettingsError(f"{what}: {path} is not UTF-8 text") from None
