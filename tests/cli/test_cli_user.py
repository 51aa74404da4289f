"""``vidwiz user``: accounts for the operator; passwords never stand in a command line."""

import subprocess
import sys
from pathlib import Path

from argon2 import PasswordHasher

from tests.cli.command import Vidwiz
from tests.event_store.parts import rows
from tests.support import running_api, server_environment


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


STEERS = "\x1b]0;owned\x07\x1b[31m\r\nFAKE LINE\x9b31m\u202e\u2028x"
SHOWN = r"\x1b]0;owned\x07\x1b[31m\r\nFAKE LINE\x9b31m\u202e\u2028x"
UNSHOWN = ("\x1b", "\x07", "\r", "\x9b", "\u202e", "\u2028")
TO_BE_READ = "Zoë 漢字\u3000👩\u200d💻"


async def test_what_people_write_steers_no_operators_terminal(tmp_path: Path, dsn: str) -> None:
    """Names and notes in the commands that print them; programs are given them as they are."""
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    account = {"email": "ann@example.org", "password": "correct horse", "name": TO_BE_READ + STEERS}
    async with running_api(dsn, tmp_path / "data") as api:
        (await api.client.post("/api/user/signup", json=account)).raise_for_status()
        person = await api.sign_up()
        note = {"video_id": "W421vNri5hw", "video_title": "T", "timestamp": "1:02", "text": STEERS}
        (await api.client.post("/api/notes", json=note, headers=person.headers)).raise_for_status()
    listed = vidwiz.ok("user", "list")
    assert TO_BE_READ + SHOWN in listed
    assert len(listed.splitlines()) == 2
    assert vidwiz.json("user", "list")[0]["name"] == TO_BE_READ + STEERS
    for command in (["user", "list"], ["events"], ["state", "--at", "6", "notes"]):
        done = vidwiz.run(*command)
        assert (done.code, [sign for sign in UNSHOWN if sign in done.out]) == (0, [])
        assert not any(line.startswith("FAKE") for line in done.out.splitlines())


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
