"""Brings the database's schema to the newest migration, however many processes start at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from vidwiz.database import DatabaseUnavailable

MIGRATION_LOCK = (7163391, 2)
OLDEST_POSTGRESQL = 15


class MigrationFailed(Exception):
    """The schema cannot be brought to the newest migration."""


def migrate(dsn: str) -> str:
    """Run the missing migrations under an advisory lock; returns the revision arrived at.

    Raises ``DatabaseUnavailable`` when it cannot connect or the server is too old, and
    ``MigrationFailed``, which changes nothing.
    """
    with _connected(dsn) as connection:
        # Held until the connection ends, as it does here however this goes.
        connection.execute(text(f"SELECT pg_advisory_lock{MIGRATION_LOCK}"))
        connection.commit()
        _upgrade(connection)
        return current_revision(connection) or ""


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
        connection.commit()
    except CommandError as error:
        at = current_revision(connection)
        raise MigrationFailed(
            f"the database is at revision {at}, which this program does not know;"
            " a newer VidWiz may have migrated it"
        ) from error
    except DBAPIError as error:
        raise MigrationFailed(f"a migration failed and was undone: {error.orig}") from error


@contextmanager
def _connected(dsn: str) -> Iterator[Connection]:
    try:
        connection = schema_engine(dsn).connect()
    except OperationalError as error:
        raise DatabaseUnavailable(f"cannot connect to PostgreSQL: {error.orig}") from error
    with connection:
        version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
        if version < OLDEST_POSTGRESQL:
            raise DatabaseUnavailable(
                f"PostgreSQL {version} is too old; VidWiz needs {OLDEST_POSTGRESQL} or newer"
            )
        yield connection


def head_revision() -> str:
    """The newest migration that this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current_revision(connection: Connection) -> str | None:
    """The migration that the database is at; None before the first."""
    return MigrationContext.configure(connection).get_current_revision()


def schema_engine(dsn: str) -> Engine:
    """An engine for schema work on any libpq ``dsn``; each use is a connection of its own."""
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _migrations() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parent
    beside = package.parent / "migrations"
    return beside if (beside / "env.py").exists() else package / "_migrations"
