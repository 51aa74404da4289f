"""What is asked for, in which words, and what nobody asks for."""

from typing import Any

import orjson
import pytest

from tests.event_store.parts import ORIGIN, Parts, note, rows, running
from tests.reactions.parts import (
    Box,
    SqsServer,
    add_note,
    ai_user,
    bring_transcript,
    caught_up,
    new_box,
    open_tasks,
    open_video,
    reacting,
    ready_video,
)
from tests.support import MASTER, eventually
from vidwiz.commands.notes import DeleteNote, EditNote
from vidwiz.commands.users import ChangeProfile
from vidwiz.commands.videos import WriteSummary
from vidwiz.projections import queries
from vidwiz.reactions.deliveries import PAGE
from vidwiz.reactions.health import NAMES
from vidwiz.replay import verification

SUMMARY_TASK, AI_NOTE_TASK = "write_summary", "write_ai_note"


async def note_as_shown(parts: Parts, user_id: int, video_id: str, note_id: int) -> Any:
    row = await parts.database.one(queries.NOTES_OF_VIDEO, user_id=user_id, video_id=video_id)
    assert row is not None
    (its,) = [one for one in orjson.loads(row[0]) if one["id"] == note_id]
    return its


async def asked_notes(parts: Parts, box: Box) -> list[int]:
    """The notes that words were asked for, by the time that every event was looked at."""
    async with reacting(parts, ai_notes=box.queue):
        await caught_up(parts)
    return [body["id"] for body in await box.bodies()]


async def asked_videos(parts: Parts, box: Box) -> list[dict[str, str]]:
    """The summaries that were asked for, by the time that every event was looked at."""
    async with reacting(parts, summaries=box.queue):
        await caught_up(parts)
    return await box.bodies()


async def test_the_message_for_an_ai_note_is_the_note_as_the_api_shows_it(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        note_id = await add_note(parts, user_id, video_id)
        async with reacting(parts, ai_notes=box.queue):
            await caught_up(parts)
        (message,) = await box.bodies()
        assert message == await note_as_shown(parts, user_id, video_id, note_id)
    assert list(message) == [
        "id",
        "video_id",
        "timestamp",
        "text",
        "generated_by_ai",
        "created_at",
        "updated_at",
        "video",
        "user_id",
    ]
    assert message["video"]["transcript_available"] is True
    assert isinstance(message["created_at"], str)
    assert isinstance(message["video"]["updated_at"], str)


async def test_the_message_for_a_summary_names_the_video_and_nothing_else(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts:
        video_id = await open_video(parts)
        assert await asked_videos(parts, box) == [{"video_id": video_id}]


async def test_a_transcript_asks_for_the_summary_that_is_still_missing(dsn: str, box: Box) -> None:
    async with running(dsn) as parts:
        video_id = await ready_video(parts)
        assert await asked_videos(parts, box) == [{"video_id": video_id}]


async def test_nothing_is_asked_for_a_video_with_a_summary(dsn: str, box: Box) -> None:
    async with running(dsn) as parts:
        video_id = await open_video(parts)
        await parts.store.execute(WriteSummary(video_id, "It is about tests."), ORIGIN)
        await bring_transcript(parts, video_id)
        assert await asked_videos(parts, box) == []


@pytest.mark.parametrize("text", ["hi", " ", "\t"])
async def test_a_note_with_words_even_blank_ones_asks_for_nothing(
    dsn: str, box: Box, text: str
) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        await add_note(parts, user_id, video_id, text)
        await bring_transcript(parts, video_id)
        assert await asked_notes(parts, box) == []


@pytest.mark.parametrize("text", [None, ""])
async def test_nothing_is_asked_for_somebody_who_does_not_want_ai_notes(
    dsn: str, box: Box, text: str | None
) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await parts.sign_up(), await ready_video(parts)
        await add_note(parts, user_id, video_id, text)
        await bring_transcript(parts, video_id)
        assert await asked_notes(parts, box) == []


async def test_nothing_is_asked_while_there_is_no_transcript(dsn: str, box: Box) -> None:
    async with running(dsn) as parts:
        user_id = await ai_user(parts)
        await add_note(parts, user_id, await parts.add_video(user_id))
        assert await asked_notes(parts, box) == []


async def test_a_note_that_got_words_or_was_deleted_meanwhile_asks_for_nothing(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        written, deleted = [await add_note(parts, user_id, video_id) for _ in range(2)]
        edit = EditNote(written, user_id, "mine", generated_by_ai=False)
        await parts.store.execute(edit, ORIGIN)
        await parts.store.execute(DeleteNote(deleted, user_id), ORIGIN)
        assert await asked_notes(parts, box) == []


async def test_each_waiting_note_is_asked_for_once_before_or_behind_the_transcript(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts:
        user_id = await ai_user(parts)
        video_id = await parts.add_video(user_id)
        before = [await add_note(parts, user_id, video_id, text) for text in (None, "", None)]
        await bring_transcript(parts, video_id)
        behind = [await add_note(parts, user_id, video_id, text) for text in (None, "")]
        asked = await asked_notes(parts, box)
    assert asked == before + behind


async def test_more_waiting_notes_than_a_page_are_all_asked_for(dsn: str) -> None:
    async with running(dsn) as parts:
        user_id = await ai_user(parts)
        video_id = await parts.add_video(user_id)
        added = await parts.run(*[note(user_id, video_id, text=None) for _ in range(2 * PAGE + 3)])
        await bring_transcript(parts, video_id)
        async with reacting(parts):
            await caught_up(parts)
    assert open_tasks(dsn, AI_NOTE_TASK, video_id) == sorted(
        orjson.loads(one)["id"] for one in added
    )


async def test_a_transcript_that_replaces_another_asks_again_for_what_is_still_missing(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        note_id = await add_note(parts, user_id, video_id)
        assert await asked_notes(parts, box) == [note_id]
        await bring_transcript(parts, video_id)
        assert await asked_notes(parts, box) == [note_id]


async def test_a_queue_that_keeps_order_is_told_the_note_and_the_event(
    dsn: str, sqs: SqsServer
) -> None:
    async with running(dsn) as parts, new_box(sqs, fifo=True) as box:
        user_id = await ai_user(parts)
        video_id = await parts.add_video(user_id)
        await add_note(parts, user_id, video_id)
        await add_note(parts, user_id, video_id)
        await bring_transcript(parts, video_id)
        async with reacting(parts, ai_notes=box.queue, summaries=box.queue):
            await caught_up(parts)
        attributes = [message["Attributes"] for message in await box.take()]
    assert len({one["MessageGroupId"] for one in attributes}) == 3
    assert len({one["MessageDeduplicationId"] for one in attributes}) == 3


async def test_characters_that_sqs_does_not_know_reach_the_worker(dsn: str, box: Box) -> None:
    async with running(dsn) as parts:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        odd = note(user_id, video_id, text=None, timestamp="1:23 \ufffe\uffff\x01 é")
        await parts.store.execute(odd, ORIGIN)
        async with reacting(parts, ai_notes=box.queue):
            await caught_up(parts)
        (message,) = await box.take()
    assert not {"\ufffe", "\uffff", "\x01"} & set(message["Body"])
    assert orjson.loads(message["Body"])["timestamp"] == odd.timestamp


async def test_without_queues_the_built_in_workers_are_given_tasks_that_name_their_cause(
    dsn: str,
) -> None:
    async with running(dsn) as parts, reacting(parts):
        user_id, video_id = await ai_user(parts), await open_video(parts)
        note_id = await add_note(parts, user_id, video_id)
        await caught_up(parts)
        assert open_tasks(dsn, SUMMARY_TASK, video_id) == []  # there is nothing to summarise yet
        await bring_transcript(parts, video_id)
        await caught_up(parts)
        assert open_tasks(dsn, SUMMARY_TASK, video_id) == [None]
        assert open_tasks(dsn, AI_NOTE_TASK, video_id) == [note_id]
    ((position,),) = rows(
        dsn, "SELECT notification_id FROM stored_events WHERE topic = 'TranscriptReady'"
    )
    queued = rows(
        dsn,
        "SELECT metadata ->> 'actor', metadata ->> 'causation_id' FROM stored_events"
        " WHERE topic = 'TaskQueued' AND notification_id > %(position)s",
        position=position,
    )
    assert queued == [("system", f"event:{position}")] * 2
    assert list(verification.verify(dsn, MASTER)[1]) == []


async def test_what_happened_before_the_first_start_is_asked_for_if_it_is_still_missing(
    dsn: str, box: Box, other_box: Box
) -> None:
    async with running(dsn) as parts:
        user_id, done, missing = (
            await ai_user(parts),
            await ready_video(parts),
            await ready_video(parts),
        )
        await parts.store.execute(WriteSummary(done, "It is about tests."), ORIGIN)
        note_id = await add_note(parts, user_id, done)
        async with reacting(parts, ai_notes=box.queue, summaries=other_box.queue):
            await caught_up(parts)
        assert [body["id"] for body in await box.bodies()] == [note_id]
        assert await other_box.bodies() == [{"video_id": missing}]


async def test_somebody_who_wants_ai_notes_by_the_time_of_the_transcript_gets_them(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts, reacting(parts, ai_notes=box.queue):
        user_id = await parts.sign_up()
        video_id = await parts.add_video(user_id)
        note_id = await add_note(parts, user_id, video_id)
        await caught_up(parts)
        await parts.store.execute(ChangeProfile(user_id, ai_notes_enabled=True), ORIGIN)
        await bring_transcript(parts, video_id)
        await caught_up(parts)
        assert [body["id"] for body in await box.bodies()] == [note_id]


async def test_every_reaction_that_runs_is_watched(dsn: str) -> None:
    async with running(dsn) as parts, reacting(parts):
        await ready_video(parts)

        async def all_of_them() -> bool:
            led = rows(dsn, "SELECT reaction FROM reaction_checkpoints")
            return {name for (name,) in led} == set(NAMES)

        await eventually(all_of_them)
