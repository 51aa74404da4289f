"""Pins the log's head while the service runs: every minute or every 1,000 events, if any are new.

Every process looks; the lock lets one of them decide at a time, and it finds what others made.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from vidwiz.adapters.object_store import ObjectStore, ObjectStoreError
from vidwiz.audit.checkpoints.copies import Copies, CopyDiffers
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.records import EVERY_EVENTS, EVERY_S, pin_head
from vidwiz.audit.witnesses.posting import Witnessing
from vidwiz.event_store.notifications import Signals
from vidwiz.metrics import (
    CHECKPOINT_COPIES,
    CHECKPOINT_COPY_TIME,
    CHECKPOINT_POSITION,
    CHECKPOINT_PROBLEM,
    CHECKPOINT_TIME,
)
from vidwiz.postgres.pool import Database, DatabaseUnavailable
from vidwiz.supervision import Loop
from vidwiz.verify_export import Checkpoint

LOCK_NAME = "log checkpoints"
EVERY_COUNT_S = 3600.0
"""Seconds after which all copies are counted again."""
LAST_S = 5.0
"""Seconds that the last checkpoint of a process may take."""

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


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the checkpoints stand, as this process saw it last.

    ``pinned`` is the position of the newest, ``copied`` that of the newest whose copy was seen and
    is its own, made at ``copied_at``. ``copies`` are kept in all. ``problem`` says what is wrong,
    if anything is.
    """

    pinned: int = 0
    copied: int = 0
    copied_at: datetime | None = None
    copies: int = 0
    problem: str | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the newest checkpoint was made whose copy was seen; 0 without any."""
        return 0.0 if self.copied_at is None else time.time() - self.copied_at.timestamp()


class Keeper:
    """Makes checkpoints, copies them and shows them to witnesses, as long as the process lives."""

    def __init__(
        self,
        database: Database,
        signals: Signals,
        objects: ObjectStore,
        key: SigningKey,
        witnesses: Sequence[str] = (),
    ) -> None:
        self._database = database
        self._signals = signals
        self._copies = Copies(database, objects)
        self._key = key
        self._position = 0
        self.evidence = Evidence()
        self._counted_at = -math.inf
        self._gone = False
        self._again_at = 0.0
        self._woken = asyncio.Event()
        self.witnessing = Witnessing(witnesses, database)
        self._loop = Loop("checkpoint keeper", self._keep_on)
        signals.listen(self._heard)

    def start(self) -> None:
        """Begin with what was not pinned when the last process ended."""
        self.witnessing.start()
        self._loop.start()

    async def close(self) -> None:
        """Stop, when what is new is pinned, copied and witnessed, if that can be done quickly."""
        await self._loop.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._try(now=True), LAST_S)
        await self.witnessing.close()

    def _heard(self, _topics: frozenset[str]) -> None:
        if self._signals.head - self._position >= EVERY_EVENTS:
            self._woken.set()

    async def _keep_on(self) -> None:
        while True:
            self._woken.clear()
            await self._try()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._again_at - time.monotonic())

    async def _try(self, *, now: bool = False) -> None:
        self._again_at = time.monotonic() + EVERY_S
        problem: str | None = None
        try:
            newest = await make_checkpoint(self._database, self._key, now=now)
            if newest is not None:
                self.witnessing.pinned(newest)
                self._look_again_when_due(newest)
                await self._copies.catch_up(newest)
                problem = await self._look_at_copies(newest)
        except (DatabaseUnavailable, ObjectStoreError) as error:
            problem = f"a checkpoint waits: {error}"
        except CopyDiffers as error:
            problem = str(error)
        self._tell(problem)

    async def _look_at_copies(self, newest: Checkpoint) -> str | None:
        """See the newest copy, and now and then whether all are there; what is wrong."""
        if not await self._copies.is_kept(newest):
            return f"the copy of checkpoint {newest.position} is gone"
        made_at = datetime.fromisoformat(newest.made_at)
        its = replace(
            self.evidence, pinned=newest.position, copied=newest.position, copied_at=made_at
        )
        if time.monotonic() - self._counted_at < EVERY_COUNT_S:
            self.evidence = its
            return self.evidence.problem if self._gone else None
        self._counted_at = time.monotonic()
        count, gone = await self._copies.count()
        self._gone = bool(gone)
        self.evidence = replace(its, copies=count)
        return f"{gone} copies of checkpoints are gone" if gone else None

    def _tell(self, problem: str | None) -> None:
        if problem is not None and problem != self.evidence.problem:
            log.error("the evidence of the log is not as it should be", problem=problem)
        pinned = max(self.evidence.pinned, self._position)
        self.evidence = replace(self.evidence, pinned=pinned, problem=problem)
        CHECKPOINT_COPIES.set(self.evidence.copies)
        CHECKPOINT_PROBLEM.set(problem is not None)
        if self.evidence.copied_at is not None:
            CHECKPOINT_COPY_TIME.set(self.evidence.copied_at.timestamp())

    def _look_again_when_due(self, newest: Checkpoint) -> None:
        """A minute after the newest, or after this look if nothing is new since then."""
        self._position = newest.position
        if self._signals.head > newest.position:
            age = time.time() - datetime.fromisoformat(newest.made_at).timestamp()
            self._again_at -= min(max(0.0, age), EVERY_S - 1)
