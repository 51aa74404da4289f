"""Transcripts between the object store and the log: kept, read, shared, and reported lost.

The object comes first, then the event that tells of it; of one video one change at a time.
"""

import asyncio
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from pydantic_core import to_json

from vidwiz.adapters.object_store import (
    personal_transcript_key,
    personal_transcripts_folder,
    transcript_key,
)
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.transcripts import (
    BringTranscript,
    DropTranscript,
    PersonalTranscriptContext,
    PersonalTranscriptContextQuery,
    ReportLostTranscript,
    ShareTranscript,
    TranscriptNotFound,
    becomes_shared,
    require_video,
)
from vidwiz.commands.videos import AddTranscript, VideoNotFound
from vidwiz.event_store.loaders.transcripts import personal_transcript_contexts
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.events.transcripts import Source
from vidwiz.http.access.guards import User
from vidwiz.http.requests.context import origin
from vidwiz.http.services import services
from vidwiz.metrics import LOST_TRANSCRIPTS
from vidwiz.postgres.pool import Connection
from vidwiz.projections.transcript_queries import OWN, TRANSCRIPT

log = structlog.get_logger(__name__)

_not_a_word = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class TranscriptAsRead:
    """Which transcript of a video somebody reads, and what the video is called and how long it is.

    ``sha256`` is None when there is none. ``origin`` is ``own``, or whose the shared one is.
    """

    video_id: str
    user_id: int | None
    object_key: str
    sha256: str | None
    title: str | None
    duration: str | None
    origin: str | None


async def transcript_as_read(video_id: str, user_id: int | None) -> TranscriptAsRead:
    """What the person reads; a guest (None) reads the shared one. Raises ``VideoNotFound``."""
    row = await services().database.one(TRANSCRIPT, video_id=video_id, user_id=user_id)
    if row is None:
        raise VideoNotFound
    own_key, *rest = row
    return TranscriptAsRead(video_id, user_id, own_key or transcript_key(video_id), *rest)


async def brought_transcript(video_id: str, user_id: int, sha256: str) -> TranscriptAsRead:
    """What the person brought, chosen or not; raises ``TranscriptNotFound`` for another digest."""
    row = await services().database.one(OWN, video_id=video_id, user_id=user_id)
    if row is None or row[1] != sha256:
        raise TranscriptNotFound
    return TranscriptAsRead(video_id, user_id, row[0], sha256, None, None, "own")


def locked(video_id: str) -> Any:
    """The right to change transcripts of the video, among all processes."""
    return services().database.exclusively(f"transcript:{video_id}")


async def stored_transcript(video_id: str, segments: Sequence[Any] | None) -> StoredTranscript:
    """Put the segments where all find them, in place of any there were."""
    return await _stored(transcript_key(video_id), to_json(segments or []), len(segments or []))


async def add_shared(video_id: str, items: Sequence[Any], caller_origin: EventMetadata) -> None:
    """An admin's transcript, for all."""
    async with locked(video_id) as connection:
        await _context(connection, PersonalTranscriptContextQuery(None, video_id))
        stored = await stored_transcript(video_id, items)
        await services().store.execute(AddTranscript(video_id, stored), caller_origin)


async def bring(user: User, video_id: str, items: Sequence[Any], source: Source) -> bool:
    """Keep a person's transcript; whether it is the shared one too, now that two agree."""
    async with locked(video_id) as connection:
        command, shared = await prepared(connection, user, video_id, items, source)
        await services().store.execute(command, origin(user.actor))
        return shared


async def prepared(
    connection: Connection, user: User, video_id: str, items: Sequence[Any], source: Source
) -> tuple[BringTranscript, bool]:
    """The objects stored, and the command that tells of them; whether it will be shared.

    Until the connection's transaction ends no object of the person is swept away.
    """
    await services().database.lock(connection, personal_transcripts_folder(user.user_id))
    content, words = to_json(items), await asyncio.to_thread(digest_of_words, items)
    await services().room.require(user.user_id, len(content))
    asked = PersonalTranscriptContextQuery(user.user_id, video_id, words)
    context = await _context(connection, asked)
    key = personal_transcript_key(user.user_id, video_id, hashlib.sha256(content).hexdigest())
    stored = await _stored(key, content, len(items))
    agreed = becomes_shared(context)
    shared = await stored_transcript(video_id, items) if agreed else None
    return BringTranscript(user.user_id, video_id, stored, words, source, shared), agreed


async def share(
    video_id: str, user_id: int, sha256: str | None, caller_origin: EventMetadata
) -> None:
    """Make a person's transcript the shared one; raises ``TranscriptNotFound``.

    With ``sha256`` only the one with this digest, which the admin has seen.
    """
    async with locked(video_id) as connection:
        asked = PersonalTranscriptContextQuery(user_id, video_id)
        own = (await _context(connection, asked)).own
        if own is None or (sha256 is not None and own.sha256 != sha256):
            raise TranscriptNotFound
        content = await services().library.content(own.object_key, own.sha256)
        if content is None:
            raise TranscriptNotFound
        shared = await _stored(transcript_key(video_id), content, own.segment_count)
        await services().store.execute(ShareTranscript(user_id, video_id, shared), caller_origin)


async def report_lost(read: TranscriptAsRead) -> None:
    """What the object store has not, or not unchanged, is told to the log, and fetched again.

    Looks once more while nobody changes the video's transcripts: what was replaced is not lost.
    Raises ``ObjectStoreError`` where the objects are not those of the database.
    """
    await services().store_mark.require()
    async with locked(read.video_id):
        now = await transcript_as_read(read.video_id, read.user_id)
        if now.sha256 is None or now.sha256 != read.sha256:
            return
        if await services().library.content(now.object_key, now.sha256) is not None:
            return
        log.error("a transcript is gone or changed", video_id=now.video_id, origin=now.origin)
        LOST_TRANSCRIPTS.inc()
        command: DropTranscript | ReportLostTranscript
        if now.origin == "own" and now.user_id is not None:
            command = DropTranscript(now.user_id, now.video_id, now.sha256)
        else:
            command = ReportLostTranscript(now.video_id, now.sha256)
        await services().store.execute(command, EventMetadata(SYSTEM))


def digest_of_words(items: Sequence[Any]) -> str:
    """The same for transcripts whose words are the same, however they are cut, spelt and timed.

    Of a transcript without any word the signs count.
    """
    text = " ".join(str(item.get("text") or "") for item in items if isinstance(item, dict))
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = _not_a_word.sub(_marks, folded) or "".join(folded.split())
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()


def _marks(found: re.Match[str]) -> str:
    """The vowel signs and the like, without which many scripts spell another word."""
    if found[0].isascii():
        return ""
    return "".join(one for one in found[0] if unicodedata.category(one).startswith("M"))


async def _context(
    connection: Connection, asked: PersonalTranscriptContextQuery
) -> PersonalTranscriptContext:
    (context,) = await personal_transcript_contexts(connection, [asked])
    require_video(context)
    return context


async def _stored(key: str, content: bytes, count: int) -> StoredTranscript:
    await services().objects.put(key, content)
    return StoredTranscript(key, hashlib.sha256(content).hexdigest(), count)
