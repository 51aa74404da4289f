"""Writing is asked for as often as a day allows; notes beyond that are written on other days."""

from collections.abc import AsyncIterator

import pytest

from tests.event_store.parts import ORIGIN, Parts, rows, running, value
from tests.reactions.parts import (
    Box,
    add_note,
    ai_user,
    bring_transcript,
    caught_up,
    open_tasks,
    open_video,
    quotas_of,
    reacting,
    ready_video,
    state_of,
)
from tests.support import eventually
from vidwiz.commands.notes import EditNote
from vidwiz.commands.users import EraseUser
from vidwiz.reactions.health import retry


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[Parts]:
    async with running(dsn) as its:
        yield its


async def test_a_user_gets_as_many_ai_notes_as_a_day_allows_and_others_get_theirs(
    dsn: str, parts: Parts
) -> None:
    quotas = quotas_of(parts, VIDWIZ_AI_NOTES_A_DAY=3)
    ann, bob, video_id = await ai_user(parts), await ai_user(parts), await ready_video(parts)
    of_ann = [await add_note(parts, ann, video_id) for _ in range(5)]
    of_bob = [await add_note(parts, bob, video_id)]
    async with reacting(parts, quotas=quotas):
        await caught_up(parts)
        asked = open_tasks(dsn, "write_ai_note", video_id)
    assert asked == [*of_ann[:3], *of_bob]
    assert (await quotas.model_calls())[0] == 5  # the summary, too


async def test_notes_that_waited_for_their_transcript_are_counted_too(
    parts: Parts, box: Box
) -> None:
    ann, video_id = await ai_user(parts), await open_video(parts)
    notes = [await add_note(parts, ann, video_id) for _ in range(4)]
    quotas = quotas_of(parts, VIDWIZ_AI_NOTES_A_DAY=2)
    async with reacting(parts, ai_notes=box.queue, quotas=quotas):
        await bring_transcript(parts, video_id)
        await caught_up(parts)
    assert [body["id"] for body in await box.bodies()] == notes[:2]


async def test_notes_beyond_the_day_are_asked_for_on_the_next_ones_in_the_order_written(
    dsn: str, parts: Parts
) -> None:
    ann, bob, videos = await ai_user(parts), await ai_user(parts), [await open_video(parts), ""]
    videos[1] = await open_video(parts)
    of_ann = [await add_note(parts, ann, videos[n % 2]) for n in range(7)]
    of_bob = [await add_note(parts, bob, videos[0])]
    async with reacting(parts, quotas=quotas_of(parts, VIDWIZ_AI_NOTES_A_DAY=2)):
        for video_id in reversed(videos):
            await bring_transcript(parts, video_id)
        await caught_up(parts)
    today = {of_ann[1], of_ann[3]}
    assert asked(dsn) == sorted([*today, *of_bob])
    assert await set_aside(parts) == (0, 5)
    await retry(parts.database, "ai-notes")  # in vain: it is the same day
    async with reacting(parts, quotas=quotas_of(parts, VIDWIZ_AI_NOTES_A_DAY=2)):
        await looked_at_all(dsn)
    assert asked(dsn) == sorted([*today, *of_bob])
    own_words = EditNote(of_ann[0], ann, "mine", generated_by_ai=False)
    await parts.store.execute(own_words, ORIGIN)
    left = [of_ann[2], of_ann[4], of_ann[5], of_ann[6]]
    for day in (1, 2):
        async with reacting(parts, quotas=quotas_of(parts, day, VIDWIZ_AI_NOTES_A_DAY=2)):
            await retry(parts.database)
            await looked_at_all(dsn)
        assert asked(dsn) == sorted([*today, *of_bob, *left[: 2 * day]])
    assert await set_aside(parts) == (0, 0)


async def test_what_was_put_off_of_an_erased_person_is_asked_for_no_more(
    dsn: str, parts: Parts, box: Box
) -> None:
    ann, bob, video_id = await ai_user(parts), await ai_user(parts), await open_video(parts)
    notes = [await add_note(parts, who, video_id) for who in (ann, bob)]
    none = quotas_of(parts, VIDWIZ_AI_NOTES_A_DAY=0)
    async with reacting(parts, ai_notes=box.queue, quotas=none):
        await bring_transcript(parts, video_id)
        await caught_up(parts)
    assert await set_aside(parts) == (0, 2)
    await parts.store.execute(EraseUser(ann), ORIGIN)
    async with reacting(parts, ai_notes=box.queue, quotas=quotas_of(parts, 1)):
        await retry(parts.database)
        await looked_at_all(dsn)
    assert [body["id"] for body in await box.bodies()] == notes[1:]
    assert await set_aside(parts) == (0, 0)


def asked(dsn: str) -> list[int]:
    """The notes that a task is open for."""
    found = rows(
        dsn,
        "SELECT (task_details ->> 'note_id')::int FROM tasks"
        " WHERE task_type = 'write_ai_note' AND status = 'pending' ORDER BY 1",
    )
    return [note_id for (note_id,) in found]


async def set_aside(parts: Parts) -> tuple[int, int]:
    """How much is parked, and put off."""
    its = await state_of(parts, "ai-notes")
    return its.parked, its.put_off


async def looked_at_all(dsn: str) -> None:
    """Wait until nothing that was put off is due any more."""

    async def nothing_is_due() -> bool:
        query = "SELECT count(*) FROM parked_events WHERE try_at <= clock_timestamp()"
        return bool(value(dsn, query) == 0)

    await eventually(nothing_is_due)


async def test_a_summary_counts_once_and_only_when_it_is_asked_for(dsn: str, parts: Parts) -> None:
    quotas = quotas_of(parts, VIDWIZ_SUMMARIES_A_DAY=2)
    async with reacting(parts, quotas=quotas):
        videos = [await ready_video(parts) for _ in range(3)]
        await caught_up(parts)
        asked = [open_tasks(dsn, "write_summary", video_id) for video_id in videos]
    assert asked == [[None], [None], []]
    assert await quotas.full(quotas.of_summary(None)) is not None
    assert (await quotas.model_calls())[0] == 2


async def test_the_ceiling_is_over_notes_and_summaries_together(dsn: str, parts: Parts) -> None:
    quotas = quotas_of(parts, VIDWIZ_MODEL_CALLS_A_DAY=3)
    async with reacting(parts, quotas=quotas):
        video_id, ann = await ready_video(parts), await ai_user(parts)
        await caught_up(parts)
        for _ in range(4):
            await add_note(parts, ann, video_id)
        await caught_up(parts)
        notes = open_tasks(dsn, "write_ai_note", video_id)
        summaries = open_tasks(dsn, "write_summary", video_id)
    assert (len(summaries), len(notes)) == (1, 2)
    assert await quotas.model_calls() == (3, 3)
