"""What witnesses say of a log: the hashes that they kept, and what they caught."""

from collections.abc import Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from vidwiz.adapters.witness import Witness, WitnessUnavailable
from vidwiz.audit.checkpoints.keys import genuine
from vidwiz.audit.checks.problems import Problem
from vidwiz.verify_export import Checkpoint

SIGNED_TWICE = "the log was signed in two versions"
SILENT = "the evidence is behind"
_FIELDS = (int, str, int, str, str, str, str)


@dataclass(slots=True)
class Reports:
    """The hashes by position that witnesses kept, and what is wrong already without the log.

    ``newest`` has the highest position that each witness knows.
    """

    kept: dict[int, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    newest: dict[str, int] = field(default_factory=dict)

    def add(self, witness: str, it: Checkpoint, contradicts: object) -> None:
        """What a witness says of one checkpoint, whose signature is genuine."""
        self.newest[witness] = max(it.position, self.newest.get(witness, 0))
        if contradicts is not None:
            what = f"{witness} keeps a checkpoint of {it.made_at} that contradicts an earlier one"
            self.problems.append(Problem(it.position, what, SIGNED_TWICE))
        elif self.kept.setdefault(it.position, it.hash) != it.hash:
            what = f"{witness} keeps another checkpoint than another witness"
            self.problems.append(Problem(it.position, what, SIGNED_TWICE))


async def ask(urls: Sequence[str], trusted: Collection[str]) -> Reports:
    """What these witnesses were shown of the keys; nothing of it is taken on their word.

    Raises ``WitnessUnavailable``, ``WitnessRefuses``.
    """
    reports = Reports()
    for url in urls:
        witness = Witness(url)
        try:
            for key in sorted(trusted):
                async with aclosing(witness.kept(key)) as found:  # type: ignore[type-var]
                    async for one in found:
                        it = _checkpoint(witness, key, one)
                        reports.add(witness.name, it, one.get("contradicts"))
        finally:
            await witness.aclose()
        if witness.name not in reports.newest:
            what = f"{witness.name} was never shown a checkpoint of this log"
            reports.problems.append(Problem(None, what, SILENT))
    return reports


def _checkpoint(witness: Witness, key: str, one: Any) -> Checkpoint:
    """The checkpoint in a witness's page, which only its signer can have made."""
    try:
        it = Checkpoint(**one["checkpoint"])
        is_theirs = tuple(map(type, it)) == _FIELDS and it.public_key == key
        if is_theirs and genuine(bytes.fromhex(key), it.signed(), bytes.fromhex(it.signature)):
            return it
    except (LookupError, TypeError, ValueError):
        pass
    raise WitnessUnavailable(f"{witness.name} tells of a checkpoint that {key} did not sign")
