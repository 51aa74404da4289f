"""What must come of the commands about tasks."""

from typing import Any

from tests.histories.told import Told
from tests.histories.world import Task, World
from vidwiz.commands.tasks import (
    Claim,
    ClaimTask,
    Expired,
    ExpireTask,
    GiveBackTask,
    QueueTask,
    StoredTranscript,
    SubmitResult,
    TaskNotFound,
    TaskNotInProgress,
    TaskOfOtherWorker,
    TaskVideoMismatch,
)
from vidwiz.events import TaskType

ATTEMPTS = 3


def queue(
    world: World, task_type: TaskType, video_id: str, told: Told, **details: int | None
) -> None:
    """The task waits from now on, for all or for this ``note_id`` or ``user_id``."""
    details = {name: value for name, value in details.items() if value is not None}
    task_id = told.task_id(task_type, video_id)
    assert task_id not in world.tasks
    world.tasks[task_id] = Task(task_id, task_type, {"video_id": video_id, **details}, **world.new)


def transcribe(world: World, video_id: str, transcript: StoredTranscript, origin: str) -> None:
    """The transcript is there for all from now on."""
    video = world.videos[video_id]
    video.transcript_available = True
    video.transcript_sha256 = transcript.sha256
    video.transcript_segments = transcript.segment_count
    video.transcript_origin = origin
    video.happened(world.now)


def describe(world: World, video_id: str, metadata: dict[str, Any]) -> None:
    """The metadata is there from now on."""
    video = world.videos[video_id]
    video.metadata = metadata
    video.happened(world.now)


def queue_task(world: World, command: QueueTask, told: Told) -> bool | None:
    whose = {"note_id": command.note_id, "user_id": command.user_id}
    already = any(
        task.task_details.get("note_id") == command.note_id
        and (command.note_id is not None or task.user_id == command.user_id)
        for task in world.tasks.values()
        if task.is_open and (task.task_type, task.video_id) == (command.task_type, command.video_id)
    )
    if already or not _is_needed(world, command):
        return None
    queue(world, command.task_type, command.video_id, told, **whose)
    return True


def _is_needed(world: World, command: QueueTask) -> bool:
    if command.note_id is None and command.user_id is not None:
        rows = world.personal_transcripts.values()
        whose = (command.user_id, command.video_id)
        mine = [row for row in rows if (row.user_id, row.video_id) == whose]
        return any(row.object_key is not None and row.summary is None for row in mine)
    if command.note_id is None:
        video = world.videos.get(command.video_id)
        return video is not None and video.transcript_available and video.summary is None
    note = world.notes.get(command.note_id)
    return note is not None and not note.text and world.users[note.user_id].ai_notes_enabled


def claim_task(world: World, command: ClaimTask, _: Told) -> Claim | Expired | None:
    line = [task for _, task in sorted(world.tasks.items()) if _is_claimable(task, command)]
    if not line:
        return None
    task = line[0]
    if task.retry_count >= ATTEMPTS:
        return Expired(task.id, task.retry_count)
    task.claimed(command.worker, world.now)
    whose = (task.task_details.get("note_id"), task.user_id)
    return Claim(task.id, task.task_type, task.video_id, task.retry_count, *whose)


def _is_claimable(task: Task, command: ClaimTask) -> bool:
    is_own_fetch = task.task_type == TaskType.TRANSCRIPT and task.user_id is not None
    return (
        task.task_type == command.task_type
        and not is_own_fetch
        and task.is_claimable(command.stale_before)
    )


def give_back_task(world: World, command: GiveBackTask, _: Told) -> None:
    task = _attempt(world, command.task_id, command.attempt)
    if task is not None:
        task.status, task.worker_details, task.started_at = "pending", None, None
        task.retry_count -= 1
        task.happened(world.now)


def expire_task(world: World, command: ExpireTask, _: Told) -> None:
    task = _attempt(world, command.task_id, command.attempt)
    if task is not None:
        _blame(task, "the worker did not answer in time", None)
        task.ended("failed", world.now)


def _attempt(world: World, task_id: int, attempt: int) -> Task | None:
    """The task, while this attempt goes on."""
    task = world.tasks.get(task_id)
    if task is None or (task.status, task.retry_count) != ("in_progress", attempt):
        return None
    return task


def submit_result(world: World, command: SubmitResult, _: Told) -> str:
    task = _claimed(world, command)
    delivered = command.transcript is not None or command.metadata is not None or command.done
    if not delivered:
        return _failed(world, task, command)
    task.ended("completed", world.now)
    if command.transcript is not None:
        transcribe(world, command.video_id, command.transcript, "workers")
    elif command.metadata is not None:
        describe(world, command.video_id, command.metadata)
    return "completed"


def _claimed(world: World, command: SubmitResult) -> Task:
    task = world.tasks.get(command.task_id)
    if task is None or task.task_type != command.task_type:
        raise TaskNotFound
    if task.video_id != command.video_id:
        raise TaskVideoMismatch
    if task.status != "in_progress":
        raise TaskNotInProgress
    if task.worker != command.worker:
        raise TaskOfOtherWorker
    return task


def _failed(world: World, task: Task, command: SubmitResult) -> str:
    if command.attempt is not None and command.attempt != task.retry_count:
        raise TaskNotInProgress
    _blame(task, command.error, command.reason)
    if command.permanent or task.retry_count >= ATTEMPTS:
        task.ended("failed", world.now)
    else:
        task.status = "pending"
        task.happened(world.now)
    return task.status


def _blame(task: Task, error: str | None, reason: str | None) -> None:
    told = {"error": error} if reason is None else {"error": error, "reason": reason}
    task.worker_details = {**(task.worker_details or {}), **told}
