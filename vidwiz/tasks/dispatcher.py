"""Hands tasks to waiting workers: one dispatcher per process and task type.

Waiting costs a future and a timer, no thread and no query. The dispatcher claims for many
waiting workers in one command when a signal says that there may be work, and looks by itself
every second while somebody waits, for stale claims and lost signals.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import structlog

from vidwiz.commands.tasks import Claim, ClaimTask, Expired, ExpireTask, GiveBackTask
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.command_queue import Conflict, Overloaded
from vidwiz.events import TaskAttemptFailed, TaskGivenBack, TaskQueued, TaskType
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.metrics import WAITING_WORKERS
from vidwiz.postgres.pool import DatabaseUnavailable
from vidwiz.supervision import Loop, Tasks

SWEEP_S = 1.0
MAX_CLAIMS = 32
CLOSE_S = 8.0
"""Seconds that claims under way have to be made, or to be given back, when the service stops."""

MAKES_CLAIMABLE = frozenset(event.TOPIC for event in (TaskQueued, TaskGivenBack, TaskAttemptFailed))

log = structlog.get_logger(__name__)


class TooManyPolls(Exception):
    """The caller waits so often in this process that they have to wait for themselves."""


Doubt = asyncio.Future[None]
"""Done when some token of who waits has died, so that the wait has to end."""


class Polls:
    """The long polls of this process, by who asks."""

    def __init__(self) -> None:
        self._of_one: dict[str, set[Doubt]] = {}

    @contextmanager
    def one_more(self, worker: str, most: int) -> Iterator[Doubt]:
        """Count one as long as it waits; raises ``TooManyPolls``."""
        waiting = self._of_one.setdefault(worker, set())
        if len(waiting) >= most:
            raise TooManyPolls
        doubt: Doubt = asyncio.get_running_loop().create_future()
        waiting.add(doubt)
        try:
            yield doubt
        finally:
            waiting.remove(doubt)
            if not waiting:
                del self._of_one[worker]

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(map(len, self._of_one.values()))

    def doubt(self, worker: str) -> None:
        """End the waits of somebody of whom some token died, such as ``user:7``."""
        for doubt in self._of_one.get(worker, ()):
            if not doubt.done():
                doubt.set_result(None)


@dataclass(eq=False, slots=True)
class _Waiter:
    worker: str
    origin: EventMetadata
    claim: "asyncio.Future[Claim]"


class Dispatcher:
    """Claims tasks of one type for the workers that wait in this process."""

    def __init__(
        self,
        task_type: TaskType,
        store: Store,
        stale_after: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._task_type = task_type
        self._store = store
        self._stale_after = stale_after
        self._now = now
        self._waiters: deque[_Waiter] = deque()
        self._look = asyncio.Event()
        self._known_empty = False
        self._looked_at = -math.inf
        self._closing = False
        self._serving: list[_Waiter] = []
        self._loop = Loop(f"{task_type.value} dispatcher", self._dispatch_forever, self._failed)
        self._returns = Tasks("claims")
        self._waiting = WAITING_WORKERS.labels(task_type.value)

    @property
    def is_closing(self) -> bool:
        """Whether nobody is to wait for a task any more."""
        return self._closing

    def start(self) -> None:
        """Begin to dispatch."""
        self._loop.start()

    def send_home(self) -> None:
        """Let every waiting worker go without a task, and newcomers too."""
        self._closing = True
        self._look.set()
        while self._waiters:
            self._waiters.popleft().claim.cancel()

    async def close(self) -> None:
        """Send the workers home and finish what was begun."""
        self.send_home()
        await self._loop.stop(CLOSE_S)
        await self._returns.finish(CLOSE_S)

    def heard(self, topics: frozenset[str]) -> None:
        """Something was committed, here or in another process; an empty set means anything."""
        if not topics or topics & MAKES_CLAIMABLE:
            self._known_empty = False
            self._look.set()

    async def claim(
        self, worker: str, timeout: float, origin: EventMetadata, doubt: Doubt
    ) -> Claim | None:
        """The next task for this worker; None when there is none within ``timeout`` seconds.

        None also as soon as there is a ``doubt`` of who waits.
        """
        if self._closing:
            return None
        waiter = _Waiter(worker, origin, asyncio.get_running_loop().create_future())
        if timeout <= 0:
            return await self._claim_at_once(waiter)
        self._waiters.append(waiter)
        self._waiting.inc()
        if not self._known_empty or time.monotonic() - self._looked_at > SWEEP_S:
            self._look.set()
        try:
            return await self._claim_of(waiter, timeout, doubt)
        finally:
            self._waiting.dec()

    async def _claim_at_once(self, waiter: _Waiter) -> Claim | None:
        claiming = self._returns.begin(self._claim(waiter, self._now()), heard=True)
        try:
            return await asyncio.shield(claiming)
        except asyncio.CancelledError:
            claiming.add_done_callback(lambda done: self._give_back_result(done, waiter.origin))
            raise

    def _give_back_result(
        self, claiming: "asyncio.Task[Claim | None]", origin: EventMetadata
    ) -> None:
        if claiming.cancelled():
            return
        if claiming.exception() is None and (claim := claiming.result()) is not None:
            self.give_back(claim, origin)

    async def _claim_of(self, waiter: _Waiter, timeout: float, doubt: Doubt) -> Claim | None:
        try:
            either = (waiter.claim, doubt)
            await asyncio.wait(either, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if not waiter.claim.cancel() and waiter.claim.exception() is None:
                self.give_back(waiter.claim.result(), waiter.origin)
            raise
        waiter.claim.cancel()  # no effect when it was made in time
        return None if waiter.claim.cancelled() else waiter.claim.result()

    def give_back(self, claim: Claim, origin: EventMetadata) -> None:
        """Return a claim that its worker, whose request had this origin, will never hear of."""
        self._returns.begin(self._give_back(claim, origin))

    async def _give_back(self, claim: Claim, origin: EventMetadata) -> None:
        command = GiveBackTask(claim.task_id, claim.attempt)
        try:
            await self._store.execute(command, _because_of(origin))
        except (DatabaseUnavailable, Overloaded, Conflict) as error:
            log.warning(
                "a claim could not be given back and goes stale",
                task_id=claim.task_id,
                error=str(error),
            )

    def _failed(self, error: BaseException) -> None:
        """Whoever waits is told, instead of waiting for what does not come."""
        waiters, self._serving = [*self._serving, *self._waiters], []
        self._waiters.clear()
        for waiter in waiters:
            if not waiter.claim.done():
                waiter.claim.set_exception(DatabaseUnavailable(f"no dispatcher: {error!r}"))

    async def _dispatch_forever(self) -> None:
        while not self._closing:
            await self._until_there_may_be_work()
            self._look.clear()
            await self._dispatch()

    async def _until_there_may_be_work(self) -> None:
        try:
            await asyncio.wait_for(self._look.wait(), SWEEP_S)
        except TimeoutError:
            return

    async def _dispatch(self) -> None:
        """Claim until there is no more work, or nobody to do it."""
        at_once = 1
        while waiters := self._next_waiters(at_once):
            self._serving = waiters
            unserved = await self._serve(waiters)
            self._serving = []
            self._waiters.extendleft(reversed(unserved))
            if self._closing:
                self.send_home()
            if unserved:
                self._known_empty = not self._look.is_set()
                return
            at_once = min(at_once * 2, MAX_CLAIMS)

    async def _serve(self, waiters: list[_Waiter]) -> list[_Waiter]:
        """Claim for each of them in one transaction; returns those that got nothing."""
        now = self._now()
        self._looked_at = time.monotonic()
        claims = await asyncio.gather(
            *(self._claim(waiter, now) for waiter in waiters), return_exceptions=True
        )
        unserved = []
        for waiter, claim in zip(waiters, claims, strict=True):
            if isinstance(claim, BaseException):
                log.warning("cannot claim a task", error=repr(claim))
                unserved.append(waiter)
            elif claim is None:
                unserved.append(waiter)
            elif waiter.claim.done():
                self.give_back(claim, waiter.origin)
            else:
                waiter.claim.set_result(claim)
        return unserved

    def _next_waiters(self, most: int) -> list[_Waiter]:
        waiters: list[_Waiter] = []
        while self._waiters and len(waiters) < most:
            waiter = self._waiters.popleft()
            if not waiter.claim.done():
                waiters.append(waiter)
        return waiters

    async def _claim(self, waiter: _Waiter, now: datetime) -> Claim | None:
        command = ClaimTask(self._task_type, waiter.worker, now - self._stale_after)
        while True:
            claim: Claim | Expired | None = await self._store.execute(command, waiter.origin)
            if not isinstance(claim, Expired):
                return claim
            expire = ExpireTask(claim.task_id, claim.attempt)
            await self._store.execute(expire, _because_of(waiter.origin))


def _because_of(origin: EventMetadata) -> EventMetadata:
    """What the service does by itself, on account of a worker's request."""
    return replace(origin, actor=SYSTEM)
