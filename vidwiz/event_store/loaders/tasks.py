"""Tasks to hand out, and tasks that might be worth queueing."""

from collections.abc import Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    case,
    column,
    exists,
    func,
    or_,
    select,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.tasks import (
    Claimable,
    NextTask,
    NextTaskOf,
    OwnTask,
    OwnTaskQuery,
    Work,
    WorkQuery,
)
from vidwiz.events import TaskType
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    Instant,
    conversations,
    notes,
    open_task,
    openings,
    personal_transcripts,
    task_ids,
    tasks,
    users,
    videos,
)

_claimable = Statement(
    select(
        tasks.c.id,
        tasks.c.task_details["video_id"].astext,
        tasks.c.task_details["note_id"].as_integer(),
        tasks.c.task_details["user_id"].astext.cast(BigInteger),
        tasks.c.retry_count,
        tasks.c.version,
    )
    .where(
        tasks.c.task_type == parameter("task_type", Text),
        or_(  # what a user fetches for themselves nobody else fetches
            tasks.c.task_type != TaskType.TRANSCRIPT.value,
            tasks.c.task_details["user_id"].astext.is_(None),
        ),
        or_(
            tasks.c.status == "pending",
            and_(
                tasks.c.status == "in_progress",
                tasks.c.started_at < parameter("stale_before", Instant),
            ),
        ),
    )
    .order_by(tasks.c.id)
    .limit(parameter("at_most", BigInteger))
    .with_for_update(skip_locked=True)
)


async def next_tasks(connection: Connection, lookups: Sequence[NextTaskOf]) -> list[NextTask]:
    """Lock as many tasks as are asked for, and hand them out in the order of the look-ups."""
    lines: dict[TaskType, Iterator[NextTask]] = {}
    for task_type in {lookup.task_type for lookup in lookups}:
        its = [lookup for lookup in lookups if lookup.task_type is task_type]
        lines[task_type] = await _line(connection, its)
    return [next(lines[lookup.task_type], NextTask(None)) for lookup in lookups]


async def _line(connection: Connection, lookups: Sequence[NextTaskOf]) -> Iterator[NextTask]:
    rows = await fetch_all(
        connection,
        _claimable,
        {
            "task_type": lookups[0].task_type.value,
            "stale_before": min(lookup.stale_before for lookup in lookups),
            "at_most": len(lookups),
        },
    )
    return iter(
        NextTask(
            Claimable(task_id, video_id, attempts, note_id, user_id),
            versions={f"task:{task_id}": version},
        )
        for task_id, video_id, note_id, user_id, attempts, version in rows
    )


_user_id = parameter("user_id", BigInteger)
_own_fetch = and_(
    tasks.c.task_type == TaskType.TRANSCRIPT.value,
    tasks.c.task_details["user_id"].astext == _user_id.cast(Text),
)
_own_open = Statement(
    select(
        tasks.c.id, tasks.c.task_details["video_id"].astext, tasks.c.retry_count, tasks.c.version
    )
    .where(
        _own_fetch,
        or_(
            tasks.c.status == "pending",
            and_(
                tasks.c.status == "in_progress",
                tasks.c.started_at < parameter("stale_before", Instant),
            ),
        ),
    )
    .order_by(tasks.c.id)
    .limit(1)
)
_used = union(
    select(notes.c.video_id).where(notes.c.user_id == _user_id),
    select(conversations.c.video_id).where(conversations.c.user_id == _user_id),
    select(openings.c.video_id).where(openings.c.user_id == _user_id),
).subquery("used")
_own_video = Statement(
    select(videos.c.video_id)
    .where(
        videos.c.video_id.in_(select(_used.c.video_id)),
        ~videos.c.transcript_available,
        ~exists().where(
            personal_transcripts.c.user_id == _user_id,
            personal_transcripts.c.video_id == videos.c.video_id,
            personal_transcripts.c.object_key.is_not(None),
        ),
        ~exists().where(_own_fetch, tasks.c.task_details["video_id"].astext == videos.c.video_id),
    )
    .order_by(videos.c.id)
    .limit(1)
)
_next_id = Statement(select(task_ids.next_value()))


async def own_tasks(connection: Connection, lookups: Sequence[OwnTaskQuery]) -> list[OwnTask]:
    """Users who work are few and wait between two looks: one look-up at a time."""
    return [await _own_task(connection, lookup) for lookup in lookups]


async def _own_task(connection: Connection, lookup: OwnTaskQuery) -> OwnTask:
    whose = {"user_id": lookup.user_id, "stale_before": lookup.stale_before}
    for task_id, video_id, attempts, version in await fetch_all(connection, _own_open, whose):
        task = Claimable(task_id, video_id, attempts)
        return OwnTask(task, None, task_id, versions={f"task:{task_id}": version})
    found = await fetch_all(connection, _own_video, whose)
    ((task_id,),) = await fetch_all(connection, _next_id, {}) if found else [(0,)]
    return OwnTask(None, found[0][0] if found else None, task_id)


_wanted = (
    func.unnest(
        parameter("task_types", ARRAY(Text)),
        parameter("video_ids", ARRAY(Text)),
        parameter("note_ids", ARRAY(BigInteger)),
        parameter("user_ids", ARRAY(BigInteger)),
    )
    .table_valued(
        column("task_type", Text),
        column("video_id", Text),
        column("note_id", BigInteger),
        column("user_id", BigInteger),
        with_ordinality="nth",
    )
    .render_derived(name="wanted")
)


def _needed() -> ColumnElement[bool]:
    summary = exists().where(
        videos.c.video_id == _wanted.c.video_id,
        videos.c.transcript_available,
        videos.c.summary.is_(None),
    )
    words = exists().where(
        notes.c.id == _wanted.c.note_id,
        or_(notes.c.text.is_(None), notes.c.text == ""),
        users.c.id == notes.c.user_id,
        users.c.ai_notes_enabled,
    )
    own_summary = exists().where(
        personal_transcripts.c.user_id == _wanted.c.user_id,
        personal_transcripts.c.video_id == _wanted.c.video_id,
        personal_transcripts.c.object_key.is_not(None),
        personal_transcripts.c.summary.is_(None),
    )
    return case(
        (_wanted.c.note_id.is_not(None), words),
        (_wanted.c.user_id.is_not(None), own_summary),
        else_=summary,
    )


_of_the_same_person = or_(  # a note is one person's anyway
    _wanted.c.note_id.is_not(None),
    tasks.c.task_details["user_id"].astext.is_not_distinct_from(_wanted.c.user_id.cast(Text)),
)


_work = Statement(
    select(
        _needed(),
        exists().where(
            open_task,
            tasks.c.task_type == _wanted.c.task_type,
            tasks.c.task_details["video_id"].astext == _wanted.c.video_id,
            func.coalesce(tasks.c.task_details["note_id"].astext, "")
            == func.coalesce(_wanted.c.note_id.cast(Text), ""),
            _of_the_same_person,
        ),
        task_ids.next_value(),
    )
    .select_from(_wanted)
    .order_by(_wanted.c.nth)
)


async def work(connection: Connection, lookups: Sequence[WorkQuery]) -> list[Work]:
    """Whether what is asked for is still to be done, and nobody is about to."""
    rows = await fetch_all(
        connection,
        _work,
        {
            "task_types": [lookup.task_type.value for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "note_ids": [lookup.note_id for lookup in lookups],
            "user_ids": [lookup.user_id for lookup in lookups],
        },
    )
    return [Work(needed, is_open, task_id) for needed, is_open, task_id in rows]
