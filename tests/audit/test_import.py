"""An exported log comes into an empty database to the letter, with its tables, or not at all."""

import base64
import hashlib
import io
import json
import random
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from tests.audit.exports import KEY, chained, drafts, lines_of, pinned
from tests.audit.live import checkpoints, sign
from tests.cli.command import Vidwiz
from tests.conftest import fresh_database
from tests.event_store.parts import note, rows, running, value, whole_log
from tests.projections.histories import full_history, happen
from tests.support import MASTER, eventually, server_environment
from vidwiz import verify_export
from vidwiz.audit.checkpoints.files import FileUnusable, reading, writing
from vidwiz.audit.importing import ImportRefused, import_log
from vidwiz.audit.log_export import export
from vidwiz.commands.users import EraseUser, UserNotFound
from vidwiz.events import NoteAdded, NoteDeleted
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.projections.tables import PROJECTED
from vidwiz.reactions.health import NAMES
from vidwiz.replay import verification
from vidwiz.verify_export import ChainBroken, bounded_lines, line_of

TABLES = [table.name for table in PROJECTED]
GONE = (
    NoteAdded(note_id=900, user_id=1, video_id="video-1", timestamp="1:00", text="gone"),
    NoteDeleted(note_id=900, user_id=1),
)
HISTORY = (*full_history(), *GONE)


@pytest.fixture(scope="module")
def source(server_dsn: str) -> Iterator[str]:
    """A database with some of everything, pinned three times."""
    with fresh_database(server_dsn) as its:
        happen(its, *HISTORY)
        sign(its, KEY, (50, 100, len(HISTORY)))
        yield its


@pytest.fixture(scope="module")
def exported(source: str) -> bytes:
    file = io.BytesIO()
    export(source, file, checkpoints(source)[-1])
    return file.getvalue()


def lines(whole: bytes) -> Iterator[bytes]:
    return bounded_lines(io.BytesIO(whole))


def tables(dsn: str) -> dict[str, list[tuple[Any, ...]]]:
    return {name: rows(dsn, f"SELECT * FROM {name} ORDER BY id") for name in TABLES}


def nothing_in(dsn: str) -> bool:
    names = ["stored_events", "log_checkpoints", "reaction_checkpoints", *TABLES]
    return not any(value(dsn, f"SELECT count(*) FROM {name}") for name in names)


def test_an_import_is_the_log_to_the_letter_and_its_tables(
    source: str, exported: bytes, dsn: str
) -> None:
    done = import_log(dsn, MASTER, lines(exported), [KEY.public_key], reactions=NAMES)
    assert (done.position, done.checkpoints, done.keys) == (len(HISTORY), 3, 0)
    assert whole_log(dsn) == whole_log(source)
    assert checkpoints(dsn) == checkpoints(source)
    assert tables(dsn) == tables(source)
    assert done.rows == {name: len(its) for name, its in tables(source).items()}
    assert list(verification.verify(dsn, MASTER)[1]) == []
    again = io.BytesIO()
    export(dsn, again, checkpoints(dsn)[-1])
    assert again.getvalue() == exported


def test_the_schema_is_the_same_after_an_import(source: str, exported: bytes, dsn: str) -> None:
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef"
    import_log(dsn, MASTER, lines(exported))
    assert rows(dsn, indexes) == rows(source, indexes)


async def test_life_goes_on_after_an_import_without_giving_an_id_twice(
    exported: bytes, dsn: str
) -> None:
    import_log(dsn, MASTER, lines(exported), reactions=NAMES)
    assert value(dsn, "SELECT nextval('note_ids')") == 901  # the deleted one's is not free
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        assert user_id == 99
        await parts.add_video(user_id)
    assert list(verification.verify(dsn, MASTER)[1]) == []


def test_the_reactions_are_told_nothing_a_second_time(exported: bytes, dsn: str) -> None:
    import_log(dsn, MASTER, lines(exported), reactions=NAMES)
    told = rows(dsn, "SELECT reaction, position FROM reaction_checkpoints ORDER BY reaction")
    assert told == [(name, len(HISTORY)) for name in sorted(NAMES)]


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("credentials", "INSERT INTO credentials VALUES (1, 'a hash')"),
        ("quotas", "INSERT INTO quotas VALUES ('user:1', current_date, 1, 20)"),
        ("users", "INSERT INTO users SELECT 1, 'a', 'A', NULL, NULL, true, NULL, NULL, now(),"
                  " now(), 1"),
    ],
)  # fmt: skip
def test_only_an_empty_database_takes_an_import(
    exported: bytes, dsn: str, table: str, statement: str
) -> None:
    rows(dsn, statement)
    with pytest.raises(ImportRefused, match=f"not empty: there are rows in {table}$"):
        import_log(dsn, MASTER, lines(exported))
    assert value(dsn, "SELECT count(*) FROM stored_events") == 0


def test_a_second_import_is_refused(exported: bytes, dsn: str) -> None:
    import_log(dsn, MASTER, lines(exported))
    before = whole_log(dsn)
    with pytest.raises(ImportRefused, match="rows in stored_events, log_checkpoints, "):
        import_log(dsn, MASTER, lines(exported))
    assert whole_log(dsn) == before


def test_a_changed_or_cut_export_leaves_the_database_empty(exported: bytes, dsn: str) -> None:
    dice = random.Random(4)
    for _ in range(10):
        changed = bytearray(exported)
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
        for attempt in (bytes(changed), exported[: dice.randrange(len(exported))]):
            with pytest.raises(ChainBroken):
                import_log(dsn, MASTER, lines(attempt), [KEY.public_key])
    assert nothing_in(dsn)
    import_log(dsn, MASTER, lines(exported), [KEY.public_key])


def test_an_export_of_somebody_else_is_refused(exported: bytes, dsn: str) -> None:
    with pytest.raises(ChainBroken, match="which is not trusted"):
        import_log(dsn, MASTER, lines(exported), ["00" * 32])
    assert nothing_in(dsn)


RENAMED = b'{"user_id":1,"name":"B"}'
SIGNED_UP = b'{"user_id":1,"email":"a@example.org","name":"A",%b}'


def forged(**changes: Any) -> list[bytes]:
    """An export that is sound in itself, of one event that was never ours."""
    state = b'{"user_id":1,"email":"a@example.org","name":"A"}'
    stream = str(stream_id("user:1"))
    event = next(drafts(1))._replace(stream_id=stream, topic="UserSignedUp", state=state)
    return lines_of(list(pinned(list(chained([event._replace(**changes)])))))


@pytest.mark.parametrize(
    ("changes", "refusal", "words"),
    [
        ({"topic": "NeverHeardOf"}, UnknownEvent, "no event class has the topic 'NeverHeardOf'"),
        ({"version": 2**63}, ChainBroken, "1 has version 9223372036854775808 of its stream"),
        ({"topic": "a\0b"}, ImportRefused, "cannot have been a log of ours"),
        ({"metadata": "{"}, ImportRefused, "cannot have been a log of ours: invalid input"),
        ({"recorded_at": "yesterday"}, ChainBroken, "1 has no stream or no time"),
        ({"recorded_at": "2026-01-01T01:00:00+01:00"}, ChainBroken, "1 has no stream or no time"),
        ({"state": b"\xff"}, ImportRefused, "1 is no UserSignedUp of ours"),
        ({"topic": "UserRenamed", "state": RENAMED}, ProjectionFailed, "touched 0 rows"),
        ({"topic": "UserRenamed", "state": b"{}"}, ImportRefused, "1 is no UserRenamed of ours"),
        ({"state": SIGNED_UP % b'"more":1'}, ImportRefused, "1 is no UserSignedUp of ours"),
        ({"stream_id": str(stream_id("user:2"))}, ImportRefused, "another stream than user:1"),
        ({"metadata": "[]"}, ImportRefused, "does not say where it comes from"),
    ],
)  # fmt: skip
def test_what_was_never_a_log_of_ours_is_refused(
    module_dsn: str, changes: dict[str, Any], refusal: type[Exception], words: str
) -> None:
    with pytest.raises(refusal, match=words):
        import_log(module_dsn, MASTER, forged(**changes))
    assert nothing_in(module_dsn)


OTHER = MasterKey(b"\7" * 32)
CANARY = "what only she knows"


@pytest.fixture(scope="module")
async def lived(server_dsn: str) -> AsyncIterator[str]:
    """A database of two people with a note each, of whom the second was erased."""
    with fresh_database(server_dsn) as its:
        async with running(its) as parts:
            people = [await parts.sign_up(), await parts.sign_up()]
            for person in people:
                await parts.run(note(person, "video-1", text=CANARY))
            await parts.run(EraseUser(people[1]))
        sign(its, KEY, (value(its, "SELECT count(*) FROM stored_events"),))
        yield its


def exported_from(dsn: str, with_keys_of: MasterKey | None) -> bytes:
    file = io.BytesIO()
    export(dsn, file, checkpoints(dsn)[-1], with_keys_of=with_keys_of)
    return file.getvalue()


def test_with_its_keys_a_log_reads_the_same_under_another_master_key(lived: str, dsn: str) -> None:
    done = import_log(dsn, OTHER, lines(exported_from(lived, MASTER)))
    assert done.keys == 1
    assert whole_log(dsn) == whole_log(lived)
    assert tables(dsn) == tables(lived)
    assert rows(dsn, "SELECT text FROM notes") == [(CANARY,)]
    assert list(verification.verify(dsn, OTHER)[1]) == []
    assert value(dsn, "SELECT wrapped_key IS NULL FROM personal_keys WHERE person = 'user:2'")


async def test_without_keys_nobody_reads_what_is_personal_nor_can_add_to_it(
    lived: str, dsn: str
) -> None:
    assert import_log(dsn, OTHER, lines(exported_from(lived, None))).keys == 0
    assert rows(dsn, "SELECT text FROM notes") == [("[erased]",)]
    assert list(verification.verify(dsn, OTHER)[1]) == []
    async with running(dsn, master=OTHER) as parts:
        (refused,) = await parts.run(note(1, "video-1"))
        assert isinstance(refused, UserNotFound)
    assert CANARY.encode() not in exported_from(dsn, None)


def test_the_key_of_somebody_who_was_erased_does_not_come_back(lived: str, dsn: str) -> None:
    whole = exported_from(lived, None)
    head, _, rest = whole.partition(b"\n")
    key = b'{"kind":"key","person":"user:2","key":"%b"}\n' % base64.b64encode(bytes(32))
    import_log(dsn, OTHER, resealed(head + b"\n" + key + rest))
    assert value(dsn, "SELECT wrapped_key IS NULL FROM personal_keys WHERE person = 'user:2'")


def resealed(whole: bytes) -> Iterator[bytes]:
    """The lines with a trailer that counts them anew."""
    *body, last = whole.splitlines(keepends=True)
    trailer = orjson.loads(last)
    trailer |= {"keys": 1, "sha256": hashlib.sha256(b"".join(body)).hexdigest()}
    yield from (*body, line_of(trailer))


def test_an_export_whose_keys_are_none_is_refused(lived: str, dsn: str) -> None:
    whole = exported_from(lived, None)
    head, _, rest = whole.partition(b"\n")
    key = b'{"kind":"key","person":"user:1","key":"AAAA"}\n'
    with pytest.raises(ImportRefused, match="the key of user:1 has not 32 bytes"):
        import_log(dsn, OTHER, resealed(head + b"\n" + key + rest))
    assert nothing_in(dsn)


BACKENDS = (
    "FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'vidwiz import'"
)


@contextmanager
def importing(dsn: str, data_dir: Path, given: bytes) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has been given the beginning of an export, and waits for the rest."""
    with subprocess.Popen(
        [sys.executable, "-m", "vidwiz", "import", "-"],
        env=server_environment(data_dir, dsn),
        stdin=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.flush()
        yield process
        process.kill()


async def test_an_import_that_is_killed_in_the_middle_leaves_nothing(
    dsn: str, tmp_path: Path
) -> None:
    async def writing() -> bool:
        return bool(value(dsn, f"SELECT count(backend_xid) {BACKENDS}"))

    async def gone() -> bool:
        return not value(dsn, f"SELECT count(*) {BACKENDS}")

    beginning = lines_of(list(pinned(list(chained(drafts(6000))))))[:6000]
    with importing(dsn, tmp_path, b"".join(beginning)) as process:
        await eventually(writing, 60)
        process.send_signal(signal.SIGKILL)
        await eventually(gone)
    assert process.returncode == -signal.SIGKILL
    assert nothing_in(dsn)


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.jsonl.zst"])
def test_a_file_gives_back_what_was_written_and_is_closed_to_others(
    exported: bytes, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    with writing(str(path)) as file:
        file.write(exported)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (path.read_bytes() == exported) == (name == "log.jsonl")
    with reading(str(path)) as file:
        assert list(bounded_lines(file)) == list(lines(exported))
    path.write_bytes(b"!" + path.read_bytes())
    if name != "log.jsonl":  # a plain file cannot tell; its lines do
        with pytest.raises(FileUnusable, match="cannot read"), reading(str(path)) as file:
            list(bounded_lines(file))


def test_the_commands_take_a_log_from_one_place_to_another(
    source: str, dsn: str, tmp_path: Path
) -> None:
    here, there = Vidwiz(tmp_path / "here", source), Vidwiz(tmp_path / "there", dsn)
    path = str(tmp_path / "log.jsonl.zst")
    told = here.ok("export", path)
    assert told.startswith(f"Exported {len(HISTORY)} events, head ")
    found = there.json("audit", "verify", "--export", path, "--public-key", KEY.public_key)
    assert (found["position"], found["problems"]) == (len(HISTORY), [])
    imported = there.ok("import", path, "--public-key", KEY.public_key)
    assert imported.startswith(f"Imported {len(HISTORY)} events, head {found['head']}, 3 check")
    assert whole_log(dsn) == whole_log(source)
    there.ok("audit", "verify", "--public-key", KEY.public_key)
    there.ok("audit", "checkpoint")
    (hint,) = [line for line in imported.splitlines() if line.startswith("To verify it here")]
    there.ok(*hint.partition(": vidwiz ")[2].split())


def test_an_export_goes_to_standard_output(source: str, exported: bytes, tmp_path: Path) -> None:
    done = Vidwiz(tmp_path / "data", source).run("export", "-")
    assert (done.code, done.out.encode()) == (0, exported)
    assert done.err.startswith(f"Exported {len(HISTORY)} events, head ")


def test_the_commands_say_in_one_line_what_is_wrong(
    exported: bytes, dsn: str, tmp_path: Path
) -> None:
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    absent = tmp_path / "absent.jsonl"
    refusal = f"cannot read {absent}: No such file or directory"
    assert vidwiz.run("import", str(absent)).refused() == refusal
    assert vidwiz.run("export", str(tmp_path / "no" / "log")).refused().startswith("cannot write")
    for name in ("log.gz", "log.zst"):
        (tmp_path / name).write_bytes(exported)
        assert vidwiz.run("import", str(tmp_path / name)).refused().startswith("cannot read")
    (tmp_path / "cut").write_bytes(exported[:-100])
    cut = vidwiz.run("audit", "verify", "--export", str(tmp_path / "cut"), "--json")
    assert cut.code == 1
    problem = {"line": len(HISTORY) + 5, "position": len(HISTORY) + 1, "what": "cannot be read"}
    assert json.loads(cut.out) == {"problems": [problem]}
    assert vidwiz.run("import", str(tmp_path / "cut")).code == 1
    assert nothing_in(dsn)


def test_a_file_is_there_whole_or_not_at_all(dsn: str, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("older")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ALTER TABLE stored_events RENAME TO hidden")
    assert Vidwiz(tmp_path / "data", dsn).run("export", str(tmp_path / "log.jsonl")).code == 1
    assert (tmp_path / "log.jsonl").read_text() == "older"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_checkpoint_is_made_and_copied_when_it_is_asked_for(dsn: str, tmp_path: Path) -> None:
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    assert vidwiz.ok("audit", "checkpoint") == "The log is empty.\n"
    happen(dsn, *full_history()[:3])
    assert vidwiz.ok("audit", "checkpoint").startswith("Position 3 is pinned: ")
    copies = tmp_path / "data" / "objects" / "audit" / "checkpoints"
    assert [path.name for path in copies.iterdir()] == ["000000000003.json"]
    assert "1 copies of them in folder" in vidwiz.ok("audit", "verify")


def test_the_script_is_printed_to_the_letter(tmp_path: Path) -> None:
    told = Vidwiz(tmp_path / "data", None).ok("audit", "script")
    assert told == Path(verify_export.__file__).read_text()
    assert not (tmp_path / "data").exists()
