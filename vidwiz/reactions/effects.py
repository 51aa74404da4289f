"""How writing is asked for: by a message to workers elsewhere, or by a task for our own."""

from typing import Generic, Protocol, TypeVar

import structlog

from vidwiz.adapters.queue import Queue, QueueUnavailable
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.command_queue import Overloaded
from vidwiz.event_store.quotas import Quotas
from vidwiz.events import TaskType
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.postgres.pool import DatabaseUnavailable
from vidwiz.reactions.deliveries import Delivery, SharedWriting, Writing

OUTAGES = (QueueUnavailable, DatabaseUnavailable, Overloaded)
"""Nothing is wrong with the delivery: it can be made when the outage is over."""


Taken_contra = TypeVar("Taken_contra", bound=Delivery, contravariant=True)


Written = TypeVar("Written", bound=Writing)

log = structlog.get_logger(__name__)


class Effect(Protocol[Taken_contra]):
    """Where deliveries go."""

    async def deliver(self, delivery: Taken_contra) -> object:
        """Deliver, at least once; raises one of ``OUTAGES``, or what is wrong with the delivery.

        False says that there was nothing to do.
        """
        ...


class ToQueue:
    """Sends the message."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    async def deliver(self, delivery: SharedWriting) -> None:
        """Send the message."""
        await self._queue.send(delivery.body, group=delivery.group, key=delivery.key)


class ToTasks:
    """Queues the task, unless it is queued or done already."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def deliver(self, delivery: Writing) -> bool:
        """Queue the task; whether it is queued now."""
        cause = delivery.cause
        origin = EventMetadata(SYSTEM, cause.correlation_id, f"event:{cause.position}")
        return bool(await self._store.execute(delivery.task, origin))


class PutOff(Exception):
    """The day allows no more notes; this one is to be asked for when another day begins."""

    def __init__(self, note_id: int, in_s: float) -> None:
        super().__init__(f"note {note_id} is put off")
        self.note_id = note_id
        self.in_s = in_s


class Rationed(Generic[Written]):
    """Asks for as much writing as the day allows.

    A summary beyond that is left: it is asked for again when somebody opens the video later on. A
    note is put off.
    """

    def __init__(self, effect: Effect[Written], quotas: Quotas) -> None:
        self._effect = effect
        self._quotas = quotas

    async def deliver(self, delivery: Written) -> None:
        """Deliver what is still allowed; raises ``PutOff`` for a note that is not."""
        task = delivery.task
        if task.task_type is TaskType.SUMMARY:
            charges = self._quotas.of_summary(task.user_id)
        else:
            charges = self._quotas.of_ai_note(delivery.owner)
        full = await self._quotas.take(charges)
        if full is not None:
            quota = full.limit.purpose
            log.warning("left unwritten", video_id=task.video_id, note_id=task.note_id, quota=quota)
            if task.note_id is not None:
                raise PutOff(task.note_id, full.reset_in_seconds)
            return
        done: object = False
        try:
            done = await self._effect.deliver(delivery)
        finally:
            if done is False:
                await self._quotas.give_back(charges)
