"""uvicorn's HTTP protocol, with bounds for heads, bodies and connections.

Refusals are in the envelope.
"""

import asyncio
from typing import ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vidwiz.http.errors import envelope_body
from vidwiz.http.limits.connections import (
    BODY_LATE,
    FULL_FOR_ONE,
    HEAD_LATE,
    SLOWEST_BODY,
    Connections,
)
from vidwiz.http.middleware import ON_EVERY_ANSWER
from vidwiz.http.requests.context import request_id_from
from vidwiz.http.responses.answers import JSON_TYPE

MOST_HEAD = 64 * 1024
"""Bytes of a request's line and headers that are kept while their end has not come."""
RETRY_AFTER_S = 2
AGAIN: list[tuple[bytes, bytes]] = [(b"retry-after", b"%d" % RETRY_AFTER_S)]


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head without end, 408 to what comes too slowly, 503 to one too many."""

    open_here: ClassVar[Connections] = Connections()
    """Those of this process; ``vidwiz.server.serve`` gives them the bounds of the settings."""

    _head_bytes = 0  # since the parser last came to the end of a head or to some of a body
    _timer: asyncio.TimerHandle | None = None
    _body_began = 0.0
    _body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, and wait for a head."""
        super().connection_made(transport)
        refusal = self.open_here.opened(self, self.client[0] if self.client else None)
        if refusal is None:
            self._await_head()
            return
        self.open_here.closing(self, refusal)
        whose = " from this address" if refusal == FULL_FOR_ONE else ""
        self._refuse(503, f"Too many connections{whose}; please try again later", AGAIN)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self.open_here.ended(self)
        self._await_nothing()
        super().connection_lost(exc)

    def make_room(self) -> None:
        """Close, without an answer."""
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        """Parse what came; every callback below says that it was not, or not only, a head."""
        if self.transport.is_closing():
            return
        if self._timer is None and self._is_idle:
            self._await_head()
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MOST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"Request headers must be at most {MOST_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """A head ended."""
        self._head_bytes = 0
        self.open_here.is_busy(self)
        self._await_body()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came; whoever reads it bounds it."""
        self._head_bytes = 0
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request ended."""
        self._head_bytes = 0
        self._await_nothing()
        super().on_message_complete()
        if self._is_idle:  # it was answered before its end
            self._await_head()

    def on_response_complete(self) -> None:
        """uvicorn waits a while for the next request, if no other one has come already."""
        super().on_response_complete()
        if self._is_idle and not self.transport.is_closing():
            self.open_here.waits(self)

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, msg)

    @property
    def _is_idle(self) -> bool:
        """Whether there is no request that has not been answered."""
        return self.cycle is None or self.cycle.response_complete

    def _await_head(self) -> None:
        self.open_here.waits(self)
        self._await_nothing()
        self._timer = self.loop.call_later(self.open_here.bounds.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        self.open_here.closing(self, HEAD_LATE)
        if self._head_bytes:
            self._refuse(408, "The request's headers took too long")
        else:
            self.transport.close()

    def _await_body(self) -> None:
        self._await_nothing()
        self._body_began, self._body_bytes = self.loop.time(), 0
        self._timer = self.loop.call_later(self.open_here.bounds.body_s, self._body_may_be_late)

    def _body_may_be_late(self) -> None:
        """It may take longer the more of it came, and as long as nobody wants to read it."""
        self._timer = None
        if self.transport.is_closing():
            return
        bounds = self.open_here.bounds
        by = self._body_began + bounds.body_s + self._body_bytes / SLOWEST_BODY
        left = bounds.body_s if self.flow.read_paused else by - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._body_may_be_late)
            return
        self.open_here.closing(self, BODY_LATE)
        self._refuse(408, "The request's body took too long")

    def _await_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(
        self, status: int, message: str, more: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_refusal(status, message, more or []))
        self.transport.close()


def _refusal(status: int, message: str, more: list[tuple[bytes, bytes]]) -> bytes:
    body = orjson.dumps(envelope_body(status, message))
    headers = [
        (b"content-type", JSON_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"x-request-id", request_id_from(None).encode()),
        *more,
        *ON_EVERY_ANSWER,
    ]
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
