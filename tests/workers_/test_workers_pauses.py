"""Stopping, waiting longer each time, resting when everything fails."""

import asyncio
import time
from itertools import islice

import pytest

from vidwiz.supervision import pauses
from vidwiz.workers.pauses import CircuitBreaker, Stop


def test_pauses_double_up_to_the_longest_and_differ_among_workers() -> None:
    longest = [1, 2, 4, 8, 16, 30, 30]
    ours, theirs = (list(islice(pauses(1, 30), 7)) for _ in range(2))
    assert all(most / 2 <= pause <= most for pause, most in zip(ours, longest, strict=True))
    assert ours != theirs


async def test_waiting_ends_when_a_stop_is_wished() -> None:
    stop = Stop(0.1)
    asyncio.get_running_loop().call_later(0.05, stop.wish)
    assert not await stop.pause(0)
    assert await stop.pause(60)
    assert await stop.pause(60)


async def test_what_is_broken_off_by_a_stop_learns_of_it() -> None:
    stop, told = Stop(0.1), asyncio.Event()

    async def poll() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            told.set()
        return "never"

    asyncio.get_running_loop().call_later(0.05, stop.wish)
    assert await stop.unless(poll()) is None
    assert told.is_set()


async def test_what_is_ready_when_a_stop_is_wished_is_kept() -> None:
    stop = Stop(0.1)
    stop.wish()

    async def ready() -> str:
        return "a job"

    assert await stop.unless(ready()) == "a job"


async def test_a_stop_leaves_the_grace_and_last_words_a_little_more() -> None:
    stop, began = Stop(0.2), time.monotonic()
    asyncio.get_running_loop().call_later(0.05, stop.wish)
    with pytest.raises(TimeoutError):
        async with stop.bounded(60):
            await asyncio.Event().wait()
    with pytest.raises(TimeoutError):
        async with stop.bounded(60):
            await asyncio.Event().wait()
    async with stop.bounded(60, more_s=30):
        await asyncio.sleep(0)
    assert 0.2 < time.monotonic() - began < 5


async def test_a_stop_does_not_prolong_what_is_bounded_already() -> None:
    stop = Stop(60)
    asyncio.get_running_loop().call_soon(stop.wish)
    with pytest.raises(TimeoutError):
        async with stop.bounded(0.05):
            await asyncio.Event().wait()


async def test_rests_grow_until_something_goes_well() -> None:
    rest, stop = CircuitBreaker(0.02, 0.08), Stop(1)
    lengths = []
    for _ in range(5):
        lengths.append(rest.begin())
        assert rest.begin() <= lengths[-1]  # several jobs fail at once: one rest
        await rest.over(stop)
    assert 0.005 < lengths[0] <= 0.02
    assert 0.035 < lengths[-1] <= 0.08
    rest.end()
    assert rest.begin() <= 0.02
