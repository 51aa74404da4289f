"""What this server, as a witness, was shown of other servers' logs."""

from typing import ClassVar

from vidwiz.events.base import Event


class ShownCheckpoint(Event):
    """A checkpoint that another server signed, to the letter, in the stream ``witness:<key>``.

    ``checkpoint_id`` is the number that this server gave to it.
    """

    NOUN: ClassVar[str] = "witness"
    KEY: ClassVar[str] = "public_key"

    checkpoint_id: int
    public_key: str
    position: int
    hash: str
    events: int
    made_at: str
    previous: str
    signature: str


class CheckpointWitnessed(ShownCheckpoint):
    """Another server showed a checkpoint of its log."""

    TOPIC: ClassVar[str] = "CheckpointWitnessed"


class CheckpointContradicted(ShownCheckpoint):
    """It was refused, and is evidence: the same key signed the checkpoint ``contradicts``."""

    TOPIC: ClassVar[str] = "CheckpointContradicted"

    contradicts: int
