"""Search among 1,000 videos, on all of which the user has notes."""

from collections.abc import Iterator
from functools import partial

from bench import floors, seed
from bench.client import request
from bench.load import load
from bench.setup import Result, Setup, at_least, interleaved, share_of, summed_up
from bench.stage import stage, token_of
from vidwiz.events import Event
from vidwiz.projections import queries

VIDEOS, PER_PAGE = 1000, 10
CONNECTIONS = 16
RATE = 800


def measure(setup: Setup) -> Iterator[Result]:
    every_page = [_page("", page) for page in range(1, VIDEOS // PER_PAGE + 1)]
    substring = [_page(word.upper(), page) for word in seed.WORDS for page in range(1, 6)]
    with stage(_past()) as on:
        ask = partial(load, setup, on.port)
        samples = interleaved(
            setup.rounds,
            {
                "empty": partial(ask, every_page, 200, CONNECTIONS),
                "substring": partial(ask, substring, 200, CONNECTIONS),
                "floor": partial(floors.pgbench, setup, on.dsn, _script(), CONNECTIONS),
            },
        )
    for query in ("empty", "substring"):
        its, note = samples[query], ""
        if query == "empty":
            note = f"{share_of(samples['floor'], its):.0%} of pgbench"
        name = f"GET /api/search, {query} query, {VIDEOS:,} videos, {CONNECTIONS} connections"
        yield summed_up(name, its, at_least(RATE, its), note=note)
    yield summed_up(
        f"  floor: pgbench, the same query (empty), {CONNECTIONS} clients", samples["floor"]
    )


def _past() -> Iterator[Event]:
    yield from seed.people(1)
    for number in range(1, VIDEOS + 1):
        yield seed.video(number)
        yield seed.described(number)
        yield seed.note(number, 1, number)


def _page(query: str, page: int) -> bytes:
    path = f"/api/search?query={query}&page={page}&per_page={PER_PAGE}"
    return request("GET", path, token_of(1))


def _script() -> str:
    values = {
        "user_id": "1",
        "query": "''",
        "at_most": str(PER_PAGE),
        "skip": f"(:page - 1) * {PER_PAGE}",
    }
    return floors.script([queries.SEARCH.sql], values, page=VIDEOS // PER_PAGE)
