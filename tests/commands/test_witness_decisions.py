"""What a witness makes of checkpoints."""

from dataclasses import asdict, replace

import pytest

from tests.commands.given import NEXT_CHECKPOINT, given
from vidwiz.commands.witness import WitnessCheckpoint, Witnessed
from vidwiz.events import CheckpointContradicted, CheckpointWitnessed

SHOWN = WitnessCheckpoint(
    public_key="ab" * 32,
    position=7,
    hash="cd" * 32,
    events=7,
    made_at="2026-01-01T12:00:00.000000Z",
    previous="00" * 32,
    signature="ef" * 64,
)
KNOWN = CheckpointWitnessed(checkpoint_id=1, **asdict(SHOWN))


def other(**fields: object) -> WitnessCheckpoint:
    return replace(SHOWN, signature="12" * 64, **fields)  # type: ignore[arg-type]


def test_a_checkpoint_is_kept_to_the_letter() -> None:
    kept = CheckpointWitnessed(checkpoint_id=NEXT_CHECKPOINT, **asdict(SHOWN))
    given().when(WitnessCheckpoint(**asdict(SHOWN))).then(kept, result=Witnessed(NEXT_CHECKPOINT))


def test_the_same_one_again_is_no_news() -> None:
    given(KNOWN).when(SHOWN).then(result=Witnessed(1))


@pytest.mark.parametrize(
    "command",
    [
        other(),
        other(position=8, events=8, hash="11" * 32, made_at="2026-01-01T12:01:00.000000Z"),
        other(position=6, events=6, hash="11" * 32, made_at="2026-01-01T11:59:00.000000Z"),
    ],
    ids=["the same head, signed again", "later and longer", "earlier and shorter"],
)
def test_what_can_be_true_beside_it_is_kept(command: WitnessCheckpoint) -> None:
    kept = CheckpointWitnessed(checkpoint_id=NEXT_CHECKPOINT, **asdict(command))
    given(KNOWN).when(command).then(kept, result=Witnessed(NEXT_CHECKPOINT))


@pytest.mark.parametrize(
    "command",
    [
        other(hash="11" * 32),
        other(position=6, events=6, hash="11" * 32, made_at="2026-01-01T12:05:00.000000Z"),
        other(position=8, events=8, hash="11" * 32, made_at="2026-01-01T11:55:00.000000Z"),
    ],
    ids=["another hash", "later but shorter", "longer but earlier"],
)
def test_what_cannot_be_true_beside_it_is_evidence(command: WitnessCheckpoint) -> None:
    its = {"checkpoint_id": NEXT_CHECKPOINT, **asdict(command)}
    evidence = CheckpointContradicted(**its, contradicts=1)
    given(KNOWN).when(command).then(evidence, result=Witnessed(NEXT_CHECKPOINT, 1))
    kept = evidence.model_copy(update={"checkpoint_id": 2})
    given(KNOWN, kept).when(command).then(result=Witnessed(2, 1))
