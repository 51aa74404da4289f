"""Everything that ever happened, as frozen facts in the past tense."""

from vidwiz.events.base import Event, Personal, event_types
from vidwiz.events.conversations import (
    ConversationStarted,
    MessageSent,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
)
from vidwiz.events.notes import NoteAdded, NoteDeleted, NoteEdited, NoteRestored
from vidwiz.events.tasks import (
    TaskAttemptFailed,
    TaskCancelled,
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
    UserErased,
    UserRenamed,
    UserSignedUp,
)
from vidwiz.events.videos import (
    MetadataFetched,
    SummaryRequested,
    SummaryWritten,
    TranscriptReady,
    VideoAdded,
)

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
    "NoteRestored",
    "Personal",
    "ProfilePictureChanged",
    "SummaryRequested",
    "SummaryWritten",
    "TaskAttemptFailed",
    "TaskCancelled",
    "TaskClaimed",
    "TaskCompleted",
    "TaskFailed",
    "TaskGivenBack",
    "TaskQueued",
    "TaskType",
    "TranscriptReady",
    "TurnCompleted",
    "TurnFailed",
    "TurnStarted",
    "TurnStopped",
    "UserErased",
    "UserRenamed",
    "UserSignedUp",
    "VideoAdded",
    "event_types",
]
