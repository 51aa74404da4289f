"""The text log: one record a line, whatever clients send."""

import json
import subprocess
import sys

import pytest

from vidwiz.logs import escape_controls

HOSTILE = [
    ("a\nb", "a\\nb"),
    ("a\r\nb", "a\\r\\nb"),
    ("\x1b[2J", "\\x1b[2J"),
    ("a\x00\x7f\x9bb", "a\\x00\\x7f\\x9bb"),
    ("a\u2028b\u202eb", "a\\u2028b\\u202eb"),
    ("\ud800", "\\ud800"),
    ("plain text, ünïcode 漢字", "plain text, ünïcode 漢字"),
]


@pytest.mark.parametrize(("value", "written"), HOSTILE)
def test_a_value_stays_on_its_line(value: str, written: str) -> None:
    assert escape_controls(None, "info", {"event": value, "path": value, "n": 1}) == {
        "event": written,
        "path": written,
        "n": 1,
    }


def test_a_tracebacks_lines_never_look_like_records() -> None:
    event = escape_controls(None, "error", {"exception": "Traceback\n2026-01-01 [info] forged\x1b"})
    assert event["exception"] == "Traceback\n  | 2026-01-01 [info] forged\\x1b"


@pytest.mark.parametrize("form", ["text", "json"])
def test_neither_our_log_nor_the_libraries_is_forged(form: str) -> None:
    program = (
        "import logging, structlog\nfrom vidwiz import logs\n"
        f"logs.configure({form!r}, 'info')\n"
        "evil = 'GET /\\n2026-01-01 forged\\x1b[31m'\n"
        "structlog.get_logger('a').info('request', path=evil)\n"
        "logging.getLogger('b').warning('odd %s', evil)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    lines = done.stderr.decode().splitlines()
    assert len(lines) == 2
    assert all("forged" in line and "\x1b[31m" not in line for line in lines)
    if form == "json":
        assert [json.loads(line)["level"] for line in lines] == ["info", "warning"]


FULL = """
import logging, os, sys, structlog
from vidwiz import logs
sys.stderr = open("/dev/full", "w")
logs.configure(sys.argv[1], "info")
for number in range(2000):
    structlog.get_logger("ours").info("a line", number=number)
    logging.getLogger("theirs").error("a line of theirs")
print("went on", logs.LOST._value.get() > 0, flush=True)
os._exit(0)  # the interpreter itself would say that it cannot flush
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_full_disk_fails_nobody_who_logs(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, form], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "went on True\n"


CLOSED = """
import os, sys, structlog
from vidwiz import logs
logs.configure(sys.argv[1], "info")
reads, writes = os.pipe()
os.dup2(writes, 2)
os.close(reads)
for number in range(2000):
    structlog.get_logger("ours").info("a line", number=number)
print("went on", logs.LOST._value.get() > 0, flush=True)
os._exit(0)  # the interpreter itself would say that it cannot flush
"""


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_reader_that_went_away_fails_nobody_who_logs(form: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, form], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "went on True\n"
