"""What must come of the command of a witness."""

from dataclasses import asdict

from tests.histories.told import Told
from tests.histories.world import WitnessedCheckpoint, World
from vidwiz.commands.witness import WitnessCheckpoint, Witnessed


def witness_checkpoint(world: World, command: WitnessCheckpoint, told: Told) -> Witnessed:
    for its in world.witnessed_checkpoints.values():
        if (its.position, its.signature) == (command.position, command.signature):
            return Witnessed(its.id, _contradicted(world, command))
    contradicts = _contradicted(world, command)
    done: Witnessed = told.result
    assert done.checkpoint_id not in world.witnessed_checkpoints
    world.witnessed_checkpoints[done.checkpoint_id] = WitnessedCheckpoint(
        id=done.checkpoint_id,
        **asdict(command),
        contradicts=contradicts,
        received_at=world.now,
        version=len(world.witnessed_checkpoints) + 1,
    )
    return Witnessed(done.checkpoint_id, contradicts)


def _contradicted(world: World, command: WitnessCheckpoint) -> int | None:
    """The first accepted one with which it cannot be true."""
    for its in world.witnessed_checkpoints.values():
        if its.contradicts is not None or its.signature == command.signature:
            continue
        if its.position == command.position:
            if its.hash != command.hash:
                return its.id
        elif its.made_at != command.made_at and (
            (its.position < command.position) != (its.made_at < command.made_at)
        ):
            return its.id
    return None
