"""A moment of the past, read from the row history, and a verification that begins late."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from statistics import median

import psycopg

from bench import seed
from bench.keys import MASTER
from bench.setup import Aim, Result, Setup
from bench.stage import stage
from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.projections.row_history_tables import SCHEMA
from vidwiz.replay.row_history import StoredHistory, ensure_stored
from vidwiz.replay.time_travel import State, TimeMachine
from vidwiz.replay.verification import verify, verify_from
from vidwiz.replay.verified_snapshots import Signer

EVENTS, EVENTS_OF_A_TRIAL = 300_000, 20_000
USERS = 1000
MOMENTS = 40
WITHIN_S = 2.0
GAP = 4000
SHARE = 0.5

Look = Callable[[State], object]


def measure(setup: Setup) -> Iterator[Result]:
    events = setup.size(EVENTS, EVENTS_OF_A_TRIAL)
    settings = {"VIDWIZ_ROW_HISTORY": "off"}  # it is filled here, where that is measured
    with stage(seed.history(events, USERS), settings) as on:
        yield from measured(on.dsn, events)


def measured(dsn: str, events: int) -> Iterator[Result]:
    """The results of a database with so many events, and no row history yet."""
    yield _filling(dsn, events)
    for name, look in LOOKS.items():
        yield _looking(dsn, events, name, look)
    yield _behind(dsn, events)
    yield _verifying(dsn, events)


def _filling(dsn: str, events: int) -> Result:
    up_to = events - GAP
    ensure_stored(dsn, take_over=True)
    began = time.perf_counter()
    with closing(StoredHistory(dsn, MASTER, "bench")) as history:
        history.fill(up_to, lambda _at, _of: None)
    seconds = time.perf_counter() - began
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("ANALYZE")
        size, log_size = (_size(connection, name) for name in (SCHEMA, "public"))
    sizes = f"{size / 1e6:,.0f} MB beside {log_size / 1e6:,.0f} MB of log and tables"
    return Result(
        name=f"filling the row history of {events:,} events",
        value=up_to / seconds,
        unit="events/s",
        note=f"{seconds:.1f} s, {sizes}",
    )


LOOKS: dict[str, Look] = {
    "how many rows each table had": lambda state: state.counts(),
    "a row": lambda state: state.row("notes", state.position // 2 + 1),
    "the first page of a table": lambda state: state.rows("notes", {}, 0, 100),
    "the last page of a table": lambda state: state.rows(
        "notes", {}, state.counts()["notes"] * 10 // 9 - 50, 100
    ),
    "notes of a user": lambda state: state.rows("notes", {"user_id": 7}, 0, 100),
    "notes of a video": lambda state: state.rows("notes", {"video_id": seed.video_id(9)}, 0, 100),
}


def _looking(dsn: str, events: int, name: str, look: Look) -> Result:
    """Each moment by a traveller of its own, as a command would."""
    moments = random.Random(11).sample(range(1, events - GAP), MOMENTS)
    seconds = sorted(_seconds(dsn, moment, look) for moment in moments)
    return Result(
        name=f"{name}, at {MOMENTS} moments of {events:,} events",
        value=seconds[-1] * 1000,
        unit="ms at most",
        aims=[Aim(f"<= {WITHIN_S:.0f} s", seconds[-1] <= WITHIN_S)],
        note=f"median {median(seconds) * 1000:.0f} ms",
    )


def _behind(dsn: str, events: int) -> Result:
    """A moment that the service has not filled yet: the request replays the gap."""
    seconds = _seconds(dsn, events, lambda state: state.counts())
    return Result(
        name=f"a moment {GAP:,} events behind what is filled",
        value=seconds * 1000,
        unit="ms",
        aims=[Aim(f"<= {WITHIN_S:.0f} s", seconds <= WITHIN_S)],
    )


def _seconds(dsn: str, position: int, look: Look) -> float:
    began = time.perf_counter()
    with closing(TimeMachine(dsn, MASTER)) as machine, machine.at(position) as state:
        look(state)
    return time.perf_counter() - began


def _verifying(dsn: str, events: int) -> Result:
    key = SigningKey(bytes(32))
    signer = Signer(key.public_key, key.sign)
    whole, differences = verify(dsn, MASTER, signer=signer)
    _, later, others = verify_from(dsn, MASTER, None, signer, genuine)
    wrong = [*differences, *others]
    ratio = later.seconds / whole.seconds
    return Result(
        name=f"verify {events:,} events from the newest snapshot, to from the beginning",
        value=ratio,
        unit="x",
        errors=len(wrong),
        first_error=str(wrong[0]) if wrong else None,
        aims=[Aim(f"<= {SHARE} x", ratio <= SHARE)],
        note=f"{later.seconds:.1f} s, {whole.seconds:.1f} s from the beginning",
    )


def _size(connection: psycopg.Connection[tuple[int]], schema: str) -> int:
    row = connection.execute(
        "SELECT sum(pg_total_relation_size(oid))::bigint FROM pg_class"
        " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)",
        (schema,),
    ).fetchone()
    return 0 if row is None else row[0]
