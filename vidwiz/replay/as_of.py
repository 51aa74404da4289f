"""Time travel beside a running service: one replay at a time, in a thread, for a bounded time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from vidwiz.event_store import statements
from vidwiz.event_store.statements import head_of
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import Database, outages
from vidwiz.replay.time_travel import ReplayTooLong, State, TimeMachine

REPLAY_S = 20.0
"""Seconds of replay in one request; the next one goes on from there."""
WAIT_S = 5.0
"""Seconds to wait for others who travel."""
UNUSED_S = 600.0
"""Seconds after which connections that nobody travels by are given up, and their space."""

Answer = TypeVar("Answer")


class Busy(Exception):
    """Others travel already."""


class NoSuchPosition(Exception):
    """The log does not go so far."""

    def __init__(self, position: int, head: int) -> None:
        super().__init__(f"the log has no position {position}; its head is {head}")


async def position_at(database: Database, at: int | datetime) -> int:
    """The position itself, or the last one recorded at or before the time; 0 is before all.

    Raises ``NoSuchPosition``, ``DatabaseUnavailable``.
    """
    if isinstance(at, datetime):
        row = await database.one(statements.POSITION_AT, time=at)
        return int(row[0]) if row else 0
    head = await head_of(database)
    if at > head:
        raise NoSuchPosition(at, head)
    return at


class AsOfQueries:
    """Shows the tables as of any position."""

    def __init__(self, dsn: str, master: MasterKey, *, store_history: bool) -> None:
        self._machine = TimeMachine(dsn, master, store=store_history)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="time-travel")
        self._lock = asyncio.Lock()
        self._unused: asyncio.TimerHandle | None = None
        self._closing = False

    async def at(self, position: int, look: Callable[[State], Answer]) -> Answer:
        """What ``look``, which runs in a thread, sees of the tables as of a position.

        Raises ``Busy``, ``ReplayTooLong``, ``DatabaseUnavailable``, ``UnknownEvent``,
        ``ProjectionFailed``.
        """
        try:
            await asyncio.wait_for(self._lock.acquire(), WAIT_S)
        except TimeoutError:
            raise Busy from None
        travelling = asyncio.get_running_loop().run_in_executor(
            self._thread, self._look, position, look
        )
        travelling.add_done_callback(lambda _: self._arrived())
        return await asyncio.shield(travelling)

    def forget(self, _person: str) -> None:
        """Give up what is open: without a stored history it may hold the words of the erased."""
        self._thread.submit(self._machine.close)

    async def close(self) -> None:
        """Stop travelling, and give the space back."""
        self._closing = True
        if self._unused is not None:
            self._unused.cancel()
        await asyncio.to_thread(self._thread.shutdown)
        await asyncio.to_thread(self._machine.close)

    def _look(self, position: int, look: Callable[[State], Answer]) -> Answer:
        with outages(), self._machine.at(position, self._go_on, REPLAY_S) as state:
            return look(state)

    def _go_on(self, at: int, of: int) -> None:
        if self._closing and at < of:
            raise ReplayTooLong(at, of)

    def _arrived(self) -> None:
        self._lock.release()
        if self._unused is not None:
            self._unused.cancel()
        loop = asyncio.get_running_loop()
        self._unused = loop.call_later(UNUSED_S, self._forget_unused)

    def _forget_unused(self) -> None:
        with suppress(RuntimeError):  # it is closing
            self._thread.submit(self._machine.forget_unused, UNUSED_S)
