"""The log: append-only, dense, chained, and exactly the schema that the tables describe."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import errors

from tests.event_store.parts import (
    ORIGIN,
    assert_dense_and_chained,
    empty_database,
    held_log,
    note,
    opened,
    rows,
    running,
    value,
    whole_log,
)
from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.commands.users import SignUp
from vidwiz.commands.videos import WriteSummary
from vidwiz.event_store import statements
from vidwiz.event_store.command_bus import Store
from vidwiz.events import NoteAdded
from vidwiz.events.base import stream_id
from vidwiz.events.chain import GENESIS, chained_hash
from vidwiz.events.recorded import Actor, EventMetadata
from vidwiz.postgres.migrate import head_revision, migrate, schema_engine
from vidwiz.projections.tables import metadata

ODD_TEXTS = [
    None,
    "",
    " \t\r\n ",
    "null",
    'it\'s "quoted" \\ back\\\\slashed \\u0041 %s %(x)s {} $1 $$',
    "Grüße 世界 🎬👩‍👩‍👧 \u202eright to left\u202c \u2028 \ufeff \x01\x7f",
    "x" * 100_000 + "🎬" * 10_000,
]


def append(connection: "psycopg.Connection[Any]", *versions: int, **changes: Any) -> list[int]:
    """Append events of a new stream; their positions."""
    stream = uuid4()
    drafts = {
        "streams": [stream for _ in versions],
        "versions": list(versions),
        "topics": ["Tested" for _ in versions],
        "states": [b"{}" for _ in versions],
        "metadata": ["{}" for _ in versions],
        "recorded_at": datetime.now(UTC),
    }
    cursor = connection.execute(statements.APPEND.sql, {**drafts, **changes})
    return [position for (position,) in cursor.fetchall()]


@pytest.mark.parametrize(
    ("verb", "statement"),
    [
        ("UPDATE", "UPDATE stored_events SET topic = 'Other' WHERE notification_id = 1"),
        ("UPDATE", "UPDATE stored_events SET state = state WHERE false"),
        ("DELETE", "DELETE FROM stored_events WHERE notification_id = 2"),
        ("DELETE", "DELETE FROM stored_events"),
        ("TRUNCATE", "TRUNCATE stored_events"),
        (
            "UPDATE",
            "INSERT INTO stored_events SELECT * FROM stored_events LIMIT 1 ON CONFLICT"
            " (originator_id, originator_version) DO UPDATE SET topic = 'Other'",
        ),
        (
            "DELETE",
            "MERGE INTO stored_events USING (SELECT 1) AS it ON true WHEN MATCHED THEN DELETE",
        ),
    ],
)
def test_not_even_the_owner_changes_the_past(dsn: str, verb: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert append(connection, 1, 2, 3) == [1, 2, 3]
        before = whole_log(dsn)
        owner = "SELECT tableowner = current_user FROM pg_tables WHERE tablename = 'stored_events'"
        assert value(dsn, owner) is True
        with pytest.raises(errors.InsufficientPrivilege) as refusal:
            connection.execute(statement)
    assert refusal.value.diag.message_primary == f"the event log is append-only: {verb} refused"
    assert whole_log(dsn) == before


def test_positions_are_dense_and_start_at_1(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        assert append(connection, 1, 2, 3) == [1, 2, 3]
        with connection.transaction(force_rollback=True):
            assert append(connection, 1, 2) == [4, 5]
        with pytest.raises(errors.UniqueViolation):
            append(connection, 1, 2, 2)
        assert append(connection, 1) == [4]
    assert_dense_and_chained(whole_log(dsn))


def test_an_empty_log_has_the_head_0(dsn: str) -> None:
    assert value(dsn, statements.HEAD.sql) == 0


def test_the_first_event_follows_32_zero_bytes(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        append(connection, 1)
    assert value(dsn, "SELECT previous_hash FROM stored_events") == bytes(32)


async def test_everybody_can_recompute_the_chain_of_odd_texts(dsn: str) -> None:
    origin = EventMetadata(Actor('user:"1"\\ 🎬'), "request-ü", None)
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        video_id = await parts.add_video(user_id)
        for text in ODD_TEXTS:
            await parts.store.execute(note(user_id, video_id, text=text), origin)
        for summary in [text for text in ODD_TEXTS if text is not None]:
            await parts.store.execute(WriteSummary(video_id, summary), origin)
        await parts.run(*(note(user_id, video_id, text=f"{n}\\") for n in range(60)))
    log = whole_log(dsn)
    assert len(log) == 5 + len(ODD_TEXTS) + len(ODD_TEXTS) - 1 + 60
    assert_dense_and_chained(log)
    written = [its.text for its in opened(dsn) if isinstance(its, NoteAdded)]
    assert written[1 : 1 + len(ODD_TEXTS)] == ODD_TEXTS


@pytest.mark.parametrize(
    "recorded_at",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2025, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2024, 2, 29, 12, 0, 0, 1, tzinfo=UTC),
        datetime.fromisoformat("2026-03-29T02:30:00.5+05:30"),
    ],
)
def test_the_chain_writes_times_in_utc_to_the_microsecond(dsn: str, recorded_at: datetime) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET timezone TO 'Asia/Kolkata'")
        append(connection, 1, recorded_at=recorded_at)
    (row,) = whole_log(dsn)
    assert row[4] == recorded_at
    assert_dense_and_chained([row])


def test_the_chain_keeps_the_metadata_to_the_letter(dsn: str) -> None:
    odd = '{"b" : 1,\n "a": "\\u00fc ü", "b":2}'
    with psycopg.connect(dsn, autocommit=True) as connection:
        append(connection, 1, metadata=[odd])
    (row,) = whole_log(dsn)
    assert row[5] == odd
    assert_dense_and_chained([row])


def test_a_changed_byte_anywhere_breaks_the_chain() -> None:
    fields: dict[str, Any] = {
        "position": 1,
        "stream": uuid4(),
        "version": 1,
        "topic": "Tested",
        "recorded_at": datetime(2026, 1, 2, tzinfo=UTC),
        "metadata": "{}",
        "state": b"{}",
    }
    changes: dict[str, Any] = {
        "position": 2,
        "stream": uuid4(),
        "version": 2,
        "topic": "Testee",
        "recorded_at": datetime(2026, 1, 2, microsecond=1, tzinfo=UTC),
        "metadata": "{ }",
        "state": b"{ }",
    }
    hashes = [chained_hash(GENESIS, **fields)]
    hashes += [
        chained_hash(GENESIS, **{**fields, name: changed}) for name, changed in changes.items()
    ]
    hashes.append(chained_hash(bytes(31) + b"\1", **fields))
    assert len(set(hashes)) == 1 + len(changes) + 1


@pytest.mark.parametrize("position", [0, 1, 3, -1, 2**40])
def test_a_position_that_does_not_follow_is_refused(dsn: str, position: int) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        append(connection, 1)
        with pytest.raises(errors.IntegrityConstraintViolation) as refusal:
            insert_at(connection, position)
        assert refusal.value.diag.message_primary == f"position {position} does not follow 1"
        insert_at(connection, 2)
    assert_dense_and_chained(whole_log(dsn))


def insert_at(connection: "psycopg.Connection[Any]", position: int) -> None:
    """What a restored dump does: the position and the hashes are given."""
    connection.execute(
        "INSERT INTO stored_events (originator_id, originator_version, topic, state,"
        " notification_id, previous_hash, hash)"
        " VALUES (gen_random_uuid(), 1, 'Tested', '{}', %s, 'forged', 'forged')",
        (position,),
    )


def test_given_hashes_are_ignored(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        insert_at(connection, 1)
    assert_dense_and_chained(whole_log(dsn))


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_appender_with_an_old_snapshot_cannot_make_a_hole(dsn: str, level: str) -> None:
    with psycopg.connect(dsn) as old, psycopg.connect(dsn, autocommit=True) as other:
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert old.execute("SELECT count(*) FROM stored_events").fetchall() == [(0,)]
        assert append(other, 1, 2) == [1, 2]
        with pytest.raises((errors.UniqueViolation, errors.SerializationFailure)):
            append(old, 1)
        old.rollback()
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        assert append(old, 1) == [3]
    assert len(whole_log(dsn)) == 3
    assert_dense_and_chained(whole_log(dsn))


def test_an_appender_waits_for_the_one_before_it(dsn: str) -> None:
    with psycopg.connect(dsn) as first, psycopg.connect(dsn) as second:
        assert append(first, 1) == [1]
        second.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            append(second, 1)
        second.rollback()
        first.commit()
        assert append(second, 1) == [2]
        second.commit()
    assert_dense_and_chained(whole_log(dsn))


async def test_auditors_see_the_log_as_json_but_for_what_is_personal(dsn: str) -> None:
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        video_id = await parts.add_video(user_id)
        origin = EventMetadata(Actor.user(user_id), "request-1", "command-1")
        added = json.loads(await parts.store.execute(note(user_id, video_id, text='"🎬"'), origin))
    view = rows(
        dsn,
        "SELECT position, stream_id, version, topic, data, pg_typeof(data)::text, actor,"
        " correlation_id, causation_id, previous_hash, hash FROM event_log WHERE position = 6",
    )
    log = whole_log(dsn)
    assert view == [
        (
            6,
            stream_id(f"note:{added['id']}"),
            1,
            "NoteAdded",
            {
                "note_id": added["id"],
                "user_id": user_id,
                "video_id": video_id,
                "timestamp": "1:23",
                "text": json.loads(log[5][6])["text"],
            },
            "jsonb",
            f"user:{user_id}",
            "request-1",
            "command-1",
            log[4][8].hex(),
            log[5][8].hex(),
        )
    ]
    assert {*json.loads(log[5][6])["text"]} == {"sealed"}


async def test_every_event_says_who_and_why(dsn: str) -> None:
    origins = [
        EventMetadata(Actor("guest:1"), "request-1", None),
        EventMetadata(Actor("worker:w"), None, "position:1"),
        EventMetadata(Actor("admin")),
    ]
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        await asyncio.gather(
            *(
                parts.store.execute(note(user_id, f"video-{n}"), origin)
                for n, origin in enumerate(origins)
            )
        )
    found = rows(
        dsn,
        "SELECT actor, correlation_id, causation_id, count(*) FROM event_log"
        " WHERE position > 1 GROUP BY 1, 2, 3 ORDER BY 1",
    )
    assert found == [  # a note on an unknown video is four events
        ("admin", None, None, 4),
        ("guest:1", "request-1", None, 4),
        ("worker:w", None, "position:1", 4),
    ]
    assert rows(dsn, "SELECT DISTINCT actor FROM event_log WHERE position = 1") == [(ORIGIN.actor,)]


def test_a_new_event_becomes_visible_after_every_event_before_it(dsn: str) -> None:
    with psycopg.connect(dsn) as first, held_log(dsn) as holder:
        first.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            append(first, 1)
        first.rollback()
        assert append(holder, 1) == [1]
    assert [row[0] for row in whole_log(dsn)] == [1]


def test_the_migrations_make_exactly_the_tables(dsn: str) -> None:
    with schema_engine(dsn).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


CATALOG = {
    "columns": """
        SELECT table_name, column_name, data_type, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN
            (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
        ORDER BY table_name, column_name""",
    "order of the columns": """
        SELECT table_name, column_name, ordinal_position
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN
            (SELECT tablename FROM pg_tables WHERE schemaname = 'public')
        ORDER BY table_name, ordinal_position""",
    "indexes": """
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        ORDER BY indexname""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, contype::text, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2""",
    "sequences": """
        SELECT sequencename, data_type::text, start_value, min_value, max_value, increment_by,
               cycle, cache_size
        FROM pg_sequences WHERE schemaname = 'public' ORDER BY 1""",
}


FUNCTIONS = """
    SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    AND proname IN ('event_field', 'event_person', 'search_text', 'search_vector') ORDER BY oid"""
"""Which indexes and generated columns call; the migrations alone make them."""


def test_the_catalog_is_the_same_however_the_tables_were_made(dsn: str, server_dsn: str) -> None:
    with empty_database(server_dsn) as other:
        for (function,) in rows(dsn, FUNCTIONS):
            rows(other, function.replace("%", "%%"))
        with schema_engine(other).begin() as connection:
            metadata.create_all(connection)
        for what, query in CATALOG.items():
            migrated = [row for row in rows(dsn, query) if not str(row[0]).startswith("alembic_")]
            assert migrated == rows(other, query), what
            assert migrated, what


MIGRATE = "import sys; from vidwiz.postgres.migrate import migrate; print(migrate(sys.argv[1]))"


def test_six_processes_migrate_an_empty_database_at_once(server_dsn: str) -> None:
    with empty_database(server_dsn) as empty:
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", MIGRATE, empty],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(6)
        ]
        outputs = [(*process.communicate(timeout=120), process.returncode) for process in processes]
        assert [(out.strip(), code) for out, _, code in outputs] == [(head_revision(), 0)] * 6, (
            outputs
        )
        assert value(empty, "SELECT version_num FROM alembic_version") == head_revision()
        with psycopg.connect(empty, autocommit=True) as connection:
            assert append(connection, 1) == [1]
        assert migrate(empty) == head_revision()


@pytest.mark.parametrize(
    ("sets", "refused"),
    [
        ("recorded_at = now() - interval '2 minutes'", errors.DatabaseError),
        ("recorded_at = now() + interval '2 minutes'", errors.DatabaseError),
        ("recorded_at = 'infinity'", errors.DatabaseError),
        ("recorded_at = '-infinity'", errors.DatabaseError),
        ("originator_version = 3", errors.IntegrityConstraintViolation),
        ("originator_version = 0", errors.IntegrityConstraintViolation),
        ("originator_version = -1", errors.IntegrityConstraintViolation),
        ("originator_id = gen_random_uuid(), originator_version = 2", errors.IntegrityError),
    ],
)
async def test_no_program_leaves_a_gap_in_versions_or_goes_back_in_time(
    dsn: str, sets: str, refused: type[Exception]
) -> None:
    async with running(dsn) as parts:
        await parts.sign_up()
    forged = """
        CREATE TEMP TABLE forged AS SELECT * FROM stored_events;
        UPDATE forged SET notification_id = NULL, originator_version = 2, recorded_at = now();
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(forged.encode())
        connection.execute(f"UPDATE forged SET {sets}".encode())
        with pytest.raises(refused):
            connection.execute("INSERT INTO stored_events SELECT * FROM forged")
        connection.execute(
            "UPDATE forged SET originator_id = (SELECT originator_id FROM stored_events),"
            " originator_version = 2, recorded_at = now()"
        )
        connection.execute("INSERT INTO stored_events SELECT * FROM forged")


@pytest.mark.parametrize("wrong_by", [timedelta(hours=-1), timedelta(hours=1)])
async def test_a_store_whose_clock_is_wrong_goes_by_the_databases(
    dsn: str, wrong_by: timedelta
) -> None:
    async with running(dsn) as parts:
        await parts.sign_up()
        wrong = Store(
            parts.database,
            parts.signals,
            MASTER,
            DECISIONS,
            now=lambda: datetime.now(UTC) + wrong_by,
        )
        await wrong.start()
        try:
            await wrong.execute(SignUp("late@example.org", "Late Example", "a hash"), ORIGIN)
        finally:
            await wrong.close()
    first, second = rows(dsn, "SELECT recorded_at FROM stored_events ORDER BY notification_id")
    assert timedelta() <= second[0] - first[0] < timedelta(minutes=30)
