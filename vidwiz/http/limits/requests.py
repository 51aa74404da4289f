"""Rate limits of the routes that a stranger may call, per network.

Those that keep people safe are counted in the database, for all processes together. Those that
only keep one client from taking all the time are counted in this process: they cost no query,
and several processes together allow so many times as much.
"""

import time
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar

from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from quart import Response, request

from vidwiz.event_store.counts import HOUR, Charge, Counts, Limit
from vidwiz.http.errors import ApiError
from vidwiz.http.limits.connections import network_of
from vidwiz.http.services import services

IN_PROCESS: dict[str, RateLimitItem] = {
    "login": parse("300/minute"),  # the wrong ones are counted by vidwiz.http.access.guesses
    "wiz": parse("600/minute"),
    "wiz_read": parse("1200/minute"),
    "export": parse("30/hour"),
    "witness": parse("120/minute"),
}
SHARED = {
    "signup": Limit("signup", 20, HOUR, strangers=True),
    "guest_question": Limit("guest_question", 300, HOUR, strangers=True),
}

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])


class Limits:
    """Counts requests by network; ``enabled`` false lets everything through."""

    def __init__(self, counts: Counts, *, enabled: bool) -> None:
        self._counts = counts
        self._enabled = enabled
        self._window = MovingWindowRateLimiter(MemoryStorage())

    async def spend_for_address(self, purpose: str) -> None:
        """Count one request of the client's network; raises ``ApiError`` 429."""
        if not self._enabled:
            return
        if purpose in SHARED:
            full = await self._counts.take(Charge(SHARED[purpose], network()))
            if full is not None:
                raise too_many(full.reset_in_seconds)
            return
        limit, key = IN_PROCESS[purpose], self._counts.digest(network()).hex()
        if not await self._window.hit(limit, purpose, key):
            stats = await self._window.get_window_stats(limit, purpose, key)
            raise too_many(max(1, round(stats.reset_time - time.time())))


def too_many(seconds: int, message: str = "Too many requests; please try again later") -> ApiError:
    """The 429 of a limit whose window ends in so many seconds."""
    return ApiError(
        429,
        message,
        details={"reset_in_seconds": seconds},
        headers={"Retry-After": str(seconds)},
    )


def network() -> str:
    """The client's address, or the /64 around an IPv6 one, which a single client has to itself."""
    return network_of(request.remote_addr)


def limited(purpose: str) -> Callable[[Handler], Handler]:
    """Limit how often one network may call the route."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def spending(*args: Any, **path: Any) -> Response:
            await services().limits.spend_for_address(purpose)
            return await handler(*args, **path)

        spending.rate_limit = purpose  # type: ignore[attr-defined]
        return spending  # type: ignore[return-value]

    return decorate
