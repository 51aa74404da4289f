"""Writes the log down as lines that anybody can verify; ``docs/audit-format.md`` describes them."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

import orjson
from sqlalchemy import BigInteger, select

from vidwiz.audit.checks.person_keys import bare_keys
from vidwiz.audit.snapshot import log_and_checkpoints, snapshot
from vidwiz.events.base import event_types, stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import log_checkpoints
from vidwiz.verify_export import (
    FORMAT,
    Checkpoint,
    ExportedEvent,
    Header,
    Key,
    Trailer,
    checkpoint_line,
    line_of,
)

_signers = Statement(
    select(log_checkpoints.c.public_key)
    .where(log_checkpoints.c.position <= parameter("up_to", BigInteger))
    .group_by(log_checkpoints.c.public_key)
    .order_by(log_checkpoints.c.public_key)
)
_types = event_types()


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the log up to ``position``, whose hash is ``head`` (hex)."""

    position: int
    head: str
    checkpoints: int
    keys: int


def export(
    dsn: str, file: BinaryIO, newest: Checkpoint | None, *, with_keys_of: MasterKey | None = None
) -> Exported:
    """Write the log up to its newest checkpoint, which signs for the export's end.

    With a master key the keys of persons come along, bare: whoever has the file reads everything.
    Raises ``KeyUnusable``.
    """
    writer = Writer(file)
    position, head = (newest.position, newest.hash) if newest else (0, bytes(32).hex())
    with snapshot(dsn) as connection:
        signers = [key.hex() for (key,) in connection.execute(_signers.sql, {"up_to": position})]
        writer.header(Header(FORMAT, signers, position, head))
        if with_keys_of is not None:
            writer.keys(bare_keys(connection, with_keys_of))
        writer.log(log_and_checkpoints(connection, position))
    writer.trailer()
    return Exported(position, head, writer.checkpoints, writer.key_count)


class Writer:
    """Writes an export's sections, in their order, counting and hashing what it writes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes = hashlib.sha256()
        self.events = 0
        self.checkpoints = 0
        self.key_count = 0

    def header(self, header: Header) -> None:
        """Where the log ends, and who signed."""
        self._write(line_of({"kind": "header", **header._asdict()}))

    def keys(self, keys: Iterable[tuple[str, bytes]]) -> None:
        """The section of the keys to personal data; empty in an export without them."""
        for person, raw in keys:
            key = Key(person, base64.b64encode(raw).decode())
            self._write(line_of({"kind": "key", **key._asdict()}))
            self.key_count += 1

    def log(self, records: Iterable[ExportedEvent | Checkpoint]) -> None:
        """The events, and each checkpoint behind the event that it pins."""
        for record in records:
            if isinstance(record, ExportedEvent):
                self._write(event_line(record))
                self.events += 1
            else:
                self._write(checkpoint_line(record))
                self.checkpoints += 1

    def trailer(self) -> None:
        """How much there was."""
        counts = (self.events, self.checkpoints, self.key_count)
        trailer = Trailer(*counts, sha256=self._bytes.hexdigest())
        self._file.write(line_of({"kind": "trailer", **trailer._asdict()}))

    def _write(self, line: bytes) -> None:
        self._bytes.update(line)
        self._file.write(line)


def event_line(event: ExportedEvent) -> bytes:
    """The event as a line of an export, spelled as ``verify_export.line_of`` would, but faster."""
    try:
        state = {"state": event.state.decode()}
    except UnicodeDecodeError:
        state = {"state_base64": base64.b64encode(event.state).decode()}
    return orjson.dumps(
        {
            "kind": "event",
            "position": event.position,
            "stream": stream_name(event),
            "stream_id": event.stream_id,
            "version": event.version,
            "topic": event.topic,
            "recorded_at": event.recorded_at,
            "metadata": event.metadata,
            **state,
            "previous_hash": event.previous_hash.hex(),
            "hash": event.hash.hex(),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def stream_name(event: ExportedEvent) -> str | None:
    """The stream's readable name, such as ``note:17``; None for an event that we do not know."""
    kind = _types.get(event.topic)
    if kind is None:
        return None
    try:
        name = f"{kind.NOUN}:{orjson.loads(event.state)[kind.KEY]}"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return name if str(stream_id(name)) == event.stream_id else None
