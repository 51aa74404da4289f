"""How the log stands, and whether it is being rebuilt or verified, by whichever process."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Integer, Text, column, func, select, table

from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement
from vidwiz.projections.tables import stored_events
from vidwiz.replay.engine import MAINTENANCE_KEYS

_said = re.compile(r"vidwiz (rebuild|verify)(?: ([0-9]+)/([0-9]+))?")

_head = Statement(
    select(stored_events.c.notification_id, stored_events.c.hash, stored_events.c.recorded_at)
    .order_by(stored_events.c.notification_id.desc())
    .limit(1)
)
_locks = table(
    "pg_locks",
    column("pid", Integer),
    column("locktype", Text),
    column("database", BigInteger),
    column("classid", BigInteger),
    column("objid", BigInteger),
    schema="pg_catalog",
)
_sessions = table(
    "pg_stat_activity",
    column("pid", Integer),
    column("datid", BigInteger),
    column("datname", Text),
    column("application_name", Text),
    schema="pg_catalog",
)
_maintenance = Statement(
    select(_sessions.c.application_name)
    .select_from(_sessions.join(_locks, _locks.c.pid == _sessions.c.pid))
    .where(
        _locks.c.locktype == "advisory",
        _locks.c.classid == MAINTENANCE_KEYS[0],
        _locks.c.objid == MAINTENANCE_KEYS[1],
        _locks.c.database == _sessions.c.datid,
        _sessions.c.datname == func.current_database(),
    )
)


@dataclass(frozen=True, slots=True)
class Head:
    """The log's newest event: its position and its hash, in hex."""

    position: int
    hash: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A rebuild or a verification under way; ``position`` and ``of`` once they are known."""

    kind: str
    position: int | None = None
    of: int | None = None


async def head(database: Database) -> Head | None:
    """The newest event; None in an empty log. Raises ``DatabaseUnavailable``."""
    row = await database.one(_head)
    return None if row is None else Head(row[0], row[1].hex(), row[2])


async def maintenance(database: Database) -> Maintenance | None:
    """What holds the maintenance lock, as its connection says; raises ``DatabaseUnavailable``."""
    row = await database.one(_maintenance)
    said = None if row is None else _said.fullmatch(row[0])
    if said is None:
        return None
    kind, position, of = said.groups()
    return Maintenance(kind, *(None if it is None else int(it) for it in (position, of)))
