"""What happens to a background task, from queue to result."""

from enum import StrEnum
from typing import ClassVar

from vidwiz.events.base import Event


class TaskType(StrEnum):
    """The kinds of work that polling workers take, as they are named on the wire."""

    TRANSCRIPT = "fetch_transcript"
    METADATA = "fetch_metadata"


class TaskEvent(Event):
    """A fact about one task, in the stream ``task:<task_id>``."""

    NOUN: ClassVar[str] = "task"
    KEY: ClassVar[str] = "task_id"

    task_id: int


class TaskQueued(TaskEvent):
    """Work on a video waits for a worker."""

    TOPIC: ClassVar[str] = "TaskQueued"

    task_type: TaskType
    video_id: str


class TaskClaimed(TaskEvent):
    """A worker took the task; ``attempt`` counts from 1."""

    TOPIC: ClassVar[str] = "TaskClaimed"

    worker: str
    attempt: int


class TaskGivenBack(TaskEvent):
    """The worker was gone before it could be told: the claim does not count."""

    TOPIC: ClassVar[str] = "TaskGivenBack"

    attempt: int


class TaskAttemptFailed(TaskEvent):
    """The attempt failed and the task waits for another."""

    TOPIC: ClassVar[str] = "TaskAttemptFailed"

    attempt: int
    error: str | None


class TaskFailed(TaskEvent):
    """The last attempt failed; the task is never offered again."""

    TOPIC: ClassVar[str] = "TaskFailed"

    attempt: int
    error: str | None


class TaskCompleted(TaskEvent):
    """The worker delivered the result."""

    TOPIC: ClassVar[str] = "TaskCompleted"

    attempt: int
