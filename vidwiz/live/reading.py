"""Reads the log on and on while somebody wants it, through outages, and rests otherwise."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

import structlog

from vidwiz.event_store import statements
from vidwiz.event_store.command_queue import Overloaded
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.subscription import follow_chunks
from vidwiz.events.recorded import RecordedEvent
from vidwiz.postgres.pool import Database, DatabaseUnavailable
from vidwiz.supervision import Tasks

BACKLOG = 2000
"""Events before the log's head that a reading begins with."""
PAUSE_S = 1.0

log = structlog.get_logger(__name__)

Take = Callable[[Sequence[RecordedEvent]], Awaitable[None]]


class Reading:
    """One reading, from a little before the head on; ``take`` gets every event in order."""

    def __init__(
        self,
        database: Database,
        signals: Signals,
        *,
        begin: Callable[[int], None],
        take: Take,
        broke: Callable[[], None],
    ) -> None:
        self._database = database
        self._signals = signals
        self._begin = begin
        self._take = take
        self._broke = broke
        self._position = 0
        self._caught_up = asyncio.Event()
        self._error: Exception | None = None
        self._stopped = False
        self._tasks = Tasks("live stream")
        self._task = self._tasks.begin(self._read(), heard=True)
        self._task.add_done_callback(self._ended)

    @property
    def is_under_way(self) -> bool:
        """Whether it reads on."""
        return not self._task.done() and not self._stopped

    async def stop(self) -> None:
        """End it; whoever listens is not told."""
        self.stop_soon()
        await self._tasks.cancel()

    def stop_soon(self) -> None:
        """The same without waiting for its end."""
        self._stopped = True
        self._task.cancel()

    async def caught_up(self) -> None:
        """Wait until it came to what was the head when it began.

        Raises ``DatabaseUnavailable``, ``UnknownEvent`` where it cannot go on, and ``Overloaded``
        if it was stopped before.
        """
        await self._caught_up.wait()
        if self._error is not None:
            raise self._error

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Nobody may wait for what does not come any more, perhaps since it never began.

        Whoever listened connects again, which begins another reading.
        """
        error = None if task.cancelled() else task.exception()
        self._error = error if isinstance(error, Exception) else Overloaded()
        self._caught_up.set()
        if not self._stopped:
            log.error("nobody can be told what changes; it is read anew", exc_info=error)
            self._broke()

    async def _read(self) -> None:
        """Read on through outages; raises what cannot be read, which is never skipped."""
        head = await head_of(self._database)
        self._position = max(0, head - BACKLOG)
        self._begin(self._position)
        while True:
            try:
                await self._read_on(head)
            except DatabaseUnavailable as error:
                log.warning("people are told later what changed", error=str(error))
                await asyncio.sleep(PAUSE_S)

    async def _read_on(self, head: int) -> None:
        self._came_to(self._position, head)
        async with aclosing(follow_chunks(self._database, self._signals, self._position)) as chunks:
            async for chunk in chunks:
                await self._take(chunk)
                self._came_to(chunk[-1].position or self._position, head)

    def _came_to(self, position: int, head: int) -> None:
        self._position = position
        if position >= head:
            self._caught_up.set()


async def head_of(database: Database) -> int:
    """The log's highest position; raises ``DatabaseUnavailable``."""
    row = await database.one(statements.HEAD)
    return int(row[0]) if row else 0
