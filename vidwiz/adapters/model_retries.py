"""How long and how often a model is asked, until its first piece is there."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from vidwiz.adapters.language_model import (
    ModelError,
    ModelOverQuota,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
)

TRIES = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0

_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
# Bad Request, Content Too Large, Unprocessable Content: it is what was asked that is wrong.
_UNACCEPTABLE = frozenset({400, 413, 422})


class RetryableError(Exception):
    """A failure that may pass by itself: ``error`` is what it is if it does not.

    ``after_s`` is when the provider wants to be asked again, if it said so.
    """

    def __init__(self, error: ModelError, after_s: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after_s = after_s


def answered(status: int, text: str, after_s: float | None = None) -> ModelError | RetryableError:
    """What an HTTP status that is no success means; ``text`` is for operators."""
    if status == _TOO_MANY_REQUESTS:
        return RetryableError(ModelOverQuota(text), after_s)
    if status >= _SERVER_ERROR:
        return RetryableError(ModelUnavailable(text), after_s)
    return ModelRefused(text) if status in _UNACCEPTABLE else ModelUnavailable(text)


def ended_early(model: str) -> RetryableError:
    """The stream stopped without saying that the answer is at its end."""
    return RetryableError(ModelUnavailable(f"{model} broke off in the middle of its answer"))


def ended_without_text(model: str, finish_reason: str) -> ModelError:
    """The answer is at its end and empty: nobody refused, but there is nothing to show."""
    return ModelUnavailable(f"{model} answered without any text: {finish_reason}")


def seconds(text: str | None) -> float | None:
    """A pause that a provider asks for, if it is a number of seconds and not a date."""
    try:
        pause_s = float(text or "")
    except ValueError:
        return None
    return pause_s if pause_s >= 0 else None


async def with_retries(
    ask: Callable[[], AsyncGenerator[str, None]], *, first_s: float, between_s: float
) -> AsyncGenerator[str, None]:
    """The pieces of the first try that gives any; raises ``ModelError``.

    All tries and pauses together get ``first_s`` seconds for the first piece, and each later piece
    ``between_s``. What fails after its first piece has failed: a reader has seen it begin.
    """
    loop = asyncio.get_running_loop()
    first_by = loop.time() + first_s
    for left in reversed(range(TRIES)):
        begun = False
        async with aclosing(ask()) as stream:
            try:
                async for piece in _in_time(stream, first_by, between_s):
                    begun = True
                    yield piece
            except RetryableError as failure:
                pause_s = _pause_s(TRIES - left, failure.after_s)
                late = pause_s > LONGEST_PAUSE_S or loop.time() + pause_s >= first_by
                if begun or late or not left:
                    raise failure.error from failure
            else:
                return
        await asyncio.sleep(pause_s)


def _pause_s(tried: int, told_s: float | None) -> float:
    jitter = random.uniform(1, 1.5)  # noqa: S311 - spreads clients, hides nothing
    return float((told_s or FIRST_PAUSE_S * 2 ** (tried - 1)) * jitter)


async def _in_time(
    stream: AsyncGenerator[str, None], first_by: float, between_s: float
) -> AsyncGenerator[str, None]:
    loop = asyncio.get_running_loop()
    due = first_by
    while True:
        try:
            async with asyncio.timeout_at(due):
                piece = await anext(stream, None)
        except TimeoutError as error:
            which = "first" if due == first_by else "further"
            raise ModelTimedOut(f"no {which} piece came in time") from error
        if piece is None:
            return
        yield piece
        due = loop.time() + between_s
