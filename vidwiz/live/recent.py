"""The last changes, for clients that were away for a moment."""

from collections import deque
from collections.abc import Iterator

from vidwiz.live.changes import LiveChange

MOST_KEPT = 5000


class ReplayBuffer:
    """Every change behind position ``after``, which moves on when there are too many."""

    def __init__(self, after: int) -> None:
        self._after = after
        self._changes: deque[tuple[int, LiveChange]] = deque()

    def add(self, position: int, change: LiveChange) -> None:
        """The next change."""
        self._changes.append((position, change))
        while len(self._changes) > MOST_KEPT:
            self._after, _ = self._changes.popleft()

    def reaches(self, position: int) -> bool:
        """Whether every change behind this position is here."""
        return position >= self._after

    def behind(self, position: int) -> Iterator[tuple[int, LiveChange]]:
        """The changes behind this position, oldest first."""
        return (its for its in self._changes if its[0] > position)
