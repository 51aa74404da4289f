"""Videos: the summary that a worker writes."""

from dataclasses import dataclass

from vidwiz.commands.base import (
    DomainError,
    History,
    Outcome,
    PastOf,
    VideoShape,
    newest,
)
from vidwiz.events import SummaryWritten


class VideoNotFound(DomainError):
    """Nobody has mentioned the video yet."""

    code = "video_not_found"
    message = "Video not found"


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """Summarise a video; None changes nothing."""

    video_id: str
    summary: str | None

    def lookup(self) -> PastOf:
        """The video's past."""
        return PastOf((f"video:{self.video_id}",))


def write_summary(command: WriteSummary, history: History) -> Outcome:
    """Saying the same again is no event."""
    past = history.of(f"video:{command.video_id}")
    if not past:
        raise VideoNotFound
    written = newest(past, SummaryWritten)
    answer = VideoShape(command.video_id)
    if command.summary is None or (written is not None and written.summary == command.summary):
        return Outcome(answer=answer)
    event = SummaryWritten(video_id=command.video_id, summary=command.summary)
    return Outcome(events=(event,), answer=answer)
