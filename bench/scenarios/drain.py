"""Sixteen workers that claim transcript tasks and submit what they fetched, as fast as they can."""

import asyncio
import time
from collections.abc import Iterator

import orjson
import uvloop

from bench import seed
from bench.apart import call_apart, cpu_seconds
from bench.client import Client, request
from bench.setup import Aim, Result, Sample, Setup, at_least, sample_of, summed_up
from bench.stage import ADMIN_TOKEN, stage
from vidwiz.events import Event, TaskType

WORKERS = 16
RATE = 200
MOST_PER_SECOND = 800
"""More tasks than can be drained, so that none of the workers ever waits."""
SEGMENTS = [
    {
        "text": "a line of what was said, about as long as lines are",
        "offset": n * 3.5,
        "duration": 3,
    }
    for n in range(300)
]
CLAIM = request("GET", "/api/tasks/transcript?timeout=30", ADMIN_TOKEN)


def measure(setup: Setup) -> Iterator[Result]:
    tasks = MOST_PER_SECOND * (setup.seconds + setup.warm_up) * setup.rounds
    seen: set[int] = set()
    samples, twice = [], 0
    with stage(_past(tasks)) as on:
        for _ in range(setup.rounds):
            sample, claimed = call_apart(drain, on.port, setup)
            samples.append(sample)
            twice += len(claimed) - len(set(claimed) - seen)
            seen.update(claimed)
    name = f"claim and submit 300 segments, {WORKERS} workers"
    aims = (at_least(RATE, samples), Aim("none twice", twice == 0))
    yield summed_up(name, samples, *aims, note=f"{len(seen):,} tasks, {twice} twice")


def _past(tasks: int) -> Iterator[Event]:
    for number in range(1, tasks + 1):
        yield seed.video(number)
        yield seed.queued(number, number, TaskType.TRANSCRIPT)


def drain(port: int, setup: Setup) -> tuple[Sample, list[int]]:
    """Drain for a while; also the ids of all tasks that the workers were given."""
    return uvloop.run(_Workers(setup).run(port))


class _Workers:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._claimed: list[int] = []
        self._errors: list[str] = []
        self._latencies: list[float] = []
        self._measuring_from = time.perf_counter() + setup.warm_up
        self._until = self._measuring_from + setup.seconds

    async def run(self, port: int) -> tuple[Sample, list[int]]:
        cpu = cpu_seconds()
        await asyncio.gather(*(self._work(port) for _ in range(WORKERS)))
        share = self._setup.seconds / (self._setup.seconds + self._setup.warm_up)
        used = (cpu_seconds() - cpu) * share
        error = next(iter(self._errors), None)
        sample = sample_of(self._latencies, self._setup.seconds, used, len(self._errors), error)
        return sample, self._claimed

    async def _work(self, port: int) -> None:
        client = await Client.connect(port)
        while (began := time.perf_counter()) < self._until and not self._errors:
            await self._one(client)
            if self._measuring_from <= (ended := time.perf_counter()) < self._until:
                self._latencies.append(ended - began)
        client.close()

    async def _one(self, client: Client) -> None:
        task = orjson.loads(await self._expect(client, CLAIM) or b"{}")
        if not task:
            return
        self._claimed.append(task["task_id"])
        result = {
            "task_id": task["task_id"],
            "video_id": task["task_details"]["video_id"],
            "success": True,
            "transcript": SEGMENTS,
        }
        await self._expect(client, request("POST", "/api/tasks/transcript", ADMIN_TOKEN, result))

    async def _expect(self, client: Client, asked: bytes) -> bytes:
        status, body = await client.ask(asked)
        if status == 200:
            return body
        self._errors.append(f"{status} {body[:200]!r}")
        return b""
