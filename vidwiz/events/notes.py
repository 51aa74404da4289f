"""What happens to a note. Each event names the owner, whose text it carries."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from vidwiz.events.base import Event, Personal


class NoteEvent(Event):
    """A fact about one note, in the stream ``note:<note_id>``."""

    NOUN: ClassVar[str] = "note"
    KEY: ClassVar[str] = "note_id"
    FORMS: ClassVar[Mapping[str, re.Pattern[str]]] = {
        "timestamp": re.compile(r" *[0-9]{1,4}(?::[0-9]{1,2}){1,2}(?:\.[0-9]{1,6})? *")
    }

    note_id: int
    user_id: int


class NoteAdded(NoteEvent):
    """A person pinned a note, perhaps still without words, to a moment of a video."""

    TOPIC: ClassVar[str] = "NoteAdded"

    video_id: str
    timestamp: str
    text: Personal[str | None]


class NoteEdited(NoteEvent):
    """The note's words are now these."""

    TOPIC: ClassVar[str] = "NoteEdited"

    text: Personal[str]
    generated_by_ai: bool


class NoteDeleted(NoteEvent):
    """The owner took the note away."""

    TOPIC: ClassVar[str] = "NoteDeleted"


class NoteRestored(NoteEvent):
    """The owner took the deletion back; the event holds all of the note, as it is from now on."""

    TOPIC: ClassVar[str] = "NoteRestored"

    video_id: str
    timestamp: str
    text: Personal[str | None]
    generated_by_ai: bool
    created_at: datetime
