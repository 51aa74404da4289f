"""What must come of the commands about notes."""

from typing import Any

from tests.histories.jobs import queue
from tests.histories.people import existing
from tests.histories.told import Told
from tests.histories.videos import add_video, shape_of_video
from tests.histories.world import Note, NotePast, World
from vidwiz.commands.notes import (
    AddNote,
    DeleteNote,
    EditNote,
    IdempotencyKeyReused,
    NoteNotFound,
    NoteVersionNotFound,
    RevertNote,
    VideoTitleRequired,
)
from vidwiz.commands.tasks import NewWorkRefused
from vidwiz.events import TaskType


def add_note(world: World, command: AddNote, told: Told) -> dict[str, Any] | None:
    existing(world, command.user_id)
    earlier = world.idempotency_keys.get((command.user_id, command.idempotency_key or ""))
    if earlier is not None:
        return _repeated(world, command, earlier)
    if command.video_id not in world.videos:
        if not command.video_title:
            raise VideoTitleRequired
        if not command.may_ask:
            raise NewWorkRefused
        add_video(world, command.video_id, command.video_title, told)
        for kind in (TaskType.TRANSCRIPT, TaskType.METADATA):
            queue(world, kind, command.video_id, told)
    elif command.video_title and world.videos[command.video_id].title is None:
        world.videos[command.video_id].title = command.video_title
        world.videos[command.video_id].happened(world.now)
    return _added(world, command, told.result["id"])


def _repeated(world: World, command: AddNote, use: tuple[str, int]) -> dict[str, Any] | None:
    fingerprint, note_id = use
    if fingerprint != command.fingerprint:
        raise IdempotencyKeyReused
    return shape_of_note(world, note_id)


def _added(world: World, command: AddNote, note_id: int) -> dict[str, Any] | None:
    its = (command.user_id, command.video_id, command.timestamp, command.text)
    assert note_id not in world.notes_ever
    world.notes[note_id] = Note(note_id, *its, **world.new)
    world.notes_ever.append(note_id)
    past = NotePast(*its[:3], world.now, [(command.text, False)])
    world.note_pasts[note_id] = past
    if command.idempotency_key is not None:
        key = (command.user_id, command.idempotency_key)
        world.idempotency_keys[key] = (command.fingerprint, note_id)
    return shape_of_note(world, note_id)


def edit_note(world: World, command: EditNote, _: Told) -> dict[str, Any] | None:
    note = _own(world, command.note_id, command.user_id)
    same = (note.text, note.generated_by_ai) == (command.text, command.generated_by_ai)
    late = command.user_id is None and command.generated_by_ai and not note.generated_by_ai
    if not same and not (note.text and (command.only_if_empty or late)):
        _say(world, note, command.text, command.generated_by_ai)
    return shape_of_note(world, note.id)


def _say(world: World, note: Note, text: str, by_ai: bool) -> None:
    note.text, note.generated_by_ai = text, by_ai
    note.happened(world.now)
    world.note_pasts[note.id].versions.append((text, by_ai))


def delete_note(world: World, command: DeleteNote, _: Told) -> None:
    note = world.notes.pop(_own(world, command.note_id, command.user_id).id)
    world.note_pasts[note.id].versions.append(None)


def revert_note(world: World, command: RevertNote, _: Told) -> dict[str, Any] | None:
    past = world.note_pasts.get(command.note_id)
    if past is None or past.user_id != command.user_id:
        raise NoteNotFound
    (wanted,) = past.versions[(command.version or 0) - 1 : command.version] or [None]
    if wanted is None:
        raise NoteVersionNotFound
    note, (text, by_ai) = world.notes.get(command.note_id), wanted
    if note is None:
        _restored(world, command.note_id, past, wanted)
    elif (note.text or "", note.generated_by_ai) != (text or "", by_ai):
        _say(world, note, text or "", by_ai)
    return shape_of_note(world, command.note_id)


def _restored(world: World, note_id: int, past: NotePast, wanted: tuple[str | None, bool]) -> None:
    past.versions.append(wanted)
    times = {**world.new, "created_at": past.created_at, "version": len(past.versions)}
    its = (past.user_id, past.video_id, past.timestamp, *wanted)
    world.notes[note_id] = Note(note_id, *its, **times)


def _own(world: World, note_id: int, user_id: int | None) -> Note:
    note = world.notes.get(note_id)
    if note is None or (user_id is not None and note.user_id != user_id):
        raise NoteNotFound
    return note


def shape_of_note(world: World, note_id: int) -> dict[str, Any] | None:
    """The note as the contract shows it."""
    note = world.notes.get(note_id)
    if note is None:
        return None
    return {
        "id": note.id,
        "video_id": note.video_id,
        "timestamp": note.timestamp,
        "text": note.text,
        "generated_by_ai": note.generated_by_ai,
        "created_at": note.created_at.isoformat(),
        "updated_at": note.updated_at.isoformat(),
        "video": shape_of_video(world.videos[note.video_id]),
        "user_id": note.user_id,
    }
