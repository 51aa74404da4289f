"""How events become rows: a projector is a table of statements, run one by one or in batches.

Every statement takes a JSON array of events, so a single command and a replay of millions run
the same SQL. Statements are pure: no clock, no randomness, nothing but the events.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import groupby
from types import MappingProxyType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ClauseElement,
    Column,
    ColumnClause,
    Table,
    Text,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB
from sqlalchemy.sql.base import Executable, ReadOnlyColumnCollection
from sqlalchemy.sql.selectable import TableValuedAlias
from sqlalchemy.sql.visitors import replacement_traverse
from sqlalchemy.types import TypeEngine

from vidwiz.events import Event, GuestErased, UserErased
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.row_history_tables import current_of, ended_of, names_of
from vidwiz.projections.tables import Instant

Fields = ReadOnlyColumnCollection[str, Any]
Values = Callable[[Fields], Mapping[str, Any]]
Condition = Callable[[Fields], Any]


BARRIERS = frozenset({UserErased.TOPIC, GuestErased.TOPIC})
"""Events that change rows of other streams than their own: nothing may overtake them."""


class ProjectionFailed(Exception):
    """A statement did not touch exactly one row per event: log and table disagree."""


@dataclass(frozen=True, slots=True)
class ProjectableEvent:
    """What a projector needs of a recorded event; ``state`` is JSON with the envelope's fields.

    ``position`` is there, and in the state, when the event was read from the log.
    """

    topic: str
    stream: UUID
    state: bytes
    position: int = 0


class Change(Statement):
    """What an event does to the rows of a table.

    ``keeping`` is the same for the tables of the row history: it also writes down since when each
    version is true, and keeps the versions that it ends. ``adds`` says how many rows there are
    more for each row that it touches: 1, 0 or -1. ``personal`` maps columns to the event's
    personal fields that they are filled from.
    """

    __slots__ = ("_keeping", "adds", "personal", "table")

    def __init__(
        self,
        table: Table,
        adds: int,
        plain: Executable,
        keeping: Executable,
        personal: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(plain)
        self.table = table
        self.adds = adds
        self._keeping: Executable | Statement = keeping
        self.personal = personal

    @property
    def keeping(self) -> str:
        """Compiled when it is first asked for: most processes keep no row history."""
        if not isinstance(self._keeping, Statement):
            self._keeping = Statement(self._keeping)
        return self._keeping.sql


class Sweep(Change):
    """A statement that may touch any number of rows."""

    __slots__ = ()


@dataclass(frozen=True)
class TableProjector:
    """One table and, for each event that concerns it, the statements to run."""

    table: Table
    statements: Mapping[type[Event], tuple[Change, ...]]

    @property
    def topics(self) -> list[str]:
        """The topics this projector listens to."""
        return [event.TOPIC for event in self.statements]


def insert_rows(table: Table, event: type[Event], values: Values) -> Change:
    """One new row for each event."""
    facts = _facts(event)
    row = _expressions(table, values(facts.c))
    dated = {**row, "since": facts.c.log_position}
    plain, keeping = (
        into.insert().from_select(list(its), select(*its.values()))
        for into, its in ((table, row), (current_of(table), dated))
    )
    return Change(table, 1, plain, keeping, _personal(event, row))


def update_rows(table: Table, event: type[Event], where: Condition, values: Values) -> Change:
    """Change the one row that each event is about; its version and ``updated_at`` follow."""
    facts = _facts(event)
    condition = where(facts.c)
    changes = _expressions(
        table, {"updated_at": facts.c.at, "version": facts.c.version, **values(facts.c)}
    )
    dated = {name: _current(table, value) for name, value in changes.items()}
    keeping = (
        current_of(table)
        .update()
        .where(_current(table, condition))
        .values({**dated, "since": facts.c.log_position})
        .add_cte(_ended(table, facts, condition))
    )
    plain = table.update().where(condition).values(changes)
    return Change(table, 0, plain, keeping, _personal(event, changes))


def delete_rows(table: Table, event: type[Event], where: Condition) -> Change:
    """Remove the one row that each event is about."""
    return Change(table, -1, *_deletions(table, event, where))


def sweep_rows(table: Table, event: type[Event], where: Condition) -> Sweep:
    """Remove all rows, of whatever stream, that each event makes an end of."""
    return Sweep(table, -1, *_deletions(table, event, where))


def _deletions(table: Table, event: type[Event], where: Condition) -> tuple[Executable, Executable]:
    facts = _facts(event)
    condition = where(facts.c)
    keeping = (
        current_of(table)
        .delete()
        .where(_current(table, condition))
        .add_cte(_ended(table, facts, condition))
    )
    return table.delete().where(condition), keeping


def _ended(table: Table, facts: TableValuedAlias, condition: Any) -> CTE:
    """Keeps the versions that end here; it sees them as they were before the statement."""
    current, names = current_of(table), names_of(table)
    versions = (
        select(*(current.c[name] for name in (*names, "since")), facts.c.log_position)
        .select_from(current, facts)
        .where(_current(table, condition))
    )
    return ended_of(table).insert().from_select([*names, "since", "until"], versions).cte("ended")


def _current(table: Table, expression: Any) -> Any:
    """The expression, about the row history's table instead of the projected one."""
    current = current_of(table)

    def instead(element: Any, **_: Any) -> Any:
        is_column = isinstance(element, Column) and element.table is table
        return current.c[element.name] if is_column else None

    return replacement_traverse(expression, {}, instead)


def _personal(event: type[Event], row: Mapping[str, Any]) -> dict[str, str]:
    facts, fields = _facts(event), event.personal_fields() | event.FORMS.keys()
    return {
        name: value.name
        for name, value in row.items()
        if isinstance(value, ColumnClause) and value.table is facts and value.name in fields
    }


def plan(projectors: Iterable[TableProjector]) -> dict[str, tuple[Change, ...]]:
    """All statements that these projectors run, by topic."""
    statements: dict[str, tuple[Change, ...]] = defaultdict(tuple)
    for projector in projectors:
        for event, its in projector.statements.items():
            statements[event.TOPIC] += its
    return dict(statements)


def in_waves(facts: Sequence[ProjectableEvent]) -> Iterator[tuple[str, list[bytes]]]:
    """Group events so that each group has one topic and no stream is overtaken.

    The n-th event of every stream goes into the n-th wave; within a wave no two events share a
    stream, so those of one topic may run as one statement. A barrier is overtaken by none.
    """
    for _, between_barriers in groupby(facts, lambda fact: fact.topic in BARRIERS):
        yield from _waves(between_barriers)


def _waves(facts: Iterable[ProjectableEvent]) -> Iterator[tuple[str, list[bytes]]]:
    seen: dict[UUID, int] = {}
    waves: list[dict[str, list[bytes]]] = []
    for fact in facts:
        wave = seen.get(fact.stream, 0)
        seen[fact.stream] = wave + 1
        if wave == len(waves):
            waves.append(defaultdict(list))
        waves[wave][fact.topic].append(fact.state)
    for groups in waves:
        yield from groups.items()


def in_runs(facts: Sequence[ProjectableEvent]) -> Iterator[tuple[str, list[bytes]]]:
    """Group only neighbours of one topic that share no stream: nothing overtakes anything."""
    run: list[ProjectableEvent] = []
    for fact in facts:
        if run and (fact.topic != run[0].topic or any(fact.stream == one.stream for one in run)):
            yield run[0].topic, [one.state for one in run]
            run = []
        run.append(fact)
    if run:
        yield run[0].topic, [one.state for one in run]


def as_array(states: Sequence[bytes]) -> str:
    """The parameter ``events`` of every projector statement."""
    return (b"[" + b",".join(states) + b"]").decode()


def expect_rows(statement: Statement, topic: str, expected: int, touched: int) -> None:
    """Raise ``ProjectionFailed`` unless every event found its row, or is a sweep."""
    if touched != expected and not isinstance(statement, Sweep):
        raise ProjectionFailed(f"{expected} {topic} events touched {touched} rows")


def _expressions(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, ClauseElement) else literal(value, table.c[name].type)
        for name, value in values.items()
    }


@cache
def _facts(event: type[Event]) -> TableValuedAlias:
    columns: list[Column[Any]] = [
        column("at", Instant),  # type: ignore[list-item]
        column("version", BigInteger),  # type: ignore[list-item]
        column("log_position", BigInteger),  # type: ignore[list-item]
    ]
    for name, field in event.model_fields.items():
        columns.append(column(name, _sql_type(field.annotation)))  # type: ignore[arg-type]
    function = func.json_to_recordset(parameter("events", JSON))
    return function.table_valued(*columns).render_derived(name="fact", with_types=True)


_SQL_TYPES: dict[Any, TypeEngine[Any]] = {
    bool: Boolean(),  # before int, which it is a subclass of
    int: BigInteger(),
    str: Text(),
    datetime: Instant,
    dict: JSONB(),
}


def _sql_type(annotation: Any) -> TypeEngine[Any]:
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return _sql_type(type(kinds[0]))
    if origin is dict:
        return _SQL_TYPES[dict]
    if len(kinds) == 1 and (origin is Union or type(None) in get_args(annotation)):
        return _sql_type(kinds[0])
    return next(sql for kind, sql in _SQL_TYPES.items() if issubclass(annotation, kind))
