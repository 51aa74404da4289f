"""What followed from a request: its events, the reactions to them, and their events."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range, page
from vidwiz.audit.shapes import shape
from vidwiz.events.recorded import RecordedEvent

MOST_EVENTS = 1000
DEEPEST = 50
"""Levels of a tree: what follows from deeper ones stands beside them."""


async def causation_of(log: Log, correlation_id: str) -> dict[str, Any] | None:
    """The tree of causes and effects; None when no event has this correlation.

    Raises ``UnknownEvent``, ``DatabaseUnavailable``.
    """
    wanted = Filter(correlation_id=correlation_id)
    found = await page(log, wanted, Range(), MOST_EVENTS)
    if not found.events:
        return None
    return {
        "correlation_id": correlation_id,
        "events": len(found.events),
        "next": found.next,
        "causes": trees(found.events),
    }


def trees(events: Sequence[RecordedEvent]) -> list[dict[str, Any]]:
    """For every cause that is no event here, what followed: events, each with its ``effects``."""
    roots: dict[str | None, list[dict[str, Any]]] = defaultdict(list)
    places: dict[str | None, tuple[int, list[dict[str, Any]]]] = {}
    for one in events:
        cause = one.origin.causation_id
        level, beside = places[cause] if cause in places else (1, roots[cause])
        node = {**shape(one), "effects": []}
        beside.append(node)
        below = (level + 1, node["effects"]) if level < DEEPEST else (level, beside)
        places[f"event:{one.position}"] = below
    return [{"cause": cause, "effects": effects} for cause, effects in roots.items()]
