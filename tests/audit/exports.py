"""Exports made in memory."""

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import uuid5

from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.records import signed
from vidwiz.audit.log_export import Writer
from vidwiz.events.chain import instant
from vidwiz.verify_export import (
    FORMAT,
    GENESIS,
    STREAM_NAMESPACE,
    ChainBroken,
    Checkpoint,
    Export,
    ExportedEvent,
    Header,
    bounded_lines,
    ed25519_genuine,
    event_hash,
)

KEY, STRANGER = SigningKey(bytes(range(32))), SigningKey(bytes(32))
START = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS, EVERY = 60, 7
"""So that the last checkpoint, at 60, stands at no seventh event."""

Records = Sequence[ExportedEvent | Checkpoint]
genuine = lru_cache(100_000)(ed25519_genuine)


def chained(events: Iterable[ExportedEvent]) -> Iterator[ExportedEvent]:
    """The events as a log of their own."""
    head = GENESIS
    for position, event in enumerate(events, start=1):
        its = event._replace(position=position, previous_hash=head)
        head = event_hash(head, its)
        yield its._replace(hash=head)


def drafts(count: int) -> Iterator[ExportedEvent]:
    for number in range(1, count + 1):
        name = f"note:{number % 9}"
        yield ExportedEvent(
            position=number,
            stream_id=str(uuid5(STREAM_NAMESPACE, name)),
            version=(number - 1) // 9 + 1,
            topic="NoteEdited",
            recorded_at=instant(START + timedelta(seconds=number, microseconds=number)),
            metadata='{"actor": "user:1"}',
            state=(
                f'{{"note_id":{number % 9},"user_id":1,"text":"Grüße {number} 🎬 \\n",'
                '"generated_by_ai":false}'
            ).encode(),
            previous_hash=GENESIS,
            hash=GENESIS,
        )


def pinned(
    events: Sequence[ExportedEvent], key: SigningKey = KEY
) -> Iterator[ExportedEvent | Checkpoint]:
    """The events, with a checkpoint behind every seventh and the last."""
    newest = None
    for event in events:
        yield event
        if event.position % EVERY == 0 or event.position == len(events):
            newest = signed(key, event.position, event.hash, START, newest)
            yield newest


def lines_of(records: Records, keys: Iterable[tuple[str, bytes]] = ()) -> list[bytes]:
    """The export that holds these records, sound or not; its header and trailer fit them."""
    file = io.BytesIO()
    writer = Writer(file)
    events = [one for one in records if isinstance(one, ExportedEvent)]
    signers = sorted({one.public_key for one in records if isinstance(one, Checkpoint)})
    position, head = (events[-1].position, events[-1].hash) if events else (0, GENESIS)
    writer.header(Header(FORMAT, signers, position, head.hex()))
    writer.keys(keys)
    writer.log(records)
    writer.trailer()
    return split(file.getvalue())


def split(whole: bytes) -> list[bytes]:
    return list(bounded_lines(io.BytesIO(whole)))


def problem(lines: Sequence[bytes], *trusted: str, kept: dict[int, str] | None = None) -> int:
    """The position that verification names; raises ``AssertionError`` when it names none."""
    export = Export(lines, trusted, kept, genuine=genuine)
    try:
        export.verified()
    except ChainBroken as broken:
        return broken.position
    raise AssertionError("nobody noticed")


RECORDS: Records = tuple(pinned(list(chained(drafts(EVENTS)))))
LINES = lines_of(RECORDS)
PINS = [one.position for one in RECORDS if isinstance(one, Checkpoint)]
