"""What people are told of an event: little more than what to read again, and whom it concerns."""

from dataclasses import dataclass
from typing import Any, Literal

import orjson

from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    ConversationStarted,
    Event,
    GoogleAccountLinked,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
    PasswordChanged,
    PasswordRemoved,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    ProfilePictureChanged,
    SummaryWritten,
    TaskAttemptFailed,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TranscriptLost,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserRenamed,
    VideoAdded,
    VideoOpened,
)
from vidwiz.events.conversations import TurnEvent
from vidwiz.events.notes import NoteEvent
from vidwiz.events.tasks import TaskEvent
from vidwiz.events.transcripts import PersonalTranscriptEvent
from vidwiz.events.users import UserEvent
from vidwiz.events.videos import VideoEvent

NOTES: dict[type[Event], str] = {
    NoteAdded: "added",
    NoteEdited: "edited",
    NoteDeleted: "deleted",
    NoteRestored: "restored",
}
VIDEOS: dict[type[Event], str] = {
    VideoAdded: "added",
    TranscriptReady: "transcript",
    TranscriptLost: "transcript",
    MetadataFetched: "metadata",
    SummaryWritten: "summary",
    VideoOpened: "opened",
}
OWN: dict[type[Event], str] = {
    PersonalTranscriptAdded: "transcript",
    PersonalTranscriptChosen: "transcript",
    PersonalTranscriptRemoved: "transcript",
    PersonalTranscriptReplaced: "transcript",
    PersonalSummaryWritten: "summary",
}
"""What its owner alone is told of a transcript that a person brought."""
TASKS: dict[type[Event], str] = {
    TaskQueued: "pending",
    TaskClaimed: "in_progress",
    TaskGivenBack: "pending",
    TaskAttemptFailed: "pending",
    TaskFailed: "failed",
    TaskCompleted: "completed",
}
TURNS: dict[type[Event], str] = {
    TurnStarted: "answering",
    TurnCompleted: "completed",
    TurnStopped: "stopped",
    TurnFailed: "failed",
}
PROFILES: frozenset[type[Event]] = frozenset(
    (
        UserRenamed,
        AiNotesEnabled,
        AiNotesDisabled,
        GoogleAccountLinked,
        ProfilePictureChanged,
        LongTermTokenIssued,
        LongTermTokenRevoked,
        PasswordChanged,
        PasswordRemoved,
    )
)

Kind = Literal["hello", "reset", "note", "video", "task", "turn", "profile"]


@dataclass(frozen=True, slots=True)
class LiveChange:
    """What to tell, as JSON: to the one user whose it is, or else to the watchers of a video."""

    kind: Kind
    data: bytes
    user_id: int | None
    video_id: str | None = None


@dataclass(frozen=True, slots=True)
class LiveSubject:
    """The video that a note, task or conversation is about, as its first event says.

    ``task_type`` is there for a task on the whole video. One on a single note concerns its owner
    alone, who is told when the note has its words.
    """

    video_id: str
    task_type: str | None = None


def subject_of(event: Event) -> LiveSubject | None:
    """The subject of the event's stream, if this is the event that says it."""
    match event:
        case (
            NoteAdded(video_id=video_id)
            | ConversationStarted(video_id=video_id)
            | PersonalTranscriptAdded(video_id=video_id)
        ):
            return LiveSubject(video_id)
        case TaskQueued(video_id=video_id, task_type=task_type, note_id=None, user_id=None):
            return LiveSubject(video_id, task_type)
        case TaskQueued(video_id=video_id):
            return LiveSubject(video_id)
    return None


def needs_subject(event: Event) -> bool:
    """Whether the event itself does not say what there is to tell."""
    kind = type(event)
    return (
        kind in TASKS
        or kind in NOTES
        or kind in OWN
        or (kind in TURNS and _owner(event) is not None)
    )


def change_of(event: Event, subject: LiveSubject | None) -> LiveChange | None:  # noqa: PLR0911  a table
    """What there is to tell, if anything; ``subject`` is that of the event's stream."""
    match event:
        case NoteEvent() if subject is not None:
            return _note(event, subject)
        case TaskEvent() if subject is not None and subject.task_type is not None:
            return _task(event, subject)
        case TurnEvent() if subject is not None and event.user_id is not None:
            return _turn(event, subject)
        case PersonalTranscriptEvent() if subject is not None:
            data = {"video_id": subject.video_id, "what": OWN[type(event)]}
            return _change("video", data, user_id=event.user_id)
        case VideoEvent() | VideoOpened() if type(event) in VIDEOS:
            return _video(event)
        case UserEvent() if type(event) in PROFILES:
            return _change("profile", {}, user_id=event.user_id)
    return None


def _note(event: NoteEvent, subject: LiveSubject) -> LiveChange:
    data = {
        "type": NOTES[type(event)],
        "note_id": event.note_id,
        "video_id": subject.video_id,
    }
    return _change("note", data, user_id=event.user_id)


def _video(event: VideoEvent | VideoOpened) -> LiveChange:
    """What happens to a video concerns its watchers, that somebody opened it only them."""
    data = {"video_id": event.video_id, "what": VIDEOS[type(event)]}
    if isinstance(event, VideoOpened):
        return _change("video", data, user_id=event.user_id)
    return _change("video", data, video_id=event.video_id)


def _task(event: TaskEvent, subject: LiveSubject) -> LiveChange | None:
    status = TASKS.get(type(event))
    if status is None:  # what was cancelled is not needed any more, as another event tells
        return None
    data = {
        "video_id": subject.video_id,
        "task_type": subject.task_type,
        "status": status,
        "reason": getattr(event, "reason", None),
    }
    return _change("task", data, video_id=subject.video_id)


def _turn(event: TurnEvent, subject: LiveSubject) -> LiveChange:
    data = {
        "turn_id": event.turn_id,
        "conversation_id": event.conversation_id,
        "video_id": subject.video_id,
        "status": TURNS[type(event)],
    }
    return _change("turn", data, user_id=event.user_id)


def _change(
    kind: Kind, data: dict[str, Any], *, user_id: int | None = None, video_id: str | None = None
) -> LiveChange:
    return LiveChange(kind, orjson.dumps(data), user_id, video_id)


def _owner(event: Event) -> int | None:
    return event.user_id if isinstance(event, TurnEvent) else None
