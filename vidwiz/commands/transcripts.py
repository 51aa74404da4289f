"""Whose a transcript is: a person's own, brought, chosen and dropped; and when it becomes shared.

What a person brings serves them alone. It becomes the transcript that all share when the workers
have none and an admin confirms it, or another person brings the same words.
"""

from dataclasses import dataclass

from vidwiz.commands.base import ContextQuery, Decision, DecisionContext, DomainError
from vidwiz.commands.tasks import StoredTranscript, TaskNotInProgress
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import VideoNotFound
from vidwiz.events import (
    Event,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    TaskCancelled,
    TaskQueued,
    TaskType,
    TranscriptLost,
    TranscriptReady,
)
from vidwiz.events.transcripts import Source
from vidwiz.events.videos import Origin


class TranscriptNotFound(DomainError):
    """The person has brought no transcript for this video."""

    code = "transcript_not_found"
    message = "Transcript not found"


@dataclass(frozen=True, slots=True)
class OwnTranscript:
    """A transcript that a person brought, as the tables have it."""

    transcript_id: int
    object_key: str
    sha256: str
    segment_count: int
    chosen: bool


@dataclass(frozen=True)
class PersonalTranscriptContext(DecisionContext):
    """The person, the video, their transcript of it, and the shared one.

    ``others_agree``: another person has brought transcripts with the same words.
    ``summary_task`` is the open task of the summary of the person's own transcript.
    ``transcript_id`` is that of the transcripts that the person ever brought of the video, or is
    set aside for the first (``is_first``), as ``task_id`` is for a new task.
    """

    user_exists: bool
    video_exists: bool
    shared_sha256: str | None
    fetch_open: bool
    own: OwnTranscript | None
    summary_task: int | None
    others_agree: bool
    transcript_id: int
    is_first: bool
    task_id: int


@dataclass(frozen=True)
class PersonalTranscriptContextQuery(ContextQuery[PersonalTranscriptContext]):
    """Asks for the context of a person's transcript; ``user_id`` is None for the shared one."""

    user_id: int | None
    video_id: str
    words_sha256: str = ""


@dataclass(frozen=True, slots=True)
class BringTranscript:
    """A person brings a transcript, in place of the one that they brought before.

    ``shared`` is the same transcript where all find it, should two persons agree.
    """

    user_id: int
    video_id: str
    transcript: StoredTranscript
    words_sha256: str
    source: Source
    shared: StoredTranscript | None = None

    def lookup(self) -> PersonalTranscriptContextQuery:
        """Person, video and transcripts."""
        return PersonalTranscriptContextQuery(self.user_id, self.video_id, self.words_sha256)


def bring_transcript(command: BringTranscript, context: PersonalTranscriptContext) -> Decision:
    """It is theirs alone, unless it turns out to be what somebody else brought too."""
    require_video(context)
    events: list[Event] = [*_no_summary_of_before(context), _brought(command, context)]
    if command.shared is not None and becomes_shared(context):
        events.append(shared_by("readers", command.video_id, command.shared))
    return Decision(events=events)


def _brought(command: BringTranscript, context: PersonalTranscriptContext) -> Event:
    kind = PersonalTranscriptAdded if context.is_first else PersonalTranscriptReplaced
    return kind(
        transcript_id=context.transcript_id,
        user_id=command.user_id,
        video_id=command.video_id,
        object_key=command.transcript.object_key,
        sha256=command.transcript.sha256,
        words_sha256=command.words_sha256,
        segment_count=command.transcript.segment_count,
        source=command.source,
    )


def becomes_shared(context: PersonalTranscriptContext) -> bool:
    """Whether a transcript that is brought now would be the second with these words."""
    return context.others_agree and context.shared_sha256 is None


def require_video(context: PersonalTranscriptContext) -> None:
    """Refuse a person who is gone, and a video that nobody has mentioned."""
    if not context.user_exists:
        raise UserNotFound
    if not context.video_exists:
        raise VideoNotFound


@dataclass(frozen=True, slots=True)
class ChooseTranscript:
    """A person reads their ``own`` transcript from now on, or else the shared one."""

    user_id: int
    video_id: str
    own: bool

    def lookup(self) -> PersonalTranscriptContextQuery:
        """Person, video and transcripts."""
        return PersonalTranscriptContextQuery(self.user_id, self.video_id)


def choose_transcript(command: ChooseTranscript, context: PersonalTranscriptContext) -> Decision:
    """Choosing what is chosen already is no event."""
    own = _own(context)
    if own.chosen == command.own:
        return Decision()
    chosen = PersonalTranscriptChosen(
        transcript_id=own.transcript_id, user_id=command.user_id, own=command.own
    )
    return Decision(events=(chosen,))


@dataclass(frozen=True, slots=True)
class DropTranscript:
    """A person takes away the transcript that they brought.

    With a ``sha256`` only if it is this one: the object store has it not, or not unchanged.
    """

    user_id: int
    video_id: str
    sha256: str | None = None

    def lookup(self) -> PersonalTranscriptContextQuery:
        """Person, video and transcripts."""
        return PersonalTranscriptContextQuery(self.user_id, self.video_id)


def drop_transcript(command: DropTranscript, context: PersonalTranscriptContext) -> Decision:
    """What became the shared one stays it."""
    if command.sha256 is not None and (context.own is None or context.own.sha256 != command.sha256):
        return Decision()
    own = _own(context)
    removed = PersonalTranscriptRemoved(transcript_id=own.transcript_id, user_id=command.user_id)
    return Decision(events=(*_no_summary_of_before(context), removed))


def _no_summary_of_before(context: PersonalTranscriptContext) -> tuple[Event, ...]:
    """A summary that is being written of what is no more is not wanted."""
    task_id = context.summary_task
    return () if task_id is None else (TaskCancelled(task_id=task_id),)


@dataclass(frozen=True, slots=True)
class WriteOwnSummary:
    """The summary of a person's own transcript, for them, on behalf of the task for it."""

    user_id: int
    video_id: str
    summary: str
    task_id: int

    def lookup(self) -> PersonalTranscriptContextQuery:
        """Person, video and transcripts."""
        return PersonalTranscriptContextQuery(self.user_id, self.video_id)


def write_own_summary(command: WriteOwnSummary, context: PersonalTranscriptContext) -> Decision:
    """Of a transcript that was replaced meanwhile it is refused: its task was cancelled."""
    if context.summary_task != command.task_id:
        raise TaskNotInProgress
    written = PersonalSummaryWritten(
        transcript_id=_own(context).transcript_id, user_id=command.user_id, summary=command.summary
    )
    return Decision(events=(written,))


@dataclass(frozen=True, slots=True)
class ShareTranscript:
    """An admin confirms the transcript that a person brought, which lies ready for all."""

    user_id: int
    video_id: str
    shared: StoredTranscript

    def lookup(self) -> PersonalTranscriptContextQuery:
        """Person, video and transcripts."""
        return PersonalTranscriptContextQuery(self.user_id, self.video_id)


def share_transcript(command: ShareTranscript, context: PersonalTranscriptContext) -> Decision:
    """The person keeps theirs; what is confirmed is what the admin saw."""
    if _own(context).sha256 != command.shared.sha256:
        raise TranscriptNotFound
    return Decision(events=(shared_by("admin", command.video_id, command.shared),))


@dataclass(frozen=True, slots=True)
class ReportLostTranscript:
    """The object store has not, or not unchanged, the shared transcript with this digest."""

    video_id: str
    sha256: str

    def lookup(self) -> PersonalTranscriptContextQuery:
        """The video and its transcript."""
        return PersonalTranscriptContextQuery(None, self.video_id)


def report_lost_transcript(
    command: ReportLostTranscript, context: PersonalTranscriptContext
) -> Decision:
    """It is fetched again; reporting it twice is no event."""
    if context.shared_sha256 != command.sha256:
        return Decision()
    events: list[Event] = [TranscriptLost(video_id=command.video_id, sha256=command.sha256)]
    if not context.fetch_open:
        events.append(
            TaskQueued(
                task_id=context.task_id,
                task_type=TaskType.TRANSCRIPT,
                video_id=command.video_id,
            )
        )
    return Decision(events=events)


def shared_by(origin: Origin, video_id: str, transcript: StoredTranscript) -> TranscriptReady:
    """The event of a transcript that all share."""
    return TranscriptReady(
        video_id=video_id,
        object_key=transcript.object_key,
        sha256=transcript.sha256,
        segment_count=transcript.segment_count,
        origin=origin,
    )


def _own(context: PersonalTranscriptContext) -> OwnTranscript:
    if context.own is None:
        raise TranscriptNotFound
    return context.own
