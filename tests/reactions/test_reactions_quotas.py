"""Writing is asked for as often as a day allows; the rest is left, and counted by nobody."""

from collections.abc import AsyncIterator

import pytest

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
)
from tests.store.parts import Parts, running


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
