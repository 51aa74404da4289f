"""Events as auditors read them, in JSON."""

from typing import Any

from pydantic_core import to_json

from vidwiz.events.chain import instant
from vidwiz.events.recorded import RecordedEvent


def shape(recorded: RecordedEvent) -> dict[str, Any]:
    """The event with its place, its origin and its links; ``data`` are its fields as of today."""
    origin, proof = recorded.origin, recorded.proof
    return {
        "position": recorded.position,
        "stream": recorded.event.stream,
        "version": recorded.originator_version,
        "topic": recorded.event.TOPIC,
        "data": recorded.event.model_dump(mode="json"),
        "recorded_at": instant(recorded.recorded_at),
        "actor": origin.actor,
        "correlation_id": origin.correlation_id,
        "causation_id": origin.causation_id,
        "request_id": origin.request_id,
        "previous_hash": None if proof is None else proof.previous_hash.hex(),
        "hash": None if proof is None else proof.hash.hex(),
    }


def as_json(recorded: RecordedEvent) -> bytes:
    """The same as JSON on one line; integers may be of any size."""
    return to_json(shape(recorded))
