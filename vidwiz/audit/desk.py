"""What a process keeps for auditors: open streams, pasts, and the last rebuild."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vidwiz.audit.reading import Log
from vidwiz.audit.rebuilding import Rebuilding
from vidwiz.audit.snapshotting import Snapshotting
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
    snapshotting: Snapshotting

    def forget(self, person: str) -> None:
        """Give up every copy of the tables: one may hold the words of somebody who was erased."""
        self.states.forget(person)
        self.snapshotting.forget(person)


@asynccontextmanager
async def open_desk(
    dsn: str, database: Database, master: MasterKey, snapshot_every: int
) -> AsyncIterator[Desk]:
    """A desk; in the end its streams, its replays and its rebuild are stopped."""
    log = Log(database, master)
    snapshotting = Snapshotting(dsn, master, snapshot_every)
    rebuilding = Rebuilding(dsn, master.known)
    desk = Desk(log, LogStreams(), States(dsn, master), rebuilding, snapshotting)
    snapshotting.start()
    try:
        yield desk
    finally:
        desk.streams.send_home()
        await desk.rebuilding.close()
        await snapshotting.close()
        await desk.states.close()
