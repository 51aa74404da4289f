"""Rows kept beside the log: secrets, idempotency keys, quotas. No event or replay makes them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

import orjson
from sqlalchemy import BigInteger, Date, Table, Text, case, column, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSON, insert
from sqlalchemy.sql.selectable import TableValuedAlias

from vidwiz.commands.base import (
    IdempotencyKeyUsed,
    PasswordDropped,
    PasswordSet,
    PersonErased,
    QuotaGivenBack,
    QuotaTaken,
    Record,
)
from vidwiz.event_store import counts
from vidwiz.postgres.pool import Connection
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.forgetting import forget as forget_in_row_history
from vidwiz.projections.tables import (
    Instant,
    credentials,
    idempotency_keys,
    known_networks,
    personal_keys,
    quotas,
)

IDEMPOTENCY_KEYS_LIVE = timedelta(hours=24)
QUOTAS_LIVE = timedelta(days=2)
NETWORKS_LIVE = timedelta(days=90)


class RecordRefused(Exception):
    """Somebody else used a quota up, or erased the person, since that was looked at."""


def _given(table: Table) -> TableValuedAlias:
    columns = [column(c.name, c.type) for c in table.columns]
    rows = func.json_to_recordset(parameter("rows", JSON))
    return rows.table_valued(*columns).render_derived(name="given", with_types=True)


def _insert(table: Table) -> Statement:
    return Statement(table.insert().from_select(list(table.columns), select(_given(table))))


def _set_password() -> Statement:
    given = select(_given(credentials))
    set_ = insert(credentials).from_select(list(credentials.columns), given)
    return Statement(
        set_.on_conflict_do_update(
            index_elements=[credentials.c.user_id],
            set_={"password_hash": set_.excluded.password_hash},
        )
    )


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


def _give_quota_back() -> Statement:
    """Of a day that is still counted; a day's count is never less than nothing."""
    given = _given_back
    return Statement(
        quotas.update()
        .values(used=quotas.c.used - 1)
        .where(quotas.c.identity == given.c.identity, quotas.c.day == given.c.day)
        .where(quotas.c.used > 0)
    )


_given_back = (
    func.json_to_recordset(parameter("rows", JSON))
    .table_valued(column("identity", Text), column("day", Date))
    .render_derived(name="given_back", with_types=True)
)
_erased = (
    func.json_to_recordset(parameter("rows", JSON))
    .table_valued(
        column("user_id", BigInteger), column("guest_id", Text), column("used_at", Instant)
    )
    .render_derived(name="erased", with_types=True)
)
_erased_name = case(
    (_erased.c.user_id.is_not(None), func.concat("user:", _erased.c.user_id)),
    else_=func.concat("guest:", _erased.c.guest_id),
)


def _shred_key() -> Statement:
    """Who never had a key gets none any more."""
    shredded = insert(personal_keys).from_select(
        ["person", "wrapped_key", "created_at", "erased_at"],
        select(_erased_name, null(), _erased.c.used_at, _erased.c.used_at),
    )
    return Statement(
        shredded.on_conflict_do_update(
            index_elements=[personal_keys.c.person],
            set_={"wrapped_key": null(), "erased_at": shredded.excluded.erased_at},
            where=personal_keys.c.erased_at.is_(None),
        )
    )


def _delete_of(table: Table) -> Statement:
    return Statement(table.delete().where(table.c.user_id == _erased.c.user_id))


_WRITES = {
    PasswordSet: _set_password(),
    PasswordDropped: _delete_of(credentials),
    IdempotencyKeyUsed: _insert(idempotency_keys),
    QuotaTaken: _take_quota(),
    QuotaGivenBack: _give_quota_back(),
    PersonErased: _shred_key(),
}
_MAY_BE_GONE = (PasswordDropped, QuotaGivenBack)
"""Records whose row may be gone: an imported account has no password, old counts are forgotten."""
_SWEEPS: Mapping[type[Record], tuple[Statement, ...]] = {
    PasswordSet: (_delete_of(known_networks),),
    PasswordDropped: (_delete_of(known_networks),),
    PersonErased: (
        _delete_of(credentials),
        _delete_of(idempotency_keys),
        Statement(quotas.delete().where(quotas.c.identity == _erased_name)),
        _delete_of(known_networks),
    ),
}
"""What goes with a record: statements of their own, to see rows that were committed meanwhile.

With a password go the networks that were trusted with it.
"""
_FORGET_KEYS = Statement(
    idempotency_keys.delete().where(idempotency_keys.c.used_at < parameter("before", Instant))
)
_FORGET_NETWORKS = Statement(
    known_networks.delete().where(known_networks.c.seen_at < parameter("before", Instant))
)
_FORGET_QUOTAS = Statement(quotas.delete().where(quotas.c.day < parameter("before", Date)))


async def write(connection: Connection, records: Sequence[Record], now: datetime) -> None:
    """Write the records, one statement per kind; an erasure takes some more.

    Raises ``UniqueViolation``, and ``RecordRefused`` when somebody else was faster.
    """
    by_kind: dict[type[Record], list[dict[str, object]]] = defaultdict(list)
    for record in records:
        by_kind[type(record)].append({**asdict(record), "used_at": now})
    for kind, rows in by_kind.items():
        values = {"rows": orjson.dumps(rows).decode()}
        cursor = await connection.execute(_WRITES[kind].sql, values)
        if cursor.rowcount != len(rows) and kind not in _MAY_BE_GONE:
            raise RecordRefused(kind.__name__)
        for sweep in _SWEEPS.get(kind, ()):
            await connection.execute(sweep.sql, values)
    for record in records:
        if isinstance(record, PersonErased):
            await forget_in_row_history(connection, record.user_id, record.guest_id)


async def forget_old(connection: Connection, now: datetime) -> None:
    """Delete idempotency keys, quotas, networks and counts that have no effect any more."""
    await connection.execute(_FORGET_KEYS.sql, {"before": now - IDEMPOTENCY_KEYS_LIVE})
    await connection.execute(_FORGET_NETWORKS.sql, {"before": now - NETWORKS_LIVE})
    await counts.forget_old(connection, now)
    await connection.execute(_FORGET_QUOTAS.sql, {"before": now.date() - QUOTAS_LIVE})
