"""uvicorn's HTTP protocol, except that heads are bounded and refusals are in the envelope."""

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from vidwiz.http.answers import JSON_TYPE
from vidwiz.http.context import request_id_from
from vidwiz.http.errors import envelope_body
from vidwiz.http.middleware import ON_EVERY_ANSWER

MOST_HEAD = 64 * 1024
"""Bytes of a request's line and headers that are kept while their end has not come."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 431 to a head, or to trailers, without end."""

    _head_bytes = 0  # since the parser last came to the end of a head or to some of a body

    def data_received(self, data: bytes) -> None:
        """Parse what came; every callback below says that it was not, or not only, a head."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MOST_HEAD and not self.transport.is_closing():
            self._refuse(431, f"Request headers must be at most {MOST_HEAD} bytes")

    def on_headers_complete(self) -> None:
        """A head ended."""
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of a body came; whoever reads it bounds it."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request ended."""
        self._head_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is not HTTP."""
        self._refuse(400, msg)

    def _refuse(self, status: int, message: str) -> None:
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(_refusal(status, message))
        self.transport.close()


def _refusal(status: int, message: str) -> bytes:
    body = orjson.dumps(envelope_body(status, message))
    headers = [
        (b"content-type", JSON_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        (b"x-request-id", request_id_from(None).encode()),
        *ON_EVERY_ANSWER,
    ]
    lines = [b"%b: %b\r\n" % header for header in headers]
    return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
