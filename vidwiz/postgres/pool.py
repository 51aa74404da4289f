"""Connections to PostgreSQL: a bounded pool for reading and single connections for the rest."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from psycopg import AsyncConnection, errors
from psycopg.types.json import set_json_dumps, set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from vidwiz.postgres.statement import Statement
from vidwiz.supervision import Outage

set_json_loads(orjson.loads)
set_json_dumps(lambda value: orjson.dumps(value).decode())

WAIT_INTERVAL_S = 0.1
SILENCE_S = 3.0
"""Seconds beyond the statement's own time-out after which PostgreSQL counts as silent."""
CONNECT_TIMEOUT_S = 5
POOL_TIMEOUT_S = 5.0
START_TIMEOUT_S = 10.0
POOL_TRY_S = 1.0
"""Seconds after which somebody who waits for a connection has the pool try to make one again."""
CLOSE_S = 2.0
LEFT_FOR_READING = 3
EXCLUSIVE_LOCK = 7163392

UNAVAILABLE_CLASSES = frozenset({"08", "53", "58"})
"""SQLSTATE classes: connections, resources (disk, memory, connections), the system's own errors."""
UNAVAILABLE_STATES = frozenset(
    {
        "25006",  # read-only: a full disk of a managed service, or an old primary
        "25P02",  # the transaction failed before, of something that is told here
        "25P03",  # idle in a transaction for too long: this process was frozen
        "25P04",  # the transaction took too long
        "55P03",  # a lock was not to be had in time
        "57014",  # a statement took too long
        "57P01",  # shutting down
        "57P02",  # another process of the server crashed
        "57P03",  # starting up, or shutting down
        "57P04",  # the database was dropped
        "57P05",  # idle for too long
    }
)
SCHEMA_STATES = frozenset(
    {
        "3D000",  # the database is gone
        "3F000",  # so is the schema
        "42501",  # our role may not do it
        "42703",  # a column is missing
        "42883",  # a function is
        "42P01",  # a table is
    }
)
"""The database is not, or not now, as the migrations made it; what was asked may wait for that."""
PATIENCE_STATES = frozenset({"55P03", "57014"})
STALE_STATES = frozenset({"25006", "57P01", "57P02", "57P03", "57P04"})
"""After which no connection of before is trusted: the server is, or was, another one."""

_LOCK_NAME = "SELECT pg_advisory_xact_lock(%s, hashtext(%s))"
_IS_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"


class DatabaseUnavailable(Outage):
    """PostgreSQL does not answer, refuses to write, or something is held for too long."""


class DatabaseReadOnly(DatabaseUnavailable):
    """PostgreSQL answers, but takes no writes."""


class SilentServer(psycopg.OperationalError):
    """The connection is there, but PostgreSQL does not answer on it."""


class Connection(AsyncConnection[tuple[Any, ...]]):
    """A connection that is given up when PostgreSQL is silent for ``patience_s``; None: never.

    A server process that is frozen, or that waits for its disk, enforces no time-out of its own,
    and the kernel of its machine goes on to acknowledge what is sent to it.
    """

    patience_s: float | None = None

    async def wait(
        self, gen: Any, interval: float = WAIT_INTERVAL_S, timeout: float | None = None
    ) -> Any:
        """What psycopg waits with for every answer; raises ``SilentServer``."""
        if timeout is not None or self.patience_s is None:
            return await super().wait(gen, interval, timeout)
        try:
            return await super().wait(gen, interval, self.patience_s)
        except errors._WaitTimeout:
            self.pgconn.finish()  # an answer that comes later must not be taken for another's
            raise SilentServer(f"PostgreSQL was silent for {self.patience_s:g} s") from None


def means_unavailable(error: BaseException) -> bool:
    """Whether the database is in trouble, and nothing is wrong with what it was asked.

    The one place that says so; see https://www.postgresql.org/docs/current/errcodes-appendix.html.
    Errors without a SQLSTATE are libpq's and the pool's own: no connection, or a lost one.
    """
    if not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    known = state in UNAVAILABLE_STATES or state in SCHEMA_STATES
    return known or state[:2] in UNAVAILABLE_CLASSES


def ran_out_of_patience(error: BaseException) -> bool:
    """Whether a lock or a statement took longer than our time-outs allow."""
    return isinstance(error, psycopg.Error) and error.sqlstate in PATIENCE_STATES


def is_stale(error: BaseException) -> bool:
    """Whether connections made before this error are to be replaced."""
    if isinstance(error, SilentServer):
        return True
    return isinstance(error, psycopg.Error) and error.sqlstate in STALE_STATES


@contextmanager
def outages() -> Iterator[None]:
    """Raise ``DatabaseUnavailable`` for every error that means it, and all others as they are."""
    try:
        yield
    except psycopg.Error as error:
        if means_unavailable(error):
            raise as_unavailable(error) from error
        raise


def as_unavailable(error: psycopg.Error) -> DatabaseUnavailable:
    """The same in our words, on one line."""
    return DatabaseUnavailable(" ".join(str(error).split()))


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds that PostgreSQL may let us wait for a lock, and for a whole statement; 0: for ever.

    https://www.postgresql.org/docs/current/runtime-config-client.html
    """

    lock_s: float = 3.0
    statement_s: float = 10.0

    @property
    def silence_s(self) -> float | None:
        """Seconds that PostgreSQL may say nothing at all; None waits for ever."""
        return self.statement_s + SILENCE_S if self.statement_s else None

    @property
    def options(self) -> str:
        """The same for libpq."""
        lock_ms, statement_ms = round(self.lock_s * 1000), round(self.statement_s * 1000)
        return f"-c lock_timeout={lock_ms} -c statement_timeout={statement_ms}"


DEFAULT = Patience()
Requirement = Callable[[Connection], Awaitable[None]]
"""Raises ``DatabaseUnavailable`` on a new connection to a database that is not to be used."""
PATIENT = Patience(0, 0)
"""For commands of an operator, who waits as long as it takes."""


def connection_settings(application_name: str, patience: Patience = DEFAULT) -> dict[str, Any]:
    """Keyword arguments that every connection of ours is opened with."""
    return {
        "autocommit": True,
        "application_name": application_name,
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": f"-c timezone=UTC -c datestyle=ISO {patience.options}",
        "prepare_threshold": 1,
        # A host that is gone must not hold the log's lock, nor a request, for hours.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }


class Database:
    """The pool that queries run on. Every query is one autocommitted statement."""

    def __init__(
        self,
        dsn: str,
        *,
        pool_size: int = 10,
        patience: Patience = DEFAULT,
        required: Requirement | None = None,
    ) -> None:
        self.dsn = dsn
        self.patience = patience
        self._required = required
        # Those who hold a connection while they wait for others leave some for reading.
        self._exclusive = asyncio.Semaphore(max(1, pool_size - LEFT_FOR_READING))
        self._closing = False
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            dsn,
            min_size=min(2, pool_size),
            max_size=pool_size,
            timeout=POOL_TIMEOUT_S,
            # The pool would try ever more seldom; whoever waits has it try again instead.
            reconnect_timeout=POOL_TRY_S,
            open=False,
            connection_class=Connection,
            configure=self._configure,
            kwargs=connection_settings("vidwiz", patience),
        )

    async def open(self) -> None:
        """Connect; raises ``DatabaseUnavailable``."""
        await self._pool.open()
        try:
            async with self._borrowed(START_TIMEOUT_S, has_hope=True):
                return
        except psycopg.Error as error:
            await self._pool.close(CLOSE_S)
            raise DatabaseUnavailable("PostgreSQL does not answer") from error

    async def _configure(self, connection: Connection) -> None:
        connection.patience_s = self.patience.silence_s
        try:
            if self._required is not None:
                await self._required(connection)
        except BaseException:
            await connection.close()
            raise

    def hurry(self) -> None:
        """The service ends: nobody waits for a connection that is not there."""
        self._closing = True

    async def close(self) -> None:
        """Give every connection back."""
        await self._pool.close(CLOSE_S)

    async def connect(self, purpose: str, **limits: str) -> Connection:
        """A connection outside of the pool, with some of PostgreSQL's settings.

        They come with the connection: a statement of its own for them would be one more that can
        be lost with it. Raises ``DatabaseUnavailable``.
        """
        settings = connection_settings(f"vidwiz {purpose}", self.patience)
        settings["options"] += "".join(f" -c {name}={value}" for name, value in limits.items())
        if self._closing:
            settings["connect_timeout"] = CLOSE_S
        with outages():
            connection = await Connection.connect(self.dsn, **settings)
            await self._configure(connection)
            return connection

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[Connection]:
        """A connection of the pool, for a short while; raises ``DatabaseUnavailable``."""
        try:
            timeout_s = POOL_TRY_S if self._closing else POOL_TIMEOUT_S
            with outages():
                async with self._borrowed(timeout_s) as connection:
                    yield connection
        except DatabaseUnavailable as error:
            if error.__cause__ is not None and is_stale(error.__cause__):
                await self.renew()
            raise

    @asynccontextmanager
    async def _borrowed(
        self, timeout_s: float, *, has_hope: bool = False
    ) -> AsyncIterator[Connection]:
        """The same; raises ``PoolTimeout``, at once when connecting fails and there is no hope."""
        connection = await self._taken(timeout_s, has_hope=has_hope)
        try:
            async with connection:
                yield connection
        except psycopg.Error as error:
            if is_stale(error):
                await connection.close()
            raise
        finally:
            await self._pool.putconn(connection)

    async def _taken(self, timeout_s: float, *, has_hope: bool) -> Connection:
        loop = asyncio.get_running_loop()
        by, failed_before = loop.time() + timeout_s, self._failed_connections
        while True:
            left_s = by - loop.time()
            try:
                return await self._pool.getconn(min(left_s, POOL_TRY_S))
            except PoolTimeout:
                in_vain = self._failed_connections > failed_before and not has_hope
                if in_vain or loop.time() >= by:
                    raise

    @property
    def _failed_connections(self) -> int:
        return self._pool.get_stats().get("connections_errors", 0)

    async def renew(self) -> None:
        """Replace every connection of the pool: the server is not the one that it was."""
        if not self._pool.closed:
            await self._pool.drain()

    async def require_writable(self) -> None:
        """Raise ``DatabaseUnavailable`` as long as the database cannot be written.

        A connection remembers that it was told to be read-only, so that a new one is asked too.
        """
        for _ in range(2):
            async with self.borrowed() as connection:
                if not await is_read_only(connection):
                    return
                await connection.close()
            await self.renew()
        raise DatabaseReadOnly("the database is read-only")

    @asynccontextmanager
    async def exclusively(self, name: str) -> AsyncIterator[Connection]:
        """Hold the lock of this name, among all processes; it ends with the connection."""
        async with self._exclusive, self.borrowed() as connection, connection.transaction():
            await self.lock(connection, name)
            yield connection

    async def lock(self, connection: Connection, name: str) -> None:
        """Hold this lock too until the connection's transaction ends."""
        await connection.execute(_LOCK_NAME, (EXCLUSIVE_LOCK, name))

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


async def is_read_only(connection: Connection) -> bool:
    """Whether the connection takes no writes."""
    row = await (await connection.execute(_IS_READ_ONLY)).fetchone()
    return row is None or bool(row[0])


async def fetch_all(
    connection: Connection, statement: Statement, values: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    """Run one statement and read its whole answer."""
    cursor = await connection.execute(statement.sql, values)
    return await cursor.fetchall()
