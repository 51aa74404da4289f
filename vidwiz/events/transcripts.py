"""What happens to a transcript that a person brought, which is theirs alone."""

from typing import ClassVar, Literal

from vidwiz.events.base import Event, Personal

Source = Literal["upload", "worker"]
"""How a person brought it: as a file or text, or by working on a task."""


class PersonalTranscriptEvent(Event):
    """A fact about one person's transcript, in the stream ``transcript:<transcript_id>``."""

    NOUN: ClassVar[str] = "transcript"
    KEY: ClassVar[str] = "transcript_id"

    transcript_id: int
    user_id: int


class BroughtEvent(PersonalTranscriptEvent):
    """A transcript came; it lies in the object store under ``object_key``.

    ``words_sha256`` is the digest of its words alone, by which two persons are found to agree.
    """

    video_id: str
    object_key: str
    sha256: str
    words_sha256: str
    segment_count: int
    source: Source


class PersonalTranscriptAdded(BroughtEvent):
    """A person brought a transcript of a video for the first time."""

    TOPIC: ClassVar[str] = "PersonalTranscriptAdded"


class PersonalTranscriptReplaced(BroughtEvent):
    """A person brought another one, in place of the one before or after it was removed."""

    TOPIC: ClassVar[str] = "PersonalTranscriptReplaced"


class PersonalTranscriptChosen(PersonalTranscriptEvent):
    """The person reads their own transcript from now on, or else (not ``own``) the shared one."""

    TOPIC: ClassVar[str] = "PersonalTranscriptChosen"

    own: bool


class PersonalSummaryWritten(PersonalTranscriptEvent):
    """The person's own transcript was summarised, for them."""

    TOPIC: ClassVar[str] = "PersonalSummaryWritten"

    summary: Personal[str]


class PersonalTranscriptRemoved(PersonalTranscriptEvent):
    """The transcript was dropped by its owner, or is gone from the object store."""

    TOPIC: ClassVar[str] = "PersonalTranscriptRemoved"
