"""The keys of persons on their way: bare in an export, wrapped by each database's master key."""

from base64 import b64decode
from collections.abc import Iterator, Sequence

from sqlalchemy import case, func, null, or_, select
from sqlalchemy.dialects.postgresql import insert

from vidwiz.audit.snapshot import Connection
from vidwiz.events import event_types
from vidwiz.events.master_key import MasterKey
from vidwiz.events.sealing import SEALED
from vidwiz.postgres.statement import Statement
from vidwiz.projections.personal_keys import ADD_KEYS, is_erased
from vidwiz.projections.tables import ERASURES, personal_keys, stored_events
from vidwiz.verify_export import Key

_kept = Statement(
    select(personal_keys.c.person, personal_keys.c.wrapped_key)
    .where(personal_keys.c.wrapped_key.is_not(None), ~is_erased(personal_keys.c.person))
    .order_by(personal_keys.c.person)
)
_state = stored_events.c.state
_person = func.event_person(_state)
_is_erasure = stored_events.c.topic.in_(ERASURES)
_sealable = [kind.TOPIC for kind in event_types().values() if kind.personal_fields()]
_has_a_seal = func.strpos(func.encode(_state, "escape"), SEALED.decode()) > 0
_forget_the_rest = Statement(
    insert(personal_keys)
    .from_select(
        ["person", "erased_at", "withheld"],
        select(
            _person.label("person"),
            case((func.bool_or(_is_erasure), func.now())),
            ~func.bool_or(_is_erasure),
        )
        .where(or_(_is_erasure, stored_events.c.topic.in_(_sealable) & _has_a_seal))
        .group_by(_person),
        include_defaults=False,
    )
    .on_conflict_do_nothing()
)
_forget_the_erased = Statement(
    personal_keys.update()
    .values(wrapped_key=null(), erased_at=func.now())
    .where(personal_keys.c.wrapped_key.is_not(None), is_erased(personal_keys.c.person))
)


def bare_keys(connection: Connection, master: MasterKey) -> Iterator[tuple[str, bytes]]:
    """Every person with the key of 32 bytes; raises ``KeyUnusable``."""
    for person, wrapped in connection.execute(_kept.sql):
        yield person, master.bare(person, wrapped)


def keep_keys(connection: Connection, master: MasterKey, keys: Sequence[Key]) -> None:
    """Wrap the keys that an export holds and keep them; raises ``ValueError`` if they are none."""
    if keys:
        wrapped = [master.wrapped(key.person, b64decode(key.key, validate=True)) for key in keys]
        persons = [key.person for key in keys]
        connection.execute(ADD_KEYS.sql, {"persons": persons, "keys": wrapped})


def forget_the_rest(connection: Connection) -> None:
    """Whoever was erased, or whose key did not come along, is given no other key."""
    connection.execute(_forget_the_erased.sql)
    connection.execute(_forget_the_rest.sql)
