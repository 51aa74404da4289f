"""Outages of the queue and of the database: nothing is lost and nothing is parked."""

import orjson
import pytest

from tests.event_store.parts import backends, closed_to_everybody, note, running, terminated
from tests.reactions.parts import (
    AI_NOTES,
    SUMMARIES,
    Box,
    SqsServer,
    add_note,
    ai_user,
    bring_transcript,
    caught_up,
    new_box,
    open_video,
    reacting,
    ready_video,
    state_of,
)
from tests.reactions.queues import sqs_queue
from tests.support import eventually
from vidwiz.metrics import REACTION_DELIVERIES
from vidwiz.reactions import follower


def counted(reaction: str, outcome: str) -> float:
    counter = REACTION_DELIVERIES.labels(reaction, outcome)
    return float(counter._value.get())


async def until_counted(reaction: str, outcome: str, count: float) -> None:
    async def so_many() -> bool:
        return counted(reaction, outcome) >= count

    await eventually(so_many)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "LONGEST_PAUSE_S", 0.3)


async def test_while_the_queue_is_down_nothing_is_lost_and_afterwards_everything_is_sent(
    dsn: str,
) -> None:
    server = SqsServer()
    server.start()
    async with running(dsn) as parts, new_box(server) as box, new_box(server) as other:
        user_id, video_id = await ai_user(parts), await ready_video(parts)
        async with reacting(parts, ai_notes=box.queue, summaries=other.queue):
            await caught_up(parts)
            await other.take()
            before = counted(AI_NOTES, "postponed")
            server.stop()
            videos = [await open_video(parts) for _ in range(3)]
            notes = [await add_note(parts, user_id, video_id) for _ in range(7)]
            await until_counted(AI_NOTES, "postponed", before + 3)
            for reaction in (AI_NOTES, SUMMARIES):
                state = await state_of(parts, reaction)
                assert (state.lag > 0, state.parked) == (True, 0)
            server.start()
            await caught_up(parts)
        assert [body["id"] for body in await box.bodies()] == notes
        assert [body["video_id"] for body in await other.bodies()] == videos
    server.stop()


async def test_a_queue_that_nobody_made_yet_gets_everything_once_it_is_there(
    dsn: str, sqs: SqsServer
) -> None:
    url = f"{sqs.url}/123456789012/later"
    queue = sqs_queue(url, sqs.url)
    async with running(dsn) as parts, new_box(sqs) as box:
        before = counted(SUMMARIES, "postponed")
        video_id = await open_video(parts)
        async with reacting(parts, summaries=queue):
            await until_counted(SUMMARIES, "postponed", before + 1)
            await box.client.create_queue(QueueName="later")
            await caught_up(parts)
        assert await Box(box.client, url, queue).bodies() == [{"video_id": video_id}]
    await queue.aclose()


async def test_an_outage_amid_the_notes_of_a_transcript_sends_none_of_them_twice(
    dsn: str,
) -> None:
    server = SqsServer()
    server.start()
    async with running(dsn) as parts, new_box(server) as box:
        user_id = await ai_user(parts)
        video_id = await parts.add_video(user_id)
        added = await parts.run(*[note(user_id, video_id, text=None) for _ in range(30)])
        before = counted(AI_NOTES, "delivered"), counted(AI_NOTES, "postponed")
        async with reacting(parts, ai_notes=box.queue):
            await bring_transcript(parts, video_id)
            await until_counted(AI_NOTES, "delivered", before[0] + 3)
            server.stop()
            await until_counted(AI_NOTES, "postponed", before[1] + 2)
            server.start()
            await caught_up(parts)
        asked = [body["id"] for body in await box.bodies()]
    server.stop()
    assert sorted(asked) == sorted(orjson.loads(shape)["id"] for shape in added)


async def test_an_outage_of_the_database_is_sat_out(dsn: str, server_dsn: str, box: Box) -> None:
    async with running(dsn) as parts, reacting(parts, summaries=box.queue):
        await caught_up(parts)
        leaders = backends(dsn, f"vidwiz reaction {SUMMARIES}")
        with closed_to_everybody(dsn, server_dsn):
            await terminated(server_dsn, *leaders)
            video_id = await open_video(parts)
        await caught_up(parts)
        assert await box.bodies() == [{"video_id": video_id}]
