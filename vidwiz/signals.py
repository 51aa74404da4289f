"""Tells every process what was committed, without a database lock inside any transaction.

After its commits a process sends one NOTIFY for all of them, on a connection of its own; those
that wait also look by themselves now and then, so that a lost signal costs time, never an event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from secrets import token_hex

import psycopg
import structlog
from pydantic import BaseModel, ValidationError

from vidwiz import event_log
from vidwiz.database import Connection, Database, DatabaseUnavailable

CHANNEL = "vidwiz_events"
COALESCE_S = 0.005
RECONNECT_S = 0.5

log = structlog.get_logger(__name__)

Listener = Callable[[frozenset[str]], None]


class _Signal(BaseModel):
    """The payload of a NOTIFY: who committed events of which topics, up to which position."""

    sender: str
    position: int
    topics: frozenset[str]


class Signals:
    """Wakes listeners when events of theirs may have been committed, here or elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Listener] = []
        self._unsent: set[str] = set()
        self._head = 0
        self._to_send = asyncio.Event()
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._sender = token_hex(8)

    @property
    def head(self) -> int:
        """The highest position that this process has heard of."""
        return self._head

    def listen(self, listener: Listener) -> None:
        """Call ``listener`` with the topics of each commit; an empty set means anything."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Listen to other processes; raises ``DatabaseUnavailable``."""
        connection = await self._listening()
        self._tasks = [
            asyncio.create_task(self._receive_forever(connection)),
            asyncio.create_task(self._send_forever()),
        ]
        head = await self._database.one(event_log.HEAD)
        self._head = max(self._head, head[0] if head else 0)

    async def close(self) -> None:
        """Stop, after telling the others what they do not know yet."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._unsent:
            await self._try(self._send)

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

    async def _send_forever(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            await self._try(self._send)
            await asyncio.sleep(COALESCE_S)

    async def _send(self) -> None:
        topics, self._unsent = self._unsent, set()
        signal = _Signal(sender=self._sender, position=self._head, topics=frozenset(topics))
        async with self._database.borrowed() as connection:
            await connection.execute(
                "SELECT pg_notify(%s, %s)", (CHANNEL, signal.model_dump_json())
            )

    async def _try(self, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except DatabaseUnavailable as error:
            log.warning("signal lost; waiting processes will look by themselves", error=str(error))

    async def _listening(self) -> Connection:
        connection = await self._database.connect("signals")
        try:
            await connection.execute(f"LISTEN {CHANNEL}")
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _receive_forever(self, connection: Connection) -> None:
        while True:
            try:
                async for notification in connection.notifies():
                    self._received(notification.payload)
            except psycopg.Error as error:
                log.warning("lost the signal connection", error=str(error))
            finally:
                await connection.close()
            connection = await self._listening_again()
            self._heard(self._head, frozenset())

    async def _listening_again(self) -> Connection:
        while True:
            await asyncio.sleep(RECONNECT_S)
            try:
                return await self._listening()
            except (DatabaseUnavailable, psycopg.Error) as error:
                log.warning("cannot listen for signals", error=str(error))

    def _received(self, payload: str) -> None:
        try:
            signal = _Signal.model_validate_json(payload)
        except ValidationError:
            log.warning("a signal that is none of ours", length=len(payload))
            return
        if signal.sender != self._sender:
            self._heard(signal.position, signal.topics)
