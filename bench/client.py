"""A cheap HTTP/1.1 client on raw sockets: preformatted requests, as little parsing as will do."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, Self

import orjson

_length = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
NO_CONTENT = 204

Answered = Callable[[int, bytes], None]


class Channel(asyncio.Protocol):
    """A kept-alive connection; ``answered`` is called with each answer's status and body.

    A connection that breaks is an answer with status 0.
    """

    def __init__(self, answered: Answered) -> None:
        self.answered = answered
        self._received = b""
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def connect(cls, port: int, answered: Answered) -> Self:
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_connection(lambda: cls(answered), "127.0.0.1", port)
        return channel

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            self.answered(0, repr(exc).encode())

    def send(self, request: bytes) -> None:
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        if end < 0:
            self._received = received
            return
        status = int(received[9:12])
        if (length := _length.search(received, 0, end)) is None and status != NO_CONTENT:
            raise ValueError("an answer without content-length")
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(received) < whole:
            self._received = received
            return
        self._received = received[whole:]
        self.answered(status, received[end + 4 : whole])


class Client:
    """Asks one thing after the other over a channel."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None

    @classmethod
    async def connect(cls, port: int) -> Self:
        client = cls()
        client._channel = await Channel.connect(port, client._answered)
        return client

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body; status 0 when the connection broke."""
        if self._channel is None:
            return 0, b"closed"
        self._answer = asyncio.get_running_loop().create_future()
        self._channel.send(request)
        return await self._answer

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()

    def _answered(self, status: int, body: bytes) -> None:
        if status == 0:
            self._channel = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


def request(
    method: str, path: str, token: str = "", body: Mapping[str, Any] | None = None
) -> bytes:
    """A request to the letter."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    content = b"" if body is None else orjson.dumps(body)
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode() + content
