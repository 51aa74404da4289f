"""Around every request: its id, CORS, the access log and the metrics."""

import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any

import structlog

from vidwiz.http.requests.context import REQUEST_ID, ROUTE, request_id_from
from vidwiz.http.responses.security import NOTHING
from vidwiz.metrics import REQUEST_SECONDS, REQUESTS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ON_EVERY_ANSWER: Headers = [
    (b"access-control-allow-origin", b"*"),
    (
        b"access-control-expose-headers",
        b"X-Request-ID, Retry-After, X-Wiz-Turn-ID, X-Wiz-Conversation-ID",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),  # YouTube's player wants a referrer
    (b"cross-origin-opener-policy", b"same-origin-allow-popups"),  # so does Google's button popups
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
ON_WHAT_IS_NO_PAGE = (b"content-security-policy", NOTHING.encode())
ON_PRIVATE = (b"cache-control", b"no-store")
BEHIND_HTTPS = (b"strict-transport-security", b"max-age=31536000")
ON_PREFLIGHT: Headers = [
    (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, X-Guest-Session-ID, Idempotency-Key, X-Request-ID,"
        b" Last-Event-ID",
    ),
    (b"access-control-max-age", b"86400"),
]

access_log = structlog.get_logger("vidwiz.access")


class RequestFrame:
    """An ASGI middleware; bodies, tokens and query strings stay out of the log."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame one request; other kinds of scope pass through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        # Routing takes "//api/notes" for "/api/notes"; all that looks at the path has to as well.
        scope["path"] = f"/{scope['path'].lstrip('/')}"
        request_id = request_id_from(_header(scope["headers"], b"x-request-id"))
        scope[REQUEST_ID] = request_id
        frame = [(b"x-request-id", request_id.encode()), *ON_EVERY_ANSWER]
        if scope.get("scheme") == "https":
            frame.append(BEHIND_HTTPS)
        status = 0

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = message["headers"]
                caching = _caching(path_in_app(scope), own)
                message["headers"] = [*own, *frame, *_policy(own), *caching]
            await send(message)

        try:
            if _is_preflight(scope):
                await _answer_preflight(send_framed)
            else:
                await self._app(scope, receive, send_framed)
        finally:
            _account(scope, status, time.perf_counter() - began, request_id)


def path_in_app(scope: Scope) -> str:
    """The path without the prefix that the whole app lies under."""
    path: str = scope["path"]
    return f"/{path.removeprefix(scope.get('root_path', '')).lstrip('/')}"


def _policy(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """What browsers may do with the answer, where it does not say so itself."""
    has_one = _header(headers, b"content-security-policy") is not None
    return [] if has_one else [ON_WHAT_IS_NO_PAGE]


def _caching(path: str, headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """No answer of the API is kept by anybody, unless its handler says how."""
    private = path == "/api" or path.startswith("/api/") or path == "/metrics"
    return [ON_PRIVATE] if private and _header(headers, b"cache-control") is None else []


def _header(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> str | None:
    for name, value in headers:
        if name.lower() == wanted:
            return value.decode("latin-1")
    return None


def _is_preflight(scope: Scope) -> bool:
    return (
        scope["method"] == "OPTIONS"
        and _header(scope["headers"], b"access-control-request-method") is not None
    )


async def _answer_preflight(send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": list(ON_PREFLIGHT)})
    await send({"type": "http.response.body", "body": b""})


def _account(scope: Scope, status: int, seconds: float, request_id: str) -> None:
    route = scope.get(ROUTE, "other")
    method = scope["method"] if scope["method"] in _METHODS else "other"
    REQUESTS.labels(method, route, status or "gone").inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    told = access_log.debug if _is_idle(scope, status) else access_log.info
    told(
        "request",
        method=scope["method"],
        path=scope["path"],
        status=status or "gone",
        ms=round(seconds * 1000, 1),
        request_id=request_id,
        client=(scope.get("client") or ("local",))[0],
    )


def _is_idle(scope: Scope, status: int) -> bool:
    """Whether nothing happened: a worker waited for no task, or a probe found all in order.

    These come every few seconds for as long as the service runs.
    """
    path = path_in_app(scope)
    waited = status == HTTPStatus.NO_CONTENT and path.startswith(TASKS)
    return waited or (status == HTTPStatus.OK and path in PROBES)


TASKS = "/api/tasks/"
PROBES = frozenset(("/api/health/live", "/api/health/ready", "/metrics"))
_METHODS = frozenset(("GET", "HEAD", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"))
