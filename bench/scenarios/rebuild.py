"""Replaying a long history: how fast, in how much memory, and what the living notice of it."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

import orjson
import psycopg
import uvloop

from bench import seed
from bench.apart import apart, call_apart
from bench.client import Client, request
from bench.keys import MASTER
from bench.setup import Aim, Result, Setup, percentile
from bench.stage import resident, stage, token_of
from vidwiz.events import NoteAdded
from vidwiz.replay import engine, verification

EVENTS, EVENTS_OF_A_TRIAL = 500_000, 50_000
USERS = 1000
RATE = 40_000
GROWTH = 1.2
WRITERS, READERS = 2, 2
VIDEOS = 1000
_ADDED = "SELECT count(*) FROM stored_events WHERE topic = %s AND notification_id > %s"
PAUSE_S = 0.005
"""Between the requests of a living client, so that the replay is not only waiting for a core."""


@dataclass(frozen=True)
class Replayed:
    """One replay; ``memory`` is MiB after each tenth of it."""

    rate: float
    memory: list[float]
    differences: int = 0


@dataclass
class Living:
    """What clients saw while tables were rebuilt under them."""

    reads: int = 0
    writes: int = 0
    stale: int = 0
    errors: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def measure(setup: Setup) -> Iterator[Result]:
    events = setup.size(EVENTS, EVENTS_OF_A_TRIAL)
    with stage(seed.history(events, USERS)) as on:
        quiet, verified = [], []
        for _ in range(setup.rounds):
            quiet.append(call_apart(rebuild, on.dsn))
            verified.append(call_apart(verify, on.dsn))
        with apart(live, on.port) as pipe:
            pipe.recv()
            busy: Replayed = call_apart(rebuild, on.dsn)
            pipe.send("enough")
            living: Living = pipe.recv()
        after = call_apart(verify, on.dsn)
        lost = living.writes - _written(on.dsn, events)
    yield _replay_result(f"rebuild {events:,} events", quiet)
    yield _replay_result(f"verify {events:,} events", [*verified, after])
    yield _replay_result(f"rebuild {events:,} events under a living service", [busy], aimed=False)
    yield _living_result(living, lost)


def rebuild(dsn: str) -> Replayed:
    memory, progress = _memory()
    result = engine.rebuild(dsn, MASTER, (), progress)
    return Replayed(result.events / result.seconds, memory)


def verify(dsn: str) -> Replayed:
    memory, progress = _memory()
    result, differences = verification.verify(dsn, MASTER, progress)
    return Replayed(result.events / result.seconds, memory, len(list(differences)))


def live(pipe: "Connection[Any, Any]", port: int) -> None:
    """Write, read back and search until told that it is enough; answers with a ``Living``."""
    uvloop.run(_live(pipe, port))


async def _live(pipe: "Connection[Any, Any]", port: int) -> None:
    living, enough = Living(), asyncio.Event()
    clients = [asyncio.create_task(_write(port, n, living, enough)) for n in range(WRITERS)]
    clients += [asyncio.create_task(_read(port, living, enough)) for _ in range(READERS)]
    pipe.send("they live")
    await asyncio.to_thread(pipe.recv)
    enough.set()
    await asyncio.gather(*clients)
    pipe.send(living)


async def _write(port: int, writer: int, living: Living, enough: asyncio.Event) -> None:
    """Each note must be there when its writer looks."""
    client, token = await Client.connect(port), token_of(writer + 1)
    while not enough.is_set():
        video_id = seed.video_id(living.writes % VIDEOS + 1)
        note = {"video_id": video_id, "timestamp": "1:23", "text": "written during a rebuild"}
        body = await _ask(client, 201, request("POST", "/api/notes", token, note), living)
        if body is None:
            return
        living.writes += 1
        notes = await _ask(client, 200, request("GET", f"/api/notes/{video_id}", token), living)
        if notes is None:
            return
        living.reads += 1
        its = orjson.loads(body)["id"]
        living.stale += its not in (one["id"] for one in orjson.loads(notes))
        await asyncio.sleep(PAUSE_S)


async def _read(port: int, living: Living, enough: asyncio.Event) -> None:
    client = await Client.connect(port)
    search = request("GET", "/api/search?query=moon&page=1&per_page=10", token_of(USERS))
    video = request("GET", f"/api/videos/{seed.video_id(1)}", token_of(USERS))
    while not enough.is_set():
        for asked in (search, video):
            if await _ask(client, 200, asked, living) is None:
                return
            living.reads += 1
            await asyncio.sleep(PAUSE_S)


async def _ask(client: Client, expected: int, asked: bytes, living: Living) -> bytes | None:
    began = time.perf_counter()
    status, body = await client.ask(asked)
    living.latencies.append(time.perf_counter() - began)
    if status == expected:
        return body
    living.errors.append(f"{status} {body[:200]!r}")
    return None if status == 0 else b"[]" if expected == 200 else b'{"id":0}'


def _memory() -> tuple[list[float], Callable[[int, int], None]]:
    """Our resident memory after each tenth of the first run to the head."""
    memory: list[float] = []

    def progress(at: int, of: int) -> None:
        while len(memory) < 10 and at * 10 >= of * (len(memory) + 1):
            memory.append(resident(os.getpid()))

    return memory, progress


def _written(dsn: str, after: int) -> int:
    """How many notes were added behind this position."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(_ADDED, (NoteAdded.TOPIC, after)).fetchone()
    return row[0] if row else 0


def _replay_result(name: str, replays: list[Replayed], *, aimed: bool = True) -> Result:
    rate = median(one.rate for one in replays)
    growth = max(one.memory[-1] / one.memory[1] for one in replays)
    differences = sum(one.differences for one in replays)
    memory = replays[0].memory
    flat = Aim(f"memory at 100% <= {GROWTH} x at 20%", growth <= GROWTH)
    fast = Aim(f">= {RATE:,} events/s", rate >= RATE)
    return Result(
        name=name,
        value=rate,
        unit="events/s",
        aims=[fast, flat] if aimed else [flat],
        errors=differences,
        first_error="the tables differ from their replay" if differences else None,
        rounds=[round(one.rate) for one in replays],
        note=f"{memory[0]:.0f} MiB at 10%, {memory[4]:.0f} at 50%, {memory[9]:.0f} at 100%",
        details={"memory_mib": [[round(mib, 1) for mib in one.memory] for one in replays]},
    )


def _living_result(living: Living, lost: int) -> Result:
    living.latencies.sort()
    failures = len(living.errors)
    return Result(
        name="requests failed during rebuild and swap",
        value=failures,
        unit=f"of {living.reads + living.writes + failures:,}",
        p50=percentile(living.latencies, 50),
        p95=percentile(living.latencies, 95),
        p99=percentile(living.latencies, 99),
        errors=failures + living.stale + abs(lost),
        first_error=next(iter(living.errors), "stale or lost" if living.stale or lost else None),
        aims=[
            Aim("0 failures", failures == 0),
            Aim("0 stale reads", living.stale == 0),
            Aim("0 lost", lost == 0),
        ],
        note=f"{living.writes:,} written, {living.stale} stale, {lost} lost,"
        f" longest {living.latencies[-1] * 1000:.0f} ms",
    )
