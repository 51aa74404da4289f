"""Compares what was replayed into temporary tables with the live tables, and with snapshots."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.errors import UndefinedTable

from vidwiz.projections.projector import Projector
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.snapshot_index import known, schema_of

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row on which the live table and the replay disagree.

    ``columns`` are those that differ; empty when the row is on one side only, which ``what``
    says: ``missing`` from the live table, ``unexpected`` in it, or ``different``.
    """

    table: str
    row: int
    what: str
    columns: tuple[str, ...] = ()


def compare_snapshots(
    writer: Connection, run: Callable[[int], object], head: int
) -> list[Difference]:
    """Replay to each snapshot, and compare; one that is dropped meanwhile is none."""
    found: list[Difference] = []
    for position in (its for its in known(writer) if its <= head):
        run(position)
        with suppress(UndefinedTable), writer.transaction():
            found += [its for one in PROJECTORS for its in compare(writer, one, position)]
    return found


def compare(
    writer: Connection, projector: Projector, position: int | None = None
) -> list[Difference]:
    """How what was replayed differs from the live table, or from the snapshot of a position."""
    schema = "public" if position is None else schema_of(position)
    name = projector.table.name if position is None else f"{schema}.{projector.table.name}"
    writer.execute("SET LOCAL enable_hashjoin = on")
    table = projector.table
    names = [column.name for column in table.columns if column.computed is None]
    differing = ", ".join(
        f"CASE WHEN live.{_q(n)} IS DISTINCT FROM replayed.{_q(n)} THEN '{n}' END" for n in names
    )
    live, replayed = (
        f"ROW({', '.join(f'{side}.{_q(name)}' for name in names)})" for side in ("live", "replayed")
    )
    query = (
        f"SELECT id, live.id IS NULL, replayed.id IS NULL, array_remove(ARRAY[{differing}], NULL)"
        f" FROM {schema}.{table.name} AS live"
        f" FULL JOIN pg_temp.{table.name} AS replayed USING (id)"
        f" WHERE {live} IS DISTINCT FROM {replayed} ORDER BY id"
    )
    rows = writer.execute(query.encode())
    return [_difference(name, *row) for row in rows]


def _difference(
    table: str, row: int, not_live: bool, not_replayed: bool, columns: list[str]
) -> Difference:
    if not_live:
        return Difference(table, row, "missing")
    if not_replayed:
        return Difference(table, row, "unexpected")
    return Difference(table, row, "different", tuple(columns))


def _q(name: str) -> str:
    return f'"{name}"'
