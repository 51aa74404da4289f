"""Connections to PostgreSQL: a bounded pool for reading and single connections for the rest."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from vidwiz.projections.sql import Statement

set_json_loads(orjson.loads)
set_json_dumps(lambda value: orjson.dumps(value).decode())

Connection = AsyncConnection[tuple[Any, ...]]

CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 10.0
LEFT_FOR_READING = 3
EXCLUSIVE_LOCK = 7163392

_LOCK_NAME = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"


class DatabaseUnavailable(Exception):
    """PostgreSQL does not answer, or every connection is taken for too long."""


def connection_settings(application_name: str) -> dict[str, Any]:
    """Keyword arguments that every connection of ours is opened with."""
    return {
        "autocommit": True,
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": "-c timezone=UTC -c datestyle=ISO",
        "prepare_threshold": 1,
        # A host that is gone must not hold the log's lock, nor a request, for hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


class Database:
    """The pool that queries run on. Every query is one autocommitted statement."""

    def __init__(self, dsn: str, *, pool_size: int = 10) -> None:
        self.dsn = dsn
        # Those who hold a connection while they wait for others leave some for reading.
        self._exclusive = asyncio.Semaphore(max(1, pool_size - LEFT_FOR_READING))
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=min(2, pool_size),
            max_size=pool_size,
            timeout=POOL_TIMEOUT_S,
            open=False,
            kwargs=connection_settings("vidwiz"),
        )

    async def open(self) -> None:
        """Connect; raises ``DatabaseUnavailable``."""
        try:
            await self._pool.open(wait=True, timeout=POOL_TIMEOUT_S)
        except PoolTimeout as error:
            raise DatabaseUnavailable("PostgreSQL does not answer") from error

    async def close(self) -> None:
        """Give every connection back."""
        await self._pool.close()

    async def connect(self, purpose: str) -> Connection:
        """A connection outside of the pool; raises ``DatabaseUnavailable``."""
        try:
            return await AsyncConnection.connect(
                self.dsn, **connection_settings(f"vidwiz {purpose}")
            )
        except psycopg.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for a short while."""
        try:
            async with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise DatabaseUnavailable(str(error)) from error

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[Connection]:
        """Hold the lock of this name, among all processes; it ends with the connection."""
        async with self._exclusive, self.borrowed() as connection, connection.transaction():
            await connection.execute(_LOCK_NAME, (EXCLUSIVE_LOCK, name))
            yield connection

    async def all(self, statement: Statement, **values: Any) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        async with self.borrowed() as connection:
            return await fetch_all(connection, statement, values)

    async def each(
        self, statement: Statement, at_once: int, **values: Any
    ) -> AsyncGenerator[tuple[Any, ...], None]:
        """Row by row, of which so many are in memory at once, and all as of one moment."""
        async with (
            self.borrowed() as connection,
            connection.transaction(),
            connection.cursor(name="each") as cursor,
        ):
            cursor.itersize = at_once
            await cursor.execute(statement.sql, values)
            async for row in cursor:
                yield row

    async def one(self, statement: Statement, **values: Any) -> tuple[Any, ...] | None:
        """The first row of the answer, if there is one."""
        async with self.borrowed() as connection:
            cursor = await connection.execute(statement.sql, values)
            return await cursor.fetchone()


async def fetch_all(
    connection: Connection, statement: Statement, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run one statement and read its whole answer."""
    cursor = await connection.execute(statement.sql, values)
    return await cursor.fetchall()
