"""Who may read the metrics: this host, and the bearers of a token."""

import hmac
from collections.abc import Iterable
from ipaddress import ip_address

from quart import request

from vidwiz.http.access.guards import bearer
from vidwiz.http.errors import ApiError

FORWARDED = ("X-Forwarded-For", "X-Forwarded-Prefix", "Forwarded", "Via", "X-Real-IP")
"""Headers of requests that came through a proxy, which are never this host's own."""


class Scrapers:
    """Admits requests that did not leave this host, and those with one of the tokens."""

    def __init__(self, tokens: Iterable[str | None], *, everybody: bool) -> None:
        self._tokens = [token.encode() for token in tokens if token]
        self._everybody = everybody

    def require(self) -> None:
        """Raise ``ApiError``: 401 without a token, 403 with a wrong one."""
        if self._everybody or _is_local():
            return
        given = bearer().encode("utf-8", "surrogateescape")
        if not any(hmac.compare_digest(given, token) for token in self._tokens):
            raise ApiError(403, "Admin or metrics token required")


def _is_local() -> bool:
    if any(header in request.headers for header in FORWARDED):
        return False
    try:
        ip = ip_address(request.remote_addr or "")
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
