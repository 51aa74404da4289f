"""What the server had used at a time, and what that makes of each thing that it holds open."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Self

from bench.setup import Result
from bench.stage import resident

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Used:
    """CPU seconds, and MiB of resident memory."""

    cpu_s: float
    memory_mib: float

    @classmethod
    def by(cls, pid: int) -> Self:
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return cls((int(user) + int(system)) / _TICKS_PER_S, resident(pid))


Uses = Sequence[tuple[Used, Used, Used]]
"""Of each round: before anything was opened, when all was open, and at the end."""


def cpu_to_open(what: str, count: int, rounds: Uses) -> Result:
    opening = [
        round((opened.cpu_s - before.cpu_s) / count * 1000, 2) for before, opened, _ in rounds
    ]
    return Result(f"server CPU to open a {what}", median(opening), "ms", rounds=opening)


def memory_of_open(whats: str, count: int, rounds: Uses) -> Result:
    memory = [
        round((opened.memory_mib - before.memory_mib) / count * 1000, 1)
        for before, opened, _ in rounds
    ]
    note = f"measured with {count:,}; later rounds use the same memory again"
    return Result(
        f"resident memory per 1,000 {whats}", max(memory), "MiB", rounds=memory, note=note
    )
