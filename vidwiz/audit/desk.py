"""What a process keeps for auditors: open streams, pasts, and the last rebuild."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vidwiz.audit.reading import Log
from vidwiz.audit.rebuilding import Rebuilding
from vidwiz.audit.states import States
from vidwiz.audit.streams import LogStreams
from vidwiz.database import Database
from vidwiz.events.master_key import MasterKey


@dataclass(frozen=True, slots=True)
class Desk:
    """The auditors' parts of a running service."""

    log: Log
    streams: LogStreams
    states: States
    rebuilding: Rebuilding


@asynccontextmanager
async def open_desk(dsn: str, database: Database, master: MasterKey) -> AsyncIterator[Desk]:
    """A desk; in the end its streams, its replay and its rebuild are stopped."""
    log = Log(database, master)
    desk = Desk(log, LogStreams(), States(dsn, master), Rebuilding(dsn, master.known))
    try:
        yield desk
    finally:
        desk.streams.send_home()
        await desk.rebuilding.close()
        await desk.states.close()
