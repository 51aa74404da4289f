"""Pages of the log, all of it in constant memory, and what is added to it from now on."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from vidwiz.audit.filters import Filter, page_of
from vidwiz.event_store import statements
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.personal_keys import mapper_of
from vidwiz.event_store.statements import head_of
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import RecordedEvent
from vidwiz.postgres.pool import Database, DatabaseUnavailable, fetch_all
from vidwiz.postgres.statement import MAX_BIGINT

logger = structlog.get_logger(__name__)

PAGE_BYTES = 4 * 1024 * 1024
"""States of more bytes together do not come at once, however many events were asked for."""
CHUNK = 200
POLL_S = 1.0
HEARTBEAT_S = 15.0


@dataclass(frozen=True, slots=True)
class Log:
    """Where the log is, and the master key to what is personal in it."""

    database: Database
    master: MasterKey


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the wanted events; ``next`` is the position to go on behind, None at the end."""

    events: Sequence[RecordedEvent]
    next: int | None


@dataclass(frozen=True, slots=True)
class Range:
    """The positions between ``after`` and ``before``, both left out, in one of two orders."""

    after: int = 0
    before: int = MAX_BIGINT
    newest_first: bool = False

    def behind(self, position: int) -> "Range":
        """What of it comes behind a position, in its order."""
        if self.newest_first:
            return Range(self.after, position, newest_first=True)
        return Range(position, self.before)


async def page(log: Log, wanted: Filter, within: Range, at_most: int) -> Page:
    """The first events within a range.

    Raises ``UnknownEvent``, ``SealBroken``, ``DatabaseUnavailable``.
    """
    values = {
        **wanted.values,
        "after": within.after,
        "before": within.before,
        "at_most": at_most,
        "at_most_bytes": PAGE_BYTES,
    }
    async with log.database.borrowed() as connection:
        statement = page_of(wanted.names, newest_first=within.newest_first)
        rows = await fetch_all(connection, statement, values)
        mapper = await mapper_of(connection, log.master, statements.by_topic(rows))
    events = [statements.recorded(mapper, row) for row in rows]
    return Page(events, events[-1].position if rows and rows[-1][-1] else None)


async def pages(
    log: Log, wanted: Filter, within: Range, at_most: int | None = None
) -> AsyncGenerator[Page, None]:
    """All wanted events within a range, or the first of them, a few at a time.

    No transaction is held in between. The last page's ``next`` is None, but when ``at_most``
    events were given and there are more.
    """
    left = at_most
    while left is None or left > 0:
        found = await page(log, wanted, within, CHUNK if left is None else min(CHUNK, left))
        yield found
        if found.next is None:
            return
        within = within.behind(found.next)
        left = None if left is None else left - len(found.events)


async def follow(
    log: Log,
    signals: Signals,
    wanted: Filter,
    within: Range,
    is_over: Callable[[], bool],
) -> AsyncGenerator[Sequence[RecordedEvent], None]:
    """The wanted events of a range as they are recorded, to its end or until it is over.

    Nothing is missed, since positions become visible in order. An empty sequence says that
    nothing came for ``HEARTBEAT_S`` seconds. An outage of the database is waited for. Raises as
    ``page`` does otherwise.
    """
    loop = asyncio.get_running_loop()
    heard_at, after = loop.time(), within.after
    while after + 1 < within.before and not is_over():
        news = signals.next_news()
        try:
            head = await head_of(log.database)
            found = await page(log, wanted, Range(after, min(head + 1, within.before)), CHUNK)
        except DatabaseUnavailable as error:
            logger.warning("the log cannot be followed at the moment", error=str(error))
            head, found = after, Page((), None)
        after = max(after, head) if found.next is None else found.next
        if found.events or loop.time() - heard_at > HEARTBEAT_S:
            heard_at = loop.time()
            yield found.events
        if found.next is None:
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), POLL_S)
