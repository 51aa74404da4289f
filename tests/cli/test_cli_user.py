"""``vidwiz user``: accounts for the operator; passwords never stand in a command line."""

import subprocess
import sys
from pathlib import Path

from argon2 import PasswordHasher

from tests.cli.command import Vidwiz
from tests.store.parts import rows
from tests.support import server_environment


def said(vidwiz: Vidwiz, dsn: str, text: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "vidwiz", "user", *arguments],
        env=server_environment(vidwiz.data_dir, dsn),
        input=text,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_an_account_is_added_listed_reset_disabled_and_enabled(tmp_path: Path, dsn: str) -> None:
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    code, out = said(vidwiz, dsn, "correct horse\n", "add", " Ann@Example.org ", "--name", "Ann")
    assert (code, out) == (0, "User 1 has an account.\n")
    assert said(vidwiz, dsn, "short\n", "add", "bob@example.org")[0] == 1
    assert "already exists" in said(vidwiz, dsn, "correct horse\n", "add", "ann@example.org")[1]
    assert said(vidwiz, dsn, "battery staple\n", "reset-password", "ann@example.org")[0] == 0
    ((hashed,),) = rows(dsn, "SELECT password_hash FROM credentials")
    assert PasswordHasher().verify(hashed, "battery staple")
    assert vidwiz.ok("user", "disable", "1") == "User 1 is disabled.\n"
    (ann,) = vidwiz.json("user", "list")
    assert (ann["email"], ann["name"], ann["has_password"]) == ("ann@example.org", "Ann", True)
    assert ann["disabled_at"] is not None
    assert vidwiz.ok("user", "enable", "Ann@example.org") == "User 1 is enabled.\n"
    assert "ann@example.org  Ann  (password)" in vidwiz.ok("user", "list")
    assert "nobody has this" in vidwiz.run("user", "disable", "7").refused()
