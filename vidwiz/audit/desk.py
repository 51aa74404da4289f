"""What a process keeps for auditors: open streams, pasts, and the last rebuild."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vidwiz.audit.reading import Log
from vidwiz.audit.rebuilding import Rebuilding
from vidwiz.audit.states import States
from vidwiz.audit.streams import LogStreams


@dataclass(frozen=True, slots=True)
class Desk:
    """The auditors' parts of a running service."""

    log: Log
    streams: LogStreams
    states: States
    rebuilding: Rebuilding


@asynccontextmanager
async def open_desk(
    dsn: str, log: Log, master_keys: Callable[[], Sequence[bytes]]
) -> AsyncIterator[Desk]:
    """A desk; in the end its streams, its replay and its rebuild are stopped."""
    desk = Desk(log, LogStreams(), States(dsn, log.master), Rebuilding(dsn, master_keys))
    try:
        yield desk
    finally:
        desk.streams.send_home()
        await desk.rebuilding.close()
        await desk.states.close()
