"""The hash chain, so that anybody can recompute it from an export with nothing but SHA-256."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

GENESIS = bytes(32)
"""The previous hash of the first event."""


class ChainBroken(Exception):
    """The log is not as it was written: ``position`` is the first one that is wrong."""

    def __init__(self, position: int, what: str) -> None:
        super().__init__(f"the log was changed: position {position} {what}")
        self.position = position


@dataclass(frozen=True, slots=True)
class Proof:
    """What the hash of an event covers beside its place, to the letter, and the hash."""

    state: bytes
    metadata: str
    previous_hash: bytes
    hash: bytes


def instant(recorded_at: datetime) -> str:
    """The time as the hash has it, like ``2026-01-31T23:59:59.000001Z``."""
    return recorded_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def chained_hash(
    previous: bytes,
    *,
    position: int,
    stream: UUID,
    version: int,
    topic: str,
    recorded_at: datetime,
    metadata: str,
    state: bytes,
) -> bytes:
    """The hash of a row: SHA-256 over the previous hash and the row's fields.

    Each field is UTF-8 text behind its length (4 bytes, big-endian), in the order of the
    arguments; ``metadata`` is the column's text to the letter. The trigger ``chain_event``
    computes the same.
    """
    when = instant(recorded_at)
    texts = f"{position}", f"{stream}", f"{version}", topic, when, metadata
    parts = [previous]
    for field in (*(text.encode() for text in texts), state):
        parts.append(len(field).to_bytes(4, "big"))
        parts.append(field)
    return hashlib.sha256(b"".join(parts)).digest()


class ChainWalk:
    """Goes along the log from its first event and checks every link."""

    def __init__(self) -> None:
        self.position = 0
        self.head = GENESIS

    def step(
        self, position: int, stream: UUID, version: int, topic: str, at: datetime, proof: Proof
    ) -> None:
        """Check the next row; raises ``ChainBroken``."""
        if position != self.position + 1:
            raise ChainBroken(self.position + 1, f"is missing; {position} comes next")
        if proof.previous_hash != self.head:
            raise ChainBroken(position, "does not follow from the one before it")
        expected = chained_hash(
            self.head,
            position=position,
            stream=stream,
            version=version,
            topic=topic,
            recorded_at=at,
            metadata=proof.metadata,
            state=proof.state,
        )
        if proof.hash != expected:
            raise ChainBroken(position, "does not have the hash of what it says")
        self.position, self.head = position, proof.hash
