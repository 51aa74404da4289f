"""The shipped verifier: whatever was done to an export shows, at the first position it can."""

import base64
import json
import random
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.audit import attacks
from tests.audit.exports import (
    EVENTS,
    KEY,
    LINES,
    PINS,
    RECORDS,
    START,
    STRANGER,
    chained,
    drafts,
    genuine,
    lines_of,
    pinned,
    problem,
    split,
)
from vidwiz import verify_export
from vidwiz.audit.checkpoints.records import signed
from vidwiz.audit.log_export import event_line
from vidwiz.events.base import STREAM_NAMESPACE
from vidwiz.verify_export import (
    Checkpoint,
    Export,
    ExportedEvent,
    Key,
    checkpoint_line,
    line_of,
    read_line,
)

CASES = 1000
SCRIPT = Path(verify_export.__file__)


def test_an_untouched_export_is_whole() -> None:
    for trusted in ([], [KEY.public_key], [STRANGER.public_key, KEY.public_key]):
        found = Export(LINES, trusted, genuine=genuine).verified()
        assert (found.position, found.checkpoints, found.keys) == (EVENTS, len(PINS), 0)
        assert found.public_keys == [KEY.public_key]
        assert found.head == RECORDS[-2].hash.hex()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "attack",
    [
        attacks.flip_a_byte,
        attacks.delete,
        attacks.insert,
        attacks.swap,
        attacks.truncate,
        attacks.fork,
    ],
    ids=lambda attack: attack.__name__,
)
def test_whatever_is_done_to_an_export_is_noticed_where_it_begins(
    attack: Callable[[random.Random], attacks.Attacked],
) -> None:
    for case in range(CASES):
        lines, expected = attack(random.Random(case))
        assert problem(lines, KEY.public_key) in expected, case


def test_a_log_cut_at_a_checkpoint_shows_only_against_a_copy_that_was_kept() -> None:
    shorter = lines_of([one for one in RECORDS if one.position <= PINS[3]])
    last = RECORDS[-1]
    assert isinstance(last, Checkpoint)
    assert Export(shorter, [KEY.public_key], genuine=genuine).verified().position == PINS[3]
    kept = {last.position: last.hash}
    assert problem(shorter, KEY.public_key, kept=kept) == PINS[3] + 1
    assert Export(LINES, kept=kept, genuine=genuine).verified().position == EVENTS


def test_a_copy_that_was_kept_shows_where_history_was_written_anew() -> None:
    events = list(drafts(EVENTS))
    events[9] = events[9]._replace(topic="NoteDeleted")
    forged = lines_of(list(pinned(list(chained(events)))))
    kept = {one.position: one.hash for one in RECORDS if isinstance(one, Checkpoint)}
    assert Export(forged, [KEY.public_key], genuine=genuine).verified().position == EVENTS
    assert problem(forged, KEY.public_key, kept=kept) == 14


def test_a_checkpoint_by_somebody_else_among_ours_is_named() -> None:
    records = list(RECORDS)
    at = records.index(next(one for one in RECORDS if isinstance(one, Checkpoint)))
    ours = records[at]
    records[at] = signed(STRANGER, ours.position, bytes.fromhex(str(ours.hash)), START, None)
    assert problem(lines_of(records), KEY.public_key) == 0
    lines = [LINES[0], *lines_of(records)[1:]]
    assert problem(lines, KEY.public_key) == PINS[0]


def test_a_checkpoint_that_lies_about_its_count_is_named() -> None:
    first = next(one for one in RECORDS if isinstance(one, Checkpoint))
    draft = first._replace(events=8, signature="")
    lie = draft._replace(signature=KEY.sign(draft.signed()).hex())
    records = [lie if one is first else one for one in RECORDS]
    assert problem(lines_of(records), KEY.public_key) == PINS[0]


def test_an_empty_log_is_exported_and_verified() -> None:
    found = Export(lines_of([])).verified()
    assert (found.position, found.checkpoints, found.head) == (0, 0, bytes(32).hex())


def test_the_documented_example_is_a_sound_export() -> None:
    text = (Path(__file__).parents[2] / "docs" / "audit-format.md").read_text()
    lines = split(re.findall(r"```jsonl\n(.*?)```", text, re.DOTALL)[0].encode())
    found = Export(lines, [KEY.public_key]).verified()
    assert (found.position, found.checkpoints) == (1, 1)
    it = read_line(lines[2])
    assert isinstance(it, Checkpoint)
    assert f"`{it.digest()}`" in text


def test_keys_are_counted_and_what_was_done_to_one_shows_in_the_trailer() -> None:
    lines = lines_of(RECORDS, [("user:1", bytes(32)), ("guest:ü", b"\xff" * 32)])
    export = Export(lines, genuine=genuine)
    keys = [one for one in export if isinstance(one, Key)]
    assert keys == [
        Key("user:1", base64.b64encode(bytes(32)).decode()),
        Key("guest:ü", base64.b64encode(b"\xff" * 32).decode()),
    ]
    changed = [line.replace(b'"user:1","key"', b'"user:2","key"') for line in lines]
    assert problem(changed, KEY.public_key) == EVENTS


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"[" * 100_000 + b"\n",
        b'{"kind":"event"}\n',
        b'{"kind":["event"]}\n',
        b'{"kind":"header","format":"vidwiz-export/1","public_keys":[{}],"position":0,"hash":""}\n',
        b'{"kind":"trailer","events":true,"checkpoints":0,"keys":0,"sha256":""}\n',
        b'{"kind":"trailer","events":' + b"9" * 5000 + b"}\n",
        b'{"kind":"key","person":"\\ud800","key":""}\n',
        b'{"kind":"key", "person":"user:1","key":""}\n',
        b'{"kind":"key","person":"user:1","person":"user:1","key":""}\n',
        b"\xff\xfe\n",
        LINES[1].rstrip(b"\n"),
        LINES[1].upper(),
    ],
)
def test_what_is_not_spelled_as_we_spell_it_is_no_record(line: bytes) -> None:
    assert read_line(line) is None


@pytest.mark.parametrize(
    "state", [b"{}", b"\xff\x00", "Grüße\u2028\x7f\t\x01 🎬".encode(), b'{"a":"\\u0000"}']
)
def test_a_state_is_written_down_to_the_letter(state: bytes) -> None:
    (event,) = chained([next(drafts(1))._replace(state=state, topic="Unknown")])
    line = event_line(event)
    assert read_line(line) == event
    assert line_of(json.loads(line)) == line


def test_a_checkpoint_is_written_down_to_the_letter() -> None:
    it = next(one for one in RECORDS if isinstance(one, Checkpoint))
    assert read_line(checkpoint_line(it)) == it


def test_a_line_names_its_stream_and_no_other() -> None:
    event = next(one for one in RECORDS if isinstance(one, ExportedEvent))
    assert json.loads(event_line(event))["stream"] == "note:1"
    strange = event._replace(stream_id=str(STREAM_NAMESPACE))
    assert json.loads(event_line(strange))["stream"] is None
    assert verify_export.STREAM_NAMESPACE == STREAM_NAMESPACE


def test_times_of_checkpoints_are_told_apart() -> None:
    one, other = (
        signed(KEY, 1, bytes(32), datetime(2026, 1, 1, microsecond=n, tzinfo=UTC), None)
        for n in (0, 1)
    )
    assert one.signed() != other.signed()
    assert one.digest() != one._replace(signature="").digest()


def run(*arguments: str | Path, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """The script by itself: isolated, and without any package that is installed."""
    return subprocess.run(
        [sys.executable, "-I", "-S", *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_the_script_needs_nothing_but_python(tmp_path: Path) -> None:
    script = tmp_path / "verify_export.py"
    script.write_bytes(SCRIPT.read_bytes())
    export = b"".join(LINES)
    sound = run(script, "-", "--public-key", KEY.public_key.upper(), given=export)
    assert (sound.returncode, sound.stderr) == (0, b"")
    assert sound.stdout.startswith(b"The export is whole: 60 events, head ")
    assert KEY.public_key.encode() in run(script, "-", given=export).stdout

    forged = run(script, "-", given=export.replace(b"11 ", b"12 "))
    assert (forged.returncode, forged.stdout) == (1, b"")
    words = b"line 13: the log was changed: position 11 does not have the hash of what it says\n"
    assert forged.stderr == words


def test_the_script_holds_an_export_against_copies(tmp_path: Path) -> None:
    last = RECORDS[-1]
    assert isinstance(last, Checkpoint)
    (tmp_path / "kept.json").write_bytes(checkpoint_line(last))
    (tmp_path / "short.jsonl").write_bytes(b"".join(lines_of(RECORDS[:8])))
    cut = run(SCRIPT, tmp_path / "short.jsonl", "--checkpoint", tmp_path / "kept.json")
    assert cut.returncode == 1
    assert cut.stderr == b"line 10: the log was changed: position 8 is missing, but 60 was kept\n"


@pytest.mark.parametrize("name", ["absent.jsonl", "log.jsonl.zst", "broken.gz"])
def test_the_script_says_what_it_cannot_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    done = run(SCRIPT, tmp_path / name)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"cannot read the export: ")


def test_a_line_without_an_end_is_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_export, "LONGEST_LINE", 1000)
    assert max(map(len, split(b"x" * 10_000))) == 1000
