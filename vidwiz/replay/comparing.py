"""Compares what was replayed into temporary tables with the live tables, and the row history."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from sqlalchemy import Table

from vidwiz.projections.row_history_tables import SCHEMA, current_of, ended_of, names_of
from vidwiz.projections.tables import PROJECTED

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Difference:
    """A row on which the live table and the replay disagree.

    ``columns`` are those that differ; empty when the row is on one side only, which ``what``
    says: ``missing`` from the live table, ``unexpected`` in it, or ``different``. Of the row
    history it is the version that is true ``since`` a position.
    """

    table: str
    row: int
    what: str
    columns: tuple[str, ...] = ()
    since: int | None = None


def compare_live(writer: Connection, table: Table) -> Iterator[Difference]:
    """How the live table differs from what was replayed."""
    name, names = str(table.name), names_of(table)
    for row, *rest in _compared(writer, f"public.{name}", name, ("id",), names):
        yield _difference(name, row, None, *rest)


def compare_history(writer: Connection) -> Iterator[Difference]:
    """How the stored row history differs from one that was replayed up to its position."""
    for table in PROJECTED:
        current, ended = current_of(table), ended_of(table)
        names = [*names_of(table), "since"]
        for versions, key in ((current, ("id", "since")), (ended, ("id", "since", "until"))):
            its = f"{SCHEMA}.{versions.name}"
            for row, since, *rest in _compared(writer, its, str(versions.name), key, names):
                yield _difference(its, row, since, *rest[-3:])
        yield from _compare_counts(writer, table)


def _compare_counts(writer: Connection, table: Table) -> Iterator[Difference]:
    """How many rows there were at each position at which they are counted."""
    rows = writer.execute(_COUNTS.format(schema=SCHEMA, table=table.name).encode())
    for (position,) in rows:
        what = ("different", (str(table.name),))
        yield Difference(f"{SCHEMA}.counted", position, *what)


_COUNTS = """
WITH points AS (SELECT array_agg(position ORDER BY position) AS all_of_them FROM {schema}.counted),
changes AS (
    SELECT since AS at, 1 AS adds FROM pg_temp.{table}
    UNION ALL SELECT since, 1 FROM pg_temp.{table}_ended
    UNION ALL SELECT until, -1 FROM pg_temp.{table}_ended
),
added AS (
    SELECT width_bucket(at - 1, all_of_them) + 1 AS point, sum(adds) AS adds
    FROM changes CROSS JOIN points GROUP BY point
)
SELECT its.position
FROM (
    SELECT position, tables, sum(coalesce(adds, 0)) OVER (ORDER BY position) AS rows
    FROM (SELECT *, row_number() OVER (ORDER BY position) AS point FROM {schema}.counted)
        AS numbered
    LEFT JOIN added USING (point)
) AS its
WHERE (its.tables ->> '{table}')::bigint IS DISTINCT FROM its.rows ORDER BY its.position
"""


def _compared(
    writer: Connection, live: str, replayed: str, key: Sequence[str], names: Iterable[str]
) -> Iterator[tuple[Any, ...]]:
    """Key, on which side it is missing, and the columns that differ, of each row that differs."""
    writer.execute("SET LOCAL enable_hashjoin = on")
    differing = ", ".join(
        f"CASE WHEN live.{_q(n)} IS DISTINCT FROM replayed.{_q(n)} THEN '{n}' END" for n in names
    )
    sides = " IS DISTINCT FROM ".join(
        f"ROW({', '.join(f'{side}.{_q(name)}' for name in names)})" for side in ("live", "replayed")
    )
    keys = ", ".join(key)
    query = (
        f"SELECT {keys}, live.id IS NULL, replayed.id IS NULL,"
        f" array_remove(ARRAY[{differing}], NULL) FROM {live} AS live"
        f" FULL JOIN pg_temp.{replayed} AS replayed USING ({keys})"
        f" WHERE {sides} ORDER BY {keys}"
    )
    yield from writer.execute(query.encode())


def _difference(
    table: str,
    row: int,
    since: int | None,
    not_live: bool,
    not_replayed: bool,
    columns: list[str],
) -> Difference:
    if not_live:
        return Difference(table, row, "missing", since=since)
    if not_replayed:
        return Difference(table, row, "unexpected", since=since)
    return Difference(table, row, "different", tuple(columns), since)


def _q(name: str) -> str:
    return f'"{name}"'
