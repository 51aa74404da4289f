"""The tables as of a position are exactly what they were then, in whatever order one travels."""

import random
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table

from tests.conftest import fresh_database
from tests.projections.histories import (
    Connection,
    append,
    append_state,
    full_history,
    histories,
    numbered,
    project,
)
from tests.support import MASTER, eventually
from vidwiz.events import Event, GuestErased, UserErased, UserSignedUp
from vidwiz.events.recorded import EventMapper, UnknownEvent
from vidwiz.projections.row_history_tables import HISTORIES
from vidwiz.replay import time_travel
from vidwiz.replay.row_history import drop_stored
from vidwiz.replay.time_travel import (
    TABLES,
    ReplayTooLong,
    State,
    TimeMachine,
    narrowing,
)

Copy = dict[str, list[str]]
HISTORY = full_history()


def copy_of(connection: Connection) -> Copy:
    """Every row of every live table."""
    return {
        name: [
            row
            for (row,) in connection.execute(
                f"SELECT row_to_json(its)::text FROM (SELECT {_columns(table)} FROM public.{name})"
                " AS its ORDER BY id"
            )
        ]
        for name, table in TABLES.items()
    }


def _columns(table: Table) -> str:
    """Those that events make; of what PostgreSQL computes from them no past is shown."""
    return ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)


def live(dsn: str, events: list[Event]) -> list[Copy]:
    """Let the events happen; a copy of the tables for every position, from 0 on.

    What is in the clear of those who are erased in the end reads ``[erased]`` at every position.
    """
    persons = {its.person for its in events if isinstance(its, UserErased | GuestErased)}
    erased = EventMapper(erased={person for person in persons if person is not None})
    with psycopg.connect(dsn, options="-c timezone=UTC") as connection:
        copies = [copy_of(connection)]
        for its in numbered(events):
            project(connection, [its.fact_by(erased)])
            append(connection, [its])
            copies.append(copy_of(connection))
    return copies


def shown(state: State) -> Copy:
    return {name: [*state.all_rows(name, {})] for name in TABLES}


@pytest.fixture(scope="module")
def copies(module_dsn: str) -> list[Copy]:
    return live(module_dsn, HISTORY)


@pytest.fixture(params=[True, False], ids=["stored", "temporary"])
def machine(
    request: pytest.FixtureRequest, module_dsn: str, copies: list[Copy]
) -> Iterator[TimeMachine]:
    drop_stored(module_dsn)
    its = TimeMachine(module_dsn, MASTER, store=request.param)
    yield its
    its.close()


def test_every_position_shows_what_the_tables_were(
    machine: TimeMachine, copies: list[Copy]
) -> None:
    for position, copy in enumerate(copies):
        with machine.at(position) as state:
            assert shown(state) == copy
            assert state.counts() == {name: len(rows) for name, rows in copy.items()}


def test_one_travels_to_and_fro(machine: TimeMachine, copies: list[Copy]) -> None:
    positions = [*range(0, len(copies), 7)]
    random.Random(7).shuffle(positions)
    for position in positions:
        with machine.at(position) as state:
            assert shown(state) == copies[position]
            counts = {name: len(rows) for name, rows in copies[position].items()}
            assert state.counts() == counts


@settings(
    deadline=None,
    max_examples=5,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    events=histories(),
    picks=st.lists(st.integers(0, 1000), min_size=1, max_size=6),
    store=st.booleans(),
)
def test_any_history_is_shown_as_it_was(
    server_dsn: str, events: list[Event], picks: list[int], store: bool
) -> None:
    with fresh_database(server_dsn) as dsn:
        copies = live(dsn, events)
        machine = TimeMachine(dsn, MASTER, store=store)
        try:
            for pick in picks:
                position = pick % len(copies)
                with machine.at(position) as state:
                    assert shown(state) == copies[position]
        finally:
            machine.close()


def test_only_what_the_history_has_not_reached_is_replayed(machine: TimeMachine) -> None:
    told: list[tuple[int, int]] = []
    for position in (40, 30, 35, 60):
        with machine.at(position, lambda at, of: told.append((at, of))):
            assert machine.position == max(40, position)
    assert told == [(40, 40), (60, 60)]


async def test_a_history_that_is_not_stored_is_given_up_with_its_tables(
    copies: list[Copy], module_dsn: str
) -> None:
    machine = TimeMachine(module_dsn, MASTER, store=False)
    with psycopg.connect(module_dsn, autocommit=True) as connection:

        async def is_gone() -> bool:
            return _temporary(connection) == 0

        with machine.at(9):
            assert _temporary(connection) == len(HISTORIES) + 1
        machine.forget_unused(3600)
        assert machine.position is not None
        machine.forget_unused(0)
        await eventually(is_gone)


def _temporary(connection: Connection) -> int:
    row = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
    ).fetchone()
    return int(row[0]) if row else 0


def test_a_replay_that_takes_too_long_is_gone_on_with(
    machine: TimeMachine, copies: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.replay.engine.CHUNK", 10)
    reached = []
    for _ in range(len(HISTORY) // 10):
        with pytest.raises(ReplayTooLong) as too_long, machine.at(len(HISTORY), within_s=-1):
            pass
        reached.append(too_long.value.position)
        assert machine.position == reached[-1]
    assert reached == [*range(10, len(HISTORY), 10)]
    with machine.at(len(HISTORY), within_s=-1) as state:
        assert shown(state) == copies[-1]


def test_rows_come_in_pages_and_in_part(
    machine: TimeMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with machine.at(len(HISTORY)) as state:
        first = state.rows("users", {}, 0, 4)
        assert len(first.rows) == 4
        assert first.next == 4
        rest = state.rows("users", {}, 4, 100)
        assert [*first.rows, *rest.rows] == [*state.all_rows("users", {})]
        assert rest.next is None
        assert state.row("users", 4) == first.rows[3]
        assert state.row("users", 4000) is None
        assert len(state.rows("notes", {"user_id": 3}, 0, 100).rows) == 1
        assert state.rows("notes", {"user_id": 3, "video_id": "video-1"}, 0, 100).rows == []
        monkeypatch.setattr(time_travel, "PAGE_BYTES", 1)
        assert len(state.rows("users", {}, 0, 4).rows) == 1
        assert [*state.all_rows("users", {})] == [*first.rows, *rest.rows]


def test_lists_can_be_asked_for_by_what_tables_have() -> None:
    assert {name: narrowing(name) for name in TABLES} == {
        "users": [],
        "videos": ["video_id"],
        "openings": ["user_id", "video_id"],
        "personal_transcripts": ["user_id", "video_id"],
        "notes": ["user_id", "video_id"],
        "tasks": [],
        "conversations": ["user_id", "video_id"],
        "messages": ["user_id", "conversation_id"],
        "turns": ["user_id", "conversation_id"],
        "witnessed_checkpoints": [],
    }


def test_what_this_program_cannot_read_stops_the_traveller_there(dsn: str) -> None:
    (user,) = numbered([UserSignedUp(user_id=1, email="a@b.org", name="A")])
    with psycopg.connect(dsn) as connection:
        append(connection, [user])
        append_state(connection, "user:1", 2, "UserCloned", b"{}", user.at)
    machine = TimeMachine(dsn, MASTER)
    with machine.at(1) as state:
        assert state.counts()["users"] == 1
    with pytest.raises(UnknownEvent, match="UserCloned"), machine.at(2):
        pass
    assert machine.position is None
    machine.close()


def test_a_connection_that_broke_is_replaced(machine: TimeMachine, module_dsn: str) -> None:
    with machine.at(5):
        pass
    with psycopg.connect(module_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'vidwiz state%' AND datname = current_database()"
        )
    with pytest.raises(psycopg.OperationalError), machine.at(6):
        pass
    with machine.at(6) as state:
        assert state.counts()["users"] == 1
