"""``verify`` names every row that is not what the history says, and no other."""

import asyncio
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import BigInteger, Boolean, DateTime, Integer, Table, Text

from tests.projections.histories import full_history, happen
from tests.support import MASTER
from vidwiz.commands.notes import AddNote, EditNote
from vidwiz.commands.users import SignUp
from vidwiz.event_store.open import open_store
from vidwiz.events.chain import GENESIS, ChainBroken
from vidwiz.events.recorded import SYSTEM, EventMetadata, UnknownEvent
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import engine, verification
from vidwiz.replay.comparing import Difference

EVENTS = full_history()
each_table = pytest.mark.parametrize("table", PROJECTED, ids=lambda table: table.name)


@pytest.fixture
def tampered(dsn: str) -> Iterator[tuple[str, psycopg.Connection[tuple[Any, ...]]]]:
    happen(dsn, *EVENTS)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield dsn, connection


def differences(dsn: str) -> list[Difference]:
    return list(verification.verify(dsn, MASTER)[1])


def other_value(table: Table, column: str) -> sql.Composable:
    """An expression that is never the column's value."""
    if column == "status":
        return sql.SQL("'cancelled'" if table.name == "tasks" else "'stopped'")
    forms = {
        Text: "coalesce({}, '') || 'x'",
        Boolean: "NOT {}",
        BigInteger: "coalesce({}, 0) + 1",
        Integer: "coalesce({}, 0) + 1",
        DateTime: "coalesce({}, now()) + interval '1 microsecond'",
    }
    form = forms.get(type(table.c[column].type), """'{{"tampered": true}}'""")
    return sql.SQL(form).format(sql.Identifier(column))


@each_table
def test_every_changed_column_is_named(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]], table: Table
) -> None:
    dsn, connection = tampered
    columns = [
        column.name
        for column in table.columns
        if column.name != "id" and column.computed is None  # PostgreSQL keeps those
    ]
    for row, column in enumerate(columns, start=1):
        connection.execute(
            sql.SQL("UPDATE {} SET {} = {} WHERE id = %s").format(
                sql.Identifier(table.name), sql.Identifier(column), other_value(table, column)
            ),
            (row,),
        )
    assert differences(dsn) == [
        Difference(table.name, row, "different", (column,))
        for row, column in enumerate(columns, start=1)
    ]


@each_table
def test_a_missing_row_is_named(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]], table: Table
) -> None:
    dsn, connection = tampered
    connection.execute(sql.SQL("DELETE FROM {} WHERE id = 3").format(sql.Identifier(table.name)))
    assert differences(dsn) == [Difference(table.name, 3, "missing")]


def written(table: Table) -> tuple[sql.Composed, sql.Composed]:
    """The columns that are not kept by PostgreSQL, plain and of ``its``."""
    names = [column.name for column in table.columns if column.computed is None]
    return (
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Identifier("its", name) for name in names),
    )


@each_table
def test_a_row_too_many_is_named(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]], table: Table
) -> None:
    dsn, connection = tampered
    unlike = {
        "id": 999,
        "email": "x",
        "google_id": None,
        "video_id": "x",
        "task_details": {"video_id": "x"},
    }
    connection.execute(
        sql.SQL(
            "INSERT INTO {0} ({1}) SELECT {2} FROM {0},"
            " jsonb_populate_record(NULL::{0}, to_jsonb({0}) || %s) AS its WHERE {0}.id = 3"
        ).format(sql.Identifier(table.name), *written(table)),
        (Jsonb(unlike),),
    )
    assert differences(dsn) == [Difference(table.name, 999, "unexpected")]


def test_several_differences_are_told_in_order_and_a_rebuild_heals_them(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]],
) -> None:
    dsn, connection = tampered
    connection.execute("UPDATE notes SET text = 'x', timestamp = '9:99' WHERE id = 2")
    connection.execute("DELETE FROM notes WHERE id = 5")
    connection.execute("DELETE FROM users WHERE id = 7")
    assert differences(dsn) == [
        Difference("users", 7, "missing"),
        Difference("notes", 2, "different", ("timestamp", "text")),
        Difference("notes", 5, "missing"),
    ]
    engine.rebuild(dsn, MASTER)
    assert differences(dsn) == []


def test_null_and_nothing_are_not_the_same(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]],
) -> None:
    dsn, connection = tampered
    connection.execute("UPDATE notes SET text = '' WHERE id = 2")
    connection.execute("UPDATE messages SET metadata = 'null' WHERE id = 2")
    assert differences(dsn) == [
        Difference("notes", 2, "different", ("text",)),
        Difference("messages", 2, "different", ("metadata",)),
    ]


def test_verify_says_what_it_replayed_and_leaves_nothing_behind(dsn: str) -> None:
    happen(dsn, *EVENTS)
    replayed, found = verification.verify(dsn, MASTER)
    assert list(found) == []
    assert (replayed.position, replayed.events) == (len(EVENTS), len(EVENTS))
    assert replayed.rows == {
        "users": 15,
        "videos": 15,
        "openings": 15,
        "personal_transcripts": 15,
        "notes": 15,
        "tasks": 30,
        "conversations": 15,
        "messages": 15,
        "turns": 15,
        "witnessed_checkpoints": 16,
    }
    with psycopg.connect(dsn) as connection:
        left = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relname = 'notes' AND relkind = 'r'"
        )
        assert left.fetchone() == (1,)


def test_an_empty_history_equals_empty_tables(dsn: str) -> None:
    replayed, found = verification.verify(dsn, MASTER)
    assert list(found) == []
    assert (replayed.position, replayed.events, set(replayed.rows.values())) == (0, 0, {0})


async def test_verify_raises_no_false_alarm_while_commands_go_on(dsn: str) -> None:
    origin = EventMetadata(SYSTEM)
    async with open_store(dsn, 4, MASTER) as (_, _, store):
        user_id = await store.execute(SignUp("ann@example.org", "Ann", "hash"), origin)
        done = asyncio.Event()
        written = 0

        async def write(writer: int) -> None:
            nonlocal written
            while not done.is_set():
                add = AddNote(user_id, f"video-{writer}-{written // 50}", "T", "1:23", None)
                await store.execute(add, origin)
                written += 1
                await store.execute(EditNote(1, user_id, f"{written}", False), origin)

        first = AddNote(user_id, "video", "T", "1:23", None)
        await store.execute(first, origin)
        writers = [asyncio.create_task(write(n)) for n in range(4)]
        try:
            seen = []
            for _ in range(6):
                replayed, found = await asyncio.to_thread(verification.verify, dsn, MASTER)
                assert list(found) == []
                seen.append(replayed.position)
        finally:
            done.set()
            await asyncio.gather(*writers)
    assert seen[0] < seen[-1]


FORGED = {
    "a changed state": (
        "UPDATE stored_events SET state = convert_to('{}', 'UTF8') WHERE notification_id = 5",
        5,
        "does not have the hash of what it says",
    ),
    "a changed state with a fitting hash": (
        "UPDATE stored_events SET topic = 'NoteAdded', hash = sha256('x')"
        " WHERE notification_id = 5",
        5,
        "does not have the hash of what it says",
    ),
    "a deleted event": (
        "DELETE FROM stored_events WHERE notification_id = 7",
        7,
        "is missing",
    ),
    "a deleted beginning": (
        "DELETE FROM stored_events WHERE notification_id < 3",
        1,
        "is missing",
    ),
    "a changed link": (
        "UPDATE stored_events SET previous_hash = sha256('x') WHERE notification_id = 9",
        9,
        "does not follow",
    ),
    "a changed time": (
        "UPDATE stored_events SET recorded_at = recorded_at + interval '1 microsecond'"
        " WHERE notification_id = 4",
        4,
        "does not have the hash",
    ),
    "a changed actor": (
        'UPDATE stored_events SET metadata = \'{"actor":"user:666"}\' WHERE notification_id = 2',
        2,
        "does not have the hash",
    ),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_a_changed_log_is_named_with_its_first_wrong_position(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]], forgery: str
) -> None:
    dsn, connection = tampered
    statement, position, what = FORGED[forgery]
    connection.execute("ALTER TABLE stored_events DISABLE TRIGGER ALL")
    connection.execute(statement)
    with pytest.raises(ChainBroken, match=what) as broken:
        verification.verify(dsn, MASTER)
    assert broken.value.position == position


def test_an_event_of_an_unknown_type_is_not_skipped(
    tampered: tuple[str, psycopg.Connection[tuple[Any, ...]]],
) -> None:
    dsn, connection = tampered
    connection.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state)"
        " VALUES (gen_random_uuid(), 1, 'NoteAddedV9', '{}')"
    )
    for replaying in (verification.verify, engine.rebuild):
        with pytest.raises(UnknownEvent, match="NoteAddedV9"):
            replaying(dsn, MASTER)


def test_the_head_is_the_last_events_hash(dsn: str) -> None:
    assert verification.verify(dsn, MASTER)[0].head == GENESIS.hex()
    happen(dsn, *EVENTS)
    with psycopg.connect(dsn) as connection:
        query = "SELECT encode(hash, 'hex') FROM stored_events ORDER BY notification_id DESC"
        row = connection.execute(query).fetchone()
    assert (verification.verify(dsn, MASTER)[0].head,) == row
