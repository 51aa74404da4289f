"""What is looked at before anything reads or writes the log: its master key, and its topics."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import psycopg
from sqlalchemy import LargeBinary, select
from sqlalchemy.dialects.postgresql import insert

from vidwiz.event_store import statements
from vidwiz.events.master_key import KeyUnusable, MasterKey, WrongMasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.postgres.pool import Connection, DatabaseUnavailable
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import master_keys, personal_keys

_remember = Statement(
    insert(master_keys)
    .values(id=1, check_value=parameter("check_value", LargeBinary))
    .on_conflict_do_nothing()
)
_wrapped = Statement(
    select(personal_keys.c.person, personal_keys.c.wrapped_key)
    .where(personal_keys.c.wrapped_key.is_not(None))
    .order_by(personal_keys.c.person)
    .limit(100)
)
REMEMBERED = Statement(select(master_keys.c.check_value, master_keys.c.previous_check_value))
"""The check values of the master key, and of the one before while that is being replaced."""


def require_master_key(dsn: str, master: MasterKey) -> None:
    """Remember the master key, or raise ``WrongMasterKey`` if it is another one than before."""
    with _connected(dsn) as connection:
        remembered = connection.execute(REMEMBERED.sql).fetchone()
        if remembered is None:
            _require_opens_something(connection, master)
            connection.execute(_remember.sql, {"check_value": master.check_value})
            remembered = connection.execute(REMEMBERED.sql).fetchone()
    require_known(master, remembered or (b"", None))


class SameDatabase:
    """Requires of each connection that it leads to the database that the first one led to.

    An address may come to lead to another one: a copy that was restored in its place, or an empty
    one. What such a one has was sealed with another master key, or is nobody's yet.
    """

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._is_known = False

    async def __call__(self, connection: Connection) -> None:
        """Raise ``DatabaseUnavailable`` if this is another one."""
        remembered = await (await connection.execute(REMEMBERED.sql)).fetchone()
        if remembered is None and not self._is_known:
            return
        try:
            require_known(self._master, remembered or (b"", None))
        except WrongMasterKey as error:
            raise DatabaseUnavailable(f"this is another database than before: {error}") from error
        self._is_known = True


def require_known(master: MasterKey, remembered: Sequence[bytes | None]) -> None:
    """Raise ``WrongMasterKey`` unless every master key that is remembered is known."""
    current, previous = remembered
    known = master.check_values
    if current not in known:
        raise WrongMasterKey
    if previous is not None and previous not in known:
        raise WrongMasterKey(
            "the master key is being changed, and the one before is not known here: set"
            " VIDWIZ_MASTER_KEY_NEXT too until `vidwiz rekey` has ended"
        )


def _require_opens_something(connection: psycopg.Connection[Any], master: MasterKey) -> None:
    """Raise ``WrongMasterKey`` if there are keys of persons, and it opens none of the first."""
    wrapped = connection.execute(_wrapped.sql).fetchall()
    for person, key in wrapped:
        with suppress(KeyUnusable):
            master.bare(person, key)
            return
    if wrapped:
        raise WrongMasterKey


def require_known_topics(dsn: str) -> None:
    """Raise ``UnknownEvent``, naming them, if events in the log have no class here."""
    with _connected(dsn) as connection:
        topics = connection.execute(statements.TOPICS.sql).fetchall()
    unknown = statements.unknown(topic for (topic,) in topics)
    if unknown:
        raise UnknownEvent(f"the log has events without a class here: {', '.join(unknown)}")


def _connected(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error}") from error
