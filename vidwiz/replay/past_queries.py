"""Reads the row history as of a position: rows, pages of them, and how many there were."""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Subquery,
    Table,
    Text,
    func,
    literal_column,
    select,
    union_all,
)

from vidwiz.postgres.statement import Statement, first_of, one_more, parameter
from vidwiz.projections.projector import plan
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.row_history_tables import counted, current_of, ended_of, names_of
from vidwiz.projections.tables import PROJECTED, stored_events
from vidwiz.replay.engine import Connection

_at = parameter("position", BigInteger)
_last_counted = Statement(
    select(counted.c.position, counted.c.tables)
    .where(counted.c.position <= _at)
    .order_by(counted.c.position.desc())
    .limit(1)
)
_happened = Statement(
    select(stored_events.c.topic, func.count())
    .where(
        stored_events.c.notification_id > parameter("after", BigInteger),
        stored_events.c.notification_id <= _at,
    )
    .group_by(stored_events.c.topic)
)
_adds = {
    topic: [(str(its.table.name), its.adds) for its in changes if its.adds]
    for topic, changes in plan(PROJECTORS).items()
}


def counts(connection: Connection, position: int) -> dict[str, int]:
    """How many rows each table had: as counted last before, and what the log says since.

    Between two counts there is no erasure, of which the log does not say how many rows it took.
    """
    found = connection.execute(_last_counted.sql, {"position": position}).fetchone()
    after, tables = (0, {}) if found is None else found
    result = {str(table.name): int(tables.get(str(table.name), 0)) for table in PROJECTED}
    since = {"after": after, "position": position}
    for topic, times in connection.execute(_happened.sql, since).fetchall():
        for table, adds in _adds.get(topic, ()):
            result[table] += adds * times
    return result


def _as_json(rows: Subquery) -> ColumnElement[str]:
    return func.row_to_json(literal_column(rows.name)).cast(Text).label("row")


def _as_of(table: Table, narrowed: Callable[[Table, Select[Any]], Select[Any]]) -> Subquery:
    """The versions that were true at ``position``, of those that are now and of those ended.

    Each of the two is ``narrowed`` by itself, so that each goes along an index and stops early.
    """
    current, ended = current_of(table), ended_of(table)
    true_then = {
        current: (current.c.since <= _at,),
        ended: (ended.c.since <= _at, ended.c.until > _at),
    }
    both = (
        narrowed(its, select(*(its.c[name] for name in names_of(table))).where(*conditions))
        for its, conditions in true_then.items()
    )
    return union_all(*both).subquery(f"{table.name}_then")


@cache
def row_of(table: Table) -> Statement:
    """The row with this ``id`` as JSON."""
    rows = _as_of(table, lambda its, query: query.where(its.c.id == parameter("id", BigInteger)))
    return Statement(select(_as_json(rows)).select_from(rows))


@cache
def page_of(table: Table, where: tuple[str, ...]) -> Statement:
    """Rows behind ``after``: the id, the row as JSON, and whether there are more than these."""

    def narrowed(its: Table, query: Select[Any]) -> Select[Any]:
        asked = (its.c[name] == parameter(name, its.c[name].type) for name in where)
        behind = query.where(its.c.id > parameter("after", BigInteger), *asked)
        return behind.order_by(its.c.id).limit(one_more())

    rows = _as_of(table, narrowed)
    page = select(rows.c.id, _as_json(rows)).order_by(rows.c.id).limit(one_more()).subquery("page")
    return Statement(first_of(page, page.c.id, page.c.row))
