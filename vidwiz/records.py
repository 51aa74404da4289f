"""Rows kept beside the log: secrets and idempotency keys. No event makes them, no replay does."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Table, column, func, select
from sqlalchemy.dialects.postgresql import JSON

from vidwiz.commands.base import IdempotencyKeyUsed, PasswordSet, Record
from vidwiz.database import Connection
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import Instant, credentials, idempotency_keys

IDEMPOTENCY_KEYS_LIVE = timedelta(hours=24)


def _insert(table: Table) -> Statement:
    columns = [column(c.name, c.type) for c in table.columns]
    rows = func.json_to_recordset(parameter("rows", JSON))
    given = rows.table_valued(*columns).render_derived(name="given", with_types=True)
    return Statement(table.insert().from_select(list(table.columns), select(given)))


_INSERTS = {PasswordSet: _insert(credentials), IdempotencyKeyUsed: _insert(idempotency_keys)}
_FORGET = Statement(
    idempotency_keys.delete().where(idempotency_keys.c.used_at < parameter("before", Instant))
)


async def write(connection: Connection, records: Sequence[Record], now: datetime) -> None:
    """Insert the records, one statement per kind; raises ``UniqueViolation``."""
    by_kind: dict[type[Record], list[dict[str, object]]] = defaultdict(list)
    for record in records:
        by_kind[type(record)].append({**asdict(record), "used_at": now})
    for kind, rows in by_kind.items():
        await connection.execute(_INSERTS[kind].sql, {"rows": orjson.dumps(rows).decode()})


async def forget_old_keys(connection: Connection, now: datetime) -> None:
    """Drop idempotency keys that no client can still be retrying with."""
    await connection.execute(_FORGET.sql, {"before": now - IDEMPOTENCY_KEYS_LIVE})
