"""Tells every process what was committed, without a database lock inside any transaction.

After its commits a process sends one NOTIFY for all of them, on a connection of its own; those
that wait also look by themselves now and then, so that a lost signal costs time, never an event.
On the way it holds the lock by which others see that this process lives, and passes on what one
process has to say to the others.
"""

import asyncio
from collections.abc import Callable, Iterable
from secrets import randbelow

import structlog
from pydantic import BaseModel, ValidationError

from vidwiz.event_store import statements
from vidwiz.postgres.pool import Connection, Database, DatabaseUnavailable, outages
from vidwiz.projections.wiz_queries import PRESENCE_LOCK
from vidwiz.supervision import Loop

CHANNEL = "vidwiz_events"
WORDS_CHANNEL = "vidwiz_words"
LONGEST_WORD = 7500
"""Bytes of a message between processes; PostgreSQL carries less than 8000."""
COALESCE_S = 0.005
CLOSE_S = 3.0
"""Seconds to tell the others what they do not know yet when the service stops."""

log = structlog.get_logger(__name__)

Listener = Callable[[frozenset[str]], None]
Hearer = Callable[[str], None]

_PRESENT = "SELECT pg_advisory_lock_shared(%s, %s)"  # an old session of ours may hold it still
_NOTIFY = "SELECT pg_notify(%s, %s)"
_SAY = "SELECT pg_notify(%s, word) FROM unnest(%s::text[]) AS word"


class _Signal(BaseModel):
    """The payload of a NOTIFY: who committed events of which topics, up to which position."""

    sender: int
    position: int
    topics: frozenset[str]


class Signals:
    """Wakes listeners when events of theirs may have been committed, here or elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Listener] = []
        self._hearers: list[Hearer] = []
        self._unsaid: list[str] = []
        self._unsent: set[str] = set()
        self._head = 0
        self._to_send = asyncio.Event()
        self._news = asyncio.Event()
        self._closing = False
        self._sender = Loop("signals sender", self._send_until_closed)
        self._receiver = Loop("signals receiver", self._receive_forever)
        self._connection: Connection | None = None
        self._server = 1 + randbelow(2**31 - 1)

    @property
    def server(self) -> int:
        """The number of this process among all that serve the database, as long as it lives."""
        return self._server

    @property
    def head(self) -> int:
        """The highest position that this process has heard of."""
        return self._head

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with the topics of each commit; an empty set means anything."""
        self._listeners.append(listener)

    def hear(self, hearer: Hearer) -> None:
        """Call ``hearer`` with each word that another process says."""
        self._hearers.append(hearer)

    def say(self, word: str) -> None:
        """Tell the other processes something, at most ``LONGEST_WORD`` bytes; it may get lost."""
        if len(word.encode()) > LONGEST_WORD:
            raise ValueError("a word is too long for PostgreSQL")
        self._unsaid.append(word)
        self._to_send.set()

    async def start(self) -> None:
        """Listen to other processes; raises ``DatabaseUnavailable``."""
        self._connection = await self._listening()
        self._receiver.start()
        self._sender.start()
        head = await self._database.one(statements.HEAD)
        self._head = max(self._head, head[0] if head else 0)

    async def close(self) -> None:
        """Stop, after telling the others what they do not know yet."""
        self._closing = True
        self._to_send.set()
        await self._receiver.stop()
        if self._connection is not None:  # the receiver was stopped before it began
            await self._connection.close()
        await self._sender.stop(CLOSE_S)  # what it is just sending would be lost

    def committed(self, position: int, topics: Iterable[str]) -> None:
        """This process has committed events up to ``position``."""
        self._unsent.update(topics)
        self._to_send.set()
        self._heard(position, frozenset(topics))

    def next_news(self) -> asyncio.Event:
        """Set by the next commit that is heard of; take it before looking, then wait for it."""
        return self._news

    def _heard(self, position: int, topics: frozenset[str]) -> None:
        self._head = max(self._head, position)
        for listener in self._listeners:
            try:
                listener(topics)
            except Exception:
                log.exception("a listener failed")
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def _send_until_closed(self) -> None:
        while not self._closing:
            await self._to_send.wait()
            self._to_send.clear()
            await self._send()
            await asyncio.sleep(COALESCE_S)
        if self._unsent or self._unsaid:
            await self._send()

    async def _send(self) -> None:
        topics, self._unsent = self._unsent, set()
        words, self._unsaid = self._unsaid, []
        signal = _Signal(sender=self._server, position=self._head, topics=frozenset(topics))
        try:
            async with self._database.borrowed() as connection:
                if topics:
                    await connection.execute(_NOTIFY, (CHANNEL, signal.model_dump_json()))
                if words:
                    said = [f"{self._server} {word}" for word in words]
                    await connection.execute(_SAY, (WORDS_CHANNEL, said))
        except BaseException:
            self._unsent |= topics  # words may get lost, a commit is told in the end
            if topics:
                self._to_send.set()
            raise

    async def _listening(self) -> Connection:
        connection = await self._database.connect("signals")
        try:
            with outages():
                await connection.execute(_PRESENT, (PRESENCE_LOCK, self._server))
                await connection.execute(f"LISTEN {CHANNEL}")
                await connection.execute(f"LISTEN {WORDS_CHANNEL}")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _receive_forever(self) -> None:
        """Listen until the connection is lost, which is an error; and then to another one."""
        if self._connection is None:
            self._connection = await self._listening()
            self._heard(self._head, frozenset())  # whatever happened meanwhile
        connection, self._connection = self._connection, None
        connection.patience_s = None  # there may be no news for long
        try:
            with outages():
                async for notification in connection.notifies():
                    if notification.channel == CHANNEL:
                        self._received(notification.payload)
                    else:
                        self._overheard(notification.payload)
            raise DatabaseUnavailable("the signals ended")
        finally:
            await connection.close()

    def _received(self, payload: str) -> None:
        try:
            signal = _Signal.model_validate_json(payload)
        except ValidationError:
            log.warning("a signal that is none of ours", length=len(payload))
            return
        if signal.sender != self._server:
            self._heard(signal.position, signal.topics)

    def _overheard(self, payload: str) -> None:
        sender, _, word = payload.partition(" ")
        if sender == str(self._server):
            return
        for hearer in self._hearers:
            try:
                hearer(word)
            except Exception:
                log.exception("a word of another process was not understood", length=len(word))
