"""The answers that go on and on: so many at once, and none beyond the end of the service."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

MOST_STREAMS = 16


class TooManyStreams(Exception):
    """As many as this process allows are open."""


class LogStreams:
    """Counts the open streams of the log, and ends them with the service."""

    def __init__(self) -> None:
        self._open = 0
        self._over = False

    def is_over(self) -> bool:
        """Whether every stream is to end."""
        return self._over

    def send_home(self) -> None:
        """Let every stream end."""
        self._over = True

    def require_room(self) -> None:
        """Raise ``TooManyStreams`` when no more may be opened."""
        if self._open >= MOST_STREAMS:
            raise TooManyStreams

    async def counted(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The same pieces; the stream counts while somebody takes them."""
        self._open += 1
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        finally:
            self._open -= 1
