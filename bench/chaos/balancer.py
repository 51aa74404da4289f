"""HAProxy before several services, as a rolling restart needs it."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from bench.chaos.clock import until
from bench.stage import free_port

_CONFIGURATION = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 120s
    timeout server 120s
    option redispatch
    retries 3
    retry-on conn-failure empty-response 503
frontend clients
    bind 127.0.0.1:{port}
    default_backend services
backend services
    balance roundrobin
    option httpchk GET /api/health/ready
    default-server inter 200ms fall 1 rise 1 check
{servers}
"""


def is_there() -> bool:
    """Whether HAProxy is installed."""
    return shutil.which("haproxy") is not None


@asynccontextmanager
async def balanced(folder: Path, ports: Sequence[int]) -> AsyncIterator[str]:
    """The URL behind which the services on these ports answer."""
    port = free_port()
    servers = "\n".join(f"    server s{n} 127.0.0.1:{p}" for n, p in enumerate(ports))
    file = folder / "haproxy.cfg"
    file.write_text(_CONFIGURATION.format(port=port, servers=servers))
    process = await asyncio.create_subprocess_exec("haproxy", "-f", str(file), "-db")
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def answers() -> bool:
                try:
                    return (await client.get("/api/health/ready")).status_code == httpx.codes.OK
                except httpx.TransportError:
                    return False

            await until(answers, 20, "HAProxy")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
