"""Tells every process what was committed, without a database lock inside any transaction.

After its commits a process sends one NOTIFY for all of them, on a connection of its own; those
that wait also look by themselves now and then, so that a lost signal costs time, never an event.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import orjson
import psycopg
import structlog

from vidwiz import log as event_log
from vidwiz.database import Connection, Database, DatabaseUnavailable

CHANNEL = "vidwiz_events"
COALESCE_S = 0.005
RECONNECT_S = 0.5

log = structlog.get_logger(__name__)

Listener = Callable[[frozenset[str]], None]


class Signals:
    """Wakes listeners when events of theirs may have been committed, here or elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: list[Listener] = []
        self._unsent: set[str] = set()
        self._head = 0
        self._to_send = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._backend_pid = 0

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
        head = await self._database.one(event_log.HEAD)
        self._head = head[0] if head else 0
        self._tasks = [
            asyncio.create_task(self._receive_forever(connection)),
            asyncio.create_task(self._send_forever()),
        ]

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

    async def wait_beyond(self, position: int, timeout: float) -> None:
        """Return when the head may be beyond ``position``, at the latest after ``timeout`` s."""
        if self._head > position:
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self._moved.wait(), timeout)

    def _heard(self, position: int, topics: frozenset[str]) -> None:
        self._head = max(self._head, position)
        for listener in self._listeners:
            listener(topics)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _send_forever(self) -> None:
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            await self._try(self._send)
            await asyncio.sleep(COALESCE_S)

    async def _send(self) -> None:
        topics, self._unsent = self._unsent, set()
        payload = orjson.dumps({"position": self._head, "topics": sorted(topics)}).decode()
        async with self._database.borrowed() as connection:
            await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))

    async def _try(self, send: Callable[[], Awaitable[None]]) -> None:
        try:
            await send()
        except DatabaseUnavailable as error:
            log.warning("signal lost; waiting processes will look by themselves", error=str(error))

    async def _listening(self) -> Connection:
        connection = await self._database.connect("signals")
        await connection.execute(f"LISTEN {CHANNEL}")
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
        signal = orjson.loads(payload)
        self._heard(signal["position"], frozenset(signal["topics"]))
