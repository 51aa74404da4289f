"""The command line as a user runs it: ``python -m vidwiz`` in a process of its own."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.support import server_environment


@dataclass(frozen=True)
class Vidwiz:
    """Runs commands on one database and one data folder; ``dsn`` None: the embedded one."""

    data_dir: Path
    dsn: str | None

    def run(self, *arguments: str, **env: str) -> "Done":
        """Run to the end. An empty variable counts as not set."""
        done = subprocess.run(
            [sys.executable, "-m", "vidwiz", *arguments],
            env=server_environment(self.data_dir, self.dsn, **env),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, **env: str) -> str:
        """What a command that succeeds prints."""
        done = self.run(*arguments, **env)
        assert done.code == 0, done.err
        return done.out

    def json(self, *arguments: str) -> Any:
        """What a command that succeeds tells a program."""
        return orjson.loads(self.ok(*arguments, "--json"))


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def refused(self) -> str:
        """The one line that says why."""
        assert (self.code, self.out) == (1, "")
        (line,) = self.err.splitlines()
        assert line.startswith("Error: ")
        return line.removeprefix("Error: ")
