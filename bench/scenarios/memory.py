"""What the server holds in memory: idle, and with idle workers."""

from collections.abc import Iterator

from bench import seed
from bench.client import request
from bench.idle import idle_workers
from bench.load import load
from bench.setup import Result, Setup
from bench.stage import stage, token_of


def measure(setup: Setup) -> Iterator[Result]:
    crowd = setup.size(2000, 200)
    with stage(seed.people(1)) as on:
        load(setup, on.port, [request("GET", "/api/user/profile", token_of(1))], 200, 16)
        idle = on.resident()
        with idle_workers(on.port, crowd):
            crowded = on.resident()
    yield Result("resident memory of the server, idle", idle, "MiB", note="after a little load")
    each = (crowded - idle) / crowd * 1000
    yield Result(
        "resident memory per 1,000 idle workers", each, "MiB", note=f"measured with {crowd:,}"
    )
