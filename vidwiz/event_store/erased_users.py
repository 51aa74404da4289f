"""Who was erased, disabled or signed out: known everywhere a moment later, and from the start."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
import structlog
from sqlalchemy import BigInteger, Text, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.event_store.notifications import Signals
from vidwiz.events import (
    GuestErased,
    LongTermTokenRevoked,
    SessionsEnded,
    UserDisabled,
    UserEnabled,
    UserErased,
)
from vidwiz.postgres.pool import Database, DatabaseUnavailable
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import stored_events
from vidwiz.supervision import Loop

LOOK_S = 1.0

log = structlog.get_logger(__name__)

TOPICS = frozenset(
    event.TOPIC
    for event in (
        UserErased,
        GuestErased,
        SessionsEnded,
        UserDisabled,
        UserEnabled,
        LongTermTokenRevoked,
    )
)
"""What ends somebody's trust, or begins it again."""

_news = Statement(
    select(stored_events.c.notification_id, stored_events.c.topic, stored_events.c.state)
    .where(
        stored_events.c.topic == func.any(parameter("topics", ARRAY(Text))),
        stored_events.c.notification_id > parameter("after", BigInteger),
    )
    .order_by(stored_events.c.notification_id)
)


class Erasures:
    """Whose tokens are dead; looks when a signal says so, and now and then."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._users: set[int] = set()
        self._guests: set[str] = set()
        self._disabled: set[int] = set()
        self._ended: dict[int, float] = {}
        self._position = 0
        self._news = asyncio.Event()
        self._listeners: list[Callable[[str], None]] = []
        self._doubters: list[Callable[[int], None]] = []
        self.changes = 0
        """How often somebody's trust ended or began: what is open looks again when it differs."""
        self._looking = Loop("erasures", self._look_forever, essential=True)
        signals.listen(self._heard)

    def __contains__(self, user_id: int) -> bool:
        """Whether the user was erased, as far as this process knows."""
        return user_id in self._users

    def has_guest(self, guest_id: str) -> bool:
        """Whether the guest was erased, as far as this process knows."""
        return guest_id in self._guests

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call ``listener`` with each person who is erased from now on: ``user:5``, ``guest:…``."""
        self._listeners.append(listener)

    def listen_to_doubts(self, listener: Callable[[int], None]) -> None:
        """Call ``listener`` with the id of each user of whom some token died from now on."""
        self._doubters.append(listener)

    def admits(self, user_id: int, issued_at: float) -> bool:
        """Whether a JWT of this user that was issued then (seconds) is alive, as far as is known.

        One that does not say when was issued at minus infinity.
        """
        ended = self._ended.get(user_id)
        return self.is_open(user_id) and (ended is None or issued_at > ended)

    def is_open(self, user_id: int) -> bool:
        """Whether the account was neither erased nor disabled, as far as is known."""
        return user_id not in self._users and user_id not in self._disabled

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
        self._tell(f"user:{user_id}")

    def guest_went(self, guest_id: str) -> None:
        """The guest was erased; a second time is ignored."""
        if guest_id not in self._guests:
            self._guests.add(guest_id)
            self._tell(f"guest:{guest_id}")

    def _tell(self, person: str) -> None:
        self.changes += 1
        for listener in self._listeners:
            listener(person)

    async def look(self) -> None:
        """Learn at once what this process has just done; if it cannot, it learns it soon."""
        try:
            await self._look()
        except DatabaseUnavailable as error:
            log.warning("cannot look whose tokens are dead", error=str(error))

    def _heard(self, topics: frozenset[str]) -> None:
        if not topics or TOPICS & topics:
            self._news.set()

    async def _look_forever(self) -> None:
        while True:
            self._news.clear()
            await self._look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_S)

    async def _look(self) -> None:
        found = await self._database.all(_news, after=self._position, topics=sorted(TOPICS))
        for position, topic, state in found:
            if position > self._position:  # another look may have been faster
                self._learn(topic, orjson.loads(state))
                self._position = position

    def _learn(self, topic: str, state: dict[str, Any]) -> None:
        if topic == GuestErased.TOPIC:
            self.guest_went(state["guest_id"])
            return
        user_id = state["user_id"]
        if topic == UserErased.TOPIC:
            self.happened(user_id)
        elif topic == UserDisabled.TOPIC:
            self._disabled.add(user_id)
        elif topic == UserEnabled.TOPIC:
            self._disabled.discard(user_id)
        elif topic == SessionsEnded.TOPIC:
            before = datetime.fromisoformat(state["before"]).timestamp()
            self._ended[user_id] = max(before, self._ended.get(user_id, before))
        self.changes += 1
        for listener in self._doubters:
            listener(user_id)
