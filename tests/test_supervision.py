"""A background task that ends is begun again, those who wait are told, and an end is bounded."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest

from tests.support import eventually
from vidwiz import supervision
from vidwiz.supervision import Loop, Outage, ProcessEnd, Tasks, pauses


class Work:
    """Fails as often as it is told to, then goes on until it is told to return."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = [*failures]
        self.begun = 0
        self.at_work = asyncio.Event()
        self.is_over = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        if self.failures:
            raise self.failures.pop(0)
        self.at_work.set()
        await self.is_over.wait()


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(supervision, "LONGEST_PAUSE_S", 0.002)
    monkeypatch.setattr(supervision, "OUTAGE_PAUSE_S", 0.003)
    monkeypatch.setattr(supervision, "CANCEL_S", 0.2)


@pytest.fixture
async def stopped() -> AsyncIterator[list[Loop]]:
    loops: list[Loop] = []
    yield loops
    for loop in loops:
        await loop.stop()


ERRORS = [
    ValueError("of anything"),
    asyncio.CancelledError(),
    TimeoutError(),
    Outage("away"),
    MemoryError(),
    StopAsyncIteration(),
    ExceptionGroup("several", [OSError()]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_whatever_ends_a_loop_it_is_told_and_begins_again(
    error: BaseException, stopped: list[Loop]
) -> None:
    told: list[BaseException] = []
    work = Work(error, error)
    loop = Loop("work", work, told.append)
    stopped.append(loop)
    loop.start()
    await asyncio.wait_for(work.at_work.wait(), 5)
    assert work.begun == 3
    assert [type(one) for one in told] == [type(error)] * 2
    assert loop.running


async def test_a_loop_that_is_cancelled_at_work_begins_again(stopped: list[Loop]) -> None:
    work = Work()
    loop = Loop("cancelled at work", work)
    stopped.append(loop)
    loop.start()
    for begun in range(1, 5):
        await asyncio.wait_for(work.at_work.wait(), 5)
        assert work.begun == begun
        work.at_work.clear()
        for task in asyncio.all_tasks():
            if task.get_name() == "cancelled at work":
                task.cancel()


async def test_who_is_told_may_fail_too(stopped: list[Loop]) -> None:
    def failing(_: BaseException) -> None:
        raise RuntimeError

    work = Work(ValueError())
    loop = Loop("work", work, failing)
    stopped.append(loop)
    loop.start()
    await asyncio.wait_for(work.at_work.wait(), 5)


async def test_work_that_returns_is_not_begun_again_until_it_is_started() -> None:
    work = Work()
    work.is_over.set()
    loop = Loop("work", work)
    for begun in (1, 2):
        loop.start()
        loop.start()
        await asyncio.wait_for(loop.ended(), 5)
        assert (work.begun, loop.running) == (begun, False)


async def test_a_stop_waits_for_work_that_heeds_it_and_cancels_the_rest() -> None:
    heeding, deaf = Work(), Work()
    for work in (heeding, deaf):
        loop = Loop("work", work)
        loop.start()
        await work.at_work.wait()
        asyncio.get_running_loop().call_later(0.02, heeding.is_over.set)
        await loop.stop(grace_s=0.1 if work is deaf else 5)
        assert not loop.running
        await asyncio.wait_for(loop.ended(), 1)
        loop.start()
        assert work.begun == 1


async def test_a_stop_leaves_behind_what_does_not_end() -> None:
    freed = asyncio.Event()

    async def stubborn() -> None:
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue

    loop = Loop("stubborn", stubborn)
    loop.start()
    await asyncio.sleep(0)
    await asyncio.wait_for(loop.stop(), 5)
    assert loop.running
    freed.set()
    await asyncio.wait_for(loop.ended(), 5)


async def test_a_stop_in_a_pause_begins_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervision, "FIRST_PAUSE_S", 60)
    monkeypatch.setattr(supervision, "LONGEST_PAUSE_S", 60)
    failed = asyncio.Event()
    loop = Loop("work", Work(ValueError()), lambda _: failed.set())
    loop.start()
    await asyncio.wait_for(failed.wait(), 5)
    await asyncio.wait_for(loop.stop(5), 1)
    assert not loop.running


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    reasons: list[str] = []
    monkeypatch.setattr(supervision.process_end, "begin", reasons.append)
    monkeypatch.setattr(supervision, "MOST_FAILURES", 3)
    return reasons


async def test_an_essential_loop_that_always_fails_ends_the_process(ends: list[str]) -> None:
    work = Work(*[ValueError("again")] * 9)
    loop = Loop("the writer", work, essential=True)
    loop.start()
    await asyncio.wait_for(loop.ended(), 5)
    assert ends == ["the writer fails again and again: ValueError: again"]
    assert work.begun == 4


@pytest.mark.parametrize(("error", "essential"), [(Outage("away"), True), (ValueError(), False)])
async def test_an_outage_or_what_can_be_missed_ends_no_process(
    ends: list[str], stopped: list[Loop], error: Exception, *, essential: bool
) -> None:
    work = Work(*[error] * 9)
    loop = Loop("work", work, essential=essential)
    stopped.append(loop)
    loop.start()
    await asyncio.wait_for(work.at_work.wait(), 5)
    assert ends == []


def test_a_process_that_ends_of_a_failure_has_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    signals: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _, number: signals.append(number))
    end = ProcessEnd()
    assert end.code == 0
    end.begin("first")
    end.begin("second")
    assert (end.code, end.reason, signals) == (1, "first", [signal.SIGTERM])


def test_pauses_grow_to_a_limit() -> None:
    growing = pauses(1, 8)
    lengths = [next(growing) for _ in range(6)]
    for length, longest in zip(lengths, (1, 2, 4, 8, 8, 8), strict=True):
        assert longest / 2 <= length <= longest


async def test_tasks_are_waited_for_and_the_late_are_broken_off() -> None:
    tasks = Tasks("work")
    quick, never = asyncio.Event(), asyncio.Event()
    done = tasks.begin(quick.wait())
    late = tasks.begin(never.wait())
    quick.set()
    await tasks.finish(0.1)
    assert done.result() is True
    assert late.cancelled()
    assert len(tasks) == 0


async def test_shielded_work_goes_on_when_its_caller_goes() -> None:
    tasks = Tasks("work")
    going, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await going.wait()
        done.set()

    caller = asyncio.create_task(tasks.shielded(work()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    going.set()
    await asyncio.wait_for(done.wait(), 5)

    async def failing() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await tasks.shielded(failing())

    async def gone() -> bool:
        return len(tasks) == 0

    await eventually(gone)
