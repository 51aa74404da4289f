"""One trial: clients at work, a cause, recovery, and what became of all that was acknowledged."""

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx

from bench.chaos.causes import Cause
from bench.chaos.clients import ADMIN, Crowd, Follower, Uploader, Writer, followed
from bench.chaos.clock import until
from bench.chaos.service import Service
from bench.chaos.tally import Outcome, failed
from bench.stage import environment

WRITERS = 16
FOLLOWERS = 4
BEFORE_S = 1.5
AFTER_S = 2.0
RECOVER_WITHIN_S = 60.0
CATCH_UP_S = 20.0


async def trial(
    name: str,
    service: Service,
    dsn: str,
    cause: Cause,
    *,
    base: str | None = None,
    others: Sequence[object] = (),
) -> Outcome:
    """Run one cause against 16 writers and 4 followers. ``base``: another address than its own."""
    crowd = Crowd(base or service.base)
    for number in range(WRITERS):
        crowd.writers.append(Writer(number, crowd.base, crowd.tally))
    crowd.followers = [Follower(crowd.base) for _ in range(FOLLOWERS)]
    for other in others:
        other.tally, other.stopping = crowd.tally, False  # type: ignore[attr-defined]
        crowd.others.append(other)  # type: ignore[arg-type]
    async with crowd.client() as client, crowd.client() as quiet:
        try:
            await _run(crowd, service, dsn, cause, client, quiet)
            return await _counted(name, crowd, service, dsn, client)
        except (httpx.HTTPError, TimeoutError) as error:
            return failed(name, error)


async def _run(
    crowd: Crowd,
    service: Service,
    dsn: str,
    cause: Cause,
    client: httpx.AsyncClient,
    quiet: httpx.AsyncClient,
) -> None:
    for writer in crowd.writers:
        await writer.sign_up(client)
    start = await _head(client)
    for follower in crowd.followers:
        follower.positions.append(start)
    tasks = [asyncio.create_task(writer.write(client)) for writer in crowd.writers]
    tasks += [asyncio.create_task(other.work(client)) for other in crowd.others]
    following = [asyncio.create_task(one.follow(quiet)) for one in crowd.followers]
    try:
        await crowd.all_writing()
        await asyncio.sleep(BEFORE_S)
        await cause(service, dsn)
        crowd.tally.cause_ended()
        await crowd.recovered(RECOVER_WITHIN_S)
        await asyncio.sleep(AFTER_S)
        await _finished(crowd, tasks)
        await _caught_up(crowd, client)
    finally:
        for task in (*tasks, *following):
            task.cancel()
        await asyncio.gather(*tasks, *following, return_exceptions=True)


async def _finished(crowd: Crowd, tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Everybody finishes what is under way; who cannot is a problem of the trial."""
    for one in (*crowd.writers, *crowd.others):
        one.stopping = True
    done, pending = await asyncio.wait(tasks, timeout=RECOVER_WITHIN_S)
    for task in done:
        task.result()
    if pending:
        crowd.tally.odd.append(f"{len(pending)} clients did not come to an end")


async def _head(client: httpx.AsyncClient) -> int:
    health = await client.get("/api/audit/health", headers=ADMIN)
    return int(health.raise_for_status().json()["head"]["position"])


async def _caught_up(crowd: Crowd, client: httpx.AsyncClient) -> None:
    head = await _head(client)

    async def at_head() -> bool:
        return all(one.positions[-1] >= head for one in crowd.followers)

    try:
        await until(at_head, CATCH_UP_S, "the followers at the head")
    except TimeoutError as error:
        crowd.tally.odd.append(str(error))


async def _counted(
    name: str, crowd: Crowd, service: Service, dsn: str, client: httpx.AsyncClient
) -> Outcome:
    lost = doubled = 0
    for writer in crowd.writers:
        kept = await writer.kept(client)
        told = Counter(crowd.tally.acknowledged.get(writer.number, []))
        lost += (told - kept).total()
        doubled += (kept - Counter(set(kept))).total()
    for other in crowd.others:
        if isinstance(other, Uploader):
            lost += await other.lost(client)
    head = min(one.positions[-1] for one in crowd.followers)
    problems = [*crowd.tally.odd[:3]]
    problems += [problem for one in crowd.followers for problem in one.problems(head)]
    problems += await asyncio.to_thread(_verified, service.data, dsn)
    return Outcome(
        name=name,
        acknowledged=sum(map(len, crowd.tally.acknowledged.values())),
        lost=lost,
        doubled=doubled,
        other_5xx=crowd.tally.other_5xx,
        unavailable=crowd.tally.statuses[503],
        cut_off=crowd.tally.cut_off,
        longest_s=crowd.tally.longest_s,
        recovered_s=crowd.tally.recovered_s,
        followers=followed(crowd.followers),
        problems=tuple(dict.fromkeys(problems)),
    )


def _verified(data: Path, dsn: str) -> list[str]:
    """What ``vidwiz verify`` finds wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "vidwiz", "verify"],
        env={**environment(data), "DATABASE_URL": dsn},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return [] if done.returncode == 0 else [f"verify: {(done.stdout + done.stderr)[-300:]}"]
