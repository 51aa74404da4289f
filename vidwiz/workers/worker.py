"""A worker: takes jobs of one kind, does them, tells how they ended, and logs a line for each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from vidwiz.supervision import Loop
from vidwiz.workers.api import REFUSED, ApiRefused, ApiUnreachable
from vidwiz.workers.config import Timeouts
from vidwiz.workers.jobs import Fruit, Job, JobFailed, Kind, NotNeeded, failure_of
from vidwiz.workers.pauses import CircuitBreaker, Stop
from vidwiz.workers.sources import Source

LAST_WORDS_S = 3.0
"""To tell, beyond the grace, that a job was interrupted."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _End:
    """How a job ended, as its line in the log has it."""

    outcome: str = "interrupted"
    error_code: str | None = None
    error: BaseException | None = None


class Worker:
    """Does jobs of a kind, a few at a time, until a stop is wished."""

    def __init__(
        self,
        kind: Kind,
        source: Source,
        work: Callable[[Job], Awaitable[Fruit]],
        pace: Timeouts,
        stop: Stop,
        at_a_time: int = 1,
    ) -> None:
        self._kind = kind
        self._source = source
        self._work = work
        self._pace = pace
        self._stop = stop
        self._at_a_time = at_a_time
        self._rest = CircuitBreaker(pace.first_rest_s, pace.longest_rest_s)

    async def run(self) -> None:
        """Return when a stop is wished and the jobs begun are done."""
        name = f"{self._kind.value} worker"
        loops = [Loop(name, self._serve) for _ in range(self._at_a_time)]
        for loop in loops:
            loop.start()
        try:
            await asyncio.gather(*(loop.ended() for loop in loops))
        finally:
            await asyncio.gather(*(loop.stop() for loop in loops))

    async def _serve(self) -> None:
        while not self._stop.is_wished:
            asked = time.monotonic()
            try:
                job = await self._stop.unless(self._source.next())
                if job is not None:
                    await self._do(job)
            except ApiUnreachable:  # and a stop is wished
                return
            except Exception:  # which is to end neither this kind nor the others
                log.exception("worker erred", kind=self._kind.value)
                await self._stop.pause(self._pace.longest_pause_s)
            else:
                if job is None and time.monotonic() - asked < self._pace.poll_s / 2:
                    await self._stop.pause(self._pace.first_pause_s)  # it did not wait
            await self._rest.over(self._stop)

    async def _do(self, job: Job) -> None:
        """Do the job; whatever happens, one line in the log says so."""
        began = time.monotonic()
        end = _End()
        try:
            async with self._source.holding(job):
                await self._bring_to_an_end(job, end)
        finally:
            named = {"task_id": job.task_id, "note_id": job.note_id, "message_id": job.message_id}
            log.info(
                "job",
                kind=job.kind.value,
                video_id=job.video_id,
                **{name: value for name, value in named.items() if value is not None},
                outcome=end.outcome,
                error_code=end.error_code,
                attempts=job.attempt,
                tries=job.tries,
                ms=round((time.monotonic() - began) * 1000, 1),
                exc_info=end.error,
            )

    async def _bring_to_an_end(self, job: Job, end: _End) -> None:
        try:
            outcome, fruit = await self._result_of(job, end)
            async with self._stop.bounded(self._pace.deliver_s, more_s=LAST_WORDS_S):
                await self._source.done(job, fruit)
        except JobFailed as failure:
            await self._tell(job, failure, end)
        except (ApiUnreachable, TimeoutError):
            end.outcome = "undelivered"
            self._rest.begin()
        except ApiRefused as refusal:  # the task is somebody else's by now, or done
            end.outcome, end.error_code = "superseded", f"http_{refusal.status}"
        else:
            end.outcome = outcome
            self._rest.end()

    async def _result_of(self, job: Job, end: _End) -> tuple[str, Fruit]:
        """What to log if it can be delivered, and the fruit; raises ``JobFailed``."""
        try:
            async with self._stop.bounded(self._pace.work_s):
                return "done", await self._work(job)
        except NotNeeded:
            return "skipped", {}
        except Exception as error:
            failure = self._failure_of(error)
            end.error = error if failure.code == "unexpected" else None
            raise failure from error

    def _failure_of(self, error: Exception) -> JobFailed:
        if self._stop.is_wished and isinstance(error, TimeoutError | ApiUnreachable):
            return JobFailed("interrupted", "The worker was stopped.")
        if isinstance(error, ApiRefused):
            lets_nobody_in = error.status in REFUSED
            return JobFailed(
                "api_refused",
                str(error),
                is_permanent=not lets_nobody_in,
                is_general=lets_nobody_in,
            )
        return failure_of(error)

    async def _tell(self, job: Job, failure: JobFailed, end: _End) -> None:
        end.error_code = failure.code
        if failure.is_general:
            rest_s = self._rest.begin()
            log.warning("resting", kind=self._kind.value, reason=failure.code, s=round(rest_s, 1))
        elif failure.is_permanent:  # whoever was asked does answer
            self._rest.end()
        try:
            async with self._stop.bounded(self._pace.deliver_s, more_s=LAST_WORDS_S):
                await self._source.failed(job, failure)
        except (ApiUnreachable, TimeoutError):
            end.outcome = "undelivered"
            self._rest.begin()
        except ApiRefused:
            end.outcome = "superseded"
        else:
            end.outcome = "failed"
