"""What a message queue is to us: a body goes in once, or it is said why not."""

from typing import Protocol


class QueueUnavailable(Exception):
    """The queue does not take anything now: it cannot be reached, is missing, or is closed to us.

    The same message may be sent again later. The text names the queue, never a key.
    """


class MessageRefused(Exception):
    """The queue takes messages, but never this one."""


class Queue(Protocol):
    """Where messages for workers elsewhere are put."""

    @property
    def description(self) -> str:
        """What and where the queue is, for an operator."""
        ...

    async def send(self, body: bytes, *, group: str, key: str) -> None:
        """Put a message (UTF-8) on the queue; raises ``QueueUnavailable``, ``MessageRefused``.

        Where the queue keeps order, messages of a ``group`` stay in theirs, and a ``key`` that was
        sent lately is not sent again. Both are at most 128 letters, digits and punctuation marks.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
