"""What a process keeps for auditors: open streams, pasts, and the last rebuild."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from vidwiz.audit.reading import Log
from vidwiz.audit.streams import LogStreams
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import Database
from vidwiz.replay.as_of import AsOfQueries
from vidwiz.replay.history_keeping import HistoryKeeping
from vidwiz.replay.rebuilding import Rebuilding


@dataclass(frozen=True, slots=True)
class AuditServices:
    """The auditors' parts of a running service."""

    log: Log
    streams: LogStreams
    states: AsOfQueries
    rebuilding: Rebuilding
    history: HistoryKeeping

    def forget(self, person: str) -> None:
        """Give up what is open: it may hold the words of somebody who was erased."""
        self.states.forget(person)


@asynccontextmanager
async def open_desk(
    dsn: str, database: Database, master: MasterKey, *, store_history: bool
) -> AsyncIterator[AuditServices]:
    """A desk; in the end its streams, its replays and its rebuild are stopped."""
    log = Log(database, master)
    history = HistoryKeeping(dsn, master, store=store_history)
    rebuilding = Rebuilding(dsn, master.known)
    states = AsOfQueries(dsn, master, store_history=store_history)
    desk = AuditServices(log, LogStreams(), states, rebuilding, history)
    history.start()
    try:
        yield desk
    finally:
        desk.streams.send_home()
        await desk.rebuilding.close()
        await history.close()
        await desk.states.close()
