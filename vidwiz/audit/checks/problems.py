"""What verification found to be wrong."""

from dataclasses import dataclass

from vidwiz.verify_export import ChainBroken

MOST_OF_A_KIND = 100
"""So many things of one kind are named one by one."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, the position at which it is, if it is at one, and what that makes of it."""

    position: int | None
    what: str
    verdict: str = ChainBroken.VERDICT

    def __str__(self) -> str:
        """One line for people."""
        where = "" if self.position is None else f"position {self.position} "
        return f"{self.verdict}: {where}{self.what}"
