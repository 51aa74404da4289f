"""What the tests of the store share: commands, views of the log, and sticks for its wheels."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import psycopg
from psycopg import sql

from tests.support import MASTER, eventually, new_video_id
from vidwiz.commands.notes import AddNote
from vidwiz.commands.users import SignUp
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.open import open_store
from vidwiz.event_store.subscription import follow_chunks
from vidwiz.events import Event
from vidwiz.events.chain import GENESIS, chained_hash
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import SYSTEM, EventMapper, EventMetadata, RecordedEvent
from vidwiz.events.sealing import EventAddress
from vidwiz.postgres.pool import Database

APPEND_LOCK = (7163391, 1)
ORIGIN = EventMetadata(SYSTEM)


@dataclass(frozen=True)
class Parts:
    """A running store and what it stands on."""

    database: Database
    signals: Signals
    store: Store

    async def run(self, *commands: Any) -> list[Any]:
        """Execute them at once, in one batch if they fit; results, or the errors themselves."""
        executing = (self.store.execute(command, ORIGIN) for command in commands)
        return await asyncio.gather(*executing, return_exceptions=True)

    async def sign_up(self) -> int:
        signup = SignUp(f"{token_hex(6)}@example.org", "Ann Example", "a hash")
        return int(await self.store.execute(signup, ORIGIN))

    async def add_video(self, user_id: int) -> str:
        """A new video with a note on it."""
        video_id = new_video_id()
        await self.store.execute(note(user_id, video_id), ORIGIN)
        return video_id


@asynccontextmanager
async def running(dsn: str, pool_size: int = 4, master: MasterKey = MASTER) -> AsyncIterator[Parts]:
    async with open_store(dsn, pool_size, master) as parts:
        yield Parts(*parts)


def note(user_id: int, video_id: str, **fields: Any) -> AddNote:
    """A command that adds a note."""
    usual = {"video_title": "A title", "timestamp": "1:23", "text": "hi"}
    return AddNote(user_id, video_id, **{**usual, **fields})


def rows(dsn: str, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """What the query finds, on a connection of its own."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query, values)
        return cursor.fetchall() if cursor.description else []


def value(dsn: str, query: str, **values: Any) -> Any:
    """The only value that the query finds."""
    ((its,),) = rows(dsn, query, **values)
    return its


def topics(dsn: str) -> list[str]:
    return [topic for (topic,) in rows(dsn, "SELECT topic FROM stored_events ORDER BY 1")]


def whole_log(dsn: str) -> list[tuple[Any, ...]]:
    return rows(
        dsn,
        "SELECT notification_id, originator_id, originator_version, topic, recorded_at,"
        " metadata::text, state, previous_hash, hash FROM stored_events ORDER BY notification_id",
    )


def opened(dsn: str) -> list[Event]:
    """Every event of the log, with what is personal in it opened."""
    log = rows(
        dsn,
        "SELECT originator_id, originator_version, topic, state FROM stored_events"
        " ORDER BY notification_id",
    )
    keys = MASTER.keys(rows(dsn, "SELECT person, wrapped_key, true FROM personal_keys"))
    mapper = EventMapper(keys)
    return [mapper.decode(EventAddress(*place), state) for *place, state in log]


def assert_dense_and_chained(log: Sequence[tuple[Any, ...]]) -> None:
    """Positions count from 1, and each row's hash is what Python computes."""
    assert [row[0] for row in log] == list(range(1, len(log) + 1))
    previous = GENESIS
    for position, stream, version, topic, recorded_at, metadata, state, its_previous, its in log:
        assert its_previous == previous
        previous = chained_hash(
            previous,
            position=position,
            stream=stream,
            version=version,
            topic=topic,
            recorded_at=recorded_at,
            metadata=metadata,
            state=state,
        )
        assert its == previous


@contextmanager
def held_log(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Nobody else can append meanwhile."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s, %s)", APPEND_LOCK)
        yield connection


@contextmanager
def held_commits(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    """Whoever adds a note waits meanwhile in the middle of its COMMIT."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION wait_in_commit() RETURNS trigger LANGUAGE plpgsql AS $$"
            " BEGIN PERFORM pg_advisory_xact_lock(1, 1); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER wait_in_commit AFTER INSERT ON notes"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait_in_commit()"
        )
        connection.execute("SELECT pg_advisory_lock(1, 1)")
        yield connection


async def until_writers_wait(dsn: str, statement: str, count: int = 1) -> list[int]:
    """Wait until so many writers wait for a lock in this kind of statement; their pids."""
    pids: list[int] = []

    async def waiting() -> bool:
        found = rows(
            dsn,
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'vidwiz writer' AND wait_event_type = 'Lock'"
            " AND query LIKE %(statement)s || '%%'",
            statement=statement,
        )
        pids[:] = [pid for (pid,) in found]
        return len(pids) == count

    await eventually(waiting)
    return pids


def backends(dsn: str, application_name: str) -> list[int]:
    """Process ids of the connections of this name to this database."""
    found = rows(
        dsn,
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = %(name)s",
        name=application_name,
    )
    return [pid for (pid,) in found]


async def terminated(dsn: str, *pids: int) -> None:
    """Kill these connections and wait until they are gone."""
    rows(dsn, "SELECT pg_terminate_backend(pid) FROM unnest(%(pids)s::int[]) AS pid", pids=[*pids])

    async def gone() -> bool:
        query = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%(pids)s)"
        return bool(value(dsn, query, pids=[*pids]) == 0)

    await eventually(gone)


@contextmanager
def closed_to_everybody(dsn: str, server_dsn: str) -> Iterator[None]:
    """Nobody can connect to the database meanwhile; connections that are there stay."""
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
        allow = sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("false")))
        yield
        connection.execute(allow.format(sql.Identifier(str(name)), sql.SQL("true")))


@contextmanager
def empty_database(server_dsn: str) -> Iterator[str]:
    """A database without any schema."""
    name = f"test_{token_hex(8)}"
    with psycopg.connect(server_dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield psycopg.conninfo.make_conninfo(server_dsn, dbname=name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


async def follow_log(
    database: Database, signals: Signals, master: MasterKey, after: int
) -> AsyncGenerator[RecordedEvent, None]:
    """Every event behind a position, one by one and without end."""
    async with aclosing(follow_chunks(database, signals, after, master)) as chunks:
        async for chunk in chunks:
            for its in chunk:
                yield its
