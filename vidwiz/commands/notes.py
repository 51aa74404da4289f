"""Notes: add, edit, delete, and go back to an earlier version."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vidwiz.commands.base import (
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    History,
    IdempotencyKeyUsed,
    LatestEventQuery,
    NoteShape,
)
from vidwiz.commands.tasks import NewWorkRefused
from vidwiz.commands.users import UserNotFound
from vidwiz.events import (
    Event,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
    TaskQueued,
    TaskType,
    VideoAdded,
    VideoTitled,
)


class NoteNotFound(DomainError):
    """There is no such note, or it is not the caller's."""

    code = "note_not_found"
    message = "Note not found"


class NoteVersionNotFound(DomainError):
    """The note never had this version, or was deleted by it."""

    code = "note_version_not_found"
    message = "The note has no words at this version"


class VideoTitleRequired(DomainError):
    """The first note on a video brings the title along."""

    code = "video_title_required"
    message = "video_title is required when video does not exist"


class IdempotencyKeyReused(DomainError):
    """The key already stands for another request."""

    code = "idempotency_key_reused"
    message = "Idempotency-Key was already used with a different request"


@dataclass(frozen=True)
class EarlierUse:
    """What an idempotency key was used for before."""

    fingerprint: str
    note_id: int


@dataclass(frozen=True)
class AddNoteContext(DecisionContext):
    """Where a new note would stand, and the ids set aside for it.

    ``video_number`` and the task ids are there only when the video is unknown. ``note_id`` is 0
    when there will be no new note: it was added before, or may not ask for what it would.
    """

    user_exists: bool
    note_id: int
    video_number: int | None = None
    transcript_task_id: int | None = None
    metadata_task_id: int | None = None
    earlier: EarlierUse | None = None
    is_untitled: bool = False


@dataclass(frozen=True)
class AddNoteContextQuery(ContextQuery[AddNoteContext]):
    """Asks for the ground of a new note, which may or may not ask workers for something."""

    user_id: int
    video_id: str
    idempotency_key: str | None = None
    may_ask: bool = True


@dataclass(frozen=True, slots=True)
class AddNote:
    """A user pins a note to a moment of a video.

    ``fingerprint`` identifies the request's content, so that an idempotency key cannot stand
    for two different notes. Without ``may_ask`` a note on an unknown video is refused.
    """

    user_id: int
    video_id: str
    video_title: str | None
    timestamp: str
    text: str | None
    idempotency_key: str | None = None
    fingerprint: str = ""
    may_ask: bool = True

    def lookup(self) -> AddNoteContextQuery:
        """User, video and an earlier use of the key."""
        return AddNoteContextQuery(self.user_id, self.video_id, self.idempotency_key, self.may_ask)


def add_note(command: AddNote, ground: AddNoteContext) -> Decision:
    """The first note on a video also adds the video and queues its transcript and metadata."""
    if not ground.user_exists:
        raise UserNotFound
    if ground.earlier is not None:
        return _repeated(command, ground.earlier)
    note = NoteAdded(
        note_id=ground.note_id,
        user_id=command.user_id,
        video_id=command.video_id,
        timestamp=command.timestamp,
        text=command.text,
    )
    return Decision(
        events=(*_video_events(command, ground), note),
        records=_key_record(command, ground.note_id),
        answer=NoteShape(ground.note_id),
    )


def _repeated(command: AddNote, earlier: EarlierUse) -> Decision:
    if earlier.fingerprint != command.fingerprint:
        raise IdempotencyKeyReused
    return Decision(answer=NoteShape(earlier.note_id))


def _video_events(command: AddNote, ground: AddNoteContext) -> tuple[Event, ...]:
    if ground.video_number is None:
        if ground.is_untitled and command.video_title:
            return (VideoTitled(video_id=command.video_id, title=command.video_title),)
        return ()
    if not command.video_title:
        raise VideoTitleRequired
    if not command.may_ask:
        raise NewWorkRefused
    video_id = command.video_id
    return (
        VideoAdded(id=ground.video_number, video_id=video_id, title=command.video_title),
        _queued(ground.transcript_task_id, TaskType.TRANSCRIPT, video_id),
        _queued(ground.metadata_task_id, TaskType.METADATA, video_id),
    )


def _queued(task_id: int | None, task_type: TaskType, video_id: str) -> TaskQueued:
    if task_id is None:
        raise ValueError("an unknown video's ground has no id for its task")
    return TaskQueued(task_id=task_id, task_type=task_type, video_id=video_id)


def _key_record(command: AddNote, note_id: int) -> tuple[IdempotencyKeyUsed, ...]:
    if command.idempotency_key is None:
        return ()
    used = IdempotencyKeyUsed(
        user_id=command.user_id,
        key=command.idempotency_key,
        fingerprint=command.fingerprint,
        note_id=note_id,
    )
    return (used,)


@dataclass(frozen=True)
class NoteState:
    """A note as its past left it."""

    user_id: int
    text: str | None
    generated_by_ai: bool


def state_of(past: Iterable[Event]) -> NoteState | None:
    """The note that these events made; None when there is none (any more)."""
    note: NoteState | None = None
    for event in past:
        match event:
            case NoteAdded():
                note = NoteState(event.user_id, event.text, generated_by_ai=False)
            case NoteEdited() | NoteRestored():
                note = NoteState(event.user_id, event.text, event.generated_by_ai)
            case NoteDeleted():
                note = None
    return note


@dataclass(frozen=True, slots=True)
class EditNote:
    """Change a note's words; ``user_id`` is None for an admin, who may edit any note.

    With ``only_if_empty`` words that are there by now stay as they are; a person's own words stay
    before an admin's generated ones without it. ``task_id`` names the task
    that they were written for.
    """

    note_id: int
    user_id: int | None
    text: str
    generated_by_ai: bool
    only_if_empty: bool = False
    task_id: int | None = None

    def lookup(self) -> LatestEventQuery:
        """What happened last to the note, which says whose it is and what it reads."""
        note = f"note:{self.note_id}"
        return LatestEventQuery((note,) if self.task_id is None else (note, f"task:{self.task_id}"))


def edit_note(command: EditNote, history: History) -> Decision:
    """Only its owner or an admin changes a note; saying the same again is no event.

    Generated words that an admin brings answer a note without words, and may be late: they never
    replace what a person wrote meanwhile.
    """
    note = _own_note(history, command.note_id, command.user_id)
    answer = NoteShape(command.note_id)
    if (note.text, note.generated_by_ai) == (command.text, command.generated_by_ai):
        return Decision(answer=answer)
    if note.text and (command.only_if_empty or _is_late(command, note)):
        return Decision(answer=answer)
    edited = NoteEdited(
        note_id=command.note_id,
        user_id=note.user_id,
        text=command.text,
        generated_by_ai=command.generated_by_ai,
    )
    follows = history.newest_in(f"task:{command.task_id}")
    return Decision(events=(edited,), answer=answer, follows=follows)


def _is_late(command: EditNote, note: NoteState) -> bool:
    by_a_worker = command.user_id is None and command.generated_by_ai
    return by_a_worker and not note.generated_by_ai


@dataclass(frozen=True, slots=True)
class DeleteNote:
    """The owner takes a note away."""

    note_id: int
    user_id: int

    def lookup(self) -> LatestEventQuery:
        """What happened to the note last, which says whose it is and what it reads."""
        return LatestEventQuery((f"note:{self.note_id}",))


def delete_note(command: DeleteNote, history: History) -> Decision:
    """Only its owner deletes a note, and only once."""
    note = _own_note(history, command.note_id, command.user_id)
    return Decision(events=(NoteDeleted(note_id=command.note_id, user_id=note.user_id),))


def _own_note(history: History, note_id: int, user_id: int | None) -> NoteState:
    note = state_of(history.of(f"note:{note_id}"))
    if note is None or user_id not in (None, note.user_id):
        raise NoteNotFound
    return note


@dataclass(frozen=True)
class NoteVersions(DecisionContext):
    """What going back needs to know of a note, each None where there is none.

    ``added`` began it at the time ``added_at``, ``wanted`` is the version to go back to, ``newest``
    the present one.
    """

    added: NoteAdded | None = None
    added_at: datetime | None = None
    wanted: Event | None = None
    newest: Event | None = None


@dataclass(frozen=True)
class NoteVersionsQuery(ContextQuery[NoteVersions]):
    """Asks for the beginning of a note, its newest event, and one by version or by position."""

    note_id: int
    version: int | None
    position: int | None


@dataclass(frozen=True, slots=True)
class RevertNote:
    """The owner goes back to what a note was at a version, or at a position in the log."""

    note_id: int
    user_id: int
    version: int | None = None
    position: int | None = None

    def lookup(self) -> NoteVersionsQuery:
        """The version to go back to, and what surrounds it."""
        return NoteVersionsQuery(self.note_id, self.version, self.position)


def revert_note(command: RevertNote, its: NoteVersions) -> Decision:
    """Nothing is taken back: the old words are said again, and a deleted note is restored first.

    Words that were null come back as none at all, "".
    """
    if its.added is None or its.newest is None or its.added.user_id != command.user_id:
        raise NoteNotFound
    wanted = state_of([] if its.wanted is None else [its.wanted])
    if wanted is None:
        raise NoteVersionNotFound
    answer = NoteShape(command.note_id)
    present = state_of([its.newest])
    if present is None:
        return Decision(events=(_restored(its.added, its.added_at, wanted),), answer=answer)
    if (present.text or "", present.generated_by_ai) == (wanted.text or "", wanted.generated_by_ai):
        return Decision(answer=answer)
    edited = NoteEdited(
        note_id=command.note_id,
        user_id=wanted.user_id,
        text=wanted.text or "",
        generated_by_ai=wanted.generated_by_ai,
    )
    return Decision(events=(edited,), answer=answer)


def _restored(added: NoteAdded, added_at: datetime | None, wanted: NoteState) -> NoteRestored:
    if added_at is None:
        raise ValueError("a note's beginning has no time")
    return NoteRestored(
        note_id=added.note_id,
        user_id=added.user_id,
        video_id=added.video_id,
        timestamp=added.timestamp,
        text=wanted.text,
        generated_by_ai=wanted.generated_by_ai,
        created_at=added_at,
    )
