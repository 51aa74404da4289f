"""What the store said to a command, with the ids that it gave to what is new."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from vidwiz.commands.base import DomainError
from vidwiz.events import (
    PersonalTranscriptAdded,
    TaskQueued,
    TaskType,
    VideoAdded,
    VideoOpened,
)

Appended = Callable[[], Sequence[tuple[str, dict[str, Any]]]]
"""The topics and states that were appended since the command was sent."""


@dataclass(frozen=True)
class Told:
    """``answer`` is the command's result, its JSON read, or the class of the refusal."""

    answer: Any
    appended: Appended

    @property
    def result(self) -> Any:
        """The answer of a command that must not be refused."""
        refused = isinstance(self.answer, type) and issubclass(self.answer, DomainError)
        assert not refused, f"refused with {self.answer.__name__}"
        return self.answer

    def video_number(self, video_id: str) -> int:
        """The number that a new video was given."""
        (number,) = [state["id"] for state in self._of(VideoAdded.TOPIC, video_id)]
        return int(number)

    def opening_id(self, video_id: str) -> int:
        """The id that a person's first opening of a video was given."""
        (opening_id,) = [its["opening_id"] for its in self._of(VideoOpened.TOPIC, video_id)]
        return int(opening_id)

    def task_id(self, task_type: TaskType, video_id: str) -> int:
        """The id that the one new task of this type on this video was given."""
        queued = self._of(TaskQueued.TOPIC, video_id)
        (task_id,) = [its["task_id"] for its in queued if its["task_type"] == task_type]
        return int(task_id)

    def transcript_id(self, user_id: int, video_id: str) -> int:
        """The id that a person's first transcript of a video was given."""
        added = self._of(PersonalTranscriptAdded.TOPIC, video_id)
        (transcript_id,) = [its["transcript_id"] for its in added if its["user_id"] == user_id]
        return int(transcript_id)

    def _of(self, topic: str, video_id: str) -> Sequence[dict[str, Any]]:
        return [
            state
            for its, state in self.appended()
            if (its, state.get("video_id")) == (topic, video_id)
        ]
