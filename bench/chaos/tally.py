"""What clients were told: acknowledged, refused, cut off; and what became of it."""

import time
from collections import Counter
from dataclasses import dataclass, field

LONG_S = 10.0
"""An answer that takes longer counts as one that a person waited for in vain."""


@dataclass
class Tally:
    """Counts of one trial. ``acknowledged`` are the texts of notes by writer."""

    acknowledged: dict[int, list[str]] = field(default_factory=dict)
    last_ack: dict[int, float] = field(default_factory=dict)
    first_ack_since: dict[int, float] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    cut_off: int = 0
    long_waits: int = 0
    longest_s: float = 0.0
    odd: list[str] = field(default_factory=list)
    ended_at: float | None = None

    def answered(self, status: int, seconds: float, body: str) -> None:
        """Count one answer; one that is neither success nor a 503 is odd."""
        self.statuses[status] += 1
        self.longest_s = max(self.longest_s, seconds)
        self.long_waits += seconds > LONG_S
        if status >= 300 and status != 503:
            self.odd.append(f"{status}: {body[:200]}")

    def accepted(self, writer: int, text: str) -> None:
        """A writer was told that its note is kept."""
        self.acknowledged.setdefault(writer, []).append(text)
        now = time.monotonic()
        self.last_ack[writer] = now
        if self.ended_at is not None:
            self.first_ack_since.setdefault(writer, now)

    def cause_ended(self) -> None:
        """From now on it is counted how long each writer still waits."""
        self.first_ack_since.clear()
        self.ended_at = time.monotonic()

    @property
    def recovered_s(self) -> float | None:
        """Seconds from the cause's end to when the last writer had an acknowledgement again."""
        if self.ended_at is None or set(self.first_ack_since) < set(self.acknowledged):
            return None
        return max(self.first_ack_since.values()) - self.ended_at

    @property
    def other_5xx(self) -> int:
        """Answers that say that the service itself failed."""
        return (
            sum(count for status, count in self.statuses.items() if status >= 500)
            - (self.statuses[503])
        )


@dataclass(frozen=True)
class Outcome:
    """What a trial came to. Times are seconds."""

    name: str
    acknowledged: int
    lost: int
    doubled: int
    other_5xx: int
    unavailable: int
    cut_off: int
    longest_s: float
    recovered_s: float | None
    followers: str
    problems: tuple[str, ...]
    skipped: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing was lost, doubled or wrong, and all came back."""
        return not (self.lost or self.doubled or self.other_5xx or self.problems)


def skipped(name: str, why: str) -> Outcome:
    """A trial that this machine cannot make."""
    return Outcome(name, 0, 0, 0, 0, 0, 0, 0, None, "-", (), why)


def failed(name: str, error: Exception) -> Outcome:
    """A trial that did not come to its end."""
    problem = f"{type(error).__name__}: {error}"
    return Outcome(name, 0, 0, 0, 0, 0, 0, 0, None, "-", (problem,))
