"""Brings the database's schema to the newest migration, however many processes start at once.

Alembic is slow to load, and every command comes here: it is loaded when there is something to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import Connection, Engine, Text, column, create_engine, select, table, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from vidwiz.postgres.pool import DatabaseUnavailable
from vidwiz.postgres.statement import Statement

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATION_LOCK = (7163391, 2)
OLDEST_POSTGRESQL = 15

_version = select(table("alembic_version", column("version_num", Text)).c.version_num)
REVISION = Statement(_version)
"""The migration that the database is at; no row before the first is through."""


class MigrationFailed(Exception):
    """The schema cannot be brought to the newest migration."""


def migrate(dsn: str) -> str:
    """Run the missing migrations under an advisory lock; returns the revision arrived at.

    Raises ``DatabaseUnavailable`` when it cannot connect or the server is too old, and
    ``MigrationFailed``, which changes nothing.
    """
    with _refusals(), _connected(dsn) as connection:
        if current_revision(connection) == head_revision():
            return head_revision()
        # Held until the connection ends, as it does here however this goes.
        connection.execute(text(f"SELECT pg_advisory_lock{MIGRATION_LOCK}"))
        connection.commit()
        _upgrade(connection)
        return current_revision(connection) or ""


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    try:
        command.upgrade(alembic_config(connection), "head")
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
def _refusals() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise MigrationFailed(f"PostgreSQL refused: {error.orig}") from error


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
    """The newest migration that this program knows; the names of their files begin with theirs."""
    return max(path.name.partition("_")[0] for path in _migrations().glob("versions/*_*.py"))


def current_revision(connection: Connection) -> str | None:
    """The migration that the database is at; None before the first.

    Raises ``MigrationFailed`` if the database names more than one.
    """
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    revisions = sorted(connection.execute(_version).scalars())
    if len(revisions) > 1:
        raise MigrationFailed(f"alembic_version names several revisions: {', '.join(revisions)}")
    return revisions[0] if revisions else None


def schema_engine(dsn: str) -> Engine:
    """An engine for schema work on any libpq ``dsn``; each use is a connection of its own."""
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(dsn), poolclass=NullPool
    )


def alembic_config(connection: Connection) -> "Config":
    """How Alembic finds the migrations, and the connection to run them on."""
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_migrations()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _migrations() -> Path:
    """Beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).parents[1]
    beside = package.parent / "migrations"
    return beside if (beside / "env.py").exists() else package / "_migrations"
