"""Snapshots change nothing of what is shown, are verified, and hold nobody who was erased."""

import asyncio
from collections.abc import Iterator

import psycopg
import pytest

from tests.projections.histories import Connection, append, full_history, numbered, project
from tests.projections.test_time_travel import Copy, live, shown
from tests.store.parts import ORIGIN, note, running, value
from tests.support import MASTER
from vidwiz.commands.users import EraseUser, SignUp
from vidwiz.projections import snapshots
from vidwiz.projections.comparing import Difference
from vidwiz.projections.replay import verify
from vidwiz.projections.snapshot_index import known
from vidwiz.projections.snapshots import MOST_SNAPSHOTS, SnapshotGone, drop_struck_out, fill, make
from vidwiz.projections.time_travel import TimeMachine

HISTORY = full_history()
EVERY = 40
SCHEMAS = "SELECT count(*) FROM pg_namespace WHERE starts_with(nspname, 'snapshot_')"


def positions(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return known(connection)


@pytest.fixture
def copies(dsn: str) -> list[Copy]:
    """The history, with a snapshot after every 40 events; the tables as of each position."""
    copies = live(dsn, HISTORY[:EVERY])
    made = [make(dsn, MASTER, EVERY)]
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        for its in numbered(HISTORY)[EVERY:]:
            project(connection, [its.fact])
            append(connection, [its])
    made.append(make(dsn, MASTER, EVERY))
    assert made == [EVERY, len(HISTORY) // EVERY * EVERY]
    assert make(dsn, MASTER, EVERY) is None
    return copies


@pytest.fixture
def machine(dsn: str, copies: list[Copy]) -> Iterator[TimeMachine]:
    its = TimeMachine(dsn, MASTER)
    yield its
    its.close()


def test_a_past_goes_on_from_the_nearest_snapshot_and_shows_the_same(
    dsn: str, machine: TimeMachine, copies: list[Copy]
) -> None:
    last = positions(dsn)[-1]
    for position in (last + 3, EVERY, last, EVERY - 1, EVERY + 1):
        with machine.at(position) as state:
            with_snapshots = shown(state)
            if position < len(copies):
                assert with_snapshots == copies[position]
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("CREATE TABLE hidden AS TABLE projection_snapshots")
            connection.execute("DELETE FROM projection_snapshots")
            plain = TimeMachine(dsn, MASTER)
            with plain.at(position) as state:
                assert with_snapshots == shown(state)
            plain.close()
            connection.execute("INSERT INTO projection_snapshots SELECT * FROM hidden")
            connection.execute("DROP TABLE hidden")


def test_only_what_lies_behind_the_snapshot_is_replayed(dsn: str, machine: TimeMachine) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DELETE FROM snapshot_{EVERY}.users WHERE id = 1")
    with machine.at(EVERY) as state:
        assert state.row("users", 1) is None


def test_verify_compares_each_snapshot_with_its_replay(dsn: str, copies: list[Copy]) -> None:
    assert list(verify(dsn, MASTER)[1]) == []
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"UPDATE snapshot_{EVERY}.users SET name = 'Forged' WHERE id = 1")
    found = [Difference(f"snapshot_{EVERY}.users", 1, "different", ("name",))]
    assert list(verify(dsn, MASTER)[1]) == found
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA snapshot_{EVERY} CASCADE")
    assert list(verify(dsn, MASTER)[1]) == []  # one that is gone is missed by nobody
    with pytest.raises(SnapshotGone), psycopg.connect(dsn) as connection:
        fill(connection, EVERY)


async def test_an_erasure_strikes_every_snapshot_out_in_its_own_transaction(dsn: str) -> None:
    async with running(dsn) as parts:
        signup = SignUp("canary@example.org", "canary7f3a", "x")
        user_id = int(await parts.store.execute(signup, ORIGIN))
        await parts.store.execute(note(user_id, "video-1", text="canary7f3a"), ORIGIN)
        assert make(dsn, MASTER, 2) is not None
        (position,) = positions(dsn)
        text = f"SELECT count(*) FROM snapshot_{position}.users WHERE name = 'canary7f3a'"
        assert value(dsn, text) == 1
        await parts.store.execute(EraseUser(user_id), ORIGIN)
    assert positions(dsn) == []
    drop_struck_out(dsn)
    assert value(dsn, SCHEMAS) == 0
    assert make(dsn, MASTER, 2) is not None
    assert positions(dsn) != []
    assert list(verify(dsn, MASTER)[1]) == []


async def test_a_snapshot_that_was_being_made_during_an_erasure_is_not_kept(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        await parts.store.execute(note(user_id, "video-1"), ORIGIN)
        real, loop = snapshots._register, asyncio.get_running_loop()

        def erased_meanwhile(writer: Connection, position: int, began_at: int) -> bool:
            erasing = parts.store.execute(EraseUser(user_id), ORIGIN)
            asyncio.run_coroutine_threadsafe(erasing, loop).result()
            return real(writer, position, began_at)

        monkeypatch.setattr(snapshots, "_register", erased_meanwhile)
        assert await asyncio.to_thread(make, dsn, MASTER, 2) is None
    assert positions(dsn) == []
    assert value(dsn, SCHEMAS) == 0


def test_few_snapshots_are_kept_the_newest_always(
    dsn: str, copies: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "MOST_SNAPSHOTS", 2)
    for every in (15, 10, 7):
        make(dsn, MASTER, every)
    there = positions(dsn)
    assert len(there) == 2
    assert there[-1] == max(len(HISTORY) // every * every for every in (EVERY, 15, 10, 7))
    assert value(dsn, SCHEMAS) == 2
    assert MOST_SNAPSHOTS == 8


def test_a_snapshot_of_other_tables_is_not_taken(
    dsn: str, machine: TimeMachine, copies: list[Copy]
) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE projection_snapshots SET form = 'older'")
        connection.execute(f"DELETE FROM snapshot_{EVERY}.users")
    with machine.at(EVERY) as state:
        assert shown(state) == copies[EVERY]
    assert make(dsn, MASTER, EVERY) == len(HISTORY) // EVERY * EVERY
    assert value(dsn, SCHEMAS) == 1


def test_nothing_is_made_while_another_process_does(dsn: str, copies: list[Copy]) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(7163391, 5)")
        assert make(dsn, MASTER, 10) is None
    assert make(dsn, MASTER, 10) is not None
