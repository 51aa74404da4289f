"""Where jobs come from and how their ends are told; the service's tasks are one such place."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any, Protocol

from vidwiz.workers.api import Api, ApiRefused
from vidwiz.workers.jobs import Fruit, Job, JobFailed, Kind

_WRITING = (Kind.SUMMARY, Kind.AI_NOTE)
_UNACCEPTABLE = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY)


class Source(Protocol):
    """Hands out jobs and is told how each of them ended."""

    async def next(self) -> Job | None:
        """A job, after waiting for one; None when there was none in time."""

    def holding(self, job: Job) -> AbstractAsyncContextManager[None]:
        """Keeps the job from others while it is done."""

    async def done(self, job: Job, fruit: Fruit) -> None:
        """It is done, or need not be; raises ``JobFailed`` when its fruit is unacceptable."""

    async def failed(self, job: Job, failure: JobFailed) -> None:
        """It is to be tried again, if that is of use."""


class TaskSource:
    """The service's own tasks."""

    def __init__(self, kind: Kind, api: Api) -> None:
        self._kind = kind
        self._api = api

    async def next(self) -> Job | None:
        """The next task."""
        task = await self._api.next_task(self._kind)
        if task is None:
            return None
        details = task["task_details"]
        return Job(
            self._kind,
            details["video_id"],
            attempt=task["retry_count"],
            note_id=details.get("note_id"),
            user_id=details.get("user_id"),
            task_id=task["task_id"],
        )

    @asynccontextmanager
    async def holding(self, _: Job) -> AsyncIterator[None]:
        """The claim lasts longer than any work."""
        yield

    async def done(self, job: Job, fruit: Fruit) -> None:
        """Hand the fruit in."""
        try:
            await self._api.submit(self._kind, {**_report(job), "success": True, **fruit})
        except ApiRefused as refusal:
            if refusal.status not in _UNACCEPTABLE:
                raise
            raise JobFailed("result_refused", str(refusal), is_permanent=True) from refusal

    async def failed(self, job: Job, failure: JobFailed) -> None:
        """Say why."""
        await self._api.submit(
            self._kind,
            {
                **_report(job),
                "success": False,
                "error_message": str(failure),
                "error_code": failure.code,
                "permanent": failure.is_permanent,
            },
        )


def _report(job: Job) -> dict[str, Any]:
    report = {"task_id": job.task_id, "video_id": job.video_id, "attempt": job.attempt}
    return {**report, "model_calls": job.tries} if job.kind in _WRITING else report
