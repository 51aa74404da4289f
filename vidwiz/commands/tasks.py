"""Background tasks: claim, give back, submit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from vidwiz.commands.base import (
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    History,
    StreamQuery,
)
from vidwiz.events import (
    Event,
    MetadataFetched,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
    TranscriptReady,
)

MAX_ATTEMPTS = 3

Status = Literal["pending", "in_progress", "completed", "failed", "cancelled"]
_STATUSES: Mapping[type[Event], Status] = {
    TaskAttemptFailed: "pending",
    TaskFailed: "failed",
    TaskCompleted: "completed",
    TaskCancelled: "cancelled",
}
CLAIM_EXPIRED = "the worker did not answer in time"


class TaskNotFound(DomainError):
    """There is no such task of this type."""

    code = "task_not_found"
    message = "Task not found"


class TaskVideoMismatch(DomainError):
    """The result is for another video than the task."""

    code = "task_video_mismatch"
    message = "Task video_id mismatch"


class TaskNotInProgress(DomainError):
    """Nobody is at work on the task: submitted already, or waiting for a retry."""

    code = "task_not_in_progress"
    message = "Task is not in progress"


class TaskOfOtherWorker(DomainError):
    """Somebody else claimed the task."""

    code = "task_of_other_worker"
    message = "Task belongs to a different worker"


@dataclass(frozen=True)
class Claimable:
    """A task that may be handed out: pending, or claimed by a worker that went silent."""

    task_id: int
    video_id: str
    attempts: int
    note_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class NextTask(DecisionContext):
    """The first task in line, locked for this claim; None when there is no work."""

    task: Claimable | None


@dataclass(frozen=True)
class NextTaskOf(ContextQuery[NextTask]):
    """Asks for a task, of a silent worker too if it was claimed before ``stale_before``."""

    task_type: TaskType
    stale_before: datetime


@dataclass(frozen=True)
class Claim:
    """A task in a worker's hands; ``attempt`` counts from 1.

    With a ``user_id`` it is written from the transcript that this person reads.
    """

    task_id: int
    task_type: TaskType
    video_id: str
    attempt: int
    note_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True)
class Expired:
    """Instead of a claim: the first in line has used up its attempts and is to be failed."""

    task_id: int
    attempt: int


@dataclass(frozen=True, slots=True)
class ClaimTask:
    """A worker asks for a task. The result is its ``Claim``, ``Expired``, or None."""

    task_type: TaskType
    worker: str
    stale_before: datetime

    def lookup(self) -> NextTaskOf:
        """The first task in line."""
        return NextTaskOf(self.task_type, self.stale_before)


def claim_task(command: ClaimTask, line: NextTask) -> Decision:
    """A task that has used up its attempts is not offered once more."""
    task = line.task
    if task is None:
        return Decision()
    if task.attempts >= MAX_ATTEMPTS:
        return Decision(result=Expired(task.task_id, task.attempts))
    attempt = task.attempts + 1
    return Decision(
        events=(TaskClaimed(task_id=task.task_id, worker=command.worker, attempt=attempt),),
        result=Claim(
            task.task_id, command.task_type, task.video_id, attempt, task.note_id, task.user_id
        ),
        follows=line.newest_in(f"task:{task.task_id}"),
    )


@dataclass(frozen=True)
class OwnTask(DecisionContext):
    """What a user may work on for themselves: their open task, or a video without a transcript.

    ``task_id`` is set aside for a new task on ``video_id``.
    """

    task: Claimable | None
    video_id: str | None
    task_id: int


@dataclass(frozen=True)
class OwnTaskQuery(ContextQuery[OwnTask]):
    """Asks for what a user may work on; their own claim of before ``stale_before`` is stale."""

    user_id: int
    stale_before: datetime


@dataclass(frozen=True, slots=True)
class ClaimOwnTask:
    """A user asks for a transcript to fetch, of a video that they use; its result is theirs alone.

    The result is as for ``ClaimTask``.
    """

    user_id: int
    worker: str
    stale_before: datetime

    def lookup(self) -> OwnTaskQuery:
        """Their open task, or a video."""
        return OwnTaskQuery(self.user_id, self.stale_before)


def claim_own_task(command: ClaimOwnTask, own: OwnTask) -> Decision:
    """The tasks that are for all are left to the workers."""
    if own.task is not None:
        claim = ClaimTask(TaskType.TRANSCRIPT, command.worker, command.stale_before)
        return claim_task(claim, NextTask(own.task, versions=own.versions))
    if own.video_id is None:
        return Decision()
    queued = TaskQueued(
        task_id=own.task_id,
        task_type=TaskType.TRANSCRIPT,
        video_id=own.video_id,
        user_id=command.user_id,
    )
    claimed = TaskClaimed(task_id=own.task_id, worker=command.worker, attempt=1)
    return Decision(
        events=(queued, claimed), result=Claim(own.task_id, TaskType.TRANSCRIPT, own.video_id, 1)
    )


@dataclass(frozen=True)
class Task:
    """A task as its past left it; with a ``user_id`` its result is for that person alone."""

    task_type: TaskType
    video_id: str
    user_id: int | None = None
    status: Status = "pending"
    worker: str | None = None
    attempt: int = 0


def state_of(past: Iterable[Event]) -> Task | None:
    """The task that these events made; None when it was never queued."""
    task: Task | None = None
    for event in past:
        if isinstance(event, TaskQueued):
            task = Task(event.task_type, event.video_id, event.user_id)
        elif task is not None:
            task = _after(task, event)
    return task


def _after(task: Task, event: Event) -> Task:
    match event:
        case TaskClaimed():
            return replace(task, status="in_progress", worker=event.worker, attempt=event.attempt)
        case TaskGivenBack():
            return replace(task, status="pending", worker=None, attempt=event.attempt - 1)
        case _:
            return replace(task, status=_STATUSES.get(type(event), task.status))


@dataclass(frozen=True, slots=True)
class GiveBackTask:
    """The worker went away before it learned of its claim."""

    task_id: int
    attempt: int

    def lookup(self) -> StreamQuery:
        """The task's past."""
        return StreamQuery((f"task:{self.task_id}",))


def give_back_task(command: GiveBackTask, history: History) -> Decision:
    """Nothing to give back once the attempt has ended or somebody else took over."""
    stream = f"task:{command.task_id}"
    task = state_of(history.of(stream))
    if task is None or (task.status, task.attempt) != ("in_progress", command.attempt):
        return Decision()
    given_back = TaskGivenBack(task_id=command.task_id, attempt=command.attempt)
    return Decision(events=(given_back,), follows=history.newest_in(stream))


@dataclass(frozen=True, slots=True)
class ExpireTask:
    """The worker of the last attempt has been silent for too long."""

    task_id: int
    attempt: int

    def lookup(self) -> StreamQuery:
        """The task's past."""
        return StreamQuery((f"task:{self.task_id}",))


def expire_task(command: ExpireTask, history: History) -> Decision:
    """Nothing to fail once the attempt has ended or somebody else took over."""
    stream = f"task:{command.task_id}"
    task = state_of(history.of(stream))
    if task is None or (task.status, task.attempt) != ("in_progress", command.attempt):
        return Decision()
    failed = TaskFailed(task_id=command.task_id, attempt=command.attempt, error=CLAIM_EXPIRED)
    return Decision(events=(failed,), follows=history.newest_in(stream))


@dataclass(frozen=True, slots=True)
class StoredTranscript:
    """A transcript that already lies in the object store."""

    object_key: str
    sha256: str
    segment_count: int


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """A worker reports on its claim.

    ``transcript`` or ``metadata`` is the fruit of a success; other tasks have none, their worker
    says so with ``done``. Else the attempt failed: ``error`` says why, ``reason`` is a stable code,
    and another attempt is not made when it is ``permanent``. ``attempt`` says of which claim it is,
    if the worker said so: one that was given up meanwhile fails no newer one, but its success is
    welcome. The result is the task's new status.
    """

    task_id: int
    task_type: TaskType
    video_id: str
    worker: str
    transcript: StoredTranscript | None = None
    metadata: dict[str, Any] | None = None
    done: bool = False
    error: str | None = None
    reason: str | None = None
    permanent: bool = False
    attempt: int | None = None

    def lookup(self) -> StreamQuery:
        """The pasts of the task and of its video."""
        return StreamQuery((f"task:{self.task_id}", f"video:{self.video_id}"))


def submit_result(command: SubmitResult, history: History) -> Decision:
    """Only the worker that holds the claim reports, once."""
    stream = f"task:{command.task_id}"
    task = require_claim(
        state_of(history.of(stream)),
        task_type=command.task_type,
        video_id=command.video_id,
        worker=command.worker,
    )
    outcome = _succeeded(command, task) or _failed(command, task)
    return replace(outcome, follows=history.newest_in(stream))


def require_claim(task: Task | None, *, task_type: TaskType, video_id: str, worker: str) -> Task:
    """The task, if this worker holds it for this video; else the first refusal that applies."""
    if task is None or task.task_type != task_type:
        raise TaskNotFound
    if task.video_id != video_id:
        raise TaskVideoMismatch
    if task.status != "in_progress":
        raise TaskNotInProgress
    if task.worker != worker:
        raise TaskOfOtherWorker
    return task


def _fruit(command: SubmitResult) -> Event | None:
    if command.transcript is not None:
        return TranscriptReady(
            video_id=command.video_id,
            object_key=command.transcript.object_key,
            sha256=command.transcript.sha256,
            segment_count=command.transcript.segment_count,
            origin="workers",
        )
    if command.metadata is not None:
        return MetadataFetched(video_id=command.video_id, metadata=command.metadata)
    return None


def _succeeded(command: SubmitResult, task: Task) -> Decision | None:
    fruit = _fruit(command)
    if fruit is None and not command.done:
        return None
    completed = TaskCompleted(task_id=command.task_id, attempt=task.attempt)
    return Decision(
        events=(completed,) if fruit is None else (completed, fruit), result="completed"
    )


def _failed(command: SubmitResult, task: Task) -> Decision:
    if command.attempt not in (None, task.attempt):
        raise TaskNotInProgress
    last = command.permanent or task.attempt >= MAX_ATTEMPTS
    failed = TaskFailed if last else TaskAttemptFailed
    event = failed(
        task_id=command.task_id,
        attempt=task.attempt,
        error=command.error,
        reason=command.reason,
    )
    return Decision(events=(event,), result="failed" if last else "pending")


class NewWorkRefused(DomainError):
    """It would ask workers for something, and may not."""

    code = "new_work_refused"
    message = "Daily limit of new videos reached"


@dataclass(frozen=True)
class Work(DecisionContext):
    """Whether a task is worth queueing, and the id set aside for it."""

    needed: bool
    open: bool
    task_id: int


@dataclass(frozen=True)
class WorkQuery(ContextQuery[Work]):
    """Asks whether a summary, or the words of a note, are still to be written.

    With a ``user_id`` it is the summary of that person's own transcript.
    """

    task_type: TaskType
    video_id: str
    note_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class QueueTask:
    """The service wants something written, as far as it is still missing.

    With a ``user_id`` it is written from the transcript that this person reads, for them. The
    result is True if it is queued now.
    """

    task_type: TaskType
    video_id: str
    note_id: int | None = None
    user_id: int | None = None

    def lookup(self) -> WorkQuery:
        """What there is already, and what is on its way."""
        return WorkQuery(self.task_type, self.video_id, self.note_id, self.user_id)


def queue_task(command: QueueTask, work: Work) -> Decision:
    """Asking again while a task is open, or once the work is done, is no event."""
    if not work.needed or work.open:
        return Decision()
    queued = TaskQueued(
        task_id=work.task_id,
        task_type=command.task_type,
        video_id=command.video_id,
        note_id=command.note_id,
        user_id=command.user_id,
    )
    return Decision(events=(queued,), result=True)
