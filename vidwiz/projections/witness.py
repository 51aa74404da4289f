"""Checkpoints of other servers: the events that make their rows, and what is asked of these."""

from sqlalchemy import BigInteger, Text, null, select

from vidwiz.events import CheckpointContradicted, CheckpointWitnessed
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.projector import Fields, TableProjector, insert_rows
from vidwiz.projections.tables import witnessed_checkpoints

_SHOWN = ("public_key", "position", "hash", "events", "made_at", "previous", "signature")


def _shown(e: Fields) -> dict[str, object]:
    its = {name: e[name] for name in _SHOWN}
    return {"id": e.checkpoint_id, **its, "received_at": e.at, "version": e.version}


witnessed_checkpoints_projector = TableProjector(
    witnessed_checkpoints,
    {
        CheckpointWitnessed: (
            insert_rows(
                witnessed_checkpoints,
                CheckpointWitnessed,
                lambda e: {**_shown(e), "contradicts": null()},
            ),
        ),
        CheckpointContradicted: (
            insert_rows(
                witnessed_checkpoints,
                CheckpointContradicted,
                lambda e: {**_shown(e), "contradicts": e.contradicts},
            ),
        ),
    },
)

WITNESSED = Statement(
    select(witnessed_checkpoints)
    .where(
        witnessed_checkpoints.c.public_key == parameter("public_key", Text),
        witnessed_checkpoints.c.id > parameter("after", BigInteger),
    )
    .order_by(witnessed_checkpoints.c.id)
    .limit(parameter("at_most", BigInteger))
)
"""What a key signed, in the order in which it was shown."""

BY_ID = Statement(
    select(witnessed_checkpoints).where(witnessed_checkpoints.c.id == parameter("id", BigInteger))
)
"""One of them."""
