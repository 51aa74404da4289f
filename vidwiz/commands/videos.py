"""Videos: the summary that a worker writes, and videos that come with all of it."""

from dataclasses import dataclass
from typing import Any

from vidwiz.commands.base import (
    DomainError,
    History,
    Outcome,
    PastOf,
    VideoShape,
    newest,
)
from vidwiz.commands.notes import GroundFor, NoteGround
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.users import UserNotFound
from vidwiz.events import MetadataFetched, SummaryWritten, TranscriptReady, VideoAdded


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


@dataclass(frozen=True, slots=True)
class BringVideo:
    """A user adds a video together with all that workers would otherwise fetch for it."""

    user_id: int
    video_id: str
    title: str
    transcript: StoredTranscript
    metadata: dict[str, Any]
    summary: str

    def lookup(self) -> GroundFor:
        """User and video, as for a first note."""
        return GroundFor(self.user_id, self.video_id)


def bring_video(command: BringVideo, ground: NoteGround) -> Outcome:
    """No task is queued, since nothing is left to fetch. A video that is known stays as it is."""
    if not ground.user_exists:
        raise UserNotFound
    if ground.video_number is None:
        return Outcome()
    video_id, transcript = command.video_id, command.transcript
    return Outcome(
        events=(
            VideoAdded(id=ground.video_number, video_id=video_id, title=command.title),
            TranscriptReady(
                video_id=video_id,
                object_key=transcript.object_key,
                sha256=transcript.sha256,
                segment_count=transcript.segment_count,
            ),
            MetadataFetched(video_id=video_id, metadata=command.metadata),
            SummaryWritten(video_id=video_id, summary=command.summary),
        )
    )
