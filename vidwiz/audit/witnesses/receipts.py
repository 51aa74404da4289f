"""A witness's signed word that it was shown a checkpoint, and when."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.events.chain import instant
from vidwiz.verify_export import Checkpoint, framed


def shown(row: Sequence[Any], key: SigningKey) -> dict[str, Any]:
    """A row of ``witnessed_checkpoints`` as the API tells it, with the receipt."""
    its_id, public_key, position, its_hash, events, made_at, previous, signature, *rest = row
    contradicts, received_at, _ = rest
    it = Checkpoint(position, its_hash, events, made_at, public_key, previous, signature)
    return {
        "id": its_id,
        "checkpoint": it._asdict(),
        "contradicts": contradicts,
        "receipt": _receipt(it, received_at, key),
    }


def _receipt(it: Checkpoint, received_at: datetime, key: SigningKey) -> dict[str, str]:
    at = instant(received_at)
    signature = key.sign(_message(key.public_key, at, it.digest()))
    return {"witness": key.public_key, "received_at": at, "signature": signature.hex()}


def is_genuine(it: Checkpoint, receipt: dict[str, str]) -> bool:
    """Whether the witness that the receipt names signed that it was shown this checkpoint."""
    try:
        witness, signature = bytes.fromhex(receipt["witness"]), bytes.fromhex(receipt["signature"])
        message = _message(receipt["witness"], receipt["received_at"], it.digest())
    except (KeyError, ValueError, TypeError, AttributeError):
        return False
    return genuine(witness, message, signature)


def _message(witness: str, received_at: str, digest: str) -> bytes:
    fields = ("vidwiz receipt 1", witness, received_at, digest)
    return framed(*(field.encode() for field in fields))
