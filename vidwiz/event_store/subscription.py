"""Follows the log: what happened behind a position, and then what happens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

from vidwiz.event_store import statements
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.personal_keys import mapper_of
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMapper, RecordedEvent, UnknownEvent
from vidwiz.postgres.pool import Connection, Database, fetch_all

CHUNK = 500
CHUNK_BYTES = 4 * 1024 * 1024
"""Of states, which is few of the longest notes."""
POLL_S = 1.0


async def follow_chunks(
    database: Database, signals: Signals, after: int, master: MasterKey | None = None
) -> AsyncGenerator[Sequence[RecordedEvent], None]:
    """Every event behind position ``after``, in order and without end, at most ``CHUNK`` at once.

    Positions have no holes and become visible in order, so nothing is missed or reordered.
    Without the master key what is personal reads ``[erased]``. Raises ``UnknownEvent`` rather
    than skip what this program cannot read, and ``DatabaseUnavailable`` in an outage: start again
    behind the last event that was seen.
    """
    while True:
        news = signals.next_news()
        async with database.borrowed() as connection:
            behind = {"after": after, "at_most": CHUNK, "at_most_bytes": CHUNK_BYTES}
            rows = await fetch_all(connection, statements.BEHIND, behind)
            mapper = await _mapper(connection, master, rows)
        read, unknown = _recorded(mapper, rows)
        if read:
            yield read
            after = rows[len(read) - 1][0]
        if unknown is not None:
            raise unknown
        if not (rows and rows[-1][-1]):
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), POLL_S)


async def _mapper(
    connection: Connection, master: MasterKey | None, rows: Sequence[tuple[Any, ...]]
) -> EventMapper:
    if master is None:
        return EventMapper()
    return await mapper_of(connection, master, statements.by_topic(rows))


def _recorded(
    mapper: EventMapper, rows: Sequence[tuple[Any, ...]]
) -> tuple[list[RecordedEvent], UnknownEvent | None]:
    """The events up to the first that this program cannot read, and that one's error."""
    read: list[RecordedEvent] = []
    for row in rows:
        try:
            read.append(statements.recorded(mapper, row))
        except UnknownEvent as error:
            return read, error
    return read, None
