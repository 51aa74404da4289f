"""VidWiz under a path of a host that it shares, such as ``/vidwiz``; 404 everywhere else."""

from http import HTTPStatus

import orjson
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from vidwiz.http.errors import envelope_body
from vidwiz.http.middleware import App, Headers, Receive, Scope, Send
from vidwiz.http.responses.answers import JSON_TYPE

FROM_TRUSTED_PROXY = "vidwiz.from_trusted_proxy"
PREFIX_HEADER = b"x-forwarded-prefix"


class ProxyHeaders(ProxyHeadersMiddleware):
    """uvicorn's; afterwards the scope says whether it was a trusted proxy that asked."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]
        """Note it before ``client`` becomes the proxy's client."""
        client = scope.get("client")
        scope[FROM_TRUSTED_PROXY] = client is not None and client[0] in self.trusted_hosts
        await super().__call__(scope, receive, send)  # type: ignore[arg-type]


class BasePath:
    """An ASGI middleware for an app that lies under ``base_path``, which has no slash at its end.

    The app gets the path with its prefix, and the prefix as ``root_path``, as ASGI has it. Proxies
    may pass the prefix on; one that is trusted may also take it away and name it in
    ``X-Forwarded-Prefix``.
    """

    def __init__(self, app: App, base_path: str) -> None:
        self._app = app
        self._base = base_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on what is for the app; redirect to it from the prefix without its slash."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if not self._has_prefix(path) and self._was_stripped(scope):
            path = self._base + path
        if path == self._base:
            await self._redirect(scope, send)
        elif self._has_prefix(path):
            scope["path"], scope["root_path"] = path, self._base
            await self._app(scope, receive, send)
        else:
            await self._answer_outside(scope, send)

    def _has_prefix(self, path: str) -> bool:
        return path == self._base or path.startswith(f"{self._base}/")

    def _was_stripped(self, scope: Scope) -> bool:
        """Whether the nearest proxy is trusted, and says that it took the prefix away."""
        if not scope.get(FROM_TRUSTED_PROXY):
            return False
        values = [value for name, value in scope["headers"] if name == PREFIX_HEADER]
        nearest = values[-1].decode("latin-1").rpartition(",")[2] if values else ""
        return nearest.strip().rstrip("/") == self._base

    async def _redirect(self, scope: Scope, send: Send) -> None:
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        location = (b"location", f"{self._base}/".encode() + query)
        await _answer(scope, send, HTTPStatus.TEMPORARY_REDIRECT, [location], b"")

    async def _answer_outside(self, scope: Scope, send: Send) -> None:
        hint = (
            f"Not found: this VidWiz is at {self._base}/."
            " A proxy that takes the prefix away has to be trusted and to send X-Forwarded-Prefix."
        )
        body = orjson.dumps(envelope_body(HTTPStatus.NOT_FOUND, hint))
        headers = [(b"content-type", JSON_TYPE.encode())]
        await _answer(scope, send, HTTPStatus.NOT_FOUND, headers, body)


async def _answer(
    scope: Scope, send: Send, status: HTTPStatus, headers: Headers, body: bytes
) -> None:
    headers = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    whole = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": whole})
