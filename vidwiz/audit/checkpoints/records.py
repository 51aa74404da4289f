"""Signed checkpoints: how they are made, and how they lie in their table beside the log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, func, select

from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.events.chain import GENESIS, instant
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import Instant, log_checkpoints, stored_events
from vidwiz.verify_export import Checkpoint

EVERY_S = 60.0
EVERY_EVENTS = 1000
UNPINNED_S = 3 * EVERY_S
"""What is older, and in no checkpoint or without a copy, has been forgotten."""

NEWEST = Statement(select(log_checkpoints).order_by(log_checkpoints.c.position.desc()).limit(1))
"""The newest checkpoint's row, if there is one."""
INSERT = Statement(
    log_checkpoints.insert().values(
        position=parameter("position", BigInteger),
        hash=parameter("hash", LargeBinary),
        events=parameter("events", BigInteger),
        made_at=parameter("made_at", Instant),
        public_key=parameter("public_key", LargeBinary),
        previous=parameter("previous", LargeBinary),
        signature=parameter("signature", LargeBinary),
    )
)
"""Add a checkpoint; the table's trigger refuses every other change."""
UP_TO = Statement(
    select(log_checkpoints)
    .where(log_checkpoints.c.position <= parameter("up_to", BigInteger))
    .order_by(log_checkpoints.c.position)
)
"""The checkpoints up to a position, oldest first."""
BETWEEN = Statement(
    select(log_checkpoints)
    .where(
        log_checkpoints.c.position > parameter("after", BigInteger),
        log_checkpoints.c.position <= parameter("up_to", BigInteger),
    )
    .order_by(log_checkpoints.c.position)
    .limit(parameter("at_most", BigInteger))
)
"""The next checkpoints behind a position, up to and including another."""
HEAD = Statement(
    select(stored_events.c.notification_id, stored_events.c.hash, func.clock_timestamp())
    .order_by(stored_events.c.notification_id.desc())
    .limit(1)
)
"""The log's highest position, its hash, and what time it is; no row for an empty log."""
BEHIND = Statement(
    select(stored_events.c.recorded_at).where(
        stored_events.c.notification_id == parameter("after", BigInteger) + 1
    )
)
"""When the event right behind a position was recorded."""


def checkpoint_of(row: Sequence[Any]) -> Checkpoint:
    """The checkpoint in a row of the table."""
    position, its_hash, events, made_at, public_key, previous, signature = row
    return Checkpoint(
        position=position,
        hash=its_hash.hex(),
        events=events,
        made_at=instant(made_at),
        public_key=public_key.hex(),
        previous=previous.hex(),
        signature=signature.hex(),
    )


def values_of(it: Checkpoint) -> dict[str, Any]:
    """What ``INSERT`` takes; raises ``ValueError`` if the time is none."""
    return {
        "position": it.position,
        "hash": bytes.fromhex(it.hash),
        "events": it.events,
        "made_at": datetime.fromisoformat(it.made_at),
        "public_key": bytes.fromhex(it.public_key),
        "previous": bytes.fromhex(it.previous),
        "signature": bytes.fromhex(it.signature),
    }


def signed(
    key: SigningKey, position: int, its_hash: bytes, made_at: datetime, newest: Checkpoint | None
) -> Checkpoint:
    """The checkpoint that pins this hash at this position, behind the newest one."""
    draft = Checkpoint(
        position=position,
        hash=its_hash.hex(),
        events=position,  # positions are dense
        made_at=instant(made_at),
        public_key=key.public_key,
        previous=GENESIS.hex() if newest is None else newest.digest(),
        signature="",
    )
    return draft._replace(signature=key.sign(draft.signed()).hex())


async def pin_head(connection: Connection, key: SigningKey, *, now: bool) -> Checkpoint | None:
    """Make a checkpoint if it is time, or ``now`` if anything is new; the newest there is then.

    Its transaction has to keep others from doing the same.
    """
    found = await fetch_all(connection, NEWEST, {})
    newest = checkpoint_of(found[0]) if found else None
    head = await fetch_all(connection, HEAD, {})
    if not head:
        return newest
    position, its_hash, clock = head[0]
    if not _due(newest, position, clock, now=now):
        return newest
    made = signed(key, position, its_hash, clock, newest)
    await connection.execute(INSERT.sql, values_of(made))
    return made


def _due(newest: Checkpoint | None, position: int, clock: datetime, *, now: bool) -> bool:
    if newest is None:
        return True
    age = (clock - datetime.fromisoformat(newest.made_at)).total_seconds()
    behind = position - newest.position
    return behind > 0 and (now or behind >= EVERY_EVENTS or age >= EVERY_S)
