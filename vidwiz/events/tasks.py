"""What happens to a background task, from queue to result."""

from enum import StrEnum
from typing import Any, ClassVar

from vidwiz.events.base import Event


class TaskType(StrEnum):
    """The kinds of work that polling workers take, as they are named on the wire."""

    TRANSCRIPT = "fetch_transcript"
    METADATA = "fetch_metadata"
    SUMMARY = "write_summary"
    AI_NOTE = "write_ai_note"


class TaskEvent(Event):
    """A fact about one task, in the stream ``task:<task_id>``."""

    NOUN: ClassVar[str] = "task"
    KEY: ClassVar[str] = "task_id"

    task_id: int


class TaskQueued(TaskEvent):
    """Work on a video, or on one note of it, waits for a worker.

    With a ``user_id`` its result is for that person alone.
    """

    TOPIC: ClassVar[str] = "TaskQueued"
    class_version: ClassVar[int] = 3

    task_type: TaskType
    video_id: str
    note_id: int | None = None
    user_id: int | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """There was no work on single notes."""
        state["note_id"] = None

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        """All work was for all."""
        state["user_id"] = None


class TaskClaimed(TaskEvent):
    """A worker took the task; ``attempt`` counts from 1."""

    TOPIC: ClassVar[str] = "TaskClaimed"

    worker: str
    attempt: int


class TaskGivenBack(TaskEvent):
    """The worker was gone before it could be told: the claim does not count."""

    TOPIC: ClassVar[str] = "TaskGivenBack"

    attempt: int


class FailureEvent(TaskEvent):
    """An attempt failed: ``error`` is for people, ``reason`` a stable code such as ``blocked``."""

    class_version: ClassVar[int] = 2

    attempt: int
    error: str | None
    reason: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Reasons were not told apart."""
        state["reason"] = None


class TaskAttemptFailed(FailureEvent):
    """The attempt failed and the task waits for another."""

    TOPIC: ClassVar[str] = "TaskAttemptFailed"


class TaskFailed(FailureEvent):
    """The last attempt failed, or another would be in vain; the task is never offered again."""

    TOPIC: ClassVar[str] = "TaskFailed"


class TaskCancelled(TaskEvent):
    """The work is not needed any more."""

    TOPIC: ClassVar[str] = "TaskCancelled"


class TaskCompleted(TaskEvent):
    """The worker delivered the result."""

    TOPIC: ClassVar[str] = "TaskCompleted"

    attempt: int
