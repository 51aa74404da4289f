"""Positions at which a whole verification found the row history equal to its replay.

A record has the log's hash there, a digest of each table's rows as of then, and a signature of
both. So a copy or a log that was changed afterwards is found, also by who can write the record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from psycopg.types.json import Jsonb
from sqlalchemy import Table

from vidwiz.projections.row_history_state import form
from vidwiz.projections.row_history_tables import SCHEMA, names_of
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay.engine import Connection

Genuine = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key's holder signed a message: key, message, signature."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what was verified; its ``public_key`` in hex, as of checkpoints."""

    public_key: str
    sign: Callable[[bytes], bytes]


class SnapshotUnusable(Exception):
    """A verification cannot begin here; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The tables as of a position: the log's hash there, and digests by table, in hex."""

    position: int
    hash: bytes
    tables: Mapping[str, str]

    def signed(self) -> bytes:
        """The bytes that are signed."""
        fields = {
            "vidwiz snapshot": 1,
            "position": self.position,
            "hash": self.hash.hex(),
            "form": form().hex(),
            "tables": dict(self.tables),
        }
        return orjson.dumps(fields, option=orjson.OPT_SORT_KEYS)


def taken(connection: Connection, position: int, its_hash: bytes) -> Snapshot:
    """A snapshot of the temporary tables, which are as of the position."""
    tables = {str(table.name): _digest(connection, table) for table in PROJECTED}
    return Snapshot(position, its_hash, tables)


def _digest(connection: Connection, table: Table) -> str:
    """SHA-256 over digests of thousands of rows each, in the order of their ids."""
    columns = ", ".join(f'"{name}"' for name in names_of(table))
    query = (
        "SELECT encode(sha256(coalesce(string_agg(part, '' ORDER BY block), '')), 'hex') FROM ("
        " SELECT id / 4096 AS block, sha256(string_agg("
        f"  sha256(convert_to(ROW({columns})::text, 'UTF8')), '' ORDER BY id)) AS part"
        f" FROM pg_temp.{table.name} GROUP BY block) AS blocks"
    )
    row = connection.execute(query.encode()).fetchone()
    return "" if row is None else str(row[0])


def fill(connection: Connection, position: int) -> None:
    """Copy the row history as of a position into temporary tables."""
    for table in PROJECTED:
        columns = ", ".join(f'"{name}"' for name in names_of(table))
        its = f"{SCHEMA}.{table.name}"
        connection.execute(
            f"INSERT INTO pg_temp.{table.name} ({columns})"
            f" SELECT {columns} FROM {its} WHERE since <= %(at)s UNION ALL"
            f" SELECT {columns} FROM {its}_ended WHERE since <= %(at)s AND until > %(at)s".encode(),
            {"at": position},
        )


def write(connection: Connection, its: Snapshot, signer: Signer, at: datetime) -> None:
    """Remember a snapshot that was verified."""
    connection.execute(
        "INSERT INTO verified_snapshots VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (position) DO UPDATE SET form = excluded.form, hash = excluded.hash,"
        " tables = excluded.tables, verified_at = excluded.verified_at,"
        " public_key = excluded.public_key, signature = excluded.signature",
        (
            its.position,
            form(),
            its.hash,
            Jsonb(dict(its.tables)),
            at,
            bytes.fromhex(signer.public_key),
            signer.sign(its.signed()),
        ),
    )


def read(connection: Connection, position: int | None, trusted: str, genuine: Genuine) -> Snapshot:
    """The newest record, or that of a position, if ``trusted`` signed it.

    Raises ``SnapshotUnusable``.
    """
    there = _all(connection)
    if not there or (position is not None and position not in there):
        at = "" if position is None else f" at position {position}"
        known = f"; there are some at {', '.join(map(str, sorted(there)))}" if there else ""
        raise SnapshotUnusable(
            f"no snapshot{at} was verified{known}: run vidwiz verify, which verifies one"
        )
    its, public_key, signature = there[max(there) if position is None else position]
    if public_key.hex() != trusted or not genuine(public_key, its.signed(), signature):
        raise SnapshotUnusable(
            f"the record of the snapshot at position {its.position} is not signed by our key:"
            " run vidwiz verify from the beginning"
        )
    return its


def known(connection: Connection) -> dict[int, datetime]:
    """When which positions were verified, of this program's form."""
    query = "SELECT position, verified_at FROM verified_snapshots WHERE form = %s ORDER BY position"
    return dict(connection.execute(query, (form(),)).fetchall())


def _all(connection: Connection) -> dict[int, tuple[Snapshot, bytes, bytes]]:
    query = (
        "SELECT position, hash, tables, public_key, signature FROM verified_snapshots"
        " WHERE form = %s"
    )
    rows: list[tuple[Any, ...]] = connection.execute(query, (form(),)).fetchall()
    return {
        position: (Snapshot(position, its_hash, tables), public_key, signature)
        for position, its_hash, tables, public_key, signature in rows
    }


def require_unchanged(copied: Snapshot, verified: Snapshot) -> None:
    """Raise ``SnapshotUnusable`` naming the tables that are not as they were verified."""
    differing = [name for name, one in verified.tables.items() if copied.tables.get(name) != one]
    if differing:
        raise changed(verified, differing)


def changed(verified: Snapshot, tables: Sequence[str]) -> SnapshotUnusable:
    """These tables of the snapshot are not as they were verified."""
    return SnapshotUnusable(
        f"the snapshot at position {verified.position} is not as it was verified, in"
        f" {', '.join(sorted(tables))}: run vidwiz verify from the beginning"
    )
