"""A store on a loop of its own, with a clock that the test turns."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop

from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.postgres.pool import Database

BY = EventMetadata(SYSTEM)

T = TypeVar("T")


class ClockedStore:
    """Executes commands at the time ``now``, for tests that are not asynchronous themselves."""

    def __init__(self, dsn: str, runner: asyncio.Runner) -> None:
        self.dsn = dsn
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self._runner = runner
        self._database = Database(dsn, pool_size=2)
        self._signals = Signals(self._database)
        self._store = Store(self._database, self._signals, MASTER, DECISIONS, now=lambda: self.now)
        self.run(self._start())

    @property
    def head(self) -> int:
        """The position of the newest event."""
        return self._signals.head

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def execute(self, command: Any) -> Any:
        return self.run(self.executed(command))

    async def executed(self, command: Any) -> Any:
        """The same for those who wait for several at once."""
        return await self._store.execute(command, BY)

    def close(self) -> None:
        self.run(self._close())

    async def _start(self) -> None:
        await self._database.open()
        await self._signals.start()
        await self._store.start()

    async def _close(self) -> None:
        await self._store.close()
        await self._signals.close()
        await self._database.close()


@contextmanager
def clocked_store(dsn: str) -> Iterator[ClockedStore]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        its = ClockedStore(dsn, runner)
        yield its
        its.close()
