"""The statements about what is personal: the keys of persons, and events without a seal."""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Text,
    and_,
    case,
    column,
    exists,
    false,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from vidwiz.events import Event, NoteAdded, NoteRestored, event_types
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import ERASURES, master_keys, personal_keys, stored_events

_asked = (
    func.unnest(parameter("persons", ARRAY(Text)))
    .table_valued(column("person", Text))
    .render_derived(name="asked")
)


def is_erased(person: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the log has it that this person was erased; one step along an index."""
    return exists(
        select(1).where(
            stored_events.c.topic.in_(ERASURES),
            func.event_person(stored_events.c.state) == person,
        )
    )


def _usable(erased: ColumnElement[bool]) -> ColumnElement[Any]:
    return case((erased, null()), else_=personal_keys.c.wrapped_key)


_erased = is_erased(_asked.c.person)
KEYS = Statement(
    select(
        _asked.c.person,
        _usable(_erased),
        or_(_erased, func.coalesce(personal_keys.c.withheld, false())),
    ).select_from(_asked.outerjoin(personal_keys, personal_keys.c.person == _asked.c.person))
)
"""For each of these persons the wrapped key, and whether it may be missing.

The log alone says who was erased: a key that comes back opens nothing. A key that is null and may
not be was lost.
"""

ERASED_OF = Statement(select(_asked.c.person).where(_erased))
"""Those of these persons who were erased."""

_locked = is_erased(personal_keys.c.person)
LOCKED_KEYS = Statement(
    select(
        personal_keys.c.person,
        _usable(_locked),
        or_(_locked, personal_keys.c.withheld, personal_keys.c.erased_at.is_not(None)),
    )
    .where(personal_keys.c.person == func.any(parameter("persons", ARRAY(Text))))
    .order_by(personal_keys.c.person)
    .with_for_update(read=True, of=personal_keys)
)
"""The same of those who ever had one, whom nobody can erase before this transaction has ended."""

_new = (
    func.unnest(parameter("persons", ARRAY(Text)), parameter("keys", ARRAY(LargeBinary)))
    .table_valued(column("person", Text), column("wrapped_key", LargeBinary))
    .render_derived(name="new")
)
ADD_KEYS = Statement(
    insert(personal_keys)
    .from_select(
        ["person", "wrapped_key"], select(_new).order_by(_new.c.person), include_defaults=False
    )
    .on_conflict_do_nothing()
)
"""Give these persons keys, unless they ever had one."""

CURRENT_MASTER = Statement(select(master_keys.c.check_value).with_for_update(read=True))
"""The check value of the master key that wraps new keys, until this transaction ends at least."""


def _in_the_clear(kind: type[Event]) -> ColumnElement[bool]:
    """A personal field with a text that is not empty; what is sealed is an object instead."""
    fields = "|".join(sorted(kind.personal_fields()))
    state = func.encode(stored_events.c.state, "escape")
    return and_(stored_events.c.topic == kind.TOPIC, state.op("~")(f'"({fields})":"[^"]'))


_free_timestamp = and_(
    stored_events.c.topic.in_((NoteAdded.TOPIC, NoteRestored.TOPIC)),
    func.encode(stored_events.c.state, "escape").op("!~")('"timestamp":"[0-9:.]*"'),
)
"""A note of before the service took nothing but times as its timestamp."""
IN_THE_CLEAR = Statement(
    select(func.count())
    .select_from(stored_events)
    .where(
        or_(
            _free_timestamp,
            *(_in_the_clear(its) for its in event_types().values() if its.personal_fields()),
        )
    )
)
"""How many events of before there were seals, or rules, hold something personal."""
