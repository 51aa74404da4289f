"""``rebuild`` replaces the tables under a running service, whole or not at all."""

import asyncio
import itertools
import random
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from secrets import token_hex

import orjson
import psycopg
import pytest
from psycopg import sql

from tests.projections.histories import full_history, happen
from tests.support import MASTER, eventually
from vidwiz.commands.notes import AddNote, DeleteNote, EditNote
from vidwiz.commands.users import SignUp
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.open import open_store
from vidwiz.event_store.statements import APPEND
from vidwiz.events import VideoAdded
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import SYSTEM, EventMapper, EventMetadata
from vidwiz.postgres.pool import Database
from vidwiz.projections import queries
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import engine, verification
from vidwiz.replay.comparing import Difference
from vidwiz.replay.engine import CHUNK, MaintenanceUnderWay, SwapFailed

ORIGIN = EventMetadata(SYSTEM)
EVENTS = full_history()

# Tells that it is in the middle of the replay, and stays there until it is killed.
STUCK = """
import sys, threading
from tests.support import MASTER
from vidwiz.replay import engine
def progress(at, of):
    print(at, flush=True)
    threading.Event().wait()
engine.rebuild(sys.argv[1], MASTER, (), progress)
"""
STRUCTURE = """
SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'column', table_name, column_name,
       concat_ws(' ', ordinal_position, data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public'
ORDER BY 1, 2, 3
"""
PRIVILEGES = """
SELECT table_name::text, '' AS its_column, grantee::text, privilege_type::text, is_grantable::text
FROM information_schema.table_privileges WHERE table_schema = 'public' AND grantee <> grantor
UNION ALL
SELECT table_name, column_name, grantee, privilege_type, is_grantable
FROM information_schema.column_privileges WHERE table_schema = 'public' AND grantee <> grantor
ORDER BY 1, 2, 3, 4
"""
TABLES = """
SELECT oid::bigint FROM pg_class
WHERE relname = ANY(%s) AND relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid
"""


def differences(dsn: str) -> list[Difference]:
    return list(verification.verify(dsn, MASTER)[1])


def fetch(dsn: str, query: str, *values: object) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query, values).fetchall()


def identities(dsn: str) -> list[tuple[object, ...]]:
    """Which tables these are, whatever their names."""
    return fetch(dsn, TABLES, [table.name for table in PROJECTED])


def test_a_rebuild_says_what_it_did_and_leaves_no_second_schema(dsn: str) -> None:
    happen(dsn, *EVENTS)
    before = identities(dsn)
    replayed = engine.rebuild(dsn, MASTER)
    assert (replayed.position, replayed.events) == (len(EVENTS), len(EVENTS))
    assert replayed.rows["tasks"] == 30
    assert fetch(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'rebuild'") == []
    assert not set(before) & set(identities(dsn))
    assert differences(dsn) == []


def test_an_empty_log_is_rebuilt_to_empty_tables(dsn: str) -> None:
    replayed = engine.rebuild(dsn, MASTER)
    assert (replayed.position, replayed.events, set(replayed.rows.values())) == (0, 0, {0})


def test_rebuilt_tables_are_what_the_migrations_made_to_the_last_index(dsn: str) -> None:
    happen(dsn, *EVENTS)
    migrated = fetch(dsn, STRUCTURE)
    assert {"tasks_one_open_per_video_idx", "notes_without_words_idx"} <= {
        name for _, _, name, _ in migrated
    }
    for _ in range(2):
        engine.rebuild(dsn, MASTER)
        assert fetch(dsn, STRUCTURE) == migrated


def test_single_tables_are_rebuilt_and_the_others_stay(dsn: str) -> None:
    happen(dsn, *EVENTS)
    fetch(dsn, "UPDATE notes SET text = 'x' WHERE id = 2 RETURNING 1")
    fetch(dsn, "UPDATE users SET name = 'x' WHERE id = 3 RETURNING 1")
    fetch(dsn, "DELETE FROM messages WHERE id = 4 RETURNING 1")
    replayed = engine.rebuild(dsn, MASTER, ["notes", "messages"])
    assert replayed.rows == {"notes": 15, "messages": 15}
    assert replayed.events == len(EVENTS)  # all are read, also to find unknown ones
    assert differences(dsn) == [Difference("users", 3, "different", ("name",))]
    engine.rebuild(dsn, MASTER, ["users"])
    assert differences(dsn) == []


def test_who_was_granted_a_table_or_a_column_has_it_afterwards(dsn: str) -> None:
    happen(dsn, *EVENTS)
    with a_role(dsn) as role:
        for grant in (
            "SELECT, INSERT ON notes TO {}",
            "SELECT ON videos TO {} WITH GRANT OPTION",
            "SELECT (id, name) ON users TO {}",
            "SELECT ON tasks TO PUBLIC",
        ):
            with psycopg.connect(dsn) as connection:
                connection.execute(sql.SQL("GRANT " + grant).format(sql.Identifier(role)))
        before = fetch(dsn, PRIVILEGES)
        assert len({table for table, *_ in before}) == 4
        engine.rebuild(dsn, MASTER)
        assert fetch(dsn, PRIVILEGES) == before


@contextmanager
def a_role(dsn: str) -> Iterator[str]:
    """Somebody else on the server, whose name has to be quoted."""
    role = f'Ann\'s "{token_hex(6)}"'
    name = sql.Identifier(role)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(name))
        try:
            yield role
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


def test_there_is_no_projector_for_a_table_that_events_do_not_make(dsn: str) -> None:
    with pytest.raises(KeyError, match="credentials"):
        engine.rebuild(dsn, MASTER, ["credentials"])


def killed_in_the_middle(dsn: str) -> None:
    command = [sys.executable, "-c", STUCK, dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stuck:
        try:
            assert stuck.stdout is not None
            assert stuck.stdout.readline() == f"{len(EVENTS)}\n"
            with pytest.raises(MaintenanceUnderWay):
                engine.rebuild(dsn, MASTER)
        finally:
            stuck.kill()


async def test_a_rebuild_that_was_killed_touches_nothing_and_the_next_one_works(dsn: str) -> None:
    happen(dsn, *EVENTS)
    before = identities(dsn)
    killed_in_the_middle(dsn)
    assert fetch(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'rebuild'") == [(1,)]
    assert identities(dsn) == before
    assert fetch(dsn, "SELECT count(*) FROM notes") == [(15,)]

    async def postgres_has_noticed() -> bool:
        held = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 3"
        return fetch(dsn, held) == []

    await eventually(postgres_has_noticed)
    assert engine.rebuild(dsn, MASTER).events == len(EVENTS)
    assert differences(dsn) == []


def test_there_is_one_rebuild_or_verification_at_a_time(dsn: str) -> None:
    happen(dsn, *EVENTS)
    begun, go_on = threading.Event(), threading.Event()

    def progress(_at: int, _of: int) -> None:
        begun.set()
        go_on.wait(30)

    running = threading.Thread(target=engine.rebuild, args=(dsn, MASTER, (), progress))
    running.start()
    try:
        assert begun.wait(30)
        with pytest.raises(MaintenanceUnderWay):
            engine.rebuild(dsn, MASTER)
        with pytest.raises(MaintenanceUnderWay):
            verification.verify(dsn, MASTER)
    finally:
        go_on.set()
        running.join()
    assert differences(dsn) == []


@contextmanager
def held(dsn: str, query: str) -> Iterator[None]:
    """A transaction that ran this and is not over."""
    with psycopg.connect(dsn) as connection:
        connection.execute(query)
        yield
        connection.rollback()


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 FROM notes",
        "UPDATE tasks SET version = 9",
        "SELECT pg_advisory_xact_lock(7163391, 1)",
    ],
)
def test_a_swap_gives_up_before_a_long_transaction_and_nothing_changed(
    dsn: str, query: str
) -> None:
    happen(dsn, *EVENTS)
    before = identities(dsn)
    with held(dsn, query):
        with pytest.raises(SwapFailed, match="long transactions hold the tables"):
            engine.rebuild(dsn, MASTER, swap_tries=2)
        assert identities(dsn) == before
        assert fetch(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'rebuild'") == []
        assert fetch(dsn, "SELECT count(*) FROM notes") == [(15,)]
    assert engine.rebuild(dsn, MASTER, swap_tries=1).events == len(EVENTS)
    assert differences(dsn) == []


def test_a_swap_waits_for_a_transaction_that_ends(dsn: str) -> None:
    happen(dsn, *EVENTS)
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT 1 FROM notes")
        waiting = threading.Thread(target=engine.rebuild, args=(dsn, MASTER))
        waiting.start()
        blocked = "SELECT 1 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        while not fetch(dsn, blocked):
            assert waiting.is_alive()
        connection.rollback()
        waiting.join(30)
    assert fetch(dsn, "SELECT 1 FROM pg_namespace WHERE nspname = 'rebuild'") == []
    assert differences(dsn) == []


def test_the_log_is_read_in_chunks_however_long_it_is(dsn: str) -> None:
    count = 2 * CHUNK + CHUNK // 2
    mapper = EventMapper()
    events = [VideoAdded(id=n, video_id=f"v{n}", title=None) for n in range(1, count + 1)]
    with psycopg.connect(dsn) as connection:
        connection.execute(
            APPEND.sql,
            {
                "streams": [stream_id(event.stream) for event in events],
                "versions": [1] * count,
                "topics": ["VideoAdded"] * count,
                "states": [mapper.encode(event) for event in events],
                "metadata": ["{}"] * count,
                "recorded_at": "2026-01-01T00:00:00Z",
            },
        )
    steps: list[tuple[int, int]] = []
    replayed = engine.rebuild(dsn, MASTER, (), lambda at, of: steps.append((at, of)))
    assert steps == [(CHUNK, count), (2 * CHUNK, count), (count, count)]
    assert (replayed.events, replayed.rows["videos"]) == (count, count)
    steps.clear()
    _, found = verification.verify(dsn, MASTER, lambda at, of: steps.append((at, of)))
    assert list(found) == []
    assert steps == [(CHUNK, count), (2 * CHUNK, count), (count, count)]


@dataclass
class Traffic:
    """People who write notes and people who read them, all the time."""

    store: Store
    database: Database
    user_id: int
    acknowledged: dict[str, set[int]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    reads: int = 0
    done: bool = False

    async def write(self) -> None:
        while not self.done:
            video_id = f"video-{next(self.numbers) // 40}"
            note_id = await self.add(video_id)
            self.acknowledged.setdefault(video_id, set()).add(note_id)
            spare = await self.add(video_id)
            await self.store.execute(EditNote(note_id, self.user_id, "words", False), ORIGIN)
            await self.store.execute(DeleteNote(spare, self.user_id), ORIGIN)

    async def add(self, video_id: str) -> int:
        command = AddNote(self.user_id, video_id, "Title", "1:23", None)
        note_id: int = orjson.loads(await self.store.execute(command, ORIGIN))["id"]
        return note_id

    async def read(self) -> None:
        """What was acknowledged before the question must be in the answer."""
        choose = random.Random(0)
        while not self.done:
            await asyncio.sleep(0)
            if not self.acknowledged:
                continue
            video_id = choose.choice(list(self.acknowledged))
            expected = set(self.acknowledged[video_id])
            row = await self.database.one(
                queries.NOTES_OF_VIDEO, user_id=self.user_id, video_id=video_id
            )
            assert row is not None
            seen = orjson.loads(row[0])
            assert expected <= {note["id"] for note in seen}
            assert all(note["video"]["title"] == "Title" for note in seen)
            self.reads += 1


@asynccontextmanager
async def traffic(dsn: str) -> AsyncIterator[Traffic]:
    async with open_store(dsn, 6, MASTER) as (database, _, store):
        user_id = await store.execute(SignUp("ann@example.org", "Ann", "hash"), ORIGIN)
        its = Traffic(store, database, user_id)
        people = [asyncio.create_task(its.write()) for _ in range(4)]
        people += [asyncio.create_task(its.read()) for _ in range(4)]
        try:
            yield its
        finally:
            its.done = True
            await asyncio.gather(*people)


async def test_rebuilds_under_traffic_fail_no_command_and_no_read_and_lose_nothing(
    dsn: str,
) -> None:
    async with traffic(dsn) as its:
        for tables in ((), ("notes",), (), ("notes", "videos"), ()):
            reads, notes = its.reads, len(its.acknowledged)
            replayed = await asyncio.to_thread(engine.rebuild, dsn, MASTER, tables)
            assert replayed.events > 0

            async def both_went_on(reads: int = reads, notes: int = notes) -> bool:
                return its.reads > reads + 20 and len(its.acknowledged) > notes

            await eventually(both_went_on, 30)
    assert differences(dsn) == []
