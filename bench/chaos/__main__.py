"""``python -m bench.chaos``: run the trials, print a line each, write CHAOS.md."""

import asyncio
import os
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.chaos import balancer, causes, report
from bench.chaos.clients import Asker, Uploader
from bench.chaos.outside import outside
from bench.chaos.proxy import Weather
from bench.chaos.service import Service, embedded_dsn, running
from bench.chaos.soak import Soak, soak
from bench.chaos.tally import Outcome, Tally, skipped
from bench.chaos.trial import trial
from vidwiz.postgres.embedded import start_embedded_postgres

DISK_MIB = 768
Trials = AsyncIterator[Outcome]
RESULTS = Path(__file__).parent.parent / "CHAOS.md"


def main() -> int:
    """Run; 1 when anything was lost, doubled, or answered as it should not be."""
    asked = _arguments()
    outcomes, soaked = asyncio.run(_run(asked))
    if asked.markdown:
        asked.markdown.write_text(report.as_markdown(outcomes, soaked))
    return 0 if all(one.good for one in outcomes) else 1


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*GROUPS, "soak"], default=[*GROUPS])
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES", help="memory, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there")
    return parser.parse_args()


async def _run(asked: Namespace) -> tuple[list[Outcome], Soak | None]:
    outcomes = []
    for group in asked.only:
        if group in GROUPS:
            async for outcome in GROUPS[group]():
                print(report.line(outcome), flush=True)
                outcomes.append(outcome)
    soaked = await soak(asked.soak) if asked.soak else None
    if soaked is not None:
        print(report.soaked(soaked), flush=True)
    return outcomes, soaked


@asynccontextmanager
async def _embedded(
    *options: str, folder: Path | None = None
) -> AsyncIterator[tuple[Service, str]]:
    """A service on its own PostgreSQL."""
    async with AsyncExitStack() as ending:
        place = folder or Path(ending.enter_context(TemporaryDirectory(prefix="vidwiz-chaos-")))
        service = Service(place / "data", options)
        service.data.mkdir(mode=0o700)
        await ending.enter_async_context(running(service))
        yield service, await asyncio.to_thread(embedded_dsn, service.data)


async def _single() -> Trials:
    for name, cause in (
        ("serve is killed three times", causes.kill_serve),
        ("the built-in workers are killed three times", causes.kill_workers),
        ("PostgreSQL's postmaster is killed", causes.kill_postmaster),
        ("connections are ended in bursts", causes.end_connections),
        ("the database is read-only", causes.read_only),
        ("the table notes is locked", causes.lock("notes")),
        ("the log is locked", causes.lock("stored_events")),
    ):
        async with _embedded() as (service, dsn):
            yield await trial(name, service, dsn, cause)


async def _processes() -> Trials:
    for name, cause in (
        ("one of three processes is killed, three times", causes.kill_children),
        ("the parent of three processes is killed three times", causes.kill_serve),
        ("PostgreSQL's postmaster is killed under three processes", causes.kill_postmaster),
    ):
        async with _embedded("--processes", "3", "--no-workers") as (service, dsn):
            yield await trial(name, service, dsn, cause)


async def _disk() -> Trials:
    name = "the disk is full"
    if os.geteuid() != 0:
        yield skipped(name, "needs root, to mount a small file system")
        return
    with TemporaryDirectory(prefix="vidwiz-chaos-") as folder:
        if not await asyncio.to_thread(_mounted, folder):
            yield skipped(name, "a small file system cannot be mounted")
            return
        try:
            async with _embedded("--no-workers", folder=Path(folder)) as (service, dsn):
                yield await trial(name, service, dsn, causes.fill_disk)
        finally:
            await asyncio.to_thread(subprocess.run, ["umount", "-l", folder], check=True)


def _mounted(folder: str) -> bool:
    """Whether a file system of ``DISK_MIB`` is there now."""
    options = f"size={DISK_MIB}m,mode=755"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
    return subprocess.run(mount, check=False).returncode == 0


async def _outside() -> Trials:
    async with outside() as world, AsyncExitStack() as ending:
        folder = Path(ending.enter_context(TemporaryDirectory(prefix="vidwiz-chaos-")))
        service = Service(folder / "data", ("--no-workers",), world.settings)
        service.data.mkdir(mode=0o700)
        await ending.enter_async_context(running(service))
        dsn = await asyncio.to_thread(embedded_dsn, service.data)
        uploader = Uploader(Tally())
        for kind in (Weather.AWAY, Weather.SILENT, Weather.SLOW, Weather.CUT):
            cause = causes.weather(world.aws, kind)
            yield await trial(f"S3 and SQS: {kind.value}", service, dsn, cause, others=[uploader])
        video_id = next(iter(uploader.kept))
        for kind in (Weather.AWAY, Weather.SILENT, Weather.SLOW, Weather.CUT):
            cause = causes.weather(world.gemini, kind)
            asker = Asker(Tally(), video_id)
            yield await trial(f"the model: {kind.value}", service, dsn, cause, others=[asker])


async def _rolling() -> Trials:
    name = "three services behind HAProxy restart in turn"
    if not balancer.is_there():
        yield skipped(name, "needs haproxy")
        return
    async with outside() as world, AsyncExitStack() as ending:
        folder = Path(ending.enter_context(TemporaryDirectory(prefix="vidwiz-chaos-")))
        data = folder / "data"
        data.mkdir(mode=0o700)
        embedded = ending.enter_context(start_embedded_postgres(data))
        settings = {**world.settings, "DATABASE_URL": embedded.dsn}
        services = [Service(data, ("--no-workers",), settings) for _ in range(3)]
        for service in services:
            await ending.enter_async_context(running(service))
        ports = [service.port for service in services]
        base = await ending.enter_async_context(balancer.balanced(folder, ports))

        async def restart_in_turn(_: Service, __: str) -> None:
            for service in services:
                await service.restart()

        yield await trial(name, services[0], embedded.dsn, restart_in_turn, base=base)


GROUPS: dict[str, Callable[[], Trials]] = {
    "single": _single,
    "processes": _processes,
    "disk": _disk,
    "outside": _outside,
    "rolling": _rolling,
}

if __name__ == "__main__":
    sys.exit(main())
