"""Runs reactions in processes that kill themselves between two of their steps.

Reads one job per line from standard input, forks a process for it and reports its pid, then how it
ended. Forking spares each of them the start of Python. ``Crasher`` is the other end of the line.
"""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection

from tests.reactions.queues import sqs_queue
from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.postgres.pool import Database
from vidwiz.reactions.deliveries import AiNoteReaction, Reaction, SharedWriting, SummaryReaction
from vidwiz.reactions.effects import Effect, ToQueue, ToTasks
from vidwiz.reactions.follower import Follower

AT_MOST_S = 20


@dataclass(frozen=True)
class Job:
    """React until the checkpoint is at ``upto``, but die behind step ``fatal`` (0: never)."""

    dsn: str
    reaction: str
    upto: int
    fatal: int = 0
    queue: str | None = None
    endpoint: str = ""


class Steps:
    """Counts what the process did to the world, and kills it when it is time."""

    def __init__(self, fatal: int) -> None:
        self.counting = False
        self._fatal = fatal
        self._taken = 0

    def take(self) -> None:
        self._taken += self.counting
        if self.counting and self._taken == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class WatchedEffect:
    """Counts the step into each delivery, and the step out of it."""

    def __init__(self, effect: Effect[SharedWriting], steps: Steps) -> None:
        self._effect, self._steps = effect, steps

    async def deliver(self, delivery: SharedWriting) -> None:
        self._steps.take()
        await self._effect.deliver(delivery)
        self._steps.take()


def count_statements(steps: Steps) -> None:
    """Every statement of this process is a step, unless it only reads and nobody could tell."""
    execute: Callable[..., Awaitable[Any]] = AsyncConnection.execute

    async def counted(connection: Any, sql: str, *arguments: Any, **options: Any) -> Any:
        result = await execute(connection, sql, *arguments, **options)
        if not sql.startswith("SELECT") or "lock" in sql:
            steps.take()
        return result

    setattr(AsyncConnection, "execute", counted)  # noqa: B010  mypy lets no method be assigned


def reaction_named(name: str, database: Database) -> Reaction[SharedWriting]:
    return SummaryReaction(database) if name == SummaryReaction.name else AiNoteReaction(database)


async def react(job: Job) -> None:
    """With no more parts than are needed, since there are many such processes."""
    steps = Steps(job.fatal)
    count_statements(steps)
    database = Database(job.dsn, pool_size=1)
    signals = Signals(database)
    await database.open()
    async with opened_effect(job, Store(database, signals, MASTER, DECISIONS)) as effect:
        watched = WatchedEffect(effect, steps)
        follower = Follower(reaction_named(job.reaction, database), watched, database, signals)
        steps.counting = True
        follower.start()
        await until_passed(job)
        steps.counting = False
        await follower.close()
    await database.close()


@asynccontextmanager
async def opened_effect(job: Job, store: Store) -> AsyncIterator[Effect[SharedWriting]]:
    if job.queue is None:
        await store.start()
        yield ToTasks(store)
        await store.close()
    else:
        queue = sqs_queue(job.queue, job.endpoint)
        yield ToQueue(queue)
        await queue.aclose()


async def until_passed(job: Job) -> None:
    """Looks without being counted."""
    query = "SELECT position FROM reaction_checkpoints WHERE reaction = %s"
    with psycopg.connect(job.dsn, autocommit=True) as connection:
        while True:
            row = connection.execute(query, (job.reaction,)).fetchone()
            if row is not None and row[0] >= job.upto:
                return
            await asyncio.sleep(0.005)


def drive() -> None:
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.alarm(AT_MOST_S)
            asyncio.run(react(Job(**orjson.loads(line))))
            os._exit(0)
        print(pid, flush=True)  # noqa: T201  its report
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201


class Crasher:
    """The driver's process, as a test speaks to it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def begin(self, job: Job) -> int:
        """Start with the job; the pid of the process that does it."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(asdict(job)) + b"\n")
        return await self._answer()

    async def end(self) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        return await self._answer()

    async def was_killed(self, job: Job) -> bool:
        """Do the job; whether the process killed itself rather than finish."""
        await self.begin(job)
        code = await self.end()
        assert code in (0, -signal.SIGKILL)
        return code != 0

    async def _answer(self) -> int:
        assert self._process.stdout is not None
        return int(await self._process.stdout.readline())


@asynccontextmanager
async def running_crasher() -> AsyncIterator[Crasher]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.reactions.crash_driver",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield Crasher(process)
    finally:
        await process.communicate(b"")  # closes its standard input


if __name__ == "__main__":
    drive()
