"""An event that cannot be handled: it holds up its own stream, is seen, and is tried again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from tests.event_store.parts import ORIGIN, Parts, note, rows, running, value
from tests.reactions.parts import (
    AI_NOTES,
    SUMMARIES,
    Box,
    add_note,
    ai_user,
    bring_transcript,
    caught_up,
    open_tasks,
    open_video,
    reacting,
    ready_video,
    state_of,
)
from tests.support import eventually
from vidwiz.commands.videos import WriteSummary
from vidwiz.event_store import statements
from vidwiz.events import SummaryRequested
from vidwiz.events.base import stream_id
from vidwiz.reactions import follower
from vidwiz.reactions.health import measure, retry

SUMMARY_TASK = "write_summary"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "FIRST_PAUSE_S", 0.01)


@contextmanager
def refused_tasks(dsn: str, video_id: str) -> Iterator[None]:
    """The database takes no task for this video meanwhile."""
    rows(
        dsn,
        "ALTER TABLE tasks ADD CONSTRAINT poison"
        f" CHECK (task_type <> 'write_summary' OR task_details ->> 'video_id' <> '{video_id}')",
    )
    yield
    rows(dsn, "ALTER TABLE tasks DROP CONSTRAINT poison")


async def nothing_parked(parts: Parts, reaction: str) -> None:
    async def none() -> bool:
        return (await state_of(parts, reaction)).parked == 0

    await eventually(none)


def parked_positions(dsn: str) -> list[int]:
    found = rows(dsn, "SELECT position FROM parked_events ORDER BY position")
    return [position for (position,) in found]


def causes_of_tasks(dsn: str) -> list[str]:
    found = rows(
        dsn,
        "SELECT metadata ->> 'causation_id' FROM stored_events WHERE topic = 'TaskQueued'"
        " AND metadata ->> 'causation_id' LIKE 'event:%%' ORDER BY notification_id",
    )
    return [cause for (cause,) in found]


def append(dsn: str, stream: UUID, version: int, topic: str, state: bytes) -> None:
    """An event in the log that no command of ours would write."""
    rows(
        dsn,
        statements.APPEND.sql,
        streams=[stream],
        versions=[version],
        topics=[topic],
        states=[state],
        metadata=['{"actor": "system"}'],
        recorded_at=datetime.now(UTC),
    )


async def test_a_poison_event_holds_up_its_own_stream_in_order_and_no_other(dsn: str) -> None:
    async with running(dsn) as parts, reacting(parts):
        poisoned = await open_video(parts)
        await caught_up(parts)
        with refused_tasks(dsn, poisoned):
            await bring_transcript(parts, poisoned)
            await open_video(parts, poisoned, minutes=20)
            await open_video(parts, poisoned, minutes=40)
            healthy = await ready_video(parts)
            await caught_up(parts)
            assert open_tasks(dsn, SUMMARY_TASK, healthy) == [None]
            assert open_tasks(dsn, SUMMARY_TASK, poisoned) == []
            state = await state_of(parts, SUMMARIES)
            first, *others = parked_positions(dsn)
        assert (state.lag, state.parked, len(others)) == (0, 3, 2)
        assert state.oldest is not None
        assert (state.oldest.position, state.oldest.attempts) == (first, follower.MAX_TRIES)
        assert state.oldest.error.startswith("CheckViolation in vidwiz.")
        assert await retry(parts.database, SUMMARIES) == 3
        await nothing_parked(parts, SUMMARIES)
        assert open_tasks(dsn, SUMMARY_TASK, poisoned) == [None]
    assert causes_of_tasks(dsn)[-1] == f"event:{first}"


async def test_what_is_parked_is_tried_again_by_itself(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "FIRST_RETRY_S", 0.01)
    async with running(dsn) as parts, reacting(parts):
        poisoned = await open_video(parts)
        await caught_up(parts)
        with refused_tasks(dsn, poisoned):
            await bring_transcript(parts, poisoned)
            await caught_up(parts)

            async def tried_again_and_again() -> bool:
                oldest = (await state_of(parts, SUMMARIES)).oldest
                return oldest is not None and oldest.attempts >= follower.MAX_TRIES + 2

            await eventually(tried_again_and_again)
        await nothing_parked(parts, SUMMARIES)
        assert open_tasks(dsn, SUMMARY_TASK, poisoned) == [None]


async def test_each_failure_makes_the_next_try_later_up_to_an_hour(dsn: str) -> None:
    pauses = [follower._retry_s(attempts) for attempts in range(1, 40)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 3600


async def test_a_command_has_one_position_of_one_reaction_tried_again(dsn: str) -> None:
    async with running(dsn) as parts, reacting(parts):
        poisoned = await open_video(parts)
        await caught_up(parts)
        with refused_tasks(dsn, poisoned):
            await bring_transcript(parts, poisoned)
            await caught_up(parts)
            (position,) = parked_positions(dsn)
        assert await retry(parts.database, AI_NOTES, position) == 0
        assert await retry(parts.database, SUMMARIES, position + 1) == 0
        assert parked_positions(dsn) == [position]
        assert await retry(parts.database, position=position) == 1
        await nothing_parked(parts, SUMMARIES)


async def test_a_message_that_the_queue_refuses_keeps_no_other_note_of_the_video_back(
    dsn: str, box: Box
) -> None:
    async with running(dsn) as parts, reacting(parts, ai_notes=box.queue):
        user_id = await ai_user(parts)
        video_id = await parts.add_video(user_id)
        await box.allow(2048)
        before = await add_note(parts, user_id, video_id)
        long = note(user_id, video_id, text=None, timestamp="1:23 secret" + "x" * 3000)
        await parts.store.execute(long, ORIGIN)
        behind = await add_note(parts, user_id, video_id)
        await bring_transcript(parts, video_id)
        await caught_up(parts)
        assert [body["id"] for body in await box.bodies()] == [before, behind]
        state = await state_of(parts, AI_NOTES)
        assert state.parked == 1
        assert state.oldest is not None
        assert "refuses a message of" in state.oldest.error
        assert "secret" not in state.oldest.error
        await box.allow(100_000)
        await retry(parts.database)
        await nothing_parked(parts, AI_NOTES)
        assert [body["timestamp"] for body in await box.bodies()] == [long.timestamp]


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("SummaryRequested", b'{"secret":1}'),
        ("TranscriptReady", b"secret"),
    ],
)
async def test_an_event_that_cannot_be_read_is_parked_and_quotes_nothing(
    dsn: str, topic: str, state: bytes
) -> None:
    async with running(dsn) as parts, reacting(parts):
        append(dsn, stream_id("video:odd"), 1, topic, state)
        healthy = await ready_video(parts)
        await caught_up(parts)
        its = await state_of(parts, SUMMARIES)
        assert open_tasks(dsn, SUMMARY_TASK, healthy) == [None]
    assert its.parked == 1
    assert its.oldest is not None
    assert "secret" not in its.oldest.error


async def test_an_event_of_a_newer_program_holds_the_reaction_and_says_so(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "LONGEST_PAUSE_S", 0.01)
    newer = b'{"class_version":99,"video_id":"secret"}'
    said = "SummaryRequested version 99 is newer than this program"
    async with running(dsn) as parts, reacting(parts):
        await open_video(parts)
        await caught_up(parts)
        append(dsn, stream_id("video:odd"), 1, "SummaryRequested", newer)
        position = value(dsn, "SELECT max(notification_id) FROM stored_events")
        behind = await ready_video(parts)

        async def held() -> bool:
            its = await state_of(parts, SUMMARIES)
            return (its.held, its.checkpoint) == (said, position - 1)

        await eventually(held)
        await measure(parts.database)
        assert metric("vidwiz_reaction_held", SUMMARIES) == 1
        assert metric("vidwiz_reaction_held", AI_NOTES) == 0
        assert (open_tasks(dsn, SUMMARY_TASK, behind), parked_positions(dsn)) == ([], [])
        monkeypatch.setattr(SummaryRequested, "class_version", 99)
        for version in range(1, 99):
            name = f"upcast_v{version}_v{version + 1}"
            monkeypatch.setattr(SummaryRequested, name, lambda _: None, raising=False)
        await caught_up(parts)
        assert open_tasks(dsn, SUMMARY_TASK, behind) == [None]
        assert (await state_of(parts, SUMMARIES)).held is None


async def test_what_is_parked_survives_the_process_and_needs_nothing_that_was_done_meanwhile(
    dsn: str,
) -> None:
    async with running(dsn) as parts:
        poisoned = await open_video(parts)
        with refused_tasks(dsn, poisoned):
            async with reacting(parts):
                await bring_transcript(parts, poisoned)
                await caught_up(parts)
        await parts.store.execute(WriteSummary(poisoned, "By hand."), ORIGIN)
        await retry(parts.database)
        async with reacting(parts):
            await nothing_parked(parts, SUMMARIES)
        assert open_tasks(dsn, SUMMARY_TASK, poisoned) == []


async def test_metrics_tell_lag_and_parked_events(dsn: str) -> None:
    async with running(dsn) as parts:
        append(dsn, stream_id("video:odd"), 1, "SummaryRequested", b"{}")
        await measure(parts.database)
        assert metric("vidwiz_reaction_lag_events", SUMMARIES) == 1
        async with reacting(parts):
            await caught_up(parts)
        await measure(parts.database)
    assert metric("vidwiz_reaction_lag_events", SUMMARIES) == 0
    assert metric("vidwiz_reaction_parked_events", SUMMARIES) == 1
    assert metric("vidwiz_reaction_parked_events", AI_NOTES) == 0


def metric(name: str, reaction: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"reaction": reaction})
