"""One process acts for a reaction; another takes over when it is gone."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.event_store.parts import Parts, rows, running, terminated
from tests.reactions.crash_driver import Job, running_crasher
from tests.reactions.parts import SUMMARIES, open_tasks, ready_video, state_of
from tests.support import MASTER, eventually
from vidwiz.reactions import leadership
from vidwiz.reactions.deliveries import SummaryReaction, Writing
from vidwiz.reactions.effects import ToTasks
from vidwiz.reactions.follower import Follower
from vidwiz.reactions.leadership import REACTION_LOCK, LeadershipLost, candidacy
from vidwiz.replay import verification

SUMMARY_TASK = "write_summary"


class Stage:
    """Where everybody's deliveries pass by."""

    def __init__(self) -> None:
        self.acted: list[str] = []
        self.acting = 0
        self.at_most = 0

    async def deliver(self, name: str, parts: Parts, delivery: Writing) -> None:
        self.acted.append(name)
        self.acting += 1
        self.at_most = max(self.at_most, self.acting)
        await ToTasks(parts.store).deliver(delivery)
        self.acting -= 1


class Actor:
    """An effect that is seen on the stage."""

    def __init__(self, stage: Stage, name: str, parts: Parts) -> None:
        self._stage, self._name, self._parts = stage, name, parts

    async def deliver(self, delivery: Writing) -> None:
        await self._stage.deliver(self._name, self._parts, delivery)


@asynccontextmanager
async def acting(dsn: str, stage: Stage, name: str) -> AsyncIterator[Parts]:
    """A process of its own, as far as the database can tell."""
    async with running(dsn) as parts:
        follower = Follower(
            SummaryReaction(parts.database),
            Actor(stage, name, parts),
            parts.database,
            parts.signals,
        )
        follower.start()
        try:
            yield parts
        finally:
            await follower.close()


def leaders(dsn: str) -> list[int]:
    """The server's processes whose client leads."""
    found = rows(
        dsn,
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND classid = %(lock)s AND database ="
        " (SELECT oid FROM pg_database WHERE datname = current_database())",
        lock=REACTION_LOCK,
    )
    return [pid for (pid,) in found]


async def led(dsn: str) -> None:
    """Wait until somebody leads."""

    async def by_somebody() -> bool:
        return leaders(dsn) != []

    await eventually(by_somebody)


async def summarised(dsn: str, *videos: str) -> None:
    """Wait until a task is open for each of them."""

    async def all_of_them() -> bool:
        return all(open_tasks(dsn, SUMMARY_TASK, video) == [None] for video in videos)

    await eventually(all_of_them)


async def test_only_the_leader_acts_and_the_other_takes_over_when_it_stops(dsn: str) -> None:
    stage = Stage()
    async with AsyncExitStack() as leader:
        first = await leader.enter_async_context(acting(dsn, stage, "first"))
        video = await ready_video(first)
        await summarised(dsn, video)
        async with acting(dsn, stage, "second") as second:
            videos = [await ready_video(second) for _ in range(10)]
            await summarised(dsn, *videos)
            assert set(stage.acted) == {"first"}
            await leader.aclose()
            await summarised(dsn, await ready_video(second))
    assert stage.acted[-1] == "second"
    assert (len(stage.acted), stage.at_most) == (12, 1)


async def test_leadership_goes_with_its_connection_and_nothing_is_lost_thereby(dsn: str) -> None:
    stage, videos = Stage(), []
    async with acting(dsn, stage, "first") as first, acting(dsn, stage, "second"):
        for _ in range(5):
            videos += [await ready_video(first) for _ in range(3)]
            await terminated(dsn, *leaders(dsn))
        await summarised(dsn, *videos)
    assert stage.at_most == 1
    assert list(verification.verify(dsn, MASTER)[1]) == []


async def test_another_process_takes_over_from_one_that_is_killed(dsn: str) -> None:
    stage = Stage()
    async with running_crasher() as crasher:
        pid = await crasher.begin(Job(dsn, SUMMARIES, upto=2**62))
        await led(dsn)
        async with acting(dsn, stage, "second") as second:
            await summarised(dsn, await ready_video(second))
            assert stage.acted == []
            os.kill(pid, signal.SIGKILL)
            await summarised(dsn, await ready_video(second))
            assert set(stage.acted) == {"second"}  # once more, what was not yet marked as done
        assert await crasher.end() == -signal.SIGKILL


async def test_a_leader_that_is_frozen_does_not_lead_for_ever(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leadership, "FROZEN_AFTER", "200ms")
    async with running(dsn) as parts:
        async with candidacy(parts.database, SUMMARIES) as frozen:
            assert await frozen.take()
            async with candidacy(parts.database, SUMMARIES) as other:

                async def taken_over() -> bool:
                    return await other.take()

                await eventually(taken_over)
            with pytest.raises(LeadershipLost):
                await frozen.advance(1)
        assert (await state_of(parts, SUMMARIES)).checkpoint == 0
