"""Runs the service: one process, or several that share a socket and a database."""

import asyncio
import errno
import gc
import logging
import os
import resource
import signal
import socket
import tempfile
import time
from collections.abc import AsyncGenerator, Callable
from types import FrameType
from typing import Any, cast

import uvicorn
from quart import Quart
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from vidwiz import logs
from vidwiz.http.base_path import BasePath, ProxyHeaders
from vidwiz.http.limits.connections import Bounds, Connections
from vidwiz.http.middleware import App, RequestFrame
from vidwiz.http.services import EXTENSION, Services
from vidwiz.parent_process import PARENT_VARIABLE, die_with_parent, leave_without_parent
from vidwiz.server import composition
from vidwiz.server.http_protocol import BoundedProtocol
from vidwiz.server.worker_process import BuiltInWorkers
from vidwiz.settings import Settings
from vidwiz.supervision import process_end

DSN_VARIABLE = "VIDWIZ_SERVED_DATABASE"
BACKLOG = 4096
BIND_S = 8.0
BIND_AGAIN_S = 0.1
GRACE_S = 30
MOST_FILES = 65_536
FILES_KEPT = 256
"""Of the files that a process may open, for all that is no client's connection."""
ANSWERS_WITHIN_S = 20
"""Seconds after which one of several processes counts as hung; a busy machine imports slowly."""
ANSWERS_GRACE_S = 20
"""Seconds that answers under way have to be finished before they are interrupted."""


def serve(
    settings: Settings, dsn: str, *, host: str, port: int, processes: int, workers: bool
) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code, 0 after an orderly end.

    With ``workers`` the built-in ones run beside it, in a process of their own.
    """
    port = port or _free_port(host)
    os.environ[DSN_VARIABLE] = dsn
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)  # uvicorn raises the signal again when it has finished
    config = uvicorn.Config(
        "vidwiz.server.serve:app",
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
        proxy_headers=False,  # ours, around the app
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=ANSWERS_WITHIN_S,
    )
    listening = _bound(config)
    beside = _workers(settings, host, port) if workers else None
    run = _serve_alone if processes == 1 else _serve_together
    try:
        return run(config, listening, beside)
    finally:
        if beside is not None:
            beside.stop()  # it was not told if the server could not start


def _workers(settings: Settings, host: str, port: int) -> BuiltInWorkers:
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  not bound, called
    where = f"[{here}]" if ":" in here else here
    return BuiltInWorkers(f"http://{where}:{port}{settings.base_path}", settings.admin_bearer)


def _bound(config: uvicorn.Config) -> socket.socket:
    """The socket to listen on.

    The processes of a service that was killed hold it for the moment in which they notice that, so
    a port in use is waited for. With ``SO_REUSEPORT`` there would be no wait, but two services on
    one port would share its clients, and nobody would be told.
    """
    by = time.monotonic() + BIND_S
    while True:
        listening = socket.socket(_family(config.host))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((config.host, config.port))
        except OSError as error:
            listening.close()
            if error.errno != errno.EADDRINUSE or time.monotonic() > by:
                raise SystemExit(_cannot_bind(config, error)) from None
            time.sleep(BIND_AGAIN_S)
        else:
            listening.set_inheritable(True)
            return listening


def _cannot_bind(config: uvicorn.Config, error: OSError) -> str:
    why = (error.strerror or str(error)).lower()
    return f"Error: cannot listen on {config.host}:{config.port}: {why}"


def _say_where(config: uvicorn.Config) -> None:
    host = f"[{config.host}]" if ":" in config.host else config.host
    logging.getLogger("uvicorn.error").info(
        "Uvicorn running on http://%s:%d (Press CTRL+C to quit)", host, config.port
    )


def _free_port(host: str) -> int:
    with socket.create_server((host, 0), family=_family(host)) as listening:
        return int(listening.getsockname()[1])


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def app() -> App:
    """The app of one process, as uvicorn's workers make it."""
    leave_without_parent()
    settings = Settings()
    logs.configure(settings.log_format, settings.log_level)
    BoundedProtocol.open_here = Connections(_bounds(settings))
    quart = composition.create_service(settings, os.environ[DSN_VARIABLE])

    @quart.while_serving
    async def heed_signals() -> AsyncGenerator[None, None]:
        _before_shutdown(lambda: _send_workers_home(quart))
        yield

    _spare_the_collector()
    return framed(quart, settings)


def framed(quart: Quart, settings: Settings) -> App:
    """The app with all that is around it: proxies' headers, the frame, the base path."""
    app = cast("App", quart)
    if settings.base_path:
        app = BasePath(app, settings.base_path)
    return cast("App", ProxyHeaders(cast("Any", RequestFrame(app)), settings.trusted_proxies))


def _bounds(settings: Settings) -> Bounds:
    """What connections may take; never so many that files and the database find no handle."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
    return Bounds(
        head_s=settings.head_timeout_s,
        body_s=settings.body_timeout_s,
        most=max(1, min(settings.connections, files - FILES_KEPT)),
        most_of_one=settings.connections_per_address,
        proxies=settings.trusted_proxies,
    )


def _spare_the_collector() -> None:
    """What was made by now stays; a collection need not look through it every few requests.

    What is made later is little, so a full collection costs little: long polls and streams outlive
    the younger generations, and what they leave behind would wait for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)


class _Server(uvicorn.Server):
    """A server whose workers begin after it and end before it."""

    def __init__(self, config: uvicorn.Config, workers: BuiltInWorkers | None) -> None:
        super().__init__(config)
        self._workers = workers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the workers when there is somebody to speak to."""
        await super().startup(sockets)
        if self.started:
            _say_where(self.config)
            if self._workers is not None:
                self._workers.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the workers' last results in."""
        if self._workers is not None:
            await asyncio.to_thread(self._workers.stop)
        await super().shutdown(sockets)


class _Processes(Multiprocess):
    """Several servers on one socket, which nobody can connect to once they are to end."""

    workers: BuiltInWorkers | None = None

    @property
    def started(self) -> bool:
        """Whether none of them gave up before it could serve."""
        return all(process.exitcode != STARTUP_FAILURE for process in self.processes)

    def init_processes(self) -> None:
        """Workers find the socket open, and wait for a server behind it."""
        super().init_processes()
        if self.workers is not None:
            self.workers.start()

    def terminate_all(self) -> None:
        """Workers hand in their last results first.

        The parent holds the socket too: left open, it would take in clients for nobody.
        """
        if self.workers is not None:
            self.workers.stop()
        for listening in self.sockets:
            listening.close()
        super().terminate_all()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(process_end.code)


def _serve_alone(
    config: uvicorn.Config, listening: socket.socket, workers: BuiltInWorkers | None
) -> int:
    server = _Server(config, workers)
    server.run([listening])
    return process_end.code if server.started else 1


def _serve_together(
    config: uvicorn.Config, listening: socket.socket, workers: BuiltInWorkers | None
) -> int:
    with tempfile.TemporaryDirectory(prefix="vidwiz-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ[PARENT_VARIABLE] = str(os.getpid())
        _say_where(config)
        processes = _Processes(config, sockets=[listening])
        processes.workers = workers
        processes.run()
    return process_end.code if processes.started else 1


def _before_shutdown(react: Callable[[], None]) -> None:
    """React to the signals that end the server before the server itself does.

    It would wait for the long polls, which nobody would end.
    """
    die_with_parent()
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
    services.hub.send_home()
    services.turns.send_home(ANSWERS_GRACE_S)
    services.desk.streams.send_home()
