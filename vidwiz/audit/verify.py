"""Verifies the live log: its chain, its checkpoints, and their copies in the object store."""

from collections.abc import Collection
from dataclasses import dataclass

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.audit.checkpoints import BETWEEN, HEAD, checkpoint_of
from vidwiz.audit.copies import kept
from vidwiz.audit.keys import genuine
from vidwiz.audit.snapshot import log_and_checkpoints, snapshot
from vidwiz.database import Database
from vidwiz.verify_export import Audit, ChainBroken, Checkpoint, Event


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, the first position at which it is, and what that makes of the log."""

    position: int
    what: str
    verdict: str = ChainBroken.VERDICT


@dataclass(frozen=True, slots=True)
class Audited:
    """How far the log was sound: its ``position`` and ``head`` (hex), its last ``pinned`` one.

    ``copies`` are those in the object ``store``. ``problems`` has at most one of the log and one
    of the copies, the lowest position first.
    """

    position: int
    head: str
    checkpoints: int
    pinned: int
    copies: int
    store: str
    problems: list[Problem]


async def verify(
    dsn: str, database: Database, objects: ObjectStore, trusted: Collection[str]
) -> Audited:
    """Check everything there is, as of now.

    Blocks while it reads the log. Raises ``DatabaseUnavailable``, ``ObjectStoreError``.
    """
    audit, in_log = verify_log(dsn, trusted)
    copies, in_copies = await _verify_copies(database, objects)
    found = [
        Problem(one.position, one.what, one.VERDICT)
        for one in (in_log, in_copies)
        if one is not None
    ]
    return Audited(
        position=audit.chain.position,
        head=audit.chain.head.hex(),
        checkpoints=audit.checkpoints,
        pinned=audit.pinned,
        copies=copies,
        store=objects.description,
        problems=sorted(found, key=lambda one: one.position),
    )


def verify_log(dsn: str, trusted: Collection[str]) -> tuple[Audit, ChainBroken | None]:
    """Go along the log and its checkpoints to the end, or to the first position that is wrong."""
    audit = Audit(trusted, genuine=genuine)
    try:
        with snapshot(dsn) as connection:
            for record in log_and_checkpoints(connection):
                if isinstance(record, Event):
                    audit.event(record)
                else:
                    audit.checkpoint(record)
    except ChainBroken as broken:
        return audit, broken
    return audit, None


async def _verify_copies(
    database: Database, objects: ObjectStore
) -> tuple[int, ChainBroken | None]:
    """How many copies there are, and the first one that the table does not bear out."""
    count, after = 0, 0
    try:
        async for copies in kept(objects):
            last = max(copies)
            await _compare(database, after, copies)
            count, after = count + len(copies), last
    except ChainBroken as broken:
        return count, broken
    return count, None


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
