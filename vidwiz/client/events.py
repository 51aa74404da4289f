"""An event as the log shows it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEvent:
    """An event with its place in the log and in its stream.

    ``data`` holds the event's fields, as of the newest version of its class. ``recorded_at`` has a
    time zone. ``hash`` and ``previous_hash`` are SHA-256 in hex (docs/audit-format.md).
    """

    position: int
    stream: str
    version: int
    topic: str
    data: Mapping[str, Any]
    recorded_at: datetime
    actor: str
    correlation_id: str | None = None
    causation_id: str | None = None
    request_id: str | None = None
    previous_hash: str = ""
    hash: str = ""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read an event as the service writes it; fields that a newer service adds are ignored.

        Raises ``ValueError`` for what is no JSON object, ``TypeError`` when a field is missing.
        """
        values = json.loads(text)
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        if "recorded_at" in known:
            known["recorded_at"] = datetime.fromisoformat(known["recorded_at"])
        return cls(**known)
