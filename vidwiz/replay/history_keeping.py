"""Fills the row history while the service runs, seconds behind the log."""

import asyncio
import time
from threading import Event

import structlog

from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import outages
from vidwiz.projections.row_history_state import STATE
from vidwiz.replay.engine import log_head, replay_connection
from vidwiz.replay.row_history import HistoryGone, StoredHistory, ensure_stored
from vidwiz.replay.row_history import require_state as position_of
from vidwiz.supervision import Loop

LOOK_S = 10.0
BEHIND = 1000
"""Events that a request replays by itself; so many more make a count that is kept."""

log = structlog.get_logger(__name__)


class _Stopped(Exception):
    """The service stops in the middle of filling."""


class HistoryKeeping:
    """Looks every ten seconds. A history of another program's form is replaced at the start."""

    def __init__(self, dsn: str, master: MasterKey, *, store: bool) -> None:
        self._dsn = dsn
        self._master = master
        self._store = store
        self._closing = Event()
        self._chunk_began_at = 0.0
        self._loop = Loop("row history", self._look_on)

    def start(self) -> None:
        """Begin to look, where a history is to be stored."""
        if self._store:
            self._loop.start()

    async def close(self) -> None:
        """Stop, also in the middle of filling; what was filled stays."""
        self._closing.set()
        await self._loop.stop()

    async def _look_on(self) -> None:
        with outages():
            await asyncio.to_thread(ensure_stored, self._dsn, take_over=True)
        while True:
            await asyncio.to_thread(self._look)
            await asyncio.sleep(LOOK_S)

    def _look(self) -> None:
        with outages():
            try:
                self._fill()
            except HistoryGone:  # dropped, or taken over by a newer program
                log.info("the row history is not this program's any more")
            except _Stopped:
                return

    def _fill(self) -> None:
        with replay_connection(self._dsn, "history") as connection:
            began_at, head = position_of(connection, STATE), log_head(connection)
        if head - began_at < BEHIND:
            return
        history = StoredHistory(self._dsn, self._master, "history")
        self._chunk_began_at = time.monotonic()
        try:
            history.fill(head, self._go_on)
        finally:
            history.close()
        log.info("the row history was filled", position=head, events=head - began_at)

    def _go_on(self, at: int, of: int) -> None:
        """Leave the processors to others for as long as the last chunk took."""
        if at < of and self._closing.wait(time.monotonic() - self._chunk_began_at):
            raise _Stopped
        self._chunk_began_at = time.monotonic()
