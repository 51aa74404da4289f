"""How writing is asked for: by a message to workers elsewhere, or by a task for our own."""

from typing import Protocol, TypeVar

from vidwiz.adapters.queue import Queue, QueueUnavailable
from vidwiz.database import DatabaseUnavailable
from vidwiz.events.recorded import SYSTEM, Origin
from vidwiz.reactions.deliveries import Delivery, SharedWriting, Writing
from vidwiz.store import Overloaded, Store

OUTAGES = (QueueUnavailable, DatabaseUnavailable, Overloaded)
"""Nothing is wrong with the delivery: it can be made when the outage is over."""


Taken_contra = TypeVar("Taken_contra", bound=Delivery, contravariant=True)


class Effect(Protocol[Taken_contra]):
    """Where deliveries go."""

    async def deliver(self, delivery: Taken_contra) -> None:
        """Deliver, at least once; raises one of ``OUTAGES``, or what is wrong with the delivery."""
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

    async def deliver(self, delivery: Writing) -> None:
        """Queue the task."""
        cause = delivery.cause
        origin = Origin(SYSTEM, cause.correlation_id, f"event:{cause.position}")
        await self._store.execute(delivery.task, origin)
