"""What a witness makes of a checkpoint that another server shows it."""

from dataclasses import asdict, dataclass

from vidwiz.commands.base import ContextQuery, Decision, DecisionContext
from vidwiz.events import CheckpointContradicted, CheckpointWitnessed


@dataclass(frozen=True)
class WitnessContext(DecisionContext):
    """What the witness knows of the key that signed, and the number set aside for something new.

    ``known`` is the number of this very checkpoint, ``contradicted`` that of one with which it
    cannot both be true.
    """

    checkpoint_id: int
    known: int | None = None
    contradicted: int | None = None


@dataclass(frozen=True)
class WitnessContextQuery(ContextQuery[WitnessContext]):
    """Asks what is known beside this checkpoint, which the ``signature`` is of."""

    public_key: str
    position: int
    hash: str
    made_at: str
    signature: str


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The number of the checkpoint, and of the one that it ``contradicts``, if it does."""

    checkpoint_id: int
    contradicts: int | None = None


@dataclass(frozen=True, slots=True)
class WitnessCheckpoint:
    """Another server shows a checkpoint; its signature was found genuine. Results in ``Witnessed``.

    The fields are those of the checkpoint; ``made_at`` to the letter.
    """

    public_key: str
    position: int
    hash: str
    events: int
    made_at: str
    previous: str
    signature: str

    def lookup(self) -> WitnessContextQuery:
        """What is known of the key."""
        return WitnessContextQuery(
            self.public_key, self.position, self.hash, self.made_at, self.signature
        )


def witness_checkpoint(command: WitnessCheckpoint, ground: WitnessContext) -> Decision:
    """One of two that cannot both be true is refused, and kept: each has a genuine signature.

    They cannot if they have different hashes of one position, or if the later one (by more than
    clocks may go back) is of a shorter log. The same one again is no event.
    """
    if ground.known is not None:
        return Decision(result=Witnessed(ground.known, ground.contradicted))
    its = {"checkpoint_id": ground.checkpoint_id, **asdict(command)}
    result = Witnessed(ground.checkpoint_id, ground.contradicted)
    if ground.contradicted is None:
        return Decision(events=(CheckpointWitnessed(**its),), result=result)
    refused = CheckpointContradicted(**its, contradicts=ground.contradicted)
    return Decision(events=(refused,), result=result)
