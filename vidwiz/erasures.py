"""Who was erased: known in every process a moment after it happened, and from the start."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import orjson
from sqlalchemy import BigInteger, select

from vidwiz.database import Database
from vidwiz.events import UserErased
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import stored_events
from vidwiz.signals import Signals
from vidwiz.supervision import Loop

LOOK_S = 1.0

_erased = Statement(
    select(stored_events.c.notification_id, stored_events.c.state)
    .where(
        stored_events.c.topic == UserErased.TOPIC,
        stored_events.c.notification_id > parameter("after", BigInteger),
    )
    .order_by(stored_events.c.notification_id)
)


class Erasures:
    """The ids of the users who were erased; looks when a signal says so, and now and then."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._users: set[int] = set()
        self._position = 0
        self._news = asyncio.Event()
        self._listeners: list[Callable[[int], None]] = []
        self._looking = Loop("erasures", self._look_forever, essential=True)
        signals.listen(self._heard)

    def __contains__(self, user_id: int) -> bool:
        """Whether the user was erased, as far as this process knows."""
        return user_id in self._users

    def listen(self, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the id of each user who is erased from now on."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Learn who was erased by now, then go on; raises ``DatabaseUnavailable``."""
        await self._look()
        self._looking.start()

    async def close(self) -> None:
        """Stop looking."""
        await self._looking.stop()

    def happened(self, user_id: int) -> None:
        """The user was erased; a second time is ignored."""
        if user_id in self._users:
            return
        self._users.add(user_id)
        for listener in self._listeners:
            listener(user_id)

    def _heard(self, topics: frozenset[str]) -> None:
        if not topics or UserErased.TOPIC in topics:
            self._news.set()

    async def _look_forever(self) -> None:
        while True:
            self._news.clear()
            await self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_S)

    async def _look(self) -> None:
        for position, state in await self._database.all(_erased, after=self._position):
            self.happened(orjson.loads(state)["user_id"])
            self._position = position
