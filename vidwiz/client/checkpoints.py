"""Where a consumer remembers how far it has read."""

import os
from pathlib import Path
from typing import Protocol


class ConsumerCheckpoint(Protocol):
    """The position of the last event that was handled; 0 before the first.

    To handle every event exactly once, keep the position in the transaction that writes what the
    projector made, and let ``save`` commit it. Otherwise an event may be handled twice after a
    crash.
    """

    def load(self) -> int:
        """Return the position."""
        ...

    def save(self, position: int) -> None:
        """Remember that the event at ``position`` was handled."""
        ...


class MemoryCheckpoint:
    """A position that is lost with the process."""

    def __init__(self, position: int = 0) -> None:
        self.position = position

    def load(self) -> int:
        """Return the position."""
        return self.position

    def save(self, position: int) -> None:
        """Remember the position."""
        self.position = position


class FileCheckpoint:
    """A position in a file of its own, which is replaced as a whole and flushed to the disk."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self) -> int:
        """Return the position; 0 without a file. Raises ``ValueError`` for a damaged file."""
        try:
            text = self._path.read_text("ascii")
        except FileNotFoundError:
            return 0
        if not text.strip().isdecimal():
            raise ValueError(f"{self._path} holds no position of a log")
        return int(text)

    def save(self, position: int) -> None:
        """Write the position; raises ``OSError``."""
        new = self._path.with_name(f"{self._path.name}.new")
        with new.open("w", encoding="ascii") as file:
            file.write(f"{position}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)
