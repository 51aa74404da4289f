"""The service fills the row history in the background, and stops in the middle of it."""

import asyncio

import psycopg
import pytest

from tests.event_store.parts import rows
from tests.projections.histories import append, full_history, happen, numbered, project
from tests.support import MASTER, eventually
from vidwiz.projections.row_history_state import form
from vidwiz.replay import history_keeping
from vidwiz.replay.history_keeping import HistoryKeeping
from vidwiz.replay.row_history import ensure_stored
from vidwiz.replay.verification import verify

HISTORY = full_history()
STATE = "SELECT position, form FROM row_history_state"


async def test_it_is_filled_when_it_is_far_behind(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_keeping, "BEHIND", len(HISTORY))
    monkeypatch.setattr(history_keeping, "LOOK_S", 0.05)
    monkeypatch.setattr("vidwiz.replay.engine.CHUNK", 40)
    happen(dsn, *HISTORY[:-1])
    keeping = HistoryKeeping(dsn, MASTER, store=True)

    async def is_there() -> bool:
        return rows(dsn, "SELECT to_regclass('row_history.notes')::text") != [(None,)]

    async def is_filled() -> bool:
        return rows(dsn, STATE) == [(len(HISTORY), form())]

    keeping.start()
    try:
        await eventually(is_there)
        assert rows(dsn, STATE) == [(0, form())]
        happen_next(dsn)
        await eventually(is_filled)
    finally:
        await keeping.close()
    assert [*verify(dsn, MASTER)[1]] == []


def happen_next(dsn: str) -> None:
    """The last event of the history, which makes it far enough."""
    with psycopg.connect(dsn) as connection:
        project(connection, [numbered(HISTORY)[-1].fact])
        append(connection, [numbered(HISTORY)[-1]])


async def test_it_stops_in_the_middle_and_keeps_what_it_has(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_keeping, "BEHIND", 1)
    monkeypatch.setattr("vidwiz.replay.engine.CHUNK", 10)
    happen(dsn, *HISTORY)
    ensure_stored(dsn, take_over=True)
    keeping = HistoryKeeping(dsn, MASTER, store=True)
    keeping._closing.set()
    await asyncio.to_thread(keeping._look)
    assert rows(dsn, STATE) == [(10, form())]


async def test_it_takes_over_what_another_program_left_and_makes_none_when_none_is_wanted(
    dsn: str,
) -> None:
    happen(dsn, *HISTORY)
    without = HistoryKeeping(dsn, MASTER, store=False)
    without.start()
    await without.close()
    assert rows(dsn, STATE) == []
    ensure_stored(dsn, take_over=True)
    rows(dsn, "UPDATE row_history_state SET form = 'older' RETURNING id")
    keeping = HistoryKeeping(dsn, MASTER, store=True)

    async def is_ours() -> bool:
        return rows(dsn, STATE) == [(0, form())]

    await asyncio.to_thread(keeping._look)  # it is another's: nothing is done
    assert rows(dsn, STATE) == [(0, b"older")]
    keeping.start()
    await eventually(is_ours)
    await keeping.close()
