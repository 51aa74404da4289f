"""The hash chain of recorded events; the arithmetic is the shipped verifier's own."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from vidwiz.verify_export import GENESIS, Chain, ChainBroken, event_hash
from vidwiz.verify_export import ExportedEvent as Link

__all__ = ["GENESIS", "ChainBroken", "ChainWalk", "Proof", "chained_hash", "instant", "link"]


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


def link(
    position: int, stream: UUID, version: int, topic: str, recorded_at: datetime, proof: Proof
) -> Link:
    """The event as the chain sees it."""
    return Link(
        position,
        str(stream),
        version,
        topic,
        instant(recorded_at),
        proof.metadata,
        proof.state,
        proof.previous_hash,
        proof.hash,
    )


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
    arguments; ``metadata`` is the column's text to the letter.
    """
    proof = Proof(state, metadata, previous, b"")
    return event_hash(previous, link(position, stream, version, topic, recorded_at, proof))


class ChainWalk(Chain):
    """Goes along the log as it lies in the database."""

    def step(
        self, position: int, stream: UUID, version: int, topic: str, at: datetime, proof: Proof
    ) -> None:
        """Check the next row; raises ``ChainBroken``."""
        self.follow(link(position, stream, version, topic, at, proof))
