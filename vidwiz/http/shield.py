"""Work that a client started and that goes on to its end when the client goes away."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from vidwiz.supervision import Tasks

FINISH_S = 10.0

Result = TypeVar("Result")


class BackgroundWork:
    """Runs work in tasks of its own."""

    def __init__(self) -> None:
        self._tasks = Tasks("requests")

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of ``work``, which a cancelled caller does not cancel."""
        return await self._tasks.shielded(work)

    async def finish(self) -> None:
        """Wait for everything that is under way; it is broken off after ``FINISH_S`` seconds."""
        await self._tasks.finish(FINISH_S)
