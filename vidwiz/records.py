"""Rows kept beside the log: secrets, idempotency keys, quotas. No event or replay makes them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Date, Table, column, func, literal, select
from sqlalchemy.dialects.postgresql import JSON, insert
from sqlalchemy.sql.selectable import TableValuedAlias

from vidwiz.commands.base import IdempotencyKeyUsed, PasswordSet, QuotaTaken, Record
from vidwiz.database import Connection
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import Instant, credentials, idempotency_keys, quotas

IDEMPOTENCY_KEYS_LIVE = timedelta(hours=24)
QUOTAS_LIVE = timedelta(days=2)


class RecordRefused(Exception):
    """A quota was used up by somebody else since it was looked at."""


def _given(table: Table) -> TableValuedAlias:
    columns = [column(c.name, c.type) for c in table.columns]
    rows = func.json_to_recordset(parameter("rows", JSON))
    return rows.table_valued(*columns).render_derived(name="given", with_types=True)


def _insert(table: Table) -> Statement:
    return Statement(table.insert().from_select(list(table.columns), select(_given(table))))


def _take_quota() -> Statement:
    """One conditional upsert: the first question of a day, or one more while there are any."""
    given = _given(quotas)
    first = select(given.c.identity, given.c.day, literal(1), given.c.most)
    taken = insert(quotas).from_select(list(quotas.columns), first)
    return Statement(
        taken.on_conflict_do_update(
            index_elements=[quotas.c.identity, quotas.c.day],
            set_={"used": quotas.c.used + 1},
            where=quotas.c.used < taken.excluded.most,
        )
    )


_WRITES = {
    PasswordSet: _insert(credentials),
    IdempotencyKeyUsed: _insert(idempotency_keys),
    QuotaTaken: _take_quota(),
}
_FORGET_KEYS = Statement(
    idempotency_keys.delete().where(idempotency_keys.c.used_at < parameter("before", Instant))
)
_FORGET_QUOTAS = Statement(quotas.delete().where(quotas.c.day < parameter("before", Date)))


async def write(connection: Connection, records: Sequence[Record], now: datetime) -> None:
    """Write the records, one statement per kind.

    Raises ``UniqueViolation``, and ``RecordRefused`` when somebody else took the last of a quota.
    """
    by_kind: dict[type[Record], list[dict[str, object]]] = defaultdict(list)
    for record in records:
        by_kind[type(record)].append({**asdict(record), "used_at": now})
    for kind, rows in by_kind.items():
        cursor = await connection.execute(_WRITES[kind].sql, {"rows": orjson.dumps(rows).decode()})
        if cursor.rowcount != len(rows):
            raise RecordRefused(kind.__name__)


async def forget_old(connection: Connection, now: datetime) -> None:
    """Drop the keys that no client can still be retrying with, and the quotas of past days."""
    await connection.execute(_FORGET_KEYS.sql, {"before": now - IDEMPOTENCY_KEYS_LIVE})
    await connection.execute(_FORGET_QUOTAS.sql, {"before": now.date() - QUOTAS_LIVE})
