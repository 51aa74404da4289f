"""How fast a task reaches one of many waiting workers, and what they cost everybody else."""

from collections import defaultdict
from collections.abc import Iterator

from bench import seed
from bench.client import request
from bench.idle import idle_workers
from bench.load import load
from bench.setup import Aim, Result, Sample, Setup, summed_up
from bench.stage import Stage, stage, token_of
from vidwiz.events import Event

CROWDS = (1, 500, 2000)
NOTES = 20
CONNECTIONS = 16
PICK_UP_P95_MS = 50
GET_P95_RATIO = 1.5


def measure(setup: Setup) -> Iterator[Result]:
    picked: dict[int, list[Sample]] = defaultdict(list)
    read: dict[int, list[Sample]] = defaultdict(list)
    with stage(_past()) as on:
        for _ in range(setup.rounds):
            read[0].append(_get(setup, on))
            for count in CROWDS:
                with idle_workers(on.port, count) as workers:
                    picked[count].append(workers.pick_up(setup))
                    read[count].append(_get(setup, on))
    for count in CROWDS:
        yield _pick_up_result(count, picked[count])
    alone = summed_up(_name(0), read[0])
    yield alone
    for count in CROWDS:
        yield _get_result(count, read[count], alone.p95 or 0)


def _past() -> Iterator[Event]:
    yield from seed.people(1)
    yield seed.video(1)
    yield seed.described(1)
    for note_id in range(1, NOTES + 1):
        yield seed.note(note_id, 1, 1)


def _get(setup: Setup, on: Stage) -> Sample:
    requests = [request("GET", f"/api/notes/{seed.video_id(1)}", token_of(1))]
    return load(setup, on.port, requests, 200, CONNECTIONS)


def _pick_up_result(count: int, samples: list[Sample]) -> Result:
    name = f"task pick-up, {count:,} idle workers"
    p95 = summed_up(name, samples).p95
    aim = Aim(f"p95 <= {PICK_UP_P95_MS} ms", p95 is not None and p95 <= PICK_UP_P95_MS)
    return summed_up(name, samples, aim, unit="tasks/s one by one")


def _get_result(count: int, samples: list[Sample], alone_ms: float) -> Result:
    p95 = summed_up(_name(count), samples).p95
    ratio = (p95 or 0) / (alone_ms or 1)
    aim = Aim(f"p95 <= {GET_P95_RATIO} x without", ratio <= GET_P95_RATIO)
    return summed_up(_name(count), samples, aim, note=f"p95 {ratio:.2f} x")


def _name(count: int) -> str:
    return f"GET 20 notes, {CONNECTIONS} connections, beside {count:,} idle workers"
