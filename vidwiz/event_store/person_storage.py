"""How much a person may store in all: the text of notes, of brought transcripts and of questions.

It is measured in the database, which all processes share. While there is plenty of room a process
relies on what it measured a moment ago, less what it has admitted since.
"""

import time
from collections.abc import Callable

from vidwiz.postgres.pool import Database
from vidwiz.projections.queries import STORED_BYTES

PLENTY = 0.5
"""Part of the room from which on it need not be measured every time."""
LASTS_S = 60.0
MOST_KNOWN = 10_000


class NoRoom(Exception):
    """The person has stored as much as they may."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"Your account is full: it holds {most} bytes. Delete notes, or transcripts that you "
            "uploaded, to make room; your data can be exported first"
        )


class Room:
    """Admits what there is room for; ``most`` 0 admits everything."""

    def __init__(
        self, database: Database, most: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._most = most
        self._clock = clock
        self._known: dict[int, tuple[int, float]] = {}

    async def require(self, user_id: int, length: int) -> None:
        """Raise ``NoRoom`` if so many bytes more are too many, or ``DatabaseUnavailable``."""
        if self._most == 0 or length == 0:
            return
        left, measured_at = self._known.pop(user_id, (0, 0.0))
        is_old = self._clock() - measured_at > LASTS_S
        if is_old or left - length < self._most * PLENTY:
            left, measured_at = await self._measured(user_id), self._clock()
        if length > left:
            raise NoRoom(self._most)
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[user_id] = (left - length, measured_at)

    async def _measured(self, user_id: int) -> int:
        ((used,),) = await self._database.all(STORED_BYTES, user_id=user_id)
        return self._most - int(used)
