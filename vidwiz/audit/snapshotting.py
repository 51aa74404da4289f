"""Makes snapshots of the tables while the service runs, and drops those that hold the erased."""

import asyncio
from contextlib import suppress

import structlog

from vidwiz.database import outages
from vidwiz.events.master_key import MasterKey
from vidwiz.projections.snapshots import drop_struck_out, make
from vidwiz.supervision import Loop

LOOK_S = 60.0

log = structlog.get_logger(__name__)


class _Stopped(Exception):
    """The service stops in the middle of a snapshot."""


class Snapshotting:
    """Looks every minute, and when somebody was erased; ``every`` 0 makes none."""

    def __init__(self, dsn: str, master: MasterKey, every: int) -> None:
        self._dsn = dsn
        self._master = master
        self._every = every
        self._closing = False
        self._news = asyncio.Event()
        self._loop = Loop("snapshots", self._look_on)

    def start(self) -> None:
        """Begin to look."""
        self._loop.start()

    def forget(self, _person: str) -> None:
        """Drop what was struck out with somebody's erasure."""
        self._news.set()

    async def close(self) -> None:
        """Stop, also in the middle of a snapshot, which is dropped at the next start."""
        self._closing = True
        await self._loop.stop()

    async def _look_on(self) -> None:
        while True:
            self._news.clear()
            await asyncio.to_thread(self._look)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), LOOK_S)

    def _look(self) -> None:
        with outages(), suppress(_Stopped):
            if not self._every:
                drop_struck_out(self._dsn)
                return
            position = make(self._dsn, self._master, self._every, self._go_on)
            if position is not None:
                log.info("a snapshot of the tables was made", position=position)

    def _go_on(self, _at: int, _of: int) -> None:
        if self._closing:
            raise _Stopped
