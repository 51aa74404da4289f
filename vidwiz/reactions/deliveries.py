"""Which writing an event makes wanted, and the message that asks for it.

Whether it is wanted is read from the tables as they are now, so that what was done meanwhile is
not asked for again. Which of two events asks for a note is decided by their positions alone.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Text, exists, func, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.tasks import QueueTask
from vidwiz.events import (
    Event,
    NoteAdded,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    SummaryRequested,
    TaskType,
    TranscriptReady,
)
from vidwiz.events.base import stream_id
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import MAX_BIGINT, Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.tables import notes, personal_transcripts, stored_events, users, videos

PAGE = 100
NOBODY = 0
"""Owner of what is for all."""

# JSON has these two characters, SQS does not.
_ESCAPES = {0xFFFE: "\\ufffe", 0xFFFF: "\\uffff"}


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that something follows from, with its position in the log.

    ``again``: what followed from it was put off, and is asked for as things stand now.
    """

    position: int
    event: Event
    correlation_id: str | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What follows; ``key`` is the same whenever this cause is looked at again."""

    cause: Cause
    key: str


@dataclass(frozen=True, slots=True)
class Writing(Delivery):
    """Writing that is wanted, as a task for our own workers; ``owner`` has the note, if any."""

    task: QueueTask
    owner: int


@dataclass(frozen=True, slots=True)
class SharedWriting(Writing):
    """Writing from the transcript that all share; ``body`` asks workers elsewhere for it."""

    body: bytes

    @property
    def group(self) -> str:
        """What the writing is for; such deliveries stay in order."""
        note_id = self.task.note_id
        name = f"video:{self.task.video_id}" if note_id is None else f"note:{note_id}"
        return str(stream_id(name))


Delivered_co = TypeVar("Delivered_co", bound=Delivery, covariant=True)


class Reaction(Protocol[Delivered_co]):
    """Says what follows from events."""

    name: str
    causes: tuple[type[Event], ...]

    def wanted(self, cause: Cause) -> AsyncGenerator[Delivered_co, None]:
        """What is to be delivered because of the event; raises ``DatabaseUnavailable``."""
        ...


_unsummarised = Statement(
    select(videos.c.id).where(
        videos.c.video_id == parameter("video_id", Text), videos.c.summary.is_(None)
    )
)


class SummaryReaction:
    """A video without a summary gets one: somebody asked for it, or now there is a transcript."""

    name = "summaries"
    causes: tuple[type[Event], ...] = (SummaryRequested, TranscriptReady)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted(self, cause: Cause) -> AsyncGenerator[SharedWriting, None]:
        """The summary, unless there is one."""
        match cause.event:
            case SummaryRequested(video_id=video_id) | TranscriptReady(video_id=video_id):
                if await self._database.one(_unsummarised, video_id=video_id) is not None:
                    yield self._delivery(cause, video_id)

    def _delivery(self, cause: Cause, video_id: str) -> SharedWriting:
        return SharedWriting(
            cause=cause,
            key=f"{self.name}-{cause.position}",
            task=QueueTask(TaskType.SUMMARY, video_id),
            owner=NOBODY,
            body=orjson.dumps({"video_id": video_id}),
        )


_waits = (
    or_(notes.c.text.is_(None), notes.c.text == ""),
    users.c.id == notes.c.user_id,
    users.c.ai_notes_enabled,
)
_reads_own = exists().where(
    personal_transcripts.c.user_id == notes.c.user_id,
    personal_transcripts.c.video_id == notes.c.video_id,
    personal_transcripts.c.chosen,
)
_note_id = parameter("note_id", BigInteger)
_video_id = parameter("video_id", Text)
_its_video = shapes.shaped_videos(videos.c.video_id == _video_id)
_waiting = select(notes.c.id, notes.c.user_id, shapes.note(_its_video.c.shape).cast(Text)).where(
    notes.c.video_id == _video_id, _its_video.c.video_id == _video_id, *_waits, ~_reads_own
)
_waiting_note = Statement(
    _waiting.where(
        notes.c.id == _note_id,
        exists().where(
            stored_events.c.originator_id == parameter("video_stream", postgresql.UUID),
            stored_events.c.topic == TranscriptReady.TOPIC,
            stored_events.c.notification_id < parameter("position", BigInteger),
        ),
    )
)
_waiting_notes = Statement(
    _waiting.where(notes.c.id > parameter("after", BigInteger)).order_by(notes.c.id).limit(PAGE)
)
_added_before = Statement(
    select(stored_events.c.originator_id).where(
        stored_events.c.originator_id == func.any(parameter("streams", ARRAY(postgresql.UUID))),
        stored_events.c.originator_version == 1,
        stored_events.c.notification_id < parameter("position", BigInteger),
    )
)


class AiNoteReaction:
    """A note without words gets some, if its owner wants that and there is a transcript.

    A note that was added behind the transcript asks for itself; the transcript asks for those
    that were added before it. Those whose owner reads a transcript of their own are not asked
    for here: see ``OwnWriting``.
    """

    name = "ai-notes"
    causes: tuple[type[Event], ...] = (NoteAdded, TranscriptReady)

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted(self, cause: Cause) -> AsyncGenerator[SharedWriting, None]:
        """The note that was added, or those that waited for the transcript."""
        match cause.event:
            case NoteAdded(text=None | "") as added:
                for delivery in await self._note(cause, added):
                    yield delivery
            case TranscriptReady(video_id=video_id):
                after: int | None = 0
                while after is not None:
                    page, after = await self._page(cause, video_id, after)
                    for delivery in page:
                        yield delivery

    async def _note(self, cause: Cause, added: NoteAdded) -> list[SharedWriting]:
        rows = await self._database.all(
            _waiting_note,
            note_id=added.note_id,
            video_id=added.video_id,
            video_stream=stream_id(f"video:{added.video_id}"),
            position=MAX_BIGINT if cause.again else cause.position,
        )
        return [self._delivery(cause, added.video_id, *row) for row in rows]

    async def _page(
        self, cause: Cause, video_id: str, after: int
    ) -> tuple[list[SharedWriting], int | None]:
        """Some of the notes with ids behind ``after``, and behind which id to look for more."""
        rows = await self._database.all(_waiting_notes, video_id=video_id, after=after)
        streams = {note_id: stream_id(f"note:{note_id}") for note_id, *_ in rows}
        older = await self._added_before(cause.position, [*streams.values()])
        page = [
            self._delivery(cause, video_id, note_id, owner, shape)
            for note_id, owner, shape in rows
            if streams[note_id] in older
        ]
        return page, rows[-1][0] if len(rows) == PAGE else None

    async def _added_before(self, position: int, streams: list[UUID]) -> set[UUID]:
        rows = await self._database.all(_added_before, streams=streams, position=position)
        return {stream for (stream,) in rows}

    def _delivery(
        self, cause: Cause, video_id: str, note_id: int, owner: int, shape: str
    ) -> SharedWriting:
        return SharedWriting(
            cause=cause,
            key=f"{self.name}-{cause.position}-{note_id}",
            task=QueueTask(TaskType.AI_NOTE, video_id, note_id),
            owner=owner,
            body=shape.translate(_ESCAPES).encode(),
        )


_transcript_id = parameter("transcript_id", BigInteger)
_mine = Statement(
    select(
        personal_transcripts.c.video_id,
        personal_transcripts.c.sha256,
        or_(personal_transcripts.c.chosen, videos.c.transcript_available),
    )
    .select_from(
        personal_transcripts.join(videos, videos.c.video_id == personal_transcripts.c.video_id)
    )
    .where(personal_transcripts.c.id == _transcript_id)
)
_my_waiting_notes = Statement(
    select(notes.c.id)
    .where(
        notes.c.user_id == parameter("user_id", BigInteger),
        notes.c.video_id == _video_id,
        notes.c.id > parameter("after", BigInteger),
        *_waits,
    )
    .order_by(notes.c.id)
    .limit(PAGE)
)
_my_waiting_note = Statement(
    select(notes.c.user_id).where(notes.c.id == _note_id, *_waits, _reads_own)
)


class OwnWriting:
    """Whoever brings a transcript gets a summary of it, and their AI notes from it.

    These are always tasks: workers that take messages from a queue know one transcript of a video.
    """

    name = "own-writing"
    causes: tuple[type[Event], ...] = (
        NoteAdded,
        PersonalTranscriptAdded,
        PersonalTranscriptReplaced,
        PersonalTranscriptChosen,
        PersonalTranscriptRemoved,
    )

    def __init__(self, database: Database) -> None:
        self._database = database

    async def wanted(self, cause: Cause) -> AsyncGenerator[Writing, None]:
        """The note that was added; or the summary, and the notes that now have another source."""
        match cause.event:
            case NoteAdded(text=None | "", note_id=note_id, video_id=video_id):
                for (user_id,) in await self._database.all(_my_waiting_note, note_id=note_id):
                    yield self._note(cause, video_id, note_id, user_id)
            case (
                PersonalTranscriptAdded()
                | PersonalTranscriptReplaced()
                | PersonalTranscriptChosen()
                | PersonalTranscriptRemoved()
            ) as it:
                row = await self._database.one(_mine, transcript_id=it.transcript_id)
                if row is None:  # its owner was erased
                    return
                video_id, sha256, can_be_read = row
                if sha256 is not None and sha256 == getattr(it, "sha256", None):
                    summary = QueueTask(TaskType.SUMMARY, video_id, user_id=it.user_id)
                    yield Writing(cause, f"{self.name}-{cause.position}", summary, it.user_id)
                if can_be_read:
                    async for note_id in self._waiting(it.user_id, video_id):
                        yield self._note(cause, video_id, note_id, it.user_id)

    async def _waiting(self, user_id: int, video_id: str) -> AsyncGenerator[int, None]:
        after: int | None = 0
        while after is not None:
            its = {"user_id": user_id, "video_id": video_id, "after": after}
            rows = await self._database.all(_my_waiting_notes, **its)
            for (note_id,) in rows:
                yield note_id
            after = rows[-1][0] if len(rows) == PAGE else None

    def _note(self, cause: Cause, video_id: str, note_id: int, user_id: int) -> Writing:
        task = QueueTask(TaskType.AI_NOTE, video_id, note_id, user_id)
        return Writing(cause, f"{self.name}-{cause.position}-{note_id}", task, user_id)
