"""A real log with checkpoints and copies, and hands that reach into it past its triggers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.audit.exports import KEY
from tests.projections.histories import beginnings, happen
from tests.support import MASTER
from vidwiz.adapters.object_store import ObjectStore
from vidwiz.audit.checkpoints.copies import keep
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.records import INSERT, signed, values_of
from vidwiz.audit.checks.verify import Audited, verify
from vidwiz.audit.snapshot import log_and_checkpoints, snapshot
from vidwiz.postgres.pool import Database
from vidwiz.verify_export import Checkpoint, ExportedEvent, event_hash

EVENTS, PINS = 64, (20, 40, 64)


async def recorded(dsn: str, objects: ObjectStore) -> None:
    """Some history, pinned at three positions, with a copy of each checkpoint."""
    happen(dsn, *beginnings(8)[:EVENTS])
    sign(dsn, KEY)
    for one in checkpoints(dsn):
        await keep(objects, one)


def sign(dsn: str, key: SigningKey, positions: Sequence[int] = PINS) -> None:
    """Checkpoints of the log as it is now, instead of any there were."""
    hashes = {one.position: one.hash for one in events(dsn)}
    newest = None
    with hands(dsn) as connection:
        connection.execute("DELETE FROM log_checkpoints")
        clock = connection.execute("SELECT clock_timestamp()").fetchone()
        assert clock is not None
        for position in positions:
            newest = signed(key, position, hashes[position], clock[0], newest)
            connection.execute(INSERT.sql, values_of(newest))


def events(dsn: str) -> list[ExportedEvent]:
    return [one for one in records(dsn) if isinstance(one, ExportedEvent)]


def checkpoints(dsn: str) -> list[Checkpoint]:
    return [one for one in records(dsn) if isinstance(one, Checkpoint)]


def records(dsn: str) -> list[ExportedEvent | Checkpoint]:
    with snapshot(dsn) as connection:
        return list(log_and_checkpoints(connection))


@contextmanager
def hands(dsn: str) -> "Iterator[psycopg.Connection[tuple[Any, ...]]]":
    """A superuser who switches the triggers off for a while; what is done is committed."""
    with psycopg.connect(dsn) as connection:
        for table in ("stored_events", "log_checkpoints"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL".encode())
        yield connection
        connection.execute("ALTER TABLE stored_events ENABLE ALWAYS TRIGGER chain_event")
        for table in ("stored_events", "log_checkpoints"):
            connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_change".encode())


def rewrite(dsn: str, changed: int) -> None:
    """Another state at a position, and every hash from there on made right again."""
    log = events(dsn)
    log[changed - 1] = log[changed - 1]._replace(state=b'{"forged":true}')
    previous = log[changed - 1].previous_hash
    with hands(dsn) as connection:
        for event in log[changed - 1 :]:
            its = event_hash(previous, event)
            connection.execute(
                "UPDATE stored_events SET state = %s, previous_hash = %s, hash = %s"
                " WHERE notification_id = %s",
                (event.state, previous, its, event.position),
            )
            previous = its


async def audited(dsn: str, objects: ObjectStore, *trusted: str, **also: Any) -> Audited:
    database = Database(dsn, pool_size=2)
    await database.open()
    try:
        return await verify(
            dsn, database, objects, trusted or (KEY.public_key,), **{"master": MASTER, **also}
        )
    finally:
        await database.close()
