"""Rate limits of the routes that a stranger may call, per address and per account."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from functools import wraps
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from quart import Response, request

from vidwiz.http.errors import ApiError
from vidwiz.http.services import services

PER_ADDRESS = {
    "login": parse("30/minute"),
    "signup": parse("20/hour"),
    "wiz": parse("600/minute"),
    "wiz_read": parse("1200/minute"),
    "guest_question": parse("300/hour"),
    "export": parse("30/hour"),
}
PER_ACCOUNT = {"login": parse("60/minute")}
"""Slows guessing from many addresses; high enough that nobody locks another out with a few."""

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


class Limits:
    """Counts in this process; ``enabled`` false lets everything through."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def spend_for_address(self, purpose: str) -> None:
        """Count one request of the client's address; raises ``ApiError`` 429."""
        await self._spend(PER_ADDRESS[purpose], purpose, _network(request.remote_addr))

    async def spend_for_account(self, purpose: str, email: str) -> None:
        """Count one request about an account, wherever it comes from; raises ``ApiError`` 429."""
        await self._spend(PER_ACCOUNT[purpose], f"{purpose} account", email)

    async def _spend(self, limit: RateLimitItem, purpose: str, who: str) -> None:
        if not self._enabled:
            return
        key = hashlib.sha256(who.encode()).hexdigest()[:32]
        if await self._window.hit(limit, purpose, key):
            return
        stats = await self._window.get_window_stats(limit, purpose, key)
        seconds = max(1, round(stats.reset_time - time.time()))
        raise ApiError(
            429,
            "Too many requests; please try again later",
            details={"reset_in_seconds": seconds},
            headers={"Retry-After": str(seconds)},
        )


def _network(address: str | None) -> str:
    """The address, or the /64 around an IPv6 one, which a single client has to itself."""
    try:
        ip = ip_address(address or "")
    except ValueError:
        return "local"
    if isinstance(ip, IPv6Address):
        return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
    return str(ip)


def limited(purpose: str) -> Callable[[Handler], Handler]:
    """Limit how often one address may call the route."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def spending(*args: Any, **path: Any) -> Response:
            await services().limits.spend_for_address(purpose)
            return await handler(*args, **path)

        spending.rate_limit = purpose  # type: ignore[attr-defined]
        return spending  # type: ignore[return-value]

    return decorate
