"""What there is of a video, and what is on its way."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from vidwiz.commands.videos import (
    TranscriptContext,
    TranscriptContextQuery,
    VideoContext,
    VideoContextQuery,
)
from vidwiz.events import TaskType
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    open_task,
    opening_ids,
    openings,
    task_ids,
    tasks,
    users,
    video_ids,
    videos,
)

_asked = (
    func.unnest(parameter("video_ids", ARRAY(Text)))
    .table_valued("video_id", with_ordinality="nth")
    .render_derived(name="asked")
)


for_all = tasks.c.task_details["user_id"].astext.is_(None)
"""Tasks whose result is for everybody."""
shared_open_task = and_(open_task, for_all)


def on_its_way(task_type: TaskType, video_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a task of this type is pending or running for the video, or came and is there.

    A completed task whose transcript was lost is none.
    """
    lost = and_(videos.c.transcript_available.is_(False), literal(task_type is TaskType.TRANSCRIPT))
    came = and_(tasks.c.status == "completed", ~func.coalesce(lost, False))
    return exists().where(
        tasks.c.task_type == task_type.value,
        tasks.c.task_details["video_id"].astext == video_id,
        for_all,
        or_(tasks.c.status.in_(("pending", "in_progress")), came),
    )


_opener = (
    func.unnest(parameter("video_ids", ARRAY(Text)), parameter("user_ids", ARRAY(BigInteger)))
    .table_valued(column("video_id", Text), column("user_id", BigInteger), with_ordinality="nth")
    .render_derived(name="opener")
)
_opens_first = and_(
    exists().where(users.c.id == _opener.c.user_id),
    ~exists().where(
        openings.c.user_id == _opener.c.user_id, openings.c.video_id == _opener.c.video_id
    ),
)
_grounds = Statement(
    select(
        case((videos.c.id.is_(None), video_ids.next_value())),
        task_ids.next_value(),
        task_ids.next_value(),
        func.coalesce(videos.c.transcript_available, False),
        on_its_way(TaskType.TRANSCRIPT, _opener.c.video_id),
        videos.c.metadata.is_not(None),
        on_its_way(TaskType.METADATA, _opener.c.video_id),
        videos.c.summary.is_not(None),
        videos.c.summary_requested_at,
        case((_opens_first, opening_ids.next_value())),
        videos.c.version,
    )
    .select_from(_opener.outerjoin(videos, videos.c.video_id == _opener.c.video_id))
    .order_by(_opener.c.nth)
)


async def video_grounds(
    connection: Connection, lookups: Sequence[VideoContextQuery]
) -> list[VideoContext]:
    """Each look-up gets ids of its own, even where two ask the same."""
    wanted = [lookup.video_id for lookup in lookups]
    users_of = [lookup.user_id for lookup in lookups]
    rows = await fetch_all(connection, _grounds, {"video_ids": wanted, "user_ids": users_of})
    return [
        VideoContext(*its, versions={f"video:{video_id}": version} if version else {})
        for video_id, (*its, version) in zip(wanted, rows, strict=True)
    ]


_open_tasks = (
    select(
        func.array_agg(aggregate_order_by(tasks.c.id, tasks.c.id)).label("ids"),
        func.array_agg(aggregate_order_by(tasks.c.version, tasks.c.id)).label("versions"),
    )
    .where(
        shared_open_task,
        tasks.c.task_type == TaskType.TRANSCRIPT.value,
        tasks.c.task_details["video_id"].astext == _asked.c.video_id,
    )
    .lateral("open_tasks")
)
_transcripts = Statement(
    select(videos.c.version, _open_tasks.c.ids, _open_tasks.c.versions)
    .select_from(
        _asked.outerjoin(videos, videos.c.video_id == _asked.c.video_id).join(
            _open_tasks, literal(True)
        )
    )
    .order_by(_asked.c.nth)
)


async def transcript_grounds(
    connection: Connection, lookups: Sequence[TranscriptContextQuery]
) -> list[TranscriptContext]:
    """Video and open tasks, whose streams a transcript that is brought touches."""
    wanted = [lookup.video_id for lookup in lookups]
    rows = await fetch_all(connection, _transcripts, {"video_ids": wanted})
    return [_transcript_ground(*its) for its in zip(wanted, *zip(*rows, strict=True), strict=True)]


def _transcript_ground(
    video_id: str,
    version: int | None,
    task_ids: list[int] | None,
    task_versions: list[int] | None,
) -> TranscriptContext:
    if version is None:
        return TranscriptContext(video_exists=False)
    tasks = dict(zip(task_ids or (), task_versions or (), strict=True))
    return TranscriptContext(
        video_exists=True,
        open_tasks=tuple(tasks),
        versions={
            f"video:{video_id}": version,
            **{f"task:{task_id}": its for task_id, its in tasks.items()},
        },
    )
