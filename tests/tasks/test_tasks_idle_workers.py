"""Two thousand idle workers cost one process no thread and no query."""

import asyncio
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg

from tests.support import Server, serving
from tests.workers import RawPoll, queue, sign_up, waiting

WORKERS = 2000
FILES = 8192
WINDOW_S = 3.0
SLACK = 10  # commits of the server's own housekeeping


@contextmanager
def many_open_files() -> Iterator[None]:
    """Here and in the processes that are started meanwhile."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], FILES), max(before[1], FILES)))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def threads(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


async def transactions_in_a_while(dsn: str) -> int:
    """How many transactions the database commits within a few seconds."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as connection:

        async def committed() -> int:
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            found = await connection.execute(
                "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
            )
            row = await found.fetchone()
            assert row is not None
            return int(row[0])

        await asyncio.sleep(1.5)  # PostgreSQL's processes report once a second
        before = await committed()
        await asyncio.sleep(WINDOW_S)
        return await committed() - before


async def test_two_thousand_idle_workers_cost_no_thread_and_no_query(
    dsn: str, tmp_path: Path
) -> None:
    with many_open_files(), serving(tmp_path / "data", dsn) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            user = await sign_up(client)
            first = await RawPoll.begin(server.url, timeout=60)
            await waiting(client, 1)
            threads_with_one = threads(server)
            with_one = await transactions_in_a_while(dsn)
            workers = [first]
            while len(workers) < WORKERS:
                some = (RawPoll.begin(server.url, timeout=60) for _ in range(100))
                workers += await asyncio.gather(*some)
            await waiting(client, len(workers))
            assert threads(server) == threads_with_one
            assert await transactions_in_a_while(dsn) <= with_one + SLACK

            video_id = await queue(client, user)
            await waiting(client, len(workers) - 1)
            answered = [worker for worker in workers if worker.answered]
            assert len(answered) == 1
            assert video_id.encode() in await answered[0].answer()
            for worker in workers:
                worker.close()
            await waiting(client, 0)
