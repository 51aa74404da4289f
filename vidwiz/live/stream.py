"""What one client is told, kept until it has taken it; one that is too slow begins anew."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from vidwiz.live.changes import Kind, LiveChange

MOST_WAITING = 256
"""Changes that wait for a client before it is told to read everything again instead."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that a client is told, and the position in the log that it has then seen."""

    position: int
    kind: Kind
    data: bytes = b"{}"


class Stream:
    """One open stream of a user, who named these videos beside those they have notes on."""

    def __init__(self, user_id: int, named: frozenset[str]) -> None:
        self.user_id = user_id
        self.named = named
        self.doubted = False
        self._seen: int | None = None
        self._waiting: deque[Told] = deque()
        self._news = asyncio.Event()
        self._ended = False

    def begin(self, position: int, *, reset: bool = False) -> None:
        """Say hello to a client that has seen everything up to a position, or must read anew."""
        self._seen = position
        self._put(Told(position, "hello"))
        if reset:
            self._put(Told(position, "reset"))

    def tell(self, position: int, change: LiveChange) -> None:
        """Pass the change on, unless the client has seen it or has yet to be said hello to."""
        if self._seen is None or position <= self._seen:
            return
        self._seen = position
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.clear()
            self._put(Told(position, "reset"))
        else:
            self._put(Told(position, change.kind, change.data))

    def doubt(self) -> None:
        """Have it made sure that the client may still listen."""
        self.doubted = True
        self._news.set()

    def end(self) -> None:
        """Let the client go."""
        self._ended = True
        self._news.set()

    def _put(self, told: Told) -> None:
        self._waiting.append(told)
        self._news.set()

    async def follow(self, heartbeat_s: float) -> AsyncGenerator[Told | None, None]:
        """Everything, to the end; None when there is nothing to say for so long, or on a doubt."""
        while not self._ended:
            if self._waiting:
                yield self._waiting.popleft()
            elif self.doubted or not await self._heard(heartbeat_s):
                yield None

    async def _heard(self, within_s: float) -> bool:
        self._news.clear()
        try:
            async with asyncio.timeout(within_s):
                await self._news.wait()
        except TimeoutError:
            return False
        return True
