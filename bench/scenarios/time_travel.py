"""A moment of the past: how much sooner it is there with snapshots than without."""

import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

import psycopg

from bench import seed
from bench.keys import MASTER
from bench.setup import Aim, Result, Setup
from bench.stage import stage
from vidwiz.projections.snapshots import make
from vidwiz.projections.time_travel import TimeMachine

EVENTS, EVENTS_OF_A_TRIAL = 300_000, 40_000
USERS = 1000
RATIO = 3.0


def measure(setup: Setup) -> Iterator[Result]:
    events = setup.size(EVENTS, EVENTS_OF_A_TRIAL)
    with stage(seed.history(events, USERS)) as on:
        position = events - events // 50
        without = [_seconds(on.dsn, position) for _ in range(setup.rounds)]
        make(on.dsn, MASTER, events // 10)
        with_snapshots = [_seconds(on.dsn, position) for _ in range(setup.rounds)]
        with psycopg.connect(on.dsn) as connection:
            (row,) = connection.execute("SELECT max(position) FROM projection_snapshots").fetchall()
    ratio = median(without) / median(with_snapshots)
    yield Result(
        name=f"a past of {events:,} events: without snapshots to with them",
        value=ratio,
        unit="x",
        aims=[Aim(f">= {RATIO} x as fast", ratio >= RATIO)],
        rounds=[round(one, 2) for one in with_snapshots],
        note=f"{median(without):.2f} s without, {median(with_snapshots):.2f} s from {row[0]:,}",
    )


def _seconds(dsn: str, position: int) -> float:
    began = time.perf_counter()
    with closing(TimeMachine(dsn, MASTER)) as machine, machine.at(position) as state:
        state.counts()
    return time.perf_counter() - began
