"""Keeps what is said in transcripts where it can be searched: the table ``passages``.

The transcripts themselves lie in the object store, so no projector can fill it, and no rebuild
touches it.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import BigInteger, Float, Integer, Text, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.database import Database
from vidwiz.events import Event, TranscriptReady
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import parked_events, passages, stored_events, videos
from vidwiz.reactions.deliveries import Cause, Delivery
from vidwiz.wiz.transcripts import Segment, segments_of

LONG_ENOUGH = 500
"""Characters after which a passage ends with its segment: half a minute of speech."""
BORDER = 200
"""Characters of the next passage that stand behind one, for phrases across the border."""

_video_id = parameter("video_id", Text)
_newest = Statement(
    select(videos.c.id).where(
        videos.c.video_id == _video_id, videos.c.transcript_sha256 == parameter("sha256", Text)
    )
)
_clear = Statement(passages.delete().where(passages.c.video_id == _video_id))
_rows = (
    func.jsonb_to_recordset(parameter("rows", JSONB))
    .table_valued(
        column("number", Integer),
        column("text", Text),
        column("own", Integer),
        column("offsets", ARRAY(Integer)),
        column("starts", ARRAY(Float)),
    )
    .render_derived(name="its", with_types=True)
)
_fill = Statement(
    passages.insert().from_select(
        ["video_id", "number", "text", "own", "offsets", "starts"],
        select(_video_id, *_rows.c),
    )
)
_every_transcript = select(
    parameter("reaction", Text),
    stored_events.c.notification_id,
    stored_events.c.originator_id,
    parameter("attempts", BigInteger).cast(Integer),
    func.clock_timestamp(),
).where(stored_events.c.topic == TranscriptReady.TOPIC)
_again = Statement(
    insert(parked_events)
    .from_select(
        ["reaction", "position", "originator_id", "attempts", "parked_at"], _every_transcript
    )
    .on_conflict_do_nothing()
    .returning(parked_events.c.position)
)


class TranscriptUnreadable(Exception):
    """The object store has not, or not whole, what the event says it has."""


@dataclass(frozen=True, slots=True)
class Indexing(Delivery):
    """The transcript that is to be searched from now on."""

    ready: TranscriptReady


@dataclass(frozen=True, slots=True)
class Passage:
    """A row of the table."""

    number: int
    text: str
    own: int
    offsets: Sequence[int]
    starts: Sequence[float]


class Passages:
    """A transcript that came can be searched, unless another has replaced it by now."""

    name = "passages"
    causes: tuple[type[Event], ...] = (TranscriptReady,)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted(self, cause: Cause) -> AsyncGenerator[Indexing, None]:
        """The transcript, if it is the video's newest."""
        match cause.event:
            case TranscriptReady(video_id=video_id, sha256=sha256) as ready:
                if await self._database.one(_newest, video_id=video_id, sha256=sha256) is not None:
                    yield Indexing(cause, f"{self.name}-{cause.position}", ready)


class ToPassages:
    """Fills the table."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def deliver(self, delivery: Indexing) -> None:
        """Replace the passages of the video; raises ``TranscriptUnreadable``."""
        ready = delivery.ready
        content = await self._objects.get(ready.object_key)
        if content is None:
            raise TranscriptUnreadable("the object store does not have the transcript")
        rows = await asyncio.to_thread(_rows_of, content, ready.sha256)
        async with self._database.borrowed() as connection, connection.transaction():
            its = {"video_id": ready.video_id, "rows": rows}
            await connection.execute(_clear.sql, its)
            await connection.execute(_fill.sql, its)


async def refill(database: Database) -> int:
    """Have every transcript read again by the service; how many events tell of one.

    Raises ``DatabaseUnavailable``.
    """
    return len(await database.all(_again, reaction=Passages.name, attempts=0))


def passages_of(segments: Sequence[Segment]) -> Iterator[Passage]:
    """Neighbouring segments together, each passage with the beginning of the next one."""
    groups = [*_grouped(segments)]
    for number, group in enumerate(groups):
        text, offsets = _joined([segment.text for segment in group])
        following = groups[number + 1][0].text[:BORDER] if number + 1 < len(groups) else ""
        starts = [segment.start for segment in group]
        yield Passage(number, f"{text} {following}".rstrip(), len(text), offsets, starts)


def _grouped(segments: Sequence[Segment]) -> Iterator[Sequence[Segment]]:
    group: list[Segment] = []
    length = 0
    for segment in segments:
        group.append(segment)
        length += len(segment.text)
        if length >= LONG_ENOUGH:
            yield group
            group, length = [], 0
    if group:
        yield group


def _joined(texts: Sequence[str]) -> tuple[str, list[int]]:
    """The texts with spaces between them, and where each begins."""
    offsets = [0]
    for text in texts[:-1]:
        offsets.append(offsets[-1] + len(text) + 1)
    return " ".join(texts), offsets


def _rows_of(content: bytes, sha256: str) -> str:
    if hashlib.sha256(content).hexdigest() != sha256:
        raise TranscriptUnreadable("the transcript in the object store is another one")
    try:
        items = orjson.loads(content)
    except ValueError:
        items = None
    if not isinstance(items, list):
        raise TranscriptUnreadable("the transcript in the object store is no list")
    return orjson.dumps([asdict(one) for one in passages_of(segments_of(items))]).decode()
