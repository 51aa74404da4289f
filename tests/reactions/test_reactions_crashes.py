"""Killed between any two of its steps, a reaction still delivers everything; the effect is one."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.event_store.parts import ORIGIN, Parts, backends, running, value
from tests.reactions.crash_driver import Job, reaction_named, running_crasher
from tests.reactions.parts import (
    AI_NOTES,
    SUMMARIES,
    Box,
    SqsServer,
    add_note,
    ai_user,
    bring_transcript,
    open_tasks,
    open_video,
    state_of,
)
from tests.support import MASTER, eventually
from vidwiz.commands.notes import EditNote
from vidwiz.commands.videos import WriteSummary
from vidwiz.reactions.deliveries import SharedWriting
from vidwiz.reactions.effects import Effect, ToQueue, ToTasks
from vidwiz.reactions.follower import Follower
from vidwiz.replay import verification

LEAST_STEPS = 8
"""Fewer would mean that the driver overlooks some."""


@dataclass(frozen=True)
class Scene:
    """What a reaction has to do: a summary, or these notes."""

    video_id: str
    notes: list[int]
    end: int


async def new_scene(parts: Parts, user_id: int) -> Scene:
    """Causes of every kind, on a new video."""
    video_id = await open_video(parts)
    notes = [await add_note(parts, user_id, video_id) for _ in range(2)]
    await bring_transcript(parts, video_id)
    notes.append(await add_note(parts, user_id, video_id))
    return Scene(video_id, notes, parts.signals.head)


async def finish(parts: Parts, reaction: str, effect: Effect[SharedWriting], end: int) -> None:
    """What the next process does: it takes over and handles what is left."""

    async def is_free() -> bool:
        return backends(parts.database.dsn, f"vidwiz reaction {reaction}") == []

    async def is_done() -> bool:
        return (await state_of(parts, reaction)).checkpoint >= end

    await eventually(is_free)
    its = reaction_named(reaction, parts.database)
    follower = Follower(its, effect, parts.database, parts.signals)
    follower.start()
    await eventually(is_done)
    await follower.close()


async def work(parts: Parts, body: Any) -> None:
    """What a queue worker does with a message."""
    if "id" in body:
        edit = EditNote(body["id"], None, "words", generated_by_ai=True, only_if_empty=True)
        await parts.store.execute(edit, ORIGIN)
    else:
        await parts.store.execute(WriteSummary(body["video_id"], "In short."), ORIGIN)


def effects_on(dsn: str, topic: str, scene: Scene) -> int:
    """How often that happened to the scene's video or notes."""
    return int(
        value(
            dsn,
            "SELECT count(*) FROM event_log WHERE topic = %(topic)s AND"
            " (data ->> 'video_id' = %(video_id)s OR (data ->> 'note_id')::int = ANY(%(notes)s))",
            topic=topic,
            video_id=scene.video_id,
            notes=scene.notes,
        )
    )


@pytest.mark.parametrize("reaction", [SUMMARIES, AI_NOTES])
async def test_killed_anywhere_a_reaction_queues_each_task_exactly_once(
    dsn: str, reaction: str
) -> None:
    task_type, fatal = {SUMMARIES: "write_summary", AI_NOTES: "write_ai_note"}[reaction], 0
    async with running(dsn) as parts, running_crasher() as crasher:
        user_id = await ai_user(parts)
        for fatal in count(1):
            scene = await new_scene(parts, user_id)
            killed = await crasher.was_killed(Job(dsn, reaction, scene.end, fatal))
            await finish(parts, reaction, ToTasks(parts.store), scene.end)
            wanted = scene.notes if reaction == AI_NOTES else [None]
            assert open_tasks(dsn, task_type, scene.video_id) == wanted
            if not killed:
                break
    assert fatal > LEAST_STEPS
    assert list(verification.verify(dsn, MASTER)[1]) == []


@pytest.mark.parametrize("reaction", [SUMMARIES, AI_NOTES])
async def test_killed_anywhere_a_reaction_sends_each_message_and_the_work_is_done_exactly_once(
    dsn: str, sqs: SqsServer, box: Box, reaction: str
) -> None:
    topic, fatal = {SUMMARIES: "SummaryWritten", AI_NOTES: "NoteEdited"}[reaction], 0
    async with running(dsn) as parts, running_crasher() as crasher:
        user_id = await ai_user(parts)
        for fatal in count(1):
            scene = await new_scene(parts, user_id)
            job = Job(dsn, reaction, scene.end, fatal, box.url, sqs.url)
            killed = await crasher.was_killed(job)
            await finish(parts, reaction, ToQueue(box.queue), scene.end)
            for body in await box.bodies():
                await work(parts, body)
            assert effects_on(dsn, topic, scene) == (3 if reaction == AI_NOTES else 1)
            if not killed:
                break
    assert fatal > LEAST_STEPS
    assert list(verification.verify(dsn, MASTER)[1]) == []
