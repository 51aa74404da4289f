"""Keeps what is said in transcripts where it can be searched: the table ``passages``.

The transcripts themselves lie in the object store, so no projector can fill it, and no rebuild
touches it.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import asdict, dataclass

import orjson
from sqlalchemy import BigInteger, Float, Integer, Text, column, exists, func, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from vidwiz.adapters.object_store import ObjectStore, personal_transcripts_folder
from vidwiz.events import (
    Event,
    PersonalTranscriptAdded,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    TranscriptLost,
    TranscriptReady,
    UserErased,
)
from vidwiz.postgres.pool import Database, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    SHARED,
    parked_events,
    passages,
    personal_transcripts,
    stored_events,
    videos,
)
from vidwiz.reactions.deliveries import Cause, Delivery
from vidwiz.wiz.transcripts import Segment, segments_of

LONG_ENOUGH = 500
"""Characters after which a passage ends with its segment: half a minute of speech."""
BORDER = 200
"""Characters of the next passage that stand behind one, for phrases across the border."""

_video_id = parameter("video_id", Text)
_BRINGING = (TranscriptReady, PersonalTranscriptAdded, PersonalTranscriptReplaced)
_user_id = parameter("user_id", BigInteger)
_newest = Statement(
    select(videos.c.id).where(
        videos.c.video_id == _video_id, videos.c.transcript_sha256 == parameter("sha256", Text)
    )
)
_is_there = Statement(
    select(personal_transcripts.c.id).where(
        personal_transcripts.c.id == parameter("transcript_id", BigInteger),
        personal_transcripts.c.sha256 == parameter("sha256", Text),
    )
)
_clear = Statement(
    passages.delete().where(passages.c.video_id == _video_id, passages.c.user_id == _user_id)
)
_kept = Statement(
    select(personal_transcripts.c.object_key).where(
        personal_transcripts.c.user_id == _user_id, personal_transcripts.c.object_key.is_not(None)
    )
)
_clear_gone = Statement(
    passages.delete().where(
        passages.c.user_id == _user_id,
        ~exists().where(
            personal_transcripts.c.user_id == _user_id,
            personal_transcripts.c.video_id == passages.c.video_id,
            personal_transcripts.c.object_key.is_not(None),
        ),
    )
)
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
        ["video_id", "user_id", "number", "text", "own", "offsets", "starts"],
        select(_video_id, _user_id, *_rows.c),
    )
)
_every_transcript = select(
    parameter("reaction", Text),
    stored_events.c.notification_id,
    stored_events.c.originator_id,
    parameter("attempts", BigInteger).cast(Integer),
    func.clock_timestamp(),
).where(stored_events.c.topic.in_(event.TOPIC for event in _BRINGING))
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
    """What is to be searched from now on, or no more, by all (``SHARED``) or by its owner.

    With an ``object_key`` the transcript that lies there; without one, nothing. ``video_id`` is
    None where all that a person brought goes.
    """

    video_id: str | None
    user_id: int
    object_key: str | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """A row of the table."""

    number: int
    text: str
    own: int
    offsets: Sequence[int]
    starts: Sequence[float]


class Passages:
    """A transcript that came can be searched, unless another has replaced it by now.

    What a person takes back, or is erased with, goes from the table and the object store.
    """

    name = "passages"
    causes: tuple[type[Event], ...] = (
        TranscriptReady,
        TranscriptLost,
        PersonalTranscriptAdded,
        PersonalTranscriptReplaced,
        PersonalTranscriptRemoved,
        UserErased,
    )

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted(self, cause: Cause) -> AsyncGenerator[Indexing, None]:
        """The transcript, if it is the newest; or what is to go."""
        key = f"{self.name}-{cause.position}"
        match cause.event:
            case TranscriptReady(video_id=video_id, sha256=sha256, object_key=object_key):
                if await self._database.one(_newest, video_id=video_id, sha256=sha256) is not None:
                    yield Indexing(cause, key, video_id, SHARED, object_key, sha256)
            case TranscriptLost(video_id=video_id):
                yield Indexing(cause, key, video_id, SHARED)
            case PersonalTranscriptAdded() | PersonalTranscriptReplaced() as it:
                asked = {"transcript_id": it.transcript_id, "sha256": it.sha256}
                if await self._database.one(_is_there, **asked) is not None:
                    yield Indexing(cause, key, it.video_id, it.user_id, it.object_key, it.sha256)
            case PersonalTranscriptRemoved(user_id=user_id) | UserErased(user_id=user_id):
                yield Indexing(cause, key, None, user_id)


class ToPassages:
    """Fills the table, and empties it of what is gone."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects

    async def deliver(self, delivery: Indexing) -> None:
        """Replace the passages of the video, or let go of what is gone.

        Raises ``TranscriptUnreadable``, ``ObjectStoreError``.
        """
        if delivery.video_id is None:
            await self._forget_what_is_gone(delivery.user_id)
            return
        rows = "[]"
        if delivery.object_key is not None:
            content = await self._objects.get(delivery.object_key)
            if content is None:
                raise TranscriptUnreadable("the object store does not have the transcript")
            rows = await asyncio.to_thread(_rows_of, content, delivery.sha256)
        if delivery.user_id != SHARED:
            await self._forget_what_is_gone(delivery.user_id)
        async with self._database.borrowed() as connection, connection.transaction():
            its = {"video_id": delivery.video_id, "user_id": delivery.user_id, "rows": rows}
            await connection.execute(_clear.sql, its)
            await connection.execute(_fill.sql, its)

    async def _forget_what_is_gone(self, user_id: int) -> None:
        """Passages and objects of a person that no row of theirs speaks of any more.

        Not while they bring one: its object is there before its row.
        """
        folder = personal_transcripts_folder(user_id)
        async with self._database.exclusively(folder) as connection:
            rows = await fetch_all(connection, _kept, {"user_id": user_id})
            kept = {object_key for (object_key,) in rows}
            async for key in self._objects.keys(folder):
                if key not in kept:
                    await self._objects.delete(key)
            await connection.execute(_clear_gone.sql, {"user_id": user_id})


async def refill(database: Database) -> int:
    """Have every transcript read again by the service; how many events tell of one.

    Raises ``DatabaseUnavailable``.
    """
    return len(await database.all(_again, reaction=Passages.name, attempts=0))


def passages_of(segments: Sequence[Segment]) -> Iterator[IndexedPassage]:
    """Neighbouring segments together, each passage with the beginning of the next one."""
    groups = [*_grouped(segments)]
    for number, group in enumerate(groups):
        text, offsets = _joined([segment.text for segment in group])
        following = groups[number + 1][0].text[:BORDER] if number + 1 < len(groups) else ""
        starts = [segment.start for segment in group]
        yield IndexedPassage(number, f"{text} {following}".rstrip(), len(text), offsets, starts)


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
