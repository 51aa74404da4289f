"""What goes wrong on purpose: tasks that are killed, and a database in trouble."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from tests.support import eventually

BURST = """DO $$ DECLARE t timestamptz := clock_timestamp(); BEGIN
    WHILE clock_timestamp() < t + make_interval(secs => {seconds}) LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND application_name LIKE {names};
    END LOOP; END $$"""


def tasks_named(name: str) -> list["asyncio.Task[Any]"]:
    """The background tasks of this name that run in this process."""
    return [task for task in asyncio.all_tasks() if task.get_name() == name and not task.done()]


async def killed(name: str) -> None:
    """Cancel the background tasks of this name; returns when others run in their places."""
    tasks = tasks_named(name)
    assert tasks, f"no task is called {name}"
    for task in tasks:
        task.cancel()

    async def replaced() -> bool:
        now = tasks_named(name)
        return len(now) == len(tasks) and not {*now} & {*tasks}

    await eventually(replaced)


def burst(dsn: str, names: str = "vidwiz%", seconds: float = 0.2) -> None:
    """End every connection of this name (a LIKE pattern) as fast as it comes, for some seconds."""
    with psycopg.connect(dsn, autocommit=True, application_name="a burst") as connection:
        connection.execute(
            sql.SQL(BURST).format(names=sql.Literal(names), seconds=sql.Literal(seconds))
        )


@contextmanager
def locked_table(dsn: str, table: str) -> Iterator[None]:
    """Another session has the whole table for itself."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(table))
        )
        yield
        connection.rollback()


@contextmanager
def frozen(dsn: str, name: str) -> Iterator[None]:
    """The server's processes behind the connections of this name stand still, as on a hung disk."""
    with psycopg.connect(dsn) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        found = connection.execute(f"{query} AND application_name = %s", (name,)).fetchall()
    assert found, f"nothing is connected as {name}"
    for (pid,) in found:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for (pid,) in found:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def read_only(dsn: str) -> Iterator[None]:
    """The database takes no writes: every connection, old or new, is read-only."""
    set_read_only(dsn, "on")
    try:
        yield
    finally:
        set_read_only(dsn, "off")


def set_read_only(dsn: str, value: str) -> None:
    """As a managed service does it: sessions that are there are ended, later ones get it."""
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(
        dsn, autocommit=True, options="-c default_transaction_read_only=off"
    ) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = {}").format(
                sql.Identifier(name), sql.SQL(value)
            )
        )
        if value == "on":
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@contextmanager
def in_place_of(dsn: str, server_dsn: str, change: str) -> Iterator[None]:
    """The address leads to a changed copy of the database, and all old connections are gone."""
    name = str(psycopg.conninfo.conninfo_to_dict(dsn)["dbname"])
    with psycopg.connect(server_dsn, autocommit=True) as connection:

        def alone(statement: str) -> None:
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0".encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (name,),
            )
            connection.execute(statement.encode())

        alone(f"CREATE DATABASE {name}_copy TEMPLATE {name}")
        alone(f"ALTER DATABASE {name} RENAME TO {name}_kept")
        connection.execute(f"ALTER DATABASE {name}_copy RENAME TO {name}".encode())
        with psycopg.connect(dsn, autocommit=True) as copy:
            copy.execute(change.encode())
        try:
            yield
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
            connection.execute(f"ALTER DATABASE {name}_kept RENAME TO {name}".encode())
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1".encode())
