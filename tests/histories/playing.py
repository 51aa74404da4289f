"""Plays commands against the store and the world at once, and holds the two together."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import note

from tests.event_store.clocked import ClockedStore
from tests.histories.composing import ALONE, Compose, Dice
from tests.histories.expectations import expected
from tests.histories.needs import NEEDS
from tests.histories.tables import Connection, expected_rows, rows_of
from tests.histories.told import Told
from tests.histories.world import World
from vidwiz.commands.base import DomainError
from vidwiz.commands.tasks import ClaimOwnTask, ClaimTask, Expired, ExpireTask, SubmitResult
from vidwiz.events import TaskType

APPENDED = """
SELECT topic, convert_from(state, 'UTF8') AS state FROM stored_events
WHERE notification_id > %s AND topic IN
    ('VideoAdded', 'VideoOpened', 'TaskQueued', 'PersonalTranscriptAdded')
"""
OPEN = (
    "SELECT task_type, (task_details ->> 'user_id')::bigint AS user_id FROM tasks"
    " WHERE status IN ('pending', 'in_progress')"
)


class Stage:
    """The store and the database that all histories play on, and what was seen of them."""

    def __init__(self, store: ClockedStore, connection: Connection) -> None:
        self.store = store
        self.connection = connection
        self.histories = 0
        self.accepted: Counter[type] = Counter()
        self.refusals: Counter[type] = Counter()
        self.rows: Counter[str] = Counter()

    @property
    def commands(self) -> int:
        return self.accepted.total() + self.refusals.total()

    async def told(self, command: Any) -> Told:
        """What the store says to the command."""
        head = self.store.head
        try:
            result = await self.store.executed(command)
        except DomainError as refusal:
            self.refusals[type(refusal)] += 1
            return Told(type(refusal), lambda: self._appended(head))
        self.accepted[type(command)] += 1
        answer = json.loads(result) if isinstance(result, bytes) else result
        return Told(answer, lambda: self._appended(head))

    def _appended(self, behind: int) -> Sequence[tuple[str, dict[str, Any]]]:
        rows = self.connection.execute(APPENDED, (behind,)).fetchall()
        return [(row["topic"], json.loads(row["state"])) for row in rows]

    def clear_the_line(self) -> None:
        """End every open task, so that the next history finds nobody else's in line."""
        self.store.now += timedelta(seconds=1)  # whatever is claimed is stale by now
        while tasks := self.connection.execute(OPEN).fetchall():
            self.store.run(self._end([self._claim(**its) for its in tasks]))

    def _claim(self, task_type: str, user_id: int | None) -> ClaimTask | ClaimOwnTask:
        if user_id is not None and task_type == TaskType.TRANSCRIPT:
            return ClaimOwnTask(user_id, "nobody", self.store.now)
        return ClaimTask(TaskType(task_type), "nobody", self.store.now)

    async def _end(self, claims: Sequence[ClaimTask | ClaimOwnTask]) -> None:
        ends = [
            ExpireTask(its.task_id, its.attempt)
            if isinstance(its, Expired)
            else SubmitResult(its.task_id, its.task_type, its.video_id, "nobody", permanent=True)
            for its in await self._executed(*claims)
        ]
        await self._executed(*ends)

    async def _executed(self, *commands: Any) -> list[Any]:
        return await asyncio.gather(*(self.store.executed(command) for command in commands))

    def done(self, player: "Player") -> None:
        """A history has come to its end: the tables have what its world has, and no more."""
        there, expected = rows_of(self.connection, player.world), expected_rows(player.world)
        assert there == expected
        self.histories += 1
        self.rows.update({name: len(rows) for name, rows in expected.items()})


class Player:
    """One history: what it did to its world and to the store."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.world = World(stage.store.now)
        self.at_odds = False

    def step(self, compose: Compose, dice: Dice, times: int = 1) -> None:
        """The next command, and mostly what it needs before it; ``times`` over, a second apart."""
        if compose in NEEDS:
            is_there, maker = NEEDS[compose]
            if not is_there(self.world) and dice.choice((True, True, True, False)):
                self.step(maker, dice)
        self.pass_time(timedelta(seconds=1))
        command = compose(self.world, dice)
        for _ in range(times):
            self.stage.store.run(self.play(command))
            self.pass_time(timedelta(seconds=1))

    async def improvise(self, dice: Dice, count: int) -> None:
        """So many commands, while others do the same; no time passes."""
        for _ in range(count):
            await self.play(dice.choice(ALONE)(self.world, dice))

    def pass_time(self, time: timedelta) -> None:
        self.stage.store.now += time
        self.world.now = self.stage.store.now

    async def play(self, command: Any) -> None:
        """Both worlds get the command and must say the same."""
        note(f"{command}")
        told = await self.stage.told(command)
        self.at_odds = True
        must = expected(self.world, command, told)
        assert told.answer == must, command
        self.at_odds = False
