"""Waiting for a condition, bounded."""

import asyncio
import time
from collections.abc import Awaitable, Callable

STEP_S = 0.02


async def until(condition: Callable[[], Awaitable[bool]], within_s: float, what: str) -> float:
    """Wait until the condition holds; the seconds that it took. Raises ``TimeoutError``."""
    began = time.monotonic()
    while not await condition():
        if time.monotonic() - began > within_s:
            raise TimeoutError(f"{what} did not come within {within_s:.0f} s")
        await asyncio.sleep(STEP_S)
    return time.monotonic() - began
