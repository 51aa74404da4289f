"""Counts that all processes share: so many of something for each subject and window of time.

Another part charges before it acts, and gives back what did not happen after all:

    NOTES_A_DAY = Limit("ai_note", 50, DAY)
    full = await counts.take(Charge(NOTES_A_DAY, f"user:{user_id}"), Charge(IN_ALL, "all"))
    if full is not None:
        raise ApiError(429, ..., {"reset_in_seconds": full.reset_in_seconds})

A subject is kept as a keyed digest only, never in the clear. Rows whose window has ended are
deleted by housekeeping.
"""

import hashlib
import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
from sqlalchemy import BigInteger, Text, and_, case, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSON, insert

from vidwiz.postgres.pool import Connection, Database, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import Instant, counts

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STRANGERS = 2**20
"""Digests that all subjects of strangers share, so that nobody fills the table with names."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` for a subject in each window of length ``every``.

    Windows begin at multiples of ``every`` since 1970, so those of a day are UTC days; over the
    border of two windows a subject may have twice as many. ``strangers``: anybody can make
    subjects up (addresses, e-mail addresses), so they are folded into ``STRANGERS`` digests.
    """

    purpose: str
    most: int
    every: timedelta
    strangers: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """``amount`` of a limit for one subject, such as ``user:7``."""

    limit: Limit
    subject: str
    amount: int = 1


@dataclass(frozen=True, slots=True)
class Full:
    """The limit that refused a charge, and when its window ends."""

    limit: Limit
    reset_in_seconds: int


_given = (
    func.json_to_recordset(parameter("rows", JSON))
    .table_valued(
        column("key", Text),
        column("ends_at", Instant),
        column("used", BigInteger),
        column("most", BigInteger),
    )
    .render_derived(name="given", with_types=True)
)


def _take() -> Statement:
    """One conditional upsert; the order of the keys keeps two of them from a deadlock."""
    first = select(_given).where(_given.c.used <= _given.c.most).order_by(_given.c.key)
    taken = insert(counts).from_select(["key", "ends_at", "used", "most"], first)
    new = taken.excluded
    ended = counts.c.ends_at < new.ends_at
    return Statement(
        taken.on_conflict_do_update(
            index_elements=[counts.c.key],
            set_={
                "used": case((ended, new.used), else_=counts.c.used + new.used),
                "ends_at": func.greatest(counts.c.ends_at, new.ends_at),
                "most": new.most,
            },
            where=or_(
                and_(ended, new.used <= new.most),
                and_(~ended, counts.c.used + new.used <= new.most),
            ),
        ).returning(counts.c.key)
    )


_TAKE = _take()
_GIVE_BACK = Statement(
    counts.update()
    .where(counts.c.key == _given.c.key, counts.c.ends_at == _given.c.ends_at)
    .values(used=func.greatest(0, counts.c.used - _given.c.used))
)
_USED = Statement(
    select(counts.c.key, counts.c.used).where(
        counts.c.key == func.any(parameter("keys", ARRAY(Text))),
        counts.c.ends_at > parameter("now", Instant),
    )
)
_FORGET = Statement(counts.delete().where(counts.c.ends_at <= parameter("now", Instant)))


class Counts:
    """Takes, gives back and looks; all of it raises ``DatabaseUnavailable``.

    ``secret`` keys the digests; processes that share the counts have to share it.
    """

    def __init__(
        self,
        database: Database,
        secret: bytes,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._secret = hashlib.sha256(b"counts:" + secret).digest()
        self._now = now

    async def take(self, *charges: Charge) -> Full | None:
        """Count all the charges, or none of them and say which limit is full.

        No two charges may be of the same limit and subject.
        """
        now = self._now()
        rows = self._rows(charges, now)
        async with (
            self._database.borrowed() as connection,
            connection.transaction() as transaction,
        ):
            taken = {key for (key,) in await fetch_all(connection, _TAKE, _values(rows))}
            if len(taken) < len(rows):
                raise psycopg.Rollback(transaction)
        refused = [
            charge.limit
            for charge, row in zip(charges, rows, strict=True)
            if row["key"] not in taken
        ]
        return max((_full(limit, now) for limit in refused), key=_longest, default=None)

    async def give_back(self, *charges: Charge) -> None:
        """Uncount charges that were taken in windows which have not ended yet."""
        rows = self._rows(charges, self._now())
        async with self._database.borrowed() as connection:
            await connection.execute(_GIVE_BACK.sql, _values(rows))

    async def full(self, *charges: Charge) -> Full | None:
        """Whether some of the charges would be refused now; nothing is counted."""
        now = self._now()
        used = await self._used(charges, now)
        refused = [
            charge.limit
            for charge, count in zip(charges, used, strict=True)
            if count + charge.amount > charge.limit.most
        ]
        return max((_full(limit, now) for limit in refused), key=_longest, default=None)

    async def used(self, limit: Limit, subject: str) -> int:
        """How much of the limit is used in the present window."""
        (used,) = await self._used((Charge(limit, subject),), self._now())
        return used

    async def _used(self, charges: tuple[Charge, ...], now: datetime) -> list[int]:
        keys = [self._key(charge) for charge in charges]
        found = await self._database.all(_USED, keys=keys, now=now)
        used = {key: int(count) for key, count in found}
        return [used.get(key, 0) for key in keys]

    def _rows(self, charges: tuple[Charge, ...], now: datetime) -> list[dict[str, object]]:
        return [
            {
                "key": self._key(charge),
                "ends_at": _end(charge.limit, now),
                "used": charge.amount,
                "most": charge.limit.most,
            }
            for charge in charges
        ]

    def digest(self, *names: str) -> bytes:
        """What the names are kept as: 16 bytes that nobody without the secret can guess."""
        named = "\0".join(names).encode("utf-8", "surrogatepass")
        return hmac.digest(self._secret, named, "sha256")[:16]

    def _key(self, charge: Charge) -> str:
        purpose = charge.limit.purpose
        digest = self.digest(purpose, charge.subject)
        if charge.limit.strangers:
            return f"{purpose}:{int.from_bytes(digest) % STRANGERS:x}"
        return f"{purpose}:{digest.hex()}"


async def forget_old(connection: Connection, now: datetime) -> None:
    """Delete the counts whose window has ended."""
    await connection.execute(_FORGET.sql, {"now": now})


def _values(rows: list[dict[str, object]]) -> dict[str, str]:
    return {"rows": orjson.dumps(rows).decode()}


def _end(limit: Limit, now: datetime) -> datetime:
    return _EPOCH + ((now - _EPOCH) // limit.every + 1) * limit.every


def _full(limit: Limit, now: datetime) -> Full:
    return Full(limit, max(1, math.ceil((_end(limit, now) - now).total_seconds())))


def _longest(full: Full) -> int:
    return full.reset_in_seconds
