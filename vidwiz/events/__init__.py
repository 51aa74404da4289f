"""Everything that ever happened, as frozen facts in the past tense."""

from vidwiz.events.base import Event, Personal, event_types
from vidwiz.events.conversations import ConversationStarted, MessageSent
from vidwiz.events.notes import NoteAdded, NoteDeleted, NoteEdited
from vidwiz.events.tasks import (
    TaskAttemptFailed,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
)
from vidwiz.events.users import (
    AiNotesDisabled,
    AiNotesEnabled,
    GoogleAccountLinked,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    ProfilePictureChanged,
    UserRenamed,
    UserSignedUp,
)
from vidwiz.events.videos import MetadataFetched, SummaryWritten, TranscriptReady, VideoAdded

__all__ = [
    "AiNotesDisabled",
    "AiNotesEnabled",
    "ConversationStarted",
    "Event",
    "GoogleAccountLinked",
    "LongTermTokenIssued",
    "LongTermTokenRevoked",
    "MessageSent",
    "MetadataFetched",
    "NoteAdded",
    "NoteDeleted",
    "NoteEdited",
    "Personal",
    "ProfilePictureChanged",
    "SummaryWritten",
    "TaskAttemptFailed",
    "TaskClaimed",
    "TaskCompleted",
    "TaskFailed",
    "TaskGivenBack",
    "TaskQueued",
    "TaskType",
    "TranscriptReady",
    "UserRenamed",
    "UserSignedUp",
    "VideoAdded",
    "event_types",
]
