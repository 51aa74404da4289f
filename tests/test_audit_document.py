"""The auditor's walk-through: every command of it is run, and prints what the document says."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import server_environment, serving

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "audit.md").read_text()
END = "--- a command of the walk-through has ended ---"
OF_THEIR_OWN = dict.fromkeys(("SECRET_KEY", "ADMIN_TOKEN", "VIDWIZ_MASTER_KEY"), "")
"""Empty counts as unset: the service makes its secrets, as on a reader's first run."""


@dataclass(frozen=True)
class Step:
    """A command, and what the document says that it prints; ``…`` stands for anything."""

    command: str
    says: str

    def fits(self, printed: str) -> bool:
        pattern = ".*".join(map(re.escape, self.says.split("…")))
        return re.fullmatch(pattern, printed.strip("\n"), re.DOTALL) is not None


def steps_of(document: str) -> list[Step]:
    blocks = re.findall(r"^```console\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    texts = [text for block in blocks for text in re.split(r"^\$ ", block, flags=re.MULTILINE)]
    split = [text.partition("\n") for text in texts if text]
    return [Step(command, says.strip("\n")) for command, _, says in split]


def walk(steps: Sequence[Step], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """What each command printed on either output; commands behind one that failed did not run."""
    script = folder / "walk.sh"
    script.write_text("".join(f"{step.command}\necho '{END}'\n" for step in steps))
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", script],
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    return done.stdout.split(END)


def differences(steps: Sequence[Step], printed: Sequence[str]) -> list[str]:
    """Empty if every command came to its end and printed what it should."""
    wrong = [
        f"$ {step.command}\nshould print:\n{step.says}\nprinted:\n{its}"
        for step, its in zip(steps, printed, strict=False)
        if not step.fits(its)
    ]
    if len(printed) <= len(steps):
        wrong.append(f"$ {steps[len(printed) - 1].command}\nfailed, and printed:\n{printed[-1]}")
    return wrong


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Not pytest's own, which other runs of it close to the account of the database again."""
    with tempfile.TemporaryDirectory(prefix="vidwiz-audit-") as name:
        yield Path(name)


@pytest.mark.skipif(shutil.which("curl") is None, reason="the auditor of the document has curl")
def test_every_command_prints_what_the_document_says(open_folder: Path) -> None:
    data = open_folder / "desk"
    steps = steps_of(DOCUMENT)
    with serving(data, None, **OF_THEIR_OWN) as server:
        environment = {
            **server_environment(data, None, **OF_THEIR_OWN),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),  # the program of this checkout, wherever it is installed from
            "URL": server.url,
        }
        printed = walk(steps, open_folder, environment)
    wrong = differences(steps, printed)
    assert not wrong, "\n\n".join(wrong)


def test_no_command_of_the_document_is_left_out() -> None:
    assert len(steps_of(DOCUMENT)) == len(re.findall(r"^\$ ", DOCUMENT, re.MULTILINE))
    assert set(re.findall(r"^```(.*)$", DOCUMENT, re.MULTILINE)) == {"console", ""}


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ("$ echo one two\none two", []),
        ("$ A=two\n$ echo one; echo $A\none\n…o", []),
        ("$ printf '{}'\n{}\n$ true", []),
        ("$ echo to >&2; false || echo $?\nto\n1", []),
        ("$ echo one two\none", ["echo one two"]),
        ("$ echo one\n", ["echo one"]),
        ("$ true\nsomething", ["true"]),
        ("$ echo one\nt…", ["echo one"]),
        ("$ false\n$ true", ["false"]),
        ("$ true\n$ false", ["false"]),
        ("$ false | cat", ["false | cat"]),
    ],
)
def test_what_fails_or_prints_something_else_is_told(
    tmp_path: Path, block: str, wrong: list[str]
) -> None:
    steps = steps_of(f"```console\n{block}\n```\n")
    found = differences(steps, walk(steps, tmp_path, os.environ))
    assert [re.findall(r"^\$ (.*)", its)[0] for its in found] == wrong
