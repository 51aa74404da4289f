"""The reactions of a process, started and stopped together."""

import asyncio

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.adapters.queue import Queue
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.quotas import Quotas
from vidwiz.postgres.pool import Database
from vidwiz.reactions.deliveries import (
    AiNoteReaction,
    OwnWriting,
    SharedWriting,
    SummaryReaction,
    Writing,
)
from vidwiz.reactions.effects import Rationed, ToQueue, ToTasks
from vidwiz.reactions.follower import Follower
from vidwiz.reactions.health import measure
from vidwiz.reactions.indexing import Indexing, Passages, ToPassages
from vidwiz.supervision import Loop

MEASURE_S = 5.0


class Reactions:
    """Summaries and AI notes, to the queues that there are, else to the built-in workers.

    And those for persons who brought a transcript, and what is said in transcripts, for search.

    The queues stay open; whoever made them closes them.
    """

    def __init__(
        self,
        database: Database,
        signals: Signals,
        store: Store,
        objects: ObjectStore,
        quotas: Quotas,
        *,
        summaries: Queue | None,
        ai_notes: Queue | None,
    ) -> None:
        tasks = ToTasks(store)
        self._database = database
        writing: tuple[tuple[SummaryReaction | AiNoteReaction, Queue | None], ...] = (
            (SummaryReaction(database), summaries),
            (AiNoteReaction(database), ai_notes),
        )
        self._followers: list[Follower[SharedWriting] | Follower[Writing] | Follower[Indexing]] = [
            Follower(
                reaction,
                Rationed(ToQueue(queue) if queue else tasks, quotas),
                database,
                signals,
            )
            for reaction, queue in writing
        ]
        rationed = Rationed(tasks, quotas)
        self._followers.append(Follower(OwnWriting(database), rationed, database, signals))
        passages = ToPassages(database, objects)
        self._followers.append(Follower(Passages(database), passages, database, signals))
        self._measuring = Loop("measuring of reactions", self._measure_forever)

    def start(self) -> None:
        """Lead, or stand by for those that do."""
        for follower in self._followers:
            follower.start()
        self._measuring.start()

    async def close(self) -> None:
        """Finish what is being delivered, then stop; before the store does."""
        await asyncio.gather(*(follower.close() for follower in self._followers))
        await self._measuring.stop()

    async def _measure_forever(self) -> None:
        while True:
            await measure(self._database)
            await asyncio.sleep(MEASURE_S)
