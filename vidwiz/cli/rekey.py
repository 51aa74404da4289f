"""Changes the master key while the service runs: every person's key is wrapped anew.

First the database remembers the new master key, beside the one before; from then on new keys are
wrapped by the new one, whoever makes them. Then the keys are gone through in batches, and in the
end the one before is forgotten. It may be killed at any point, and goes on when it is run again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from sqlalchemy import BigInteger, LargeBinary, Text, column, func, null, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.event_store.startup_checks import REMEMBERED
from vidwiz.events.master_key import KeyUnusable, MasterKey, WrongMasterKey
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import master_keys, personal_keys
from vidwiz.replay.engine import Connection

BATCH = 500

_switch = Statement(
    master_keys.update().values(
        check_value=parameter("new", LargeBinary), previous_check_value=master_keys.c.check_value
    )
)
_finish = Statement(master_keys.update().values(previous_check_value=null()))
_next = Statement(
    select(personal_keys.c.person, personal_keys.c.wrapped_key)
    .where(
        personal_keys.c.person > parameter("after", Text),
        personal_keys.c.wrapped_key.is_not(None),
    )
    .order_by(personal_keys.c.person)
    .limit(parameter("at_most", BigInteger))
    .with_for_update()
)
_new = (
    func.unnest(parameter("persons", ARRAY(Text)), parameter("keys", ARRAY(LargeBinary)))
    .table_valued(column("person", Text), column("wrapped_key", LargeBinary))
    .render_derived(name="new")
)
_wrap = Statement(
    personal_keys.update()
    .values(wrapped_key=_new.c.wrapped_key)
    .where(personal_keys.c.person == _new.c.person)
)


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """How many keys were wrapped anew, and whose cannot be opened and stay as they are."""

    wrapped: int
    unusable: tuple[str, ...]


def rekey(
    dsn: str, master: MasterKey, new: bytes, progress: Callable[[int], None] = lambda _count: None
) -> Rekeyed:
    """Wrap every key by the known master key with the check value ``new``.

    ``progress`` is told after each batch how many keys there were by then. Raises
    ``WrongMasterKey`` while another change has not been finished.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not _begin(connection, new):
            return Rekeyed(0, ())
        wrapped, seen, after = 0, 0, ""
        unusable: list[str] = []
        while batch := _rewrap(connection, master, new, after):
            found, count, corrupt = batch
            wrapped, seen, after = wrapped + count, seen + len(found), found[-1]
            unusable += corrupt
            progress(seen)
        connection.execute(_finish.sql)
    return Rekeyed(wrapped, tuple(unusable))


def _begin(connection: Connection, new: bytes) -> bool:
    """Whether there is anything to do, once the database remembers both."""
    current, previous = connection.execute(REMEMBERED.sql).fetchone() or (None, None)
    if current == new:
        return previous is not None
    if previous is not None:
        raise WrongMasterKey("another change of the master key has to be finished first")
    connection.execute(_switch.sql, {"new": new})
    return True


def _rewrap(
    connection: Connection, master: MasterKey, new: bytes, after: str
) -> tuple[list[str], int, list[str]] | None:
    """The next persons, how many keys of theirs were wrapped anew, and whose cannot be opened."""
    with connection.transaction():
        values = {"after": after, "at_most": BATCH}
        rows = connection.execute(_next.sql, values).fetchall()
        keys, corrupt = {}, []
        for person, wrapped in rows:
            if master.is_wrapped_by(new, person, wrapped):
                continue
            try:
                keys[person] = master.wrapped(person, master.bare(person, wrapped), new)
            except KeyUnusable:
                corrupt.append(person)
        if keys:
            connection.execute(_wrap.sql, {"persons": [*keys], "keys": [*keys.values()]})
    return ([person for person, _ in rows], len(keys), corrupt) if rows else None
