"""The how-to of an own projection: its program and its test run as they stand there."""

import re
import subprocess
import sys
from pathlib import Path

from tests.projections.histories import beginnings, happen
from tests.support import ADMIN_TOKEN, serving

ROOT = Path(__file__).parents[2]
PROGRAM, TEST = re.findall(
    r"^```python\n(.*?)^```$",
    (ROOT / "docs" / "how-to" / "own-projection.md").read_text(),
    re.MULTILINE | re.DOTALL,
)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_program_has_at_most_forty_lines() -> None:
    assert len([line for line in PROGRAM.splitlines() if line.strip()]) <= 40


def test_the_program_counts_every_note_once_however_often_it_runs(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "notes_per_video.py").write_text(PROGRAM)
    with serving(tmp_path / "data", dsn) as server:
        happen(dsn, *beginnings(3))
        command = ("notes_per_video.py", server.url, ADMIN_TOKEN, "notes.db")
        outputs = [run(tmp_path, *command) for _ in range(2)]
    assert [output.stderr for output in outputs] == ["", ""]
    counts = "{'video-1': 1, 'video-2': 1, 'video-3': 1}"
    assert all(counts in output.stdout for output in outputs)


def test_the_test_of_the_how_to_passes(tmp_path: Path) -> None:
    (tmp_path / "notes_per_video.py").write_text(PROGRAM)
    (tmp_path / "test_it.py").write_text(TEST)
    done = run(tmp_path, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py")
    assert "1 passed" in done.stdout, done.stdout
