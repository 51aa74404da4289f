"""A TCP proxy that can be away, silent, slow or cut in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum

SLOW_BYTES = 64
SLOW_S = 0.05
CUT_AFTER_BYTES = 200


class Weather(Enum):
    """What happens to those who connect."""

    FINE = "fine"
    AWAY = "away"  # connections are reset
    SILENT = "silent"  # connections are taken, nothing is answered
    SLOW = "slow"  # answers come at 1.3 kB/s
    CUT = "cut"  # answers end after 200 bytes


class Proxy:
    """Forwards connections to ``port``, as its ``weather`` allows; a change ends those open."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._weather = Weather.FINE
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return f"http://127.0.0.1:{self.port}"

    def turn(self, weather: Weather) -> None:
        """Change the weather, also for those who are connected."""
        self._weather = weather
        self._changed.set()
        self._changed = asyncio.Event()
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(OSError):
                await self._serve(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._weather is Weather.AWAY:
            return
        if self._weather is Weather.SILENT:
            await self._changed.wait()
            return
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._port)
        sending = asyncio.create_task(self._copy(reader, ahead, Weather.FINE))
        try:
            await self._copy(behind, writer, self._weather)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            ahead.transport.abort()

    async def _copy(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, weather: Weather
    ) -> None:
        passed = 0
        while data := await source.read(SLOW_BYTES if weather is Weather.SLOW else 65536):
            if weather is Weather.CUT and passed + len(data) > CUT_AFTER_BYTES:
                sink.write(data[: CUT_AFTER_BYTES - passed])
                await sink.drain()
                return
            sink.write(data)
            await sink.drain()
            passed += len(data)
            if weather is Weather.SLOW:
                await asyncio.sleep(SLOW_S)
        if sink.can_write_eof():
            sink.write_eof()


@asynccontextmanager
async def proxy(port: int) -> AsyncIterator[Proxy]:
    """A proxy to ``port`` of this machine, on a free port of its own."""
    made = Proxy(port)
    server = await asyncio.start_server(made._connected, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.turn(Weather.AWAY)
