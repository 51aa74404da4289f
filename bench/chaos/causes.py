"""The troubles. Each ends by itself; what it returns is the moment at which it ended."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.chaos.proxy import Proxy, Weather
from bench.chaos.service import Service, connected

TROUBLE_S = 6.0
KILLS = 3

Cause = Callable[[Service, str], Awaitable[None]]
"""Troubles the service, or the database at this address, until it returns."""


async def kill_serve(service: Service, _: str) -> None:
    """SIGKILL of the service, started again each time."""
    for _number in range(KILLS):
        before = service.pid
        service.kill()
        await service.started_after(before)
        if _number < KILLS - 1:
            await service.ready()


async def kill_children(service: Service, _: str) -> None:
    """SIGKILL of one of several serving processes after the other."""
    for _number in range(KILLS):
        pids = [pid for pid, command in service.children() if "multiprocessing" in command]
        serving = [pid for pid in pids if "resource_tracker" not in _cmdline(pid)]
        os.kill(random.choice(serving), signal.SIGKILL)
        await asyncio.sleep(1.0)


async def kill_workers(service: Service, _: str) -> None:
    """SIGKILL of the built-in workers."""
    for _number in range(KILLS):
        for pid, command in service.children():
            if "worker all" in command:
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.7)


async def kill_postmaster(service: Service, _: str) -> None:
    """SIGKILL of the embedded PostgreSQL."""
    pid = int((service.data / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)


async def end_connections(_: Service, dsn: str) -> None:
    """All connections are ended, again and again."""
    until = time.monotonic() + TROUBLE_S
    with connected(dsn) as connection:
        while time.monotonic() < until:
            await asyncio.to_thread(
                connection.execute,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
            )
            await asyncio.sleep(random.uniform(0.02, 0.4))


async def read_only(_: Service, dsn: str) -> None:
    """The database takes no writes, as a managed one does whose disk is full."""
    with connected(dsn) as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(TROUBLE_S)
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")


def lock(table: str) -> Cause:
    """Another session holds the strongest lock on a table."""

    async def locking(_: Service, dsn: str) -> None:
        def hold() -> None:
            with connected(dsn) as connection, connection.transaction():
                connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
                time.sleep(TROUBLE_S)

        await asyncio.to_thread(hold)

    return locking


async def fill_disk(service: Service, _: str) -> None:
    """The file system of the data folder has no room for a while."""
    filler = service.data / "filler"

    def fill() -> None:
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(1 << 20)):
                    pass
            except OSError:  # there is no room left, which was the aim
                return

    deadline = time.monotonic() + TROUBLE_S
    try:
        while time.monotonic() < deadline:
            await asyncio.to_thread(fill)
            await asyncio.sleep(0.5)
    finally:
        filler.unlink(missing_ok=True)


def weather(proxy: Proxy, kind: Weather) -> Cause:
    """What is behind the proxy is away, silent, slow or cut."""

    async def turning(_: Service, __: str) -> None:
        proxy.turn(kind)
        await asyncio.sleep(TROUBLE_S)
        proxy.turn(Weather.FINE)

    return turning


def _cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
