"""Many writers that abort and die at any moment, and followers that read meanwhile."""

import asyncio
import json
import random
import signal
import subprocess
import sys
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from tests.event_store import log_writer
from tests.event_store.parts import (
    Parts,
    assert_dense_and_chained,
    follow_log,
    note,
    opened,
    running,
    value,
    whole_log,
)
from tests.support import MASTER, eventually
from vidwiz.event_store import statements
from vidwiz.events import NoteAdded

SEED = 20_260_131
WRITERS = 16
VICTIMS = 8
TRANSACTIONS = 60
WITHOUT_END = 1_000_000
NOTES = 60
SECONDS = 120


@dataclass(frozen=True)
class Writer:
    """A writing process and what it has reported so far."""

    process: "subprocess.Popen[bytes]"
    report: Path

    def reported(self, verb: str) -> list[list[str]]:
        lines = self.report.read_text().splitlines() if self.report.exists() else []
        return [line.split()[1:] for line in lines if line.split()[0] == verb]


def start_writer(dsn: str, seed: int, transactions: int, folder: Path) -> Writer:
    report = folder / f"{seed}.txt"
    process = subprocess.Popen(
        [sys.executable, log_writer.__file__, dsn, str(seed), str(transactions), str(report)],
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(statements.APPEND.sql.encode())
    process.stdin.close()
    return Writer(process, report)


async def killed(writer: Writer, after: int) -> None:
    """SIGKILL, once it has committed so often; it is in the middle of the next by then."""

    async def committed() -> bool:
        return len(writer.reported("committed")) >= after

    await eventually(committed, SECONDS)
    writer.process.kill()
    writer.process.wait(SECONDS)


async def finished(writer: Writer) -> None:
    async def ended() -> bool:
        return writer.process.poll() is not None

    await eventually(ended, SECONDS)
    assert writer.process.returncode == 0


async def follow(parts: Parts, seen: list[tuple[int | None, str]]) -> None:
    async with aclosing(follow_log(parts.database, parts.signals, MASTER, 0)) as events:
        async for event in events:
            seen.append((event.position, event.event.TOPIC))  # noqa: PERF401  read meanwhile


async def has_seen(seen: list[tuple[int | None, str]], count: int) -> None:
    async def enough() -> bool:
        return len(seen) >= count

    await eventually(enough, SECONDS)


async def test_sixteen_writers_that_abort_and_die_leave_a_whole_log(
    dsn: str, tmp_path: Path
) -> None:
    dice = random.Random(SEED)
    early: list[tuple[int | None, str]] = []
    late: list[tuple[int | None, str]] = []
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        followers = [asyncio.create_task(follow(one, early))]
        plans = [TRANSACTIONS] * (WRITERS - VICTIMS) + [WITHOUT_END] * VICTIMS
        writers = [start_writer(dsn, SEED + n, plan, tmp_path) for n, plan in enumerate(plans)]
        victims = writers[-VICTIMS:]
        notes = asyncio.gather(
            *(add_notes(parts, user_id, name) for parts, name in ((one, "one"), (two, "two")))
        )
        ends = asyncio.gather(
            *(killed(writer, dice.randint(1, TRANSACTIONS // 3)) for writer in victims),
            *(finished(writer) for writer in writers[:-VICTIMS]),
        )
        await has_seen(early, 200)
        followers.append(asyncio.create_task(follow(two, late)))
        answers = [answer for half in await notes for answer in half]
        await ends
        await no_backend_is_left(dsn)
        log = whole_log(dsn)
        await has_seen(early, len(log))
        await has_seen(late, len(log))
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)

    assert_dense_and_chained(log)
    assert early == late == [(row[0], row[3]) for row in log]
    assert [writer.process.returncode for writer in victims] == [-signal.SIGKILL] * VICTIMS
    assert_acknowledged_exactly_once(writers, log)
    texts = Counter(its.text for its in opened(dsn) if isinstance(its, NoteAdded))
    assert texts == Counter(answers)
    assert set(texts.values()) == {1}
    assert len(texts) == 2 * NOTES


async def add_notes(parts: Parts, user_id: int, name: str) -> list[str]:
    """Notes added one after the other; the texts that were acknowledged."""
    acknowledged = []
    for number in range(NOTES):
        (answer,) = await parts.run(note(user_id, "shared", text=f"{name} {number}"))
        acknowledged.append(json.loads(answer)["text"])
    return acknowledged


async def no_backend_is_left(dsn: str) -> None:
    """Wait for PostgreSQL to notice the deaths: what was not committed is gone for good."""

    async def gone() -> bool:
        query = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND backend_type = 'client backend' AND application_name = ''"
            " AND pid <> pg_backend_pid()"
        )
        return bool(value(dsn, query) == 0)

    await eventually(gone, SECONDS)


def assert_acknowledged_exactly_once(
    writers: list[Writer], log: list[tuple[int, object, int, str, object, str, bytes, bytes, bytes]]
) -> None:
    """Every transaction is there whole or not at all; every acknowledged one is there."""
    found = Counter(json.loads(row[6])["text"] for row in log if row[3] == "NoteEdited")
    assert all(count == int(text.split()[1]) for text, count in found.items())
    committed = {" ".join(words) for writer in writers for words in writer.reported("committed")}
    aborted = {batch for writer in writers for (batch,) in writer.reported("aborted")}
    assert committed <= found.keys()
    assert len(found.keys() - committed) <= VICTIMS  # killed between COMMIT and the report
    assert not aborted & {text.split()[0] for text in found}
    done = sum(len(writer.reported("committed") + writer.reported("aborted")) for writer in writers)
    assert done >= (WRITERS - VICTIMS) * TRANSACTIONS + VICTIMS
    assert len(aborted) > WRITERS
