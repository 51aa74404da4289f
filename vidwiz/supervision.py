"""Tasks that live as long as the process: begun again when they fail, ended in order, never lost.

A background task may end of anything: an error that nobody thought of, a cancellation that was
meant for somebody else. ``Loop`` says why it ended, tells those who wait for it, and begins it
again after a pause. An essential one that fails again and again ends the process, which says so
and exits with code 1, so that whoever watches the process can act.
"""

import asyncio
import os
import random
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

import structlog

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
WELL_AFTER_S = 30.0
"""Seconds of work after which earlier failures are forgotten."""
OUTAGE_PAUSE_S = 1.0
MOST_FAILURES = 30
"""Failures in a row, which take two minutes, after which beginning again is in vain."""
CANCEL_S = 3.0
"""Seconds that a cancelled task has to end before it is left behind."""

log = structlog.get_logger(__name__)


class Outage(Exception):
    """Something that the service needs does not answer; nothing is wrong with the service."""


Result = TypeVar("Result")
Work = Callable[[], Coroutine[Any, Any, None]]
Failed = Callable[[BaseException], None]


def pauses(first_s: float, longest_s: float) -> Iterator[float]:
    """Twice as long each time and never longer than ``longest_s``; no two clients the same."""
    pause_s = first_s
    while True:
        yield pause_s * random.uniform(0.5, 1)  # noqa: S311  spreads clients, hides nothing
        pause_s = min(2 * pause_s, longest_s)


class ProcessEnd:
    """Whether this process ends because it cannot do its work any more."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def begin(self, reason: str) -> None:
        """End the process in order, as SIGTERM would, with exit code 1; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            log.critical("the service ends", reason=reason)
            os.kill(os.getpid(), signal.SIGTERM)

    @property
    def code(self) -> int:
        """The exit code."""
        return 0 if self.reason is None else 1


process_end = ProcessEnd()


class Loop:
    """A task that is begun again whenever it fails, until it returns or is stopped.

    ``failed`` is called with the error before each new beginning, so that those who wait for the
    task can be told. An outside cancellation is a failure like any other. An ``Outage`` is none:
    the work begins again every second, for as long as the outage takes.
    """

    def __init__(
        self, name: str, work: Work, failed: Failed | None = None, *, essential: bool = False
    ) -> None:
        self.name = name
        self._essential = essential
        self._work = work
        self._failed = failed
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._stopping = False
        self._failures = 0
        self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._began_at = 0.0
        self._ended = asyncio.Event()

    @property
    def running(self) -> bool:
        """Whether the work is being done at this moment."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin; while it is under way once more makes no difference."""
        if self._stopping or self.running or self._again is not None:
            return
        self._ended.clear()
        self._begin()

    async def stop(self, grace_s: float = 0.0) -> None:
        """Wait ``grace_s`` seconds for the work to return, then cancel it.

        Work that does not heed the cancellation is left behind, so this takes bounded time.
        """
        self._stopping = True
        if self._again is not None:
            self._again.cancel()
            self._again = None
        task = self._task
        if task is None or task.done():
            return
        if grace_s:
            await asyncio.wait([task], timeout=grace_s)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=CANCEL_S)
        if not task.done():
            log.error("a background task does not end; it is left behind", task=self.name)

    async def ended(self) -> None:
        """Wait until the work has returned, or was stopped."""
        await self._ended.wait()

    def _begin(self) -> None:
        self._again = None
        self._began_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._work(), name=self.name)
        self._task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None or (self._stopping and task.cancelled()):
            self._ended.set()
            return
        self._tell(error)
        if self._stopping:
            self._ended.set()
            return
        self._begin_again(error)

    def _tell(self, error: BaseException) -> None:
        if isinstance(error, Outage):
            log.warning("a background task waits", task=self.name, error=str(error))
        elif isinstance(error, asyncio.CancelledError):
            log.error("a background task was cancelled; it begins again", task=self.name)
        else:
            log.error("a background task failed", task=self.name, exc_info=error)
        try:
            if self._failed is not None:
                self._failed(error)
        except Exception:
            log.exception("those who wait for a task could not be told", task=self.name)

    def _begin_again(self, error: BaseException) -> None:
        loop = asyncio.get_running_loop()
        if isinstance(error, Outage):
            at_once = loop.time() - self._began_at > OUTAGE_PAUSE_S
            pause_s = FIRST_PAUSE_S if at_once else OUTAGE_PAUSE_S
            self._again = loop.call_later(pause_s, self._begin)
            return
        if loop.time() - self._began_at > WELL_AFTER_S:
            self._failures = 0
            self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._failures += 1
        if self._essential and self._failures > MOST_FAILURES:
            self._ended.set()
            process_end.begin(f"{self.name} fails again and again: {type(error).__name__}: {error}")
            return
        self._again = loop.call_later(next(self._pauses), self._begin)


class Tasks:
    """Finite pieces of work, kept until they are done; an error of one is logged, never lost."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        """How many are under way."""
        return len(self._tasks)

    def begin(
        self, work: Coroutine[Any, Any, Result], *, heard: bool = False
    ) -> "asyncio.Task[Result]":
        """Do the work; ``heard`` says that somebody asks the task for its error."""
        task = asyncio.create_task(work, name=self._name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if not heard:
            task.add_done_callback(self._log_error)
        return task

    async def shielded(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of ``work``, which a cancelled caller does not cancel."""
        task = self.begin(work, heard=True)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                task.add_done_callback(self._log_error)
            raise

    async def wait(self, within_s: float) -> None:
        """Wait for all of them, at most so many seconds."""
        if self._tasks:
            await asyncio.wait([*self._tasks], timeout=within_s)

    async def finish(self, within_s: float) -> None:
        """Wait for all of them so many seconds, then cancel the others."""
        await self.wait(within_s)
        await self.cancel()

    async def cancel(self) -> None:
        """Break off what is under way; takes bounded time."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait([*self._tasks], timeout=CANCEL_S)
            if late:
                log.error("tasks do not end", task=self._name, count=len(late))

    def _log_error(self, task: "asyncio.Task[Any]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task failed, and nobody waited for it", task=self._name, exc_info=error)
