"""Server-sent events: one event per network chunk, heartbeats, and nothing that buffers them."""

from collections.abc import AsyncGenerator, Mapping

from quart import Response

HEARTBEAT = b": still there\n\n"
"""A comment: clients ignore it, proxies see that the connection is alive."""


def stream(
    events: AsyncGenerator[bytes, None], headers: Mapping[str, str] | None = None
) -> Response:
    """An answer that ends with the events, however long they take."""
    answer = Response(
        events,
        headers={
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            **(headers or {}),
        },
        content_type="text/event-stream",
    )
    answer.timeout = None  # Quart would cut the answer after a minute
    return answer


def no_more() -> Response:
    """The answer that ends a client which connects again and again."""
    answer = Response(b"", 204)
    del answer.headers["Content-Length"]  # RFC 9110, section 8.6: not in a 204
    del answer.headers["Content-Type"]
    return answer


def event(data: bytes, kind: str | None = None, event_id: str | None = None) -> bytes:
    """One event; ``data`` is one line."""
    head = b"" if event_id is None else b"id: %b\n" % event_id.encode()
    if kind is not None:
        head += b"event: %b\n" % kind.encode()
    return b"%bdata: %b\n\n" % (head, data)
