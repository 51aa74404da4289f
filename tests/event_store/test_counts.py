"""Counts in the database: exact among processes, bounded in space, and by a clock of the test."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.event_store.parts import rows
from vidwiz.event_store.counts import DAY, HOUR, MINUTE, Charge, Counts, Limit
from vidwiz.event_store.side_writes import forget_old
from vidwiz.postgres.pool import Database

START = datetime(2026, 1, 2, 12, tzinfo=UTC)


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, time: timedelta) -> None:
        self.now += time


@dataclass(frozen=True)
class Two:
    """Two processes on one database, which see one clock."""

    one: Counts
    other: Counts
    database: Database
    dsn: str
    clock: Clock = field(default_factory=Clock)


@pytest.fixture(scope="module")
async def two(module_dsn: str) -> AsyncIterator[Two]:
    clock = Clock()
    first, second = Database(module_dsn), Database(module_dsn)
    await first.open()
    await second.open()
    counts = [Counts(its, b"secret", clock) for its in (first, second)]
    yield Two(counts[0], counts[1], first, module_dsn, clock)
    await first.close()
    await second.close()


async def test_a_limit_holds_for_all_processes_and_says_when_it_ends(two: Two) -> None:
    two.clock.now = START
    charge = Charge(Limit("a", 3, HOUR), "user:1")
    two.clock.pass_time(timedelta(minutes=20))
    answers = [await counts.take(charge) for counts in (two.one, two.other, two.one, two.other)]
    assert answers[:3] == [None, None, None]
    assert answers[3] is not None
    assert answers[3].reset_in_seconds == 40 * 60
    assert await two.other.full(charge) == answers[3]
    assert await two.one.take(Charge(charge.limit, "user:2")) is None
    two.clock.pass_time(timedelta(minutes=40))
    assert await two.one.full(charge) is None
    assert await two.one.take(charge) is None


async def test_all_charges_are_taken_or_none(two: Two) -> None:
    few, many = Limit("few", 1, DAY), Limit("many", 100, DAY)
    both = (Charge(few, "x"), Charge(many, "x"))
    assert await two.one.take(*both) is None
    for _ in range(3):
        full = await two.one.take(*both)
        assert full is not None
        assert full.limit == few
    assert await two.one.used(many, "x") == 1
    await two.other.give_back(*both)
    assert await two.one.used(many, "x") == 0
    assert await two.one.take(*both) is None


async def test_amounts_are_counted(two: Two) -> None:
    bytes_a_day = Limit("bytes", 1000, DAY)
    assert await two.one.take(Charge(bytes_a_day, "u", 600)) is None
    assert await two.one.take(Charge(bytes_a_day, "u", 600)) is not None
    assert await two.one.take(Charge(bytes_a_day, "u", 400)) is None
    assert await two.one.take(Charge(bytes_a_day, "v", 1001)) is not None


async def test_many_at_once_are_not_more_than_many_in_a_row(two: Two) -> None:
    charges = Charge(Limit("burst a", 7, DAY), "u"), Charge(Limit("burst b", 5, DAY), "u")
    taken = await asyncio.gather(
        *(counts.take(*order) for counts in (two.one, two.other) for order in [charges] * 20),
        *(two.one.take(*reversed(charges)) for _ in range(10)),
    )
    assert taken.count(None) == 5
    assert await two.one.used(charges[0].limit, "u") == 5


async def test_a_process_whose_clock_is_behind_counts_in_the_window_that_has_begun(
    two: Two,
) -> None:
    limit = Limit("late", 2, MINUTE)
    behind = Counts(two.database, b"secret", lambda: two.clock.now - timedelta(minutes=1))
    assert await two.one.take(Charge(limit, "u")) is None
    assert await behind.take(Charge(limit, "u")) is None
    assert await two.one.take(Charge(limit, "u")) is not None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "back", "pass"]),
            st.sampled_from(["ann", "bob"]),
            st.integers(1, 4),
        ),
        max_size=25,
    )
)
async def test_what_is_counted_is_what_a_plain_model_counts(
    two: Two, steps: list[tuple[str, str, int]]
) -> None:
    limit = Limit(f"model {two.clock.now}", 6, HOUR)
    used: dict[tuple[str, datetime], int] = {}
    for number, (what, who, amount) in enumerate(steps):
        counts = (two.one, two.other)[number % 2]
        window = who, two.clock.now.replace(minute=0, second=0)
        before = used.get(window, 0)
        if what == "take":
            fits = before + amount <= limit.most
            assert (await counts.take(Charge(limit, who, amount)) is None) == fits
            used[window] = before + amount * fits
        elif what == "back":
            await counts.give_back(Charge(limit, who, amount))
            used[window] = max(0, before - amount)
        else:
            two.clock.pass_time(timedelta(minutes=17 * amount))
            window = who, two.clock.now.replace(minute=0, second=0)
        assert await counts.used(limit, who) == used.get(window, 0)
    two.clock.pass_time(timedelta(hours=2))


async def test_nothing_is_kept_in_the_clear_and_strangers_share_a_bounded_number_of_keys(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.event_store.counts.STRANGERS", 8)
    names = Limit("names", 10**6, DAY, strangers=True)
    for number in range(40):
        await two.one.take(Charge(names, f"203.0.113.{number}"))
    kept = [key for (key,) in rows(two.dsn, "SELECT key FROM counts")]
    assert len([key for key in kept if key.startswith("names:")]) <= 8
    assert not any("203.0" in key or "user:" in key for key in kept)
    unlike = Counts(two.database, b"another secret", two.clock)
    assert unlike.digest("203.0.113.1") != two.one.digest("203.0.113.1")


async def test_what_has_ended_is_forgotten(two: Two) -> None:
    two.clock.now = START + timedelta(days=400)
    await two.one.take(Charge(Limit("old", 1, HOUR), "u"), Charge(Limit("new", 1, DAY), "u"))
    two.clock.pass_time(timedelta(hours=2))
    async with two.database.borrowed() as connection:
        await forget_old(connection, two.clock.now)
    (left,) = [key for (key,) in rows(two.dsn, "SELECT key FROM counts")]
    assert left.startswith("new:")
