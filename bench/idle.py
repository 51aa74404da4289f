"""Idle workers, in a process of their own: they wait for tasks, and tell how fast one arrives."""

import asyncio
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from secrets import token_hex
from typing import Any

import orjson
import uvloop

from bench.apart import apart, cpu_seconds
from bench.client import Channel, Client, request
from bench.setup import Sample, Setup, sample_of
from bench.stage import ADMIN_TOKEN, token_of

AT_ONCE = 100
ARRIVES_WITHIN_S = 30
SEGMENTS = [{"text": "a transcript of one line", "offset": 0.0, "duration": 1.0}]
POLL = request("GET", "/api/tasks/transcript?timeout=60", ADMIN_TOKEN)
METRICS = request("GET", "/metrics")
WAITING = b'vidwiz_waiting_workers{task_type="fetch_transcript"}'


class IdleWorkers:
    """The near end: asks the other process to measure."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe
        self._pipe.recv()

    def pick_up(self, setup: Setup) -> Sample:
        """Time from the answer to a POST to a worker's answer, for as long as the setup says."""
        self._pipe.send(setup)
        sample: Sample = self._pipe.recv()
        return sample

    def leave(self) -> None:
        self._pipe.send(None)


@contextmanager
def idle_workers(port: int, count: int) -> Iterator[IdleWorkers]:
    """So many workers, all of them waiting for a transcript task."""
    with apart(_hold, port, count) as pipe:
        workers = IdleWorkers(pipe)
        yield workers
        workers.leave()


def _hold(pipe: "Connection[Any, Any]", port: int, count: int) -> None:
    uvloop.run(_Crowd(port, count).serve(pipe))


class _Crowd:
    def __init__(self, port: int, count: int) -> None:
        self._port = port
        self._count = count
        self._channels: list[Channel] = []
        self._arrivals: dict[str, asyncio.Future[tuple[float, int]]] = {}
        self._errors: list[str] = []

    async def serve(self, pipe: "Connection[Any, Any]") -> None:
        await self._gather()
        pipe.send("they wait")
        while (setup := await asyncio.to_thread(pipe.recv)) is not None:
            pipe.send(await self._pick_up(setup))
        for channel in self._channels:
            channel.close()

    async def _gather(self) -> None:
        for first in range(0, self._count, AT_ONCE):
            at_once = min(AT_ONCE, self._count - first)
            self._channels += await asyncio.gather(*(self._worker() for _ in range(at_once)))
        client = await Client.connect(self._port)
        for _ in range(600):
            _, metrics = await client.ask(METRICS)
            line = next((ln for ln in metrics.splitlines() if ln.startswith(WAITING)), b"0")
            if float(line.split()[-1]) >= self._count:
                break
            await asyncio.sleep(0.1)
        else:
            raise TimeoutError("the workers do not all wait")
        client.close()

    async def _worker(self) -> Channel:
        def answered(status: int, body: bytes) -> None:
            if status == 200:
                self._arrived(orjson.loads(body))
            elif status != 204:
                self._errors.append(f"{status} {body[:200]!r}")
            if status:
                channel.send(POLL)

        channel = await Channel.connect(self._port, answered)
        channel.send(POLL)
        return channel

    def _arrived(self, task: dict[str, Any]) -> None:
        arrival = self._arrivals.pop(task["task_details"]["video_id"], None)
        if arrival is None:
            self._errors.append(f"a task came twice: {task}")
        else:
            arrival.set_result((time.perf_counter(), task["task_id"]))

    async def _pick_up(self, setup: Setup) -> Sample:
        """One video after the other: added, its task received and submitted."""
        client = await Client.connect(self._port)
        measuring_from = time.perf_counter() + setup.warm_up
        until = measuring_from + setup.seconds
        latencies, cpu, prefix = [], cpu_seconds(), token_hex(2)
        for number in itertools.count():
            if time.perf_counter() >= until or self._errors:
                break
            latency = await self._one(client, f"{prefix}{number:07d}")
            if latency is not None and time.perf_counter() >= measuring_from:
                latencies.append(latency)
        client.close()
        share = setup.seconds / (setup.seconds + setup.warm_up)
        return sample_of(
            latencies,
            setup.seconds,
            (cpu_seconds() - cpu) * share,
            len(self._errors),
            next(iter(self._errors), None),
        )

    async def _one(self, client: Client, video_id: str) -> float | None:
        arrival: asyncio.Future[tuple[float, int]] = asyncio.get_running_loop().create_future()
        self._arrivals[video_id] = arrival
        note = {"video_id": video_id, "video_title": "A new video", "timestamp": "1:23"}
        await self._expect(client, 201, request("POST", "/api/notes", token_of(1), note))
        answered = time.perf_counter()
        try:
            arrived, task_id = await asyncio.wait_for(arrival, ARRIVES_WITHIN_S)
        except TimeoutError:
            self._errors.append(f"nobody got the task of {video_id}")
            return None
        result = {
            "task_id": task_id,
            "video_id": video_id,
            "success": True,
            "transcript": SEGMENTS,
        }
        submit = request("POST", "/api/tasks/transcript", ADMIN_TOKEN, result)
        await self._expect(client, 200, submit)
        return max(0.0, arrived - answered)

    async def _expect(self, client: Client, expected: int, asked: bytes) -> None:
        status, body = await client.ask(asked)
        if status != expected:
            self._errors.append(f"{status} {body[:200]!r}")
