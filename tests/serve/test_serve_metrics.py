"""The metrics of several processes, of which one crashes."""

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import httpx

from tests.support import eventually, serving
from tests.workers import ADMIN

KIND = 'vidwiz_waiting_workers{task_type="fetch_transcript"}'


async def test_the_workers_that_waited_in_a_crashed_process_wait_no_more(
    dsn: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2") as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            url = "/api/tasks/transcript?timeout=60"
            poll = asyncio.create_task(client.get(url, headers=ADMIN))
            await eventually(partial(says, client, f"{KIND} 1.0"))
            for pid in serving_children(server.process.pid):
                os.kill(pid, signal.SIGKILL)
            await asyncio.wait([poll])
            assert isinstance(poll.exception(), httpx.TransportError)
            await eventually(partial(says, client, f"{KIND} 0.0"), 20)


async def says(client: httpx.AsyncClient, line: str) -> bool:
    try:
        return line in (await client.get("/metrics")).text.splitlines()
    except httpx.TransportError:
        return False  # the one that answered is being replaced


def serving_children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(one) for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()
    ]
