"""Whom the hub of the live streams lets in while it begins and ends to read the log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.event_store.parts import Parts, running
from vidwiz.event_store.command_queue import Overloaded
from vidwiz.live import hub as hubs
from vidwiz.live.hub import Broadcaster, TooManyLiveStreams


@pytest.fixture(scope="module")
async def parts(module_dsn: str) -> AsyncIterator[Parts]:
    async with running(module_dsn) as its:
        yield its


@pytest.fixture
async def hub(parts: Parts) -> AsyncIterator[Broadcaster]:
    its = Broadcaster(parts.database, parts.signals)
    yield its
    await its.close()


async def test_who_comes_at_once_is_counted_too(
    hub: Broadcaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "MOST_OF_ONE", 2)
    async with AsyncExitStack() as stack:
        opening = [stack.enter_async_context(hub.listening(1, frozenset(), None)) for _ in range(5)]
        opened = await asyncio.gather(*opening, return_exceptions=True)
        assert sum(isinstance(one, TooManyLiveStreams) for one in opened) == 3


async def test_nobody_waits_for_a_reading_that_was_stopped(hub: Broadcaster) -> None:
    waiting = asyncio.create_task(hub.admit(1))
    await asyncio.sleep(0)
    hub._rest()
    with pytest.raises(Overloaded):
        await waiting


async def test_who_comes_while_a_reading_ends_is_read_for(hub: Broadcaster) -> None:
    await hub.admit(1)
    hub._rest()
    async with hub.listening(1, frozenset(), None):
        assert hub._reading is not None
        assert hub._reading.is_under_way
