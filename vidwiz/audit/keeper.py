"""Pins the log's head while the service runs: every minute or every 1,000 events, if any are new.

Every process looks; the lock lets one of them decide at a time, and it finds what others made.
"""

import asyncio
import time
from contextlib import suppress
from datetime import datetime

import structlog

from vidwiz.adapters.object_store import ObjectStore, ObjectStoreError
from vidwiz.audit.checkpoints import EVERY_EVENTS, EVERY_S, pin_head
from vidwiz.audit.copies import Copies, CopyDiffers
from vidwiz.audit.keys import SigningKey
from vidwiz.database import Database, DatabaseUnavailable
from vidwiz.metrics import CHECKPOINT_POSITION, CHECKPOINT_TIME
from vidwiz.signals import Signals
from vidwiz.supervision import Loop
from vidwiz.verify_export import Checkpoint

LOCK_NAME = "log checkpoints"

log = structlog.get_logger(__name__)


async def make_checkpoint(database: Database, key: SigningKey, *, now: bool) -> Checkpoint | None:
    """Pin the head if it is time, or ``now`` if anything is new; the newest there is then.

    None for an empty log. Raises ``DatabaseUnavailable``.
    """
    async with database.exclusively(LOCK_NAME) as connection:
        newest = await pin_head(connection, key, now=now)
    if newest is not None:
        CHECKPOINT_POSITION.set(newest.position)
        CHECKPOINT_TIME.set(datetime.fromisoformat(newest.made_at).timestamp())
    return newest


class Keeper:
    """Makes checkpoints, and copies them, as long as the process lives."""

    def __init__(
        self, database: Database, signals: Signals, objects: ObjectStore, key: SigningKey
    ) -> None:
        self._database = database
        self._signals = signals
        self._copies = Copies(database, objects)
        self._key = key
        self._position = 0
        self._again_at = 0.0
        self._woken = asyncio.Event()
        self._loop = Loop("checkpoint keeper", self._keep_on)
        signals.listen(self._heard)

    def start(self) -> None:
        """Begin with what was not pinned when the last process ended."""
        self._loop.start()

    async def close(self) -> None:
        """Stop; what is not pinned yet is the next process's."""
        await self._loop.stop()

    def _heard(self, _topics: frozenset[str]) -> None:
        if self._signals.head - self._position >= EVERY_EVENTS:
            self._woken.set()

    async def _keep_on(self) -> None:
        while True:
            self._woken.clear()
            await self._try()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._again_at - time.monotonic())

    async def _try(self) -> None:
        self._again_at = time.monotonic() + EVERY_S
        try:
            newest = await make_checkpoint(self._database, self._key, now=False)
            if newest is not None:
                self._look_again_when_due(newest)
                await self._copies.catch_up(newest)
        except (DatabaseUnavailable, ObjectStoreError) as error:
            log.warning("a checkpoint waits", error=str(error))
        except CopyDiffers as error:
            log.error("the log or a copy of its checkpoints was changed", error=str(error))  # noqa: TRY400  no fault of ours

    def _look_again_when_due(self, newest: Checkpoint) -> None:
        """A minute after the newest, or after this look if nothing is new since then."""
        self._position = newest.position
        if self._signals.head > newest.position:
            age = time.time() - datetime.fromisoformat(newest.made_at).timestamp()
            self._again_at -= min(max(0.0, age), EVERY_S - 1)
