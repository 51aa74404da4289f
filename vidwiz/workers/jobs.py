"""A job, and the ways it can end without a result."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from vidwiz.adapters.language_model import ModelError, ModelRefused
from vidwiz.adapters.youtube import YouTubeRefusal

Fruit = dict[str, Any]
"""What a finished job hands in with its task: ``transcript``, ``metadata``, or nothing."""


class Kind(StrEnum):
    """What a worker does; the value is the last part of the tasks' address."""

    TRANSCRIPT = "transcript"
    METADATA = "metadata"
    SUMMARY = "summary"
    AI_NOTE = "ai-note"


@dataclass(slots=True)
class Job:
    """Something to do for a video, or for one note on it, from a task or from a message.

    With a ``user_id`` it is written from the transcript that this person reads.
    ``attempt`` counts from 1 how often it was handed out, ``tries`` how often YouTube or the model
    was asked this time.
    """

    kind: Kind
    video_id: str
    attempt: int
    note_id: int | None = None
    user_id: int | None = None
    task_id: int | None = None
    message_id: str | None = None
    receipt: str | None = None
    tries: int = 0


class JobFailed(Exception):
    """The job has no result. ``code`` is stable; the text is for people.

    ``is_permanent``: another attempt would be in vain. ``is_general``: other jobs of the kind would
    fail as well for now.
    """

    def __init__(
        self, code: str, message: str, *, is_permanent: bool = False, is_general: bool = False
    ) -> None:
        super().__init__(message)
        self.code = code
        self.is_permanent = is_permanent
        self.is_general = is_general


class NotNeeded(Exception):
    """Somebody else did it, or nobody wants it any more."""


def failure_of(error: Exception) -> JobFailed:
    """What an error means for the job."""
    match error:
        case JobFailed():
            return error
        case YouTubeRefusal():
            return JobFailed(
                error.code,
                error.message,
                is_permanent=error.is_permanent,
                is_general=error.is_of_this_server,
            )
        case ModelRefused():
            return JobFailed(error.code, error.message, is_permanent=True)
        case ModelError():
            return JobFailed(error.code, error.message, is_general=True)
        case TimeoutError():
            return JobFailed("timed_out", "It took too long.", is_general=True)
        case _:
            return JobFailed("unexpected", "The worker met an error of its own.")
