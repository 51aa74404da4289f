"""Adding a note to a known video, and reading twenty, beside their floors."""

import random
from collections.abc import Iterator
from functools import partial

from bench import floors, seed
from bench.client import request
from bench.load import load
from bench.setup import Aim, Result, Sample, Setup, at_least, interleaved, share_of, summed_up
from bench.stage import Stage, stage, token_of
from vidwiz.commands.notes import AddNote
from vidwiz.events import Event
from vidwiz.projections import queries

USERS, VIDEOS, NOTES_EACH = 64, 200, 20
DESCRIBED, PLAIN = VIDEOS + 1, VIDEOS + 2
CONNECTIONS = (1, 16, 64)
GET_CONNECTIONS = (16, 64)
POST_RATES = {16: 1000, 64: 1500}
GET_RATE = 1400
SHARE_OF_PGBENCH = 0.45
POST_P99_MS = 50
TEXT = "About the length of what people write when they pause a video to note a thing."


def measure(setup: Setup) -> Iterator[Result]:
    with stage(_past()) as on:
        measurements = {}
        for count in CONNECTIONS:
            measurements[f"POST x{count}"] = partial(_post, setup, on, count)
            measurements[f"pgbench AddNote x{count}"] = partial(_post_floor, setup, on, count)
            measurements[f"constant x{count}"] = partial(floors.constant, setup, on, count)
        for count in GET_CONNECTIONS:
            measurements[f"GET described x{count}"] = partial(_get, setup, on, DESCRIBED, count)
            measurements[f"pgbench GET x{count}"] = partial(_get_floor, setup, on, count)
        measurements["GET plain x16"] = partial(_get, setup, on, PLAIN, 16)
        samples = interleaved(setup.rounds, measurements)
    for count in CONNECTIONS:
        yield from _post_results(samples, count)
    for count in GET_CONNECTIONS:
        yield from _get_results(samples, count)
    plain = samples["GET plain x16"]
    name = "GET /api/notes/{video_id}, 20 notes, no metadata, 16 connections"
    yield summed_up(name, plain, at_least(GET_RATE, plain))


def _past() -> Iterator[Event]:
    yield from seed.people(USERS)
    for number in range(1, PLAIN + 1):
        yield seed.video(number)
        if number != PLAIN:
            yield seed.described(number)
    note_id = 0
    for number in (DESCRIBED, PLAIN):
        for user_id in range(1, USERS + 1):
            for _ in range(NOTES_EACH):
                note_id += 1
                yield seed.note(note_id, user_id, number)


def _post(setup: Setup, on: Stage, connections: int) -> Sample:
    chosen = random.Random(1)
    requests = [
        request(
            "POST",
            "/api/notes",
            token_of(chosen.randint(1, USERS)),
            {
                "video_id": seed.video_id(chosen.randint(1, VIDEOS)),
                "video_title": "The title of the video",
                "timestamp": "12:34",
                "text": TEXT,
            },
        )
        for _ in range(1000)
    ]
    return load(setup, on.port, requests, 201, connections)


def _post_floor(setup: Setup, on: Stage, clients: int) -> Sample:
    command = AddNote(1, seed.video_id(1), None, "12:34", TEXT)
    statements = floors.statements_of(on.dsn, command)
    script = floors.add_note_script(statements, USERS, VIDEOS, TEXT)
    return floors.pgbench(setup, on.dsn, script, clients)


def _get(setup: Setup, on: Stage, number: int, connections: int) -> Sample:
    path = f"/api/notes/{seed.video_id(number)}"
    requests = [request("GET", path, token_of(user_id)) for user_id in range(1, USERS + 1)]
    return load(setup, on.port, requests, 200, connections)


def _get_floor(setup: Setup, on: Stage, clients: int) -> Sample:
    values = {"user_id": ":user_id", "video_id": f"'{seed.video_id(DESCRIBED)}'"}
    script = floors.script([queries.NOTES_OF_VIDEO.sql], values, user_id=USERS)
    return floors.pgbench(setup, on.dsn, script, clients)


def _post_results(samples: dict[str, list[Sample]], count: int) -> Iterator[Result]:
    post, floor, constant = (
        samples[f"{what} x{count}"] for what in ("POST", "pgbench AddNote", "constant")
    )
    share = share_of(floor, post)
    aims = [Aim(f">= {SHARE_OF_PGBENCH:.0%} of pgbench", share >= SHARE_OF_PGBENCH)]
    if count in POST_RATES:
        aims.append(at_least(POST_RATES[count], post))
    note = f"{share:.0%} of pgbench, {share_of(constant, post):.0%} of the constant"
    result = summed_up(f"POST /api/notes, {_connections(count)}", post, *aims, note=note)
    if count == 16:
        aim = Aim(f"p99 <= {POST_P99_MS} ms", (result.p99 or 0) <= POST_P99_MS)
        result = summed_up(result.name, post, *aims, aim, note=note)
    yield result
    yield summed_up(f"  floor: pgbench, the SQL of one AddNote, {count} clients", floor)
    yield summed_up(f"  floor: a constant answer, {_connections(count)}", constant)


def _get_results(samples: dict[str, list[Sample]], count: int) -> Iterator[Result]:
    get, floor = samples[f"GET described x{count}"], samples[f"pgbench GET x{count}"]
    constant = samples[f"constant x{count}"]
    note = f"{share_of(floor, get):.0%} of pgbench, {share_of(constant, get):.0%} of the constant"
    name = f"GET /api/notes/{{video_id}}, 20 notes, metadata, {_connections(count)}"
    aims = [at_least(GET_RATE, get)] if count == 16 else []
    yield summed_up(name, get, *aims, note=note)
    yield summed_up(f"  floor: pgbench, the same query, {count} clients", floor)


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"
