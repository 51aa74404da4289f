"""Videos: opened for Wiz, summarised, or brought along with what workers would fetch."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from vidwiz.commands.base import (
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    History,
    StreamQuery,
    VideoShape,
    newest,
)
from vidwiz.commands.notes import AddNoteContext, AddNoteContextQuery
from vidwiz.commands.tasks import NewWorkRefused, StoredTranscript, state_of
from vidwiz.commands.users import UserNotFound
from vidwiz.events import (
    Event,
    MetadataFetched,
    SummaryRequested,
    SummaryWritten,
    TaskCancelled,
    TaskQueued,
    TaskType,
    TranscriptReady,
    VideoAdded,
    VideoOpened,
)

SUMMARY_REQUEST_LASTS = timedelta(minutes=10)
"""A request for a summary stands for those that follow within this time."""


class VideoNotFound(DomainError):
    """Nobody has mentioned the video yet."""

    code = "video_not_found"
    message = "Video not found"


@dataclass(frozen=True)
class VideoContext(DecisionContext):
    """What there is of a video, and the ids set aside for what is missing.

    ``number`` is there only when the video is unknown, ``opening_id`` only when the user who asks
    is known and did not open the video yet. ``transcript_coming`` and
    ``metadata_coming`` say that a task for it is pending, running or completed.
    """

    number: int | None
    transcript_task_id: int
    metadata_task_id: int
    transcript_available: bool = False
    transcript_coming: bool = False
    metadata_available: bool = False
    metadata_coming: bool = False
    summary_available: bool = False
    summary_requested_at: datetime | None = None
    opening_id: int | None = None


@dataclass(frozen=True)
class VideoContextQuery(ContextQuery[VideoContext]):
    """Asks what there is of a video, and whether this user opened it."""

    video_id: str
    user_id: int | None = None


Missing = Literal["transcript", "metadata", "summary"]


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a video came to: whether it is new, and what was missing, in that order."""

    is_new: bool
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class OpenVideo:
    """Somebody opens a video for Wiz at this time. The result is ``Opened``.

    ``user_id`` is None for a guest, whose openings nobody keeps. Without ``may_ask`` it is refused
    when workers would be asked for something.
    """

    video_id: str
    at: datetime
    user_id: int | None = None
    may_ask: bool = True

    def lookup(self) -> VideoContextQuery:
        """What there is of the video."""
        return VideoContextQuery(self.video_id, self.user_id)


def open_video(command: OpenVideo, ground: VideoContext) -> Decision:
    """Queue what is missing and not on its way; what failed for good is queued anew."""
    video_id = command.video_id
    is_new = ground.number is not None
    missing = tuple(_missing(ground))
    events: list[Event] = []
    if ground.number is not None:
        events.append(VideoAdded(id=ground.number, video_id=video_id, title=None))
    if "transcript" in missing:
        events.append(_queued(ground.transcript_task_id, TaskType.TRANSCRIPT, video_id))
    if "metadata" in missing:
        events.append(_queued(ground.metadata_task_id, TaskType.METADATA, video_id))
    if "summary" in missing and not _requested_lately(ground, command.at):
        events.append(SummaryRequested(video_id=video_id))
    if events and not command.may_ask:
        raise NewWorkRefused
    events += _opened_first(command, ground)
    return Decision(events=events, result=Opened(is_new, missing))


def _opened_first(command: OpenVideo, ground: VideoContext) -> Iterator[VideoOpened]:
    if ground.opening_id is not None and command.user_id is not None:
        yield VideoOpened(
            opening_id=ground.opening_id, user_id=command.user_id, video_id=command.video_id
        )


def _missing(ground: VideoContext) -> Iterator[Missing]:
    if not (ground.transcript_available or ground.transcript_coming):
        yield "transcript"
    if not (ground.metadata_available or ground.metadata_coming):
        yield "metadata"
    if not ground.summary_available:
        yield "summary"


def _queued(task_id: int, task_type: TaskType, video_id: str) -> TaskQueued:
    return TaskQueued(task_id=task_id, task_type=task_type, video_id=video_id)


def _requested_lately(ground: VideoContext, at: datetime) -> bool:
    requested = ground.summary_requested_at
    return requested is not None and at - requested < SUMMARY_REQUEST_LASTS


@dataclass(frozen=True)
class TranscriptContext(DecisionContext):
    """Whether the video is there, and the open tasks that would fetch its transcript."""

    video_exists: bool
    open_tasks: tuple[int, ...] = ()


@dataclass(frozen=True)
class TranscriptContextQuery(ContextQuery[TranscriptContext]):
    """Asks for the ground of a transcript that somebody brings."""

    video_id: str


@dataclass(frozen=True, slots=True)
class AddTranscript:
    """An admin brings the transcript that lies in the object store, in place of any there was."""

    video_id: str
    transcript: StoredTranscript

    def lookup(self) -> TranscriptContextQuery:
        """The video and its open transcript tasks."""
        return TranscriptContextQuery(self.video_id)


def add_transcript(command: AddTranscript, ground: TranscriptContext) -> Decision:
    """Nobody needs to fetch it any more."""
    if not ground.video_exists:
        raise VideoNotFound
    cancelled = [TaskCancelled(task_id=task_id) for task_id in ground.open_tasks]
    return Decision(events=(*cancelled, _ready(command.video_id, command.transcript)))


def _ready(video_id: str, transcript: StoredTranscript) -> TranscriptReady:
    return TranscriptReady(
        video_id=video_id,
        object_key=transcript.object_key,
        sha256=transcript.sha256,
        segment_count=transcript.segment_count,
        origin="admin",
    )


@dataclass(frozen=True, slots=True)
class SummaryOfOne:
    """Instead of the video: the summary is of the transcript that this person brought."""

    user_id: int


@dataclass(frozen=True, slots=True)
class WriteSummary:
    """Summarise a video, on behalf of a task if one is named; None changes nothing.

    The result is the video. It is ``SummaryOfOne``, and nothing happens, when the task is for one
    person: see ``WriteOwnSummary``.
    """

    video_id: str
    summary: str | None
    task_id: int | None = None

    def lookup(self) -> StreamQuery:
        """The pasts of the video and of a task."""
        video = f"video:{self.video_id}"
        return StreamQuery((video,) if self.task_id is None else (video, f"task:{self.task_id}"))


def write_summary(command: WriteSummary, history: History) -> Decision:
    """Saying the same again is no event; what is one person's is never written for everybody."""
    task = state_of(history.of(f"task:{command.task_id}"))
    if task is not None and task.user_id is not None:
        return Decision(result=SummaryOfOne(task.user_id))
    past = history.of(f"video:{command.video_id}")
    if not past:
        raise VideoNotFound
    written = newest(past, SummaryWritten)
    answer = VideoShape(command.video_id)
    if command.summary is None or (written is not None and written.summary == command.summary):
        return Decision(answer=answer)
    event = SummaryWritten(video_id=command.video_id, summary=command.summary)
    follows = history.newest_in(f"task:{command.task_id}")
    return Decision(events=(event,), answer=answer, follows=follows)


@dataclass(frozen=True, slots=True)
class BringVideo:
    """A user adds a video together with all that workers would otherwise fetch for it."""

    user_id: int
    video_id: str
    title: str
    transcript: StoredTranscript
    metadata: dict[str, Any]
    summary: str

    def lookup(self) -> AddNoteContextQuery:
        """User and video, as for a first note."""
        return AddNoteContextQuery(self.user_id, self.video_id)


def bring_video(command: BringVideo, ground: AddNoteContext) -> Decision:
    """No task is queued, since nothing is left to fetch. A video that is known stays as it is."""
    if not ground.user_exists:
        raise UserNotFound
    if ground.video_number is None:
        return Decision()
    video_id = command.video_id
    return Decision(
        events=(
            VideoAdded(id=ground.video_number, video_id=video_id, title=command.title),
            _ready(video_id, command.transcript),
            MetadataFetched(video_id=video_id, metadata=command.metadata),
            SummaryWritten(video_id=video_id, summary=command.summary),
        )
    )
