"""What a witness knows of the key that signed a checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Text, and_, func, or_, select

from vidwiz.commands.witness import WitnessContext, WitnessContextQuery
from vidwiz.events.chain import instant
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import witnessed_checkpoint_ids, witnessed_checkpoints
from vidwiz.verify_export import MAY_GO_BACK

_its = witnessed_checkpoints.c
_position = parameter("position", BigInteger)
_of_the_key = _its.public_key == parameter("public_key", Text)
_same = select(func.min(_its.id)).where(
    _of_the_key, _its.position == _position, _its.signature == parameter("signature", Text)
)
_contradicted = select(func.min(_its.id)).where(
    _of_the_key,
    _its.contradicts.is_(None),
    _its.signature != parameter("signature", Text),
    or_(
        and_(_its.position == _position, _its.hash != parameter("hash", Text)),
        and_(_its.position > _position, _its.made_at < parameter("long_before", Text)),
        and_(_its.position < _position, _its.made_at > parameter("long_after", Text)),
    ),
)
_ground = Statement(
    select(
        witnessed_checkpoint_ids.next_value(),
        _same.scalar_subquery(),
        _contradicted.scalar_subquery(),
        select(func.max(_its.version)).where(_of_the_key).scalar_subquery(),
    )
)


async def witness_grounds(
    connection: Connection, lookups: Sequence[WitnessContextQuery]
) -> list[WitnessContext]:
    """Checkpoints come once a minute from each server: one look-up at a time."""
    return [await _ground_of(connection, lookup) for lookup in lookups]


async def _ground_of(connection: Connection, lookup: WitnessContextQuery) -> WitnessContext:
    made_at = datetime.fromisoformat(lookup.made_at)
    asked: dict[str, Any] = {
        **asdict(lookup),
        "long_before": _moved(made_at, -MAY_GO_BACK),
        "long_after": _moved(made_at, MAY_GO_BACK),
    }
    ((new_id, known, contradicted, version),) = await fetch_all(connection, _ground, asked)
    versions = {} if version is None else {f"witness:{lookup.public_key}": version}
    return WitnessContext(new_id, known, contradicted, versions=versions)


def _moved(time: datetime, by: timedelta) -> str:
    """As checkpoints spell it; the ends of the calendar stay where they are."""
    try:
        return instant(time + by)
    except OverflowError:
        return instant(time)
