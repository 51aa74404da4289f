"""One event with its neighbours in its stream, and what it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import CHUNK, Log, Range, page
from vidwiz.events import Event, NoteDeleted
from vidwiz.events.conversations import ConversationEvent
from vidwiz.events.recorded import RecordedEvent

Changes = Mapping[str, Mapping[str, Any]]
"""By field, its value ``before`` and ``after``."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An event, the ones before and behind it in its stream, and what it changed."""

    event: RecordedEvent
    previous: RecordedEvent | None
    next: RecordedEvent | None
    changes: Changes


async def seen(log: Log, position: int) -> Seen | None:
    """The event at a position; None when there is none.

    Raises ``UnknownEvent``, ``DatabaseUnavailable``.
    """
    found = await page(log, Filter(), Range(position - 1, position + 1), 1)
    if not found.events:
        return None
    (its,) = found.events
    stream = Filter(stream=its.event.stream)
    earlier = await page(log, stream, Range(before=position, newest_first=True), CHUNK)
    later = await page(log, stream, Range(after=position), 1)
    return Seen(
        its,
        next(iter(earlier.events), None),
        next(iter(later.events), None),
        changes(its.event, [one.event for one in earlier.events]),
    )


def changes(event: Event, earlier: Sequence[Event]) -> Changes:
    """What of a thing is other than before, which its earlier events tell, the newest first.

    What is said in a conversation is added and changes nothing. Only the earlier events that are
    given count: a field that none of them names was null.
    """
    if isinstance(event, ConversationEvent) or not earlier:
        return {}
    before = _state(earlier)
    after = dict.fromkeys(before) if isinstance(event, NoteDeleted) else _fields(event)
    return {
        name: {"before": before.get(name), "after": value}
        for name, value in after.items()
        if before.get(name) != value
    }


def _state(earlier: Sequence[Event]) -> dict[str, Any]:
    """The newest value of every field, since the thing was last taken away."""
    state: dict[str, Any] = {}
    for event in earlier:
        if isinstance(event, NoteDeleted):
            break
        state = {**_fields(event), **state}
    return state


def _fields(event: Event) -> dict[str, Any]:
    """What the event says, but for whom it is about."""
    return event.model_dump(mode="json", exclude={event.KEY, "user_id"})
