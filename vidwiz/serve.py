"""Runs the service: one process, or several that share a socket and a database."""

import asyncio
import ctypes
import gc
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable
from types import FrameType
from typing import cast

import uvicorn
from quart import Quart
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from vidwiz import logs, wiring
from vidwiz.http.middleware import App, RequestFrame
from vidwiz.http.protocol import BoundedProtocol
from vidwiz.http.services import EXTENSION, Services
from vidwiz.settings import Settings

DSN_VARIABLE = "VIDWIZ_SERVED_DATABASE"
PARENT_VARIABLE = "VIDWIZ_SERVED_BY"
BACKLOG = 4096
GRACE_S = 30
ANSWERS_GRACE_S = 20
"""Seconds that answers under way have to be finished before they are interrupted."""
PARENT_DEATH_SIGNAL = 1


def serve(settings: Settings, dsn: str, *, host: str, port: int, processes: int) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code, 0 after an orderly end."""
    os.environ[DSN_VARIABLE] = dsn
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn raises the signal again when it has finished
    config = uvicorn.Config(
        "vidwiz.serve:app",
        factory=True,
        host=host,
        port=port,
        workers=processes,
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE_S,
    )
    if processes == 1:
        return _serve_alone(uvicorn.Server(config))
    return _serve_together(config)


def app() -> App:
    """The app of one process, as uvicorn's workers make it."""
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    quart = wiring.create_service(settings, os.environ[DSN_VARIABLE])

    @quart.while_serving
    async def heed_signals() -> AsyncGenerator[None, None]:
        _before_shutdown(lambda: _send_workers_home(quart))
        yield

    _spare_the_collector()
    return RequestFrame(cast("App", quart))


def _spare_the_collector() -> None:
    """What was made by now stays; a collection need not look through it every few requests."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class _Processes(Multiprocess):
    """Several servers on one socket, which nobody can connect to once they are to end."""

    @property
    def started(self) -> bool:
        """Whether none of them gave up before it could serve."""
        return all(process.exitcode != STARTUP_FAILURE for process in self.processes)

    def terminate_all(self) -> None:
        """The parent holds the socket too: left open, it would take in clients for nobody."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _serve_alone(server: uvicorn.Server) -> int:
    server.run()
    return 0 if server.started else 1


def _serve_together(config: uvicorn.Config) -> int:
    with tempfile.TemporaryDirectory(prefix="vidwiz-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ[PARENT_VARIABLE] = str(os.getpid())
        processes = _Processes(config, sockets=[config.bind_socket()])
        processes.run()
    return 0 if processes.started else 1


def _before_shutdown(react: Callable[[], None]) -> None:
    """React to the signals that end the server before the server itself does.

    It would wait for the long polls, which nobody would end.
    """
    _die_with_parent()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        servers_own = signal.getsignal(number)

        def chained(
            number: int,
            frame: FrameType | None,
            servers_own: signal.Handlers | Callable[..., object] | int | None = servers_own,
        ) -> None:
            loop.call_soon_threadsafe(react)
            if callable(servers_own):
                servers_own(number, frame)

        signal.signal(number, chained)


def _send_workers_home(quart: Quart) -> None:
    services: Services = quart.extensions[EXTENSION]
    for dispatcher in services.dispatchers.values():
        dispatcher.send_home()
    services.turns.send_home(ANSWERS_GRACE_S)


def _die_with_parent() -> None:
    """One of several processes ends when the one that watches them is killed."""
    parent = os.environ.get(PARENT_VARIABLE)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != int(parent):
        signal.raise_signal(signal.SIGTERM)
