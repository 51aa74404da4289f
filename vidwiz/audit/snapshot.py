"""Reads the log and its checkpoints together, as of one moment, in constant memory."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import BigInteger, Text, select

from vidwiz.audit.checkpoints.records import UP_TO, checkpoint_of
from vidwiz.events.chain import Proof, link
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import stored_events
from vidwiz.verify_export import Checkpoint, ExportedEvent

Connection = psycopg.Connection[tuple[Any, ...]]

CHUNK = 200
"""Rows in memory at once, each of which may be a long note."""

_log = Statement(
    select(
        stored_events.c.notification_id,
        stored_events.c.originator_id,
        stored_events.c.originator_version,
        stored_events.c.topic,
        stored_events.c.recorded_at,
        stored_events.c.metadata.cast(Text),
        stored_events.c.state,
        stored_events.c.previous_hash,
        stored_events.c.hash,
    )
    .where(stored_events.c.notification_id <= parameter("up_to", BigInteger))
    .order_by(stored_events.c.notification_id)
)
EVERYTHING = 2**63 - 2
"""Behind it there is at most one position."""
_FIRST_TIME_BEYOND = """
SELECT least(
    (SELECT min(notification_id) FROM stored_events
     WHERE recorded_at < '0002-01-01' OR recorded_at >= '9999-01-01'),
    (SELECT min(position) FROM log_checkpoints
     WHERE made_at < '0002-01-01' OR made_at >= '9999-01-01'))
"""


@contextmanager
def snapshot(dsn: str) -> Iterator[Connection]:
    """A connection that sees the database as of one moment; nothing is written over it."""
    settings = "-c timezone=UTC -c datestyle=ISO"
    with psycopg.connect(dsn, autocommit=True, options=settings) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def first_time_beyond(connection: Connection) -> int:
    """The first position whose time, or whose checkpoint's, no calendar of Python's has.

    Behind ``EVERYTHING`` if there is none. Only who got past the log's guard could write it.
    """
    row = connection.execute(_FIRST_TIME_BEYOND).fetchone()
    return EVERYTHING + 1 if row is None or row[0] is None else int(row[0])


def log_and_checkpoints(
    connection: Connection, up_to: int = EVERYTHING
) -> Iterator[ExportedEvent | Checkpoint]:
    """Every event up to a position, and each checkpoint behind the event that it pins."""
    with (
        _cursor(connection, "log", _log, up_to) as log,
        _cursor(connection, "checkpoints", UP_TO, up_to) as checkpoints,
    ):
        coming = next(checkpoints, None)
        for position, stream, version, topic, at, *proof in log:
            metadata, state, previous, its_hash = proof
            yield link(
                position, stream, version, topic, at, Proof(state, metadata, previous, its_hash)
            )
            while coming is not None and coming[0] <= position:
                yield checkpoint_of(coming)
                coming = next(checkpoints, None)
        while coming is not None:
            yield checkpoint_of(coming)
            coming = next(checkpoints, None)


@contextmanager
def _cursor(
    connection: Connection, name: str, statement: Statement, up_to: int
) -> Iterator[Iterator[tuple[Any, ...]]]:
    values: Mapping[str, Any] = {"up_to": up_to}
    with connection.cursor(name=name, binary=True) as cursor:
        cursor.itersize = CHUNK
        yield iter(cursor.execute(statement.sql, values))
