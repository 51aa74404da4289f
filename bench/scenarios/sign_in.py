"""Signing in with today's password hash, beside the older hash in the same run."""

from collections.abc import Iterator
from functools import partial
from statistics import median

import psycopg
from argon2 import PasswordHasher

from bench import seed
from bench.client import request
from bench.load import load
from bench.setup import Aim, Result, Sample, Setup, interleaved, share_of, summed_up
from bench.stage import Stage, stage
from vidwiz.http.access.passwords import hasher

USERS = 16
CONNECTIONS = 16
TIMES_OLDER = 3
RIGHT, WRONG = "correct horse", "wrong horse"
OLDER = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=4)
"""The hash of older accounts: argon2-cffi's own defaults."""


def measure(setup: Setup) -> Iterator[Result]:
    """A right password renews an older hash, so older ones are measured with wrong passwords."""
    with stage(seed.people(2 * USERS)) as on:
        _give_passwords(on)
        today, older = range(1, USERS + 1), range(USERS + 1, 2 * USERS + 1)
        samples = interleaved(
            setup.rounds,
            {
                "right": partial(_sign_in, setup, on, today, RIGHT, 200),
                "wrong": partial(_sign_in, setup, on, today, WRONG, 401),
                "older": partial(_sign_in, setup, on, older, WRONG, 401),
            },
        )
    older_rate = median(sample.rate for sample in samples["older"])
    right_rate = median(sample.rate for sample in samples["right"])
    times = share_of(samples["older"], samples["right"])
    aim = Aim(f">= {TIMES_OLDER} x the older hash", right_rate >= TIMES_OLDER * older_rate)
    name = f"POST /api/user/login, {CONNECTIONS} connections"
    yield summed_up(name, samples["right"], aim, note=f"{times:.1f} x the older hash")
    yield summed_up("  a wrong password", samples["wrong"])
    yield summed_up("  floor: a wrong password, older hash (64 MiB, 3, 4)", samples["older"])


def _give_passwords(on: Stage) -> None:
    """Everybody has the same one, the second half with the older hash."""
    hashes = [hasher().hash(RIGHT)] * USERS + [OLDER.hash(RIGHT)] * USERS
    with psycopg.connect(on.dsn, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO credentials (user_id, password_hash) VALUES (%s, %s)",
            list(enumerate(hashes, 1)),
        )


def _sign_in(setup: Setup, on: Stage, people: range, password: str, status: int) -> Sample:
    requests = [
        request("POST", "/api/user/login", "", {"email": f"{n}@example.org", "password": password})
        for n in people
    ]
    return load(setup, on.port, requests, status, CONNECTIONS)
