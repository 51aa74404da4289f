"""Compares the tables that there are with those that this program reads and writes."""

from collections.abc import Iterator

from vidwiz.postgres.pool import Connection
from vidwiz.projections.tables import metadata

_COLUMNS = {
    table.name: frozenset(column.name for column in table.columns)
    for table in metadata.sorted_tables
}
_THERE = """
SELECT relname, array_agg(attname::text),
       has_table_privilege(pg_class.oid, 'SELECT') AND has_table_privilege(pg_class.oid, 'INSERT')
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p', 'v') AND attnum > 0
  AND NOT attisdropped AND relname = ANY(%s)
GROUP BY pg_class.oid, relname
"""


async def what_is_missing(connection: Connection) -> list[str]:
    """A sentence for each table, column or right that this program needs and does not have."""
    found = await (await connection.execute(_THERE, ([*_COLUMNS],))).fetchall()
    there = {name: (frozenset(columns), may_use) for name, columns, may_use in found}
    return [*_missing(there)]


def _missing(there: dict[str, tuple[frozenset[str], bool]]) -> Iterator[str]:
    for table, columns in sorted(_COLUMNS.items()):
        if table not in there:
            yield f"the table {table} is missing"
            continue
        has, may_use = there[table]
        for column in sorted(columns - has):
            yield f"the column {table}.{column} is missing"
        if not may_use:
            yield f"this role may not read and write the table {table}"
