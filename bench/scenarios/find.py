"""One search over titles, notes and all that is said in 200 videos, while others have theirs."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import psycopg

from bench import seed
from bench.client import Client, request
from bench.load import load
from bench.setup import Aim, Result, Sample, Setup, interleaved, summed_up
from bench.stage import ADMIN_TOKEN, Stage, stage, token_of
from vidwiz.events import Event

VIDEOS, VIDEOS_OF_A_TRIAL = 200, 10
"""Of those who search, and as many of somebody else."""
SEGMENTS = 700
INDEXED_WITHIN_S = 300
QUERIES = ("apollo", "mo", '"apollo orbit"', "fuel window 17", "cra")
"""What is in every passage, beginnings of words, a phrase, and words of which one is rare."""
TYPING, CROWD = 1, 8
P95_MS = 100
"""What a page that searches while somebody types feels immediate with."""


def measure(setup: Setup) -> Iterator[Result]:
    videos = setup.size(VIDEOS, VIDEOS_OF_A_TRIAL)
    asked = [
        request("GET", f"/api/search/all?q={quote(query)}", token_of(user_id))
        for query in QUERIES
        for user_id in range(1, CROWD + 1)
    ]
    with stage(_past(videos)) as on:
        asyncio.run(_bring_transcripts(on, videos * 2))
        samples = interleaved(
            setup.rounds,
            {
                f"{count}": partial(load, setup, on.port, asked, 200, count)
                for count in (TYPING, CROWD)
            },
        )
    yield _result(videos, TYPING, samples[f"{TYPING}"], aimed=True)
    yield _result(videos, CROWD, samples[f"{CROWD}"], aimed=False)


def _past(videos: int) -> Iterator[Event]:
    yield from seed.people(CROWD + 1)
    note_ids = itertools.count(1)
    for number in range(1, videos * 2 + 1):
        yield seed.video(number)
        yield seed.described(number)
        for user_id in range(1, CROWD + 1) if number <= videos else (CROWD + 1,):
            yield seed.note(next(note_ids), user_id, number)


async def _bring_transcripts(on: Stage, count: int) -> None:
    client = await Client.connect(on.port)
    for number in range(1, count + 1):
        lines = [
            {"tStartMs": n * 3000, "dDurationMs": 3000, "segs": [{"utf8": seed.words(9)}]}
            for n in range(SEGMENTS)
        ]
        path = f"/api/videos/{seed.video_id(number)}/transcript"
        status, body = await client.ask(request("POST", path, ADMIN_TOKEN, {"events": lines}))
        if status != 200:
            raise SystemExit(f"a transcript was not taken: {status} {body[:500]!r}")
    client.close()
    await _indexed(on, count)


async def _indexed(on: Stage, count: int) -> None:
    """Wait until all of them can be searched."""
    until = time.monotonic() + INDEXED_WITHIN_S
    with psycopg.connect(on.dsn, autocommit=True) as connection:
        while time.monotonic() < until:
            row = connection.execute("SELECT count(DISTINCT video_id) FROM passages").fetchone()
            if row == (count,):
                connection.execute("VACUUM ANALYZE passages")
                return
            await asyncio.sleep(0.5)
    raise SystemExit("the transcripts were not indexed in time")


def _result(videos: int, connections: int, samples: list[Sample], *, aimed: bool) -> Result:
    name = (
        f"GET /api/search/all, {videos} transcripts of {SEGMENTS} segments,"
        f" {connections} connection{'s' * (connections > 1)}"
    )
    p95 = summed_up(name, samples).p95
    aims = [Aim(f"p95 <= {P95_MS} ms", p95 is not None and p95 <= P95_MS)] if aimed else []
    return summed_up(name, samples, *aims)
