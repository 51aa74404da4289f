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
)
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.tasks import Claimable, NextTask, NextTaskOf, Work, WorkFor
from vidwiz.database import Connection, fetch_all
from vidwiz.events import TaskType
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import Instant, notes, open_task, task_ids, tasks, users, videos

_claimable = Statement(
    select(
        tasks.c.id,
        tasks.c.task_details["video_id"].astext,
        tasks.c.task_details["note_id"].as_integer(),
        tasks.c.retry_count,
        tasks.c.version,
    )
    .where(
        tasks.c.task_type == parameter("task_type", Text),
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
            Claimable(task_id, video_id, attempts, note_id), versions={f"task:{task_id}": version}
        )
        for task_id, video_id, note_id, attempts, version in rows
    )


_wanted = (
    func.unnest(
        parameter("task_types", ARRAY(Text)),
        parameter("video_ids", ARRAY(Text)),
        parameter("note_ids", ARRAY(BigInteger)),
    )
    .table_valued(
        column("task_type", Text),
        column("video_id", Text),
        column("note_id", BigInteger),
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
    return case((_wanted.c.note_id.is_(None), summary), else_=words)


_work = Statement(
    select(
        _needed(),
        exists().where(
            open_task,
            tasks.c.task_type == _wanted.c.task_type,
            tasks.c.task_details["video_id"].astext == _wanted.c.video_id,
            func.coalesce(tasks.c.task_details["note_id"].astext, "")
            == func.coalesce(_wanted.c.note_id.cast(Text), ""),
        ),
        task_ids.next_value(),
    )
    .select_from(_wanted)
    .order_by(_wanted.c.nth)
)


async def work(connection: Connection, lookups: Sequence[WorkFor]) -> list[Work]:
    """Whether what is asked for is still to be done, and nobody is about to."""
    rows = await fetch_all(
        connection,
        _work,
        {
            "task_types": [lookup.task_type.value for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "note_ids": [lookup.note_id for lookup in lookups],
        },
    )
    return [Work(needed, is_open, task_id) for needed, is_open, task_id in rows]
