"""The load: so many connections, each asking again as soon as it is answered."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_hex

import uvloop

from bench.apart import call_apart, cpu_seconds
from bench.client import Channel
from bench.setup import Sample, Setup, sample_of

MARK = b"@new_video@"
"""Stands in a request for a video id that was never used before; as long as one."""


@dataclass(frozen=True)
class Plan:
    """What to send where; the answers must all have the status ``expected``."""

    port: int
    requests: Sequence[bytes]
    expected: int
    connections: int
    warm_up: float
    seconds: float


def load(
    setup: Setup, port: int, requests: Sequence[bytes], expected: int, connections: int
) -> Sample:
    """Load a server from a process of its own."""
    plan = Plan(port, requests, expected, connections, setup.warm_up, setup.seconds)
    sample: Sample = call_apart(run, plan)
    return sample


def run(plan: Plan) -> Sample:
    return uvloop.run(_Load(plan).run())


class _Load:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._requests = itertools.cycle(plan.requests)
        self._fresh = MARK in plan.requests[0]
        self._prefix = token_hex(2).encode()
        self._numbers = itertools.count()
        self._latencies: list[float] = []
        self._measuring = False
        self._errors = 0
        self._first_error: str | None = None

    async def run(self) -> Sample:
        channels = [await self._connected() for _ in range(self._plan.connections)]
        await asyncio.sleep(self._plan.warm_up)
        began, cpu = time.perf_counter(), cpu_seconds()
        self._measuring = True
        await asyncio.sleep(self._plan.seconds)
        self._measuring = False
        took, used = time.perf_counter() - began, cpu_seconds() - cpu
        for channel in channels:
            channel.close()
        return sample_of(self._latencies, took, used, self._errors, self._first_error)

    async def _connected(self) -> Channel:
        sent = 0.0

        def answered(status: int, body: bytes) -> None:
            nonlocal sent
            now = time.perf_counter()
            if status != self._plan.expected:
                self._refused(status, body)
            elif self._measuring:
                self._latencies.append(now - sent)
            sent = now
            if status:
                channel.send(self._next())

        channel = await Channel.connect(self._plan.port, answered)
        sent = time.perf_counter()
        channel.send(self._next())
        return channel

    def _next(self) -> bytes:
        request = next(self._requests)
        if not self._fresh:
            return request
        return request.replace(MARK, self._prefix + b"%07d" % next(self._numbers))

    def _refused(self, status: int, body: bytes) -> None:
        self._errors += 1
        self._first_error = self._first_error or f"{status} {body[:200].decode(errors='replace')}"
