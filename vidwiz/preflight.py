"""What is looked at before anything reads or writes the log: its master key, and its topics."""

import hmac
from typing import Any

import psycopg
from sqlalchemy import LargeBinary, select
from sqlalchemy.dialects.postgresql import insert

from vidwiz import event_log
from vidwiz.database import DatabaseUnavailable
from vidwiz.events.master_key import MasterKey, WrongMasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import master_keys

_remember = Statement(
    insert(master_keys)
    .values(id=1, check_value=parameter("check_value", LargeBinary))
    .on_conflict_do_nothing()
)
REMEMBERED = Statement(select(master_keys.c.check_value))
"""The check value of the master key that the database was first used with."""


def require_master_key(dsn: str, master: MasterKey) -> None:
    """Remember the master key, or raise ``WrongMasterKey`` if it is another one than before."""
    with _connected(dsn) as connection:
        remembered = connection.execute(REMEMBERED.sql).fetchone()
        if remembered is None:
            connection.execute(_remember.sql, {"check_value": master.check_value})
            remembered = connection.execute(REMEMBERED.sql).fetchone()
    if remembered is None or not hmac.compare_digest(remembered[0], master.check_value):
        raise WrongMasterKey


def require_known_topics(dsn: str) -> None:
    """Raise ``UnknownEvent``, naming them, if events in the log have no class here."""
    with _connected(dsn) as connection:
        topics = connection.execute(event_log.TOPICS.sql).fetchall()
    unknown = event_log.unknown(topic for (topic,) in topics)
    if unknown:
        raise UnknownEvent(f"the log has events without a class here: {', '.join(unknown)}")


def _connected(dsn: str) -> psycopg.Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(dsn, autocommit=True)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error}") from error
