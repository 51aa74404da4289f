"""The history of one note, as its owner reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range, page
from vidwiz.events import NoteAdded, NoteDeleted, NoteEdited, NoteRestored
from vidwiz.events.chain import instant
from vidwiz.events.notes import NoteEvent
from vidwiz.events.recorded import Actor, RecordedEvent

WHAT = {
    NoteAdded: "added",
    NoteEdited: "edited",
    NoteDeleted: "deleted",
    NoteRestored: "restored",
}


@dataclass(frozen=True, slots=True)
class NoteHistory:
    """Versions of a note, newest first, as JSON objects; ``next``: go on before this position."""

    deleted: bool
    versions: Sequence[dict[str, Any]]
    next: int | None


async def history_of(
    log: Log, note_id: int, user_id: int, before: int, at_most: int
) -> NoteHistory | None:
    """Some versions of the user's own note; None if there never was one.

    Raises ``UnknownEvent``, ``DatabaseUnavailable``.
    """
    stream = Filter(stream=f"note:{note_id}")
    newest = await page(log, stream, Range(newest_first=True), 1)
    if not newest.events or not _is_of(newest.events[0], user_id):
        return None
    found = await page(log, stream, Range(before=before, newest_first=True), at_most)
    versions = [_version(one, user_id) for one in found.events]
    deleted = isinstance(newest.events[0].event, NoteDeleted)
    return NoteHistory(deleted, versions, found.next)


def _is_of(recorded: RecordedEvent, user_id: int) -> bool:
    return isinstance(recorded.event, NoteEvent) and recorded.event.user_id == user_id


def _version(recorded: RecordedEvent, user_id: int) -> dict[str, Any]:
    event = recorded.event
    by_ai = bool(getattr(event, "generated_by_ai", False))
    return {
        "version": recorded.originator_version,
        "position": recorded.position,
        "what": WHAT[type(event)],
        "text": getattr(event, "text", None),
        "generated_by_ai": by_ai,
        "at": instant(recorded.recorded_at),
        "by": _by(recorded.origin.actor, user_id, by_ai=by_ai),
    }


def _by(actor: Actor, user_id: int, *, by_ai: bool) -> str:
    """Who it was, for the owner: nobody else than they and admins changes a note."""
    if actor == Actor.user(user_id):
        return "you"
    return "AI" if by_ai else "admin"
