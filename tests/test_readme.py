"""The README's commands run as they are written, against a service as ``make run`` starts it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import server_environment, serving

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OF_THEIR_OWN = dict.fromkeys(("SECRET_KEY", "ADMIN_TOKEN", "VIDWIZ_MASTER_KEY"), "")
"""Empty counts as unset: the service makes its secrets, as on a reader's first run."""
HERE = "localhost:8000"
DATA = "~/.local/share/vidwiz"
ENDLESS = "curl -N localhost:8000/api/stream"


def commands_of(heading: str) -> str:
    """The one block of commands in a section."""
    _, _, section = README.partition(f"## {heading}\n")
    section = re.split(r"^##+ ", section, flags=re.MULTILINE)[0]
    (block,) = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return str(block)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Not pytest's own, which other runs of it close to the account of the database again."""
    with tempfile.TemporaryDirectory(prefix="vidwiz-readme-") as name:
        yield Path(name)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the README's reader has curl")
def test_the_first_steps_and_a_worker_of_ones_own_work_as_written(open_folder: Path) -> None:
    data = open_folder / "data"
    script = f"{commands_of('First steps')}\necho\n{commands_of('Workers of your own')}"
    assert script.count(ENDLESS) == 1
    script = script.replace(ENDLESS, "timeout 1 " + ENDLESS)
    script = re.sub("^(timeout 1 .*)$", r"\1 || test $? = 124", script, flags=re.MULTILINE)
    with serving(data, None, **OF_THEIR_OWN) as server:
        told = script.replace(HERE, server.url).replace(DATA, str(data))
        printed = run(told, open_folder, server_environment(data, None, **OF_THEIR_OWN))
    assert '"text" : "the bang"' in printed
    assert '"task_type":"fetch_transcript"' in printed
    assert '"message":"Transcript result submitted successfully"' in printed
    assert '"error"' not in printed
    assert list(open_folder.glob("vidwiz-*.zip"))


def test_the_command_line_is_found_as_the_readme_says(tmp_path: Path) -> None:
    exported = re.findall(r"`(export PATH=[^`]*)`", README)
    assert exported == ['export PATH="$PWD/.venv/bin:$PATH"']
    binaries = tmp_path / ".venv" / "bin"
    binaries.parent.mkdir()
    binaries.symlink_to(Path(sys.executable).parent)
    printed = run(f"{exported[0]}\nvidwiz --help", tmp_path, {"PATH": "/usr/bin:/bin"})
    assert "serve" in printed
    for shown in re.findall(r"^\$ (.*vidwiz .*)$", README, re.MULTILINE):
        assert shown.startswith(".venv/bin/vidwiz ")


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**environment, "PYTHONPATH": os.fspath(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
