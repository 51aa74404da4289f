"""The statements about what is personal: the keys of persons, and events without a seal."""

from sqlalchemy import ColumnElement, LargeBinary, Text, and_, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, insert

from vidwiz.events import Event, event_types
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import personal_keys, stored_events

_keys = select(personal_keys.c.person, personal_keys.c.wrapped_key).where(
    personal_keys.c.person == func.any(parameter("persons", ARRAY(Text)))
)
KEYS = Statement(_keys)
"""The keys of these persons, as far as they ever had one; null for a person who was erased."""

LOCKED_KEYS = Statement(_keys.order_by(personal_keys.c.person).with_for_update(read=True))
"""The same, of persons whom nobody can erase before this transaction has ended."""

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


def _in_the_clear(kind: type[Event]) -> ColumnElement[bool]:
    """A personal field with a text that is not empty; what is sealed is an object instead."""
    fields = "|".join(sorted(kind.personal_fields()))
    state = func.encode(stored_events.c.state, "escape")
    return and_(stored_events.c.topic == kind.TOPIC, state.op("~")(f'"({fields})":"[^"]'))


IN_THE_CLEAR = Statement(
    select(func.count())
    .select_from(stored_events)
    .where(or_(*(_in_the_clear(its) for its in event_types().values() if its.personal_fields())))
)
"""How many events of before there were seals hold something personal."""
