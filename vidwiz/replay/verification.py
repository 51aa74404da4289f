"""Verifies: checks the log's chain, replays it and compares the result with what there is."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from psycopg.errors import IntegrityError, UndefinedTable
from sqlalchemy import BigInteger, Text, select

from vidwiz.events.chain import ChainBroken, ChainWalk, Proof
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.row_history_state import LOCKED_STATE, STATE
from vidwiz.projections.tables import PROJECTED, stored_events
from vidwiz.replay import verified_snapshots
from vidwiz.replay.comparing import Difference, compare_history, compare_live
from vidwiz.replay.engine import (
    HEAD,
    Connection,
    Progress,
    Replay,
    Replayed,
    count_rows,
    create_bare_tables,
    maintenance,
)
from vidwiz.replay.row_history import (
    ERASED_SINCE,
    HistoryGone,
    KeepingReplay,
    create,
    require_state,
)
from vidwiz.replay.verified_snapshots import Genuine, Signer, Snapshot, SnapshotUnusable

_row = Statement(
    select(
        stored_events.c.originator_id,
        stored_events.c.originator_version,
        stored_events.c.topic,
        stored_events.c.recorded_at,
        stored_events.c.state,
        stored_events.c.metadata.cast(Text),
        stored_events.c.previous_hash,
        stored_events.c.hash,
    ).where(stored_events.c.notification_id == parameter("position", BigInteger))
)


def verify(
    dsn: str,
    master: MasterKey,
    progress: Progress = lambda _at, _of: None,
    signer: Signer | None = None,
) -> tuple[Replayed, Iterator[Difference]]:
    """Check the log's chain, replay it and compare the result with the live tables.

    On the way it is compared with the row history, all versions of all rows. If nothing differs,
    a ``signer`` has the history's position remembered as a verified snapshot.

    All as of one moment. Raises ``ChainBroken``, and what ``rebuild`` raises but for
    ``SwapFailed``.
    """
    began = time.monotonic()
    with maintenance(dsn, "verify") as (reader, writer):
        _see_the_same(reader, writer)
        chain = ChainWalk()
        head_at = _head(writer)
        replay, snapshot, differences = _replayed_history(reader, writer, master, progress, chain)
        differences += _compared_at(writer, replay, head_at)
        rows = count_rows(writer)
        _end(reader, writer)
        if signer is not None and snapshot is not None and not differences:
            _remember(writer, snapshot, signer, head_at)
        seconds, head = time.monotonic() - began, chain.head.hex()
        return Replayed(replay.position, replay.events, rows, seconds, head), iter(differences)


def verify_from(
    dsn: str,
    master: MasterKey,
    position: int | None,
    signer: Signer,
    genuine: Genuine,
    progress: Progress = lambda _at, _of: None,
) -> tuple[int, Replayed, Iterator[Difference]]:
    """Begin at a snapshot that a whole verification found right; also returns where that is.

    Checks the record's signature, the log's link at its position and the digests of what the row
    history shows as of then, checks and replays what follows, and compares with the live tables.
    What the log says before that position is not looked at.

    Raises ``SnapshotUnusable``, and what ``verify`` raises.
    """
    began = time.monotonic()
    with maintenance(dsn, "verify") as (reader, writer):
        _see_the_same(reader, writer)
        verified = verified_snapshots.read(writer, position, signer.public_key, genuine)
        chain = _chain_from(writer, verified)
        create_bare_tables(writer)
        _take(writer, verified)
        replay = Replay(reader, writer, master, PROJECTORS, progress, chain)
        replay.position = verified.position
        differences = _compared_at(writer, replay, _head(writer))
        rows = count_rows(writer)
        _end(reader, writer)
        seconds, head = time.monotonic() - began, chain.head.hex()
        replayed = Replayed(replay.position, replay.events, rows, seconds, head)
        return verified.position, replayed, iter(differences)


def _replayed_history(
    reader: Connection,
    writer: Connection,
    master: MasterKey,
    progress: Progress,
    chain: ChainWalk,
) -> tuple[Replay, Snapshot | None, list[Difference]]:
    """A replay that has reached the row history's position, if there is one to compare."""
    try:
        up_to = require_state(writer, STATE)
    except HistoryGone:
        create_bare_tables(writer)
        return Replay(reader, writer, master, PROJECTORS, progress, chain), None, []
    create(writer)
    replay = KeepingReplay(reader, writer, master, progress, chain)
    replay.run(up_to)
    try:
        with writer.transaction():
            differences = [*compare_history(writer)]
    except UndefinedTable:  # it was dropped at this moment
        return replay, None, []
    if differences or not up_to:
        return replay, None, differences
    return replay, verified_snapshots.taken(writer, up_to, chain.head), []


def _compared_at(writer: Connection, replay: Replay, head_at: int) -> list[Difference]:
    """How the live tables differ from the replay of the whole log."""
    replay.run(head_at)
    return [one for table in PROJECTED for one in compare_live(writer, table)]


def _see_the_same(reader: Connection, writer: Connection) -> None:
    """Log, keys and tables as of one moment: an erasure is in all of them or in none."""
    writer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    row = writer.execute("SELECT pg_export_snapshot()").fetchone()
    reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    if row is not None:
        reader.execute(f"SET TRANSACTION SNAPSHOT '{row[0]}'".encode())
    writer.execute("SET LOCAL search_path = pg_temp, public")


def _end(reader: Connection, writer: Connection) -> None:
    for connection in (reader, writer):
        connection.execute("ROLLBACK")


def _head(writer: Connection) -> int:
    row = writer.execute(HEAD.sql).fetchone()
    return 0 if row is None else int(row[0])


def _remember(writer: Connection, snapshot: Snapshot, signer: Signer, head_at: int) -> None:
    """Keep the record, unless somebody was erased since: rows of theirs read otherwise now."""
    with writer.transaction():
        try:
            require_state(writer, LOCKED_STATE)
        except HistoryGone:
            return
        erased = writer.execute(ERASED_SINCE.sql, {"after": head_at}).fetchone()
        if erased is not None and not erased[0]:
            verified_snapshots.write(writer, snapshot, signer, datetime.now(UTC))


def _chain_from(writer: Connection, verified: Snapshot) -> ChainWalk:
    """The chain from a position on, where the log still has the link that was verified.

    Raises ``ChainBroken``.
    """
    position = verified.position
    row = writer.execute(_row.sql, {"position": position}).fetchone()
    if row is None:
        raise ChainBroken(position, "is missing, where a snapshot was verified")
    stream, version, topic, at, *proven = row
    proof = Proof(*proven)
    if proof.hash != verified.hash:
        raise ChainBroken(position, "has another hash than when its snapshot was verified")
    chain = ChainWalk()
    chain.position, chain.head = position - 1, proof.previous_hash
    chain.step(position, stream, version, topic, at, proof)
    return chain


def _take(writer: Connection, verified: Snapshot) -> None:
    """Fill the temporary tables with the snapshot; raises ``SnapshotUnusable``."""
    gone = f"the row history does not go to position {verified.position}: run vidwiz verify"
    try:
        goes_to = require_state(writer, STATE)
        verified_snapshots.fill(writer, verified.position)
    except (HistoryGone, UndefinedTable):
        raise SnapshotUnusable(gone) from None
    except IntegrityError as error:
        raise verified_snapshots.changed(verified, [f"{error.diag.table_name}"]) from None
    if goes_to < verified.position:
        raise SnapshotUnusable(gone)
    copied = verified_snapshots.taken(writer, verified.position, verified.hash)
    verified_snapshots.require_unchanged(copied, verified)
