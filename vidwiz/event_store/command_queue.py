"""Commands that wait for the store's writer, and which of them run together next.

After a batch failed its commands run singly, so that only the guilty fail. A kind of command that
waited for a lock in vain is held: the others go on in batches, and in between one of the held kind
tries whether the lock is free by now, without much patience, so that nobody is starved.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from vidwiz.commands.base import Command
from vidwiz.events.recorded import EventMetadata

MAX_BATCH = 64
MAX_WAITING = 4096


def _now() -> float:
    return asyncio.get_running_loop().time()


class Conflict(Exception):
    """Others changed the same thing at the same time, again and again."""

    def __init__(self) -> None:
        super().__init__("others changed the same thing at the same time; try again")


class Overloaded(Exception):
    """Too many commands wait already, or the service is shutting down."""


@dataclass(slots=True, eq=False)
class Entry:
    """A command on its way, and the future that its sender waits for."""

    command: Command
    origin: EventMetadata
    future: "asyncio.Future[Any]"
    since: float = field(default_factory=_now)

    @property
    def kind(self) -> type[Command]:
        """The command's type."""
        return type(self.command)

    def succeed(self, result: Any) -> None:
        """Tell the sender, who may be gone."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell the sender, who may be gone."""
        if not self.future.done():
            self.future.set_exception(error)


class CommandQueue:
    """Entries in the order of their arrival; each is with whoever took it, or waits here."""

    def __init__(self) -> None:
        self._waiting: deque[Entry] = deque()
        self._arrived = asyncio.Event()
        self._suspects = 0
        self._held: set[type[Command]] = set()
        self._is_held_turn = False

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        """Whether no more may wait."""
        return len(self._waiting) >= MAX_WAITING

    def put(self, entry: Entry) -> None:
        """Let the entry wait."""
        self._waiting.append(entry)
        self._arrived.set()

    def put_back(self, entries: Sequence[Entry], *, suspects: bool = False) -> None:
        """Let entries that were taken go first; ``suspects`` run one by one."""
        self._waiting.extendleft(reversed(entries))
        if suspects:
            self._suspects = len(entries)

    def wake(self) -> None:
        """Have whoever waits for entries look again."""
        self._arrived.set()

    async def wait(self) -> None:
        """Until something arrives, or ``wake``."""
        self._arrived.clear()
        if not self._waiting:
            await self._arrived.wait()

    def take(self) -> list[Entry]:
        """The entries that run together next; at least one, if any waits."""
        if self._suspects:
            self._suspects -= 1
            return [self._waiting.popleft()]
        if not self._held:
            return [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        return self._take_beside_held()

    def _take_beside_held(self) -> list[Entry]:
        held = [entry for entry in self._waiting if entry.kind in self._held]
        others = [entry for entry in self._waiting if entry.kind not in self._held]
        self._is_held_turn = not self._is_held_turn
        taken = held[:1] if held and (self._is_held_turn or not others) else others[:MAX_BATCH]
        for entry in taken:
            self._waiting.remove(entry)
        return taken

    def is_held(self, kind: type[Command]) -> bool:
        """Whether commands of this kind lately waited for a lock in vain."""
        return kind in self._held

    def doubt(self, kinds: set[type[Command]]) -> None:
        """One of these kinds waited for a lock in vain."""
        self._held |= kinds

    def hold(self, kind: type[Command], error: Exception, patience_s: float) -> None:
        """Try this kind seldom; those of it that waited for so many seconds already have failed."""
        self._held.add(kind)
        late = _now() - patience_s
        for entry in [*self._waiting]:
            if entry.kind is kind and entry.since <= late:
                self._waiting.remove(entry)
                entry.fail(error)
        self._suspects = min(self._suspects, len(self._waiting))

    def release(self, kind: type[Command]) -> None:
        """The kind is as good as any."""
        self._held.discard(kind)

    def fail_all(self, error: Exception) -> None:
        """Nobody waits any more."""
        while self._waiting:
            self._waiting.popleft().fail(error)
        self._suspects = 0
        self._held.clear()
