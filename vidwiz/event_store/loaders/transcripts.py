"""A person's transcript of a video, and the shared one beside it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, and_, column, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.transcripts import (
    OwnTranscript,
    PersonalTranscriptContext,
    PersonalTranscriptContextQuery,
)
from vidwiz.event_store.loaders.videos import shared_open_task
from vidwiz.events import TaskType
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    open_task,
    personal_transcripts,
    task_ids,
    tasks,
    transcript_ids,
    users,
    videos,
)

_asked = (
    func.unnest(
        parameter("user_ids", ARRAY(BigInteger)),
        parameter("video_ids", ARRAY(Text)),
        parameter("words", ARRAY(Text)),
    )
    .table_valued(
        column("user_id", BigInteger),
        column("video_id", Text),
        column("words", Text),
        with_ordinality="nth",
    )
    .render_derived(name="asked")
)
_other = personal_transcripts.alias("other")
_summary_task = (
    select(tasks.c.id, tasks.c.version)
    .where(
        open_task,
        tasks.c.task_type == TaskType.SUMMARY.value,
        tasks.c.task_details["video_id"].astext == _asked.c.video_id,
        tasks.c.task_details["user_id"].astext == _asked.c.user_id.cast(Text),
    )
    .lateral("summary_task")
)
_contexts = Statement(
    select(
        or_(_asked.c.user_id.is_(None), exists().where(users.c.id == _asked.c.user_id)),
        videos.c.id.is_not(None),
        videos.c.transcript_sha256,
        exists().where(
            shared_open_task,
            tasks.c.task_type == TaskType.TRANSCRIPT.value,
            tasks.c.task_details["video_id"].astext == _asked.c.video_id,
        ),
        exists().where(
            _other.c.video_id == _asked.c.video_id,
            _other.c.words_sha256 == _asked.c.words,
            _other.c.user_id != _asked.c.user_id,
        ),
        func.coalesce(personal_transcripts.c.id, transcript_ids.next_value()),
        personal_transcripts.c.id.is_(None),
        task_ids.next_value(),
        _summary_task.c.id,
        _summary_task.c.version,
        videos.c.version,
        personal_transcripts.c.version,
        personal_transcripts.c.id,
        personal_transcripts.c.object_key,
        personal_transcripts.c.sha256,
        personal_transcripts.c.segment_count,
        personal_transcripts.c.chosen,
    )
    .select_from(
        _asked.outerjoin(videos, videos.c.video_id == _asked.c.video_id)
        .outerjoin(
            personal_transcripts,
            and_(
                personal_transcripts.c.user_id == _asked.c.user_id,
                personal_transcripts.c.video_id == _asked.c.video_id,
            ),
        )
        .outerjoin(_summary_task, true())
    )
    .order_by(_asked.c.nth)
)


async def personal_transcript_contexts(
    connection: Connection, lookups: Sequence[PersonalTranscriptContextQuery]
) -> list[PersonalTranscriptContext]:
    """Each look-up gets ids of its own."""
    rows = await fetch_all(
        connection,
        _contexts,
        {
            "user_ids": [lookup.user_id for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "words": [lookup.words_sha256 for lookup in lookups],
        },
    )
    return [_context(lookup.video_id, *row) for lookup, row in zip(lookups, rows, strict=True)]


def _context(
    video_id: str,
    user_exists: bool,
    video_exists: bool,
    shared_sha256: str | None,
    fetch_open: bool,
    others_agree: bool,
    transcript_id: int,
    is_first: bool,
    task_id: int,
    summary_task: int | None,
    task_version: int | None,
    video_version: int | None,
    own_version: int | None,
    *own: Any,
) -> PersonalTranscriptContext:
    versions = {
        f"video:{video_id}": video_version,
        f"transcript:{transcript_id}": own_version,
        f"task:{summary_task}": task_version,
    }
    return PersonalTranscriptContext(
        user_exists=user_exists,
        video_exists=video_exists,
        shared_sha256=shared_sha256,
        fetch_open=fetch_open,
        own=None if own[1] is None else OwnTranscript(*own),
        summary_task=summary_task,
        others_agree=others_agree,
        transcript_id=transcript_id,
        is_first=is_first,
        task_id=task_id,
        versions={stream: version for stream, version in versions.items() if version is not None},
    )
