"""Verifies the live log: its chain, its guard, its keys, its checkpoints and their copies."""

from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.audit.checkpoints.copies import CHUNK, kept
from vidwiz.audit.checkpoints.keys import genuine
from vidwiz.audit.checkpoints.records import (
    BEHIND,
    BETWEEN,
    HEAD,
    NEWEST,
    UNPINNED_S,
    checkpoint_of,
)
from vidwiz.audit.checks import schema_guard
from vidwiz.audit.checks.keys import KeyAudit
from vidwiz.audit.checks.problems import Problem
from vidwiz.audit.checks.transcripts import verify_objects
from vidwiz.audit.snapshot import (
    EVERYTHING,
    Connection,
    first_time_beyond,
    log_and_checkpoints,
    snapshot,
)
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.verify_export import Audit, ChainBroken, Checkpoint, ExportedEvent

__all__ = ["Audited", "Problem", "verify"]

GUARD = "the log's guard was changed"
NO_TIME = "has a time, or a checkpoint with one, that is in no calendar"
LATE = "the evidence is behind"


@dataclass(frozen=True, slots=True)
class Audited:
    """How far the log was sound: its ``position`` and ``head`` (hex), its last ``pinned`` one.

    ``copies`` are those in the object ``store``, ``objects`` the transcripts that there ought to
    be, if they were looked at. ``withheld`` counts persons whose keys an import did not bring, if
    the keys were looked at. ``problems`` has the lowest position first, then those without one.
    """

    position: int
    head: str
    checkpoints: int
    pinned: int
    copies: int
    store: str
    problems: list[Problem]
    withheld: int | None = None
    objects: int | None = None


async def verify(
    dsn: str,
    database: Database,
    objects: ObjectStore,
    trusted: Collection[str],
    *,
    master: MasterKey | None = None,
    kept_elsewhere: Mapping[int, str] | None = None,
    with_objects: bool = False,
) -> Audited:
    """Check everything there is, as of now; keys with their ``master`` key alone.

    ``kept_elsewhere`` are hashes of positions that others wrote down. Blocks while it reads the
    log. Raises ``DatabaseUnavailable``, ``ObjectStoreError``.
    """
    audit, problems, withheld = verify_log(dsn, trusted, master, kept_elsewhere)
    copies = 0
    if not any(one.what == NO_TIME for one in problems):
        copies, in_copies = await _verify_copies(database, objects)
        problems += in_copies
    if not problems:
        problems += await _lateness(database)
    expected = None
    if with_objects:
        expected, in_objects = await verify_objects(database, objects)
        problems += in_objects
    return Audited(
        position=audit.chain.position,
        head=audit.chain.head.hex(),
        checkpoints=audit.checkpoints,
        pinned=audit.pinned,
        copies=copies,
        store=objects.description,
        problems=sorted(problems, key=lambda one: (one.position is None, one.position or 0)),
        withheld=withheld,
        objects=expected,
    )


def verify_log(
    dsn: str,
    trusted: Collection[str],
    master: MasterKey | None = None,
    kept_elsewhere: Mapping[int, str] | None = None,
) -> tuple[Audit, list[Problem], int | None]:
    """Go along the log and its checkpoints to the end, or to the first position that is wrong.

    Then what guards the log, and the keys if there is their ``master``; how many are withheld.
    """
    audit = Audit(trusted, kept_elsewhere, genuine=genuine)
    problems: list[Problem] = []
    with snapshot(dsn) as connection:
        keys = None if master is None else KeyAudit(connection, master)
        try:
            _go_along(connection, audit, keys)
            audit.end()
        except ChainBroken as broken:
            problems.append(_problem(broken))
            keys = None  # they are those of another log
        problems += [Problem(None, what, GUARD) for what in schema_guard.differences(connection)]
        if keys is None:
            return audit, problems, None
        return audit, problems + keys.end(), keys.withheld


def _go_along(connection: Connection, audit: Audit, keys: KeyAudit | None) -> None:
    unwritable = first_time_beyond(connection)
    for record in log_and_checkpoints(connection, unwritable - 1):
        if isinstance(record, ExportedEvent):
            audit.event(record)
            if keys is not None:
                keys.event(record)
        else:
            audit.checkpoint(record)
    if unwritable <= EVERYTHING:
        raise ChainBroken(unwritable, NO_TIME)


def _problem(broken: ChainBroken) -> Problem:
    return Problem(broken.position, broken.what, broken.VERDICT)


async def _verify_copies(database: Database, objects: ObjectStore) -> tuple[int, list[Problem]]:
    """How many copies there are, and the first one that disagrees with the table or is gone."""
    count, after = 0, 0
    try:
        async for copies in kept(objects):
            last = max(copies)
            await _compare(database, after, copies)
            count, after = count + len(copies), last
        await _require_no_more(database, after)
    except ChainBroken as broken:
        return count, [_problem(broken)]
    return count, []


async def _require_no_more(database: Database, after: int) -> None:
    """Behind the last copy stand but checkpoints that are being copied."""
    async for position, age in _behind(database, after):
        if age > UNPINNED_S:
            raise ChainBroken(position, f"has a checkpoint of {age:.0f} s ago without any copy")


async def _behind(database: Database, after: int) -> AsyncIterator[tuple[int, float]]:
    now = datetime.now(UTC)
    for row in await database.all(BETWEEN, after=after, up_to=MAX_BIGINT, at_most=CHUNK):
        yield row[0], (now - row[3]).total_seconds()


async def _lateness(database: Database) -> list[Problem]:
    """What was recorded long ago and is in no checkpoint yet."""
    head, newest = await database.one(HEAD), await database.one(NEWEST)
    if head is None:
        return []
    pinned = 0 if newest is None else newest[0]
    oldest = await database.one(BEHIND, after=pinned)
    if oldest is None or (age := (head[2] - oldest[0]).total_seconds()) <= UNPINNED_S:
        return []
    what = f"and what follows, {age:.0f} s old, is in no checkpoint: vidwiz audit checkpoint"
    return [Problem(pinned + 1, what, LATE)]


async def _compare(database: Database, after: int, copies: dict[int, Checkpoint | None]) -> None:
    # One row more than there are copies must be one without a copy.
    at_most = len(copies) + 1
    rows = await database.all(BETWEEN, after=after, up_to=max(copies), at_most=at_most)
    table = {row[0]: checkpoint_of(row) for row in rows}
    for position in sorted(table.keys() | copies.keys()):
        if position not in copies:
            raise ChainBroken(position, "has a checkpoint whose copy is gone")
        if position not in table:
            raise await _unknown(database, position)
        if copies[position] != table[position]:
            raise ChainBroken(position, "has another checkpoint than its copy in the object store")


async def _unknown(database: Database, position: int) -> ChainBroken:
    row = await database.one(HEAD)
    head = row[0] if row else 0
    if position > head:
        return ChainBroken(head + 1, f"is missing, but a copy of checkpoint {position} is kept")
    return ChainBroken(position, "has no checkpoint any more, but a copy of one is kept")
