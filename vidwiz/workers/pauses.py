"""Stopping in order, waiting longer each time, and resting when everything fails."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from vidwiz.supervision import pauses

T = TypeVar("T")


class Stop:
    """The wish to stop: waiting ends at once, what is being done gets ``grace_s`` seconds."""

    def __init__(self, grace_s: float) -> None:
        self._grace_s = grace_s
        self._wished = asyncio.Event()
        self._by = 0.0
        self._bounds: set[asyncio.Timeout] = set()

    @property
    def is_wished(self) -> bool:
        """Whether to begin nothing more."""
        return self._wished.is_set()

    def wish(self) -> None:
        """Stop; again makes no difference."""
        if self.is_wished:
            return
        self._wished.set()
        self._by = asyncio.get_running_loop().time() + self._grace_s
        for bound in self._bounds:
            if not bound.expired() and self._by < (bound.when() or self._by):
                bound.reschedule(self._by)

    async def pause(self, seconds: float) -> bool:
        """Wait, at most until a stop is wished; whether it is."""
        try:
            async with asyncio.timeout(seconds):
                await self._wished.wait()
        except TimeoutError:
            return False
        return True

    async def unless(self, doing: Coroutine[Any, Any, T]) -> T | None:
        """The result, or None if a stop is wished before: the doing is broken off then."""
        task = asyncio.ensure_future(doing)
        wished = asyncio.ensure_future(self._wished.wait())
        try:
            await asyncio.wait((task, wished), return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            for one in (task, wished):
                one.cancel()
            await asyncio.gather(task, wished, return_exceptions=True)

    @asynccontextmanager
    async def bounded(self, seconds: float, *, more_s: float = 0.0) -> AsyncIterator[None]:
        """Raises ``TimeoutError`` after so many seconds, or ``more_s`` after the grace is over."""
        by = asyncio.get_running_loop().time() + seconds
        if self.is_wished:
            by = min(by, self._by + more_s)
        async with asyncio.timeout_at(by) as bound:
            self._bounds.add(bound)
            try:
                yield
            finally:
                self._bounds.discard(bound)


class CircuitBreaker:
    """A circuit breaker: after a failure that others would meet too, nothing new is begun."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._lengths = (first_s, longest_s)
        self._pauses = pauses(*self._lengths)
        self._until = 0.0

    def begin(self) -> float:
        """Rest, longer than the time before; the seconds."""
        loop = asyncio.get_running_loop()
        if self._until <= loop.time():
            self._until = loop.time() + next(self._pauses)
        return self._until - loop.time()

    def end(self) -> None:
        """Something went well."""
        self._until = 0.0
        self._pauses = pauses(*self._lengths)

    async def over(self, stop: Stop) -> None:
        """Wait until it is over, or a stop is wished."""
        while (left_s := self._until - asyncio.get_running_loop().time()) > 0:
            if await stop.pause(left_s):
                return
