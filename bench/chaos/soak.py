"""Mixed traffic for a long while: does the service's memory level?"""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from tempfile import TemporaryDirectory

import httpx

from bench.chaos.clients import Crowd, Writer
from bench.chaos.service import Service, running
from bench.stage import resident

WRITERS = 4
EVERY_S = 5.0


@dataclass(frozen=True)
class Soak:
    """What a soak came to: minutes, writes, MiB at both ends, and the slope of the second half."""

    minutes: float
    writes: int
    first_mib: float
    last_mib: float
    slope_mib_per_minute: float


async def soak(minutes: float) -> Soak:
    """Write, read and search for so many minutes; the service's resident memory every 5 s."""
    with TemporaryDirectory(prefix="vidwiz-chaos-") as folder:
        service = Service(Path(folder) / "data", ("--no-workers",))
        service.data.mkdir()
        async with running(service):
            return await _soak(service, minutes)


async def _soak(service: Service, minutes: float) -> Soak:
    crowd = Crowd(service.base)
    crowd.writers = [Writer(number, crowd.base, crowd.tally) for number in range(WRITERS)]
    samples: list[tuple[float, float]] = []
    async with crowd.client() as client:
        for writer in crowd.writers:
            await writer.sign_up(client)
        tasks = [asyncio.create_task(_mixed(writer, client)) for writer in crowd.writers]
        began = time.monotonic()
        while (passed := time.monotonic() - began) < minutes * 60:
            await asyncio.sleep(EVERY_S)
            samples.append((passed / 60, resident(service.pid)))
        for writer in crowd.writers:
            writer.stopping = True
        await asyncio.gather(*tasks)
    late = samples[len(samples) // 2 :]
    slope, _ = linear_regression([at for at, _ in late], [mib for _, mib in late])
    writes = sum(map(len, crowd.tally.acknowledged.values()))
    return Soak(minutes, writes, samples[0][1], samples[-1][1], slope)


async def _mixed(writer: Writer, client: httpx.AsyncClient) -> None:
    """Notes on ever new videos, each with reads beside it."""
    writing = asyncio.create_task(writer.write(client))
    while not writing.done():
        await client.get("/api/search", params={"query": "t"}, headers=writer.headers)
        await client.get("/api/user/profile", headers=writer.headers)
        await client.get("/api/search/all", params={"q": "note"}, headers=writer.headers)
        await asyncio.sleep(0.1)
    await writing
