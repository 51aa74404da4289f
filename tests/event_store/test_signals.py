"""Signals: a commit wakes whoever waits, here and elsewhere; a lost signal loses no event."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import psycopg
import pytest

from tests.event_store.parts import (
    ORIGIN,
    Parts,
    backends,
    follow_log,
    note,
    rows,
    running,
    terminated,
    topics,
)
from tests.projections.histories import happen
from tests.support import MASTER, eventually
from vidwiz.event_store.notifications import CHANNEL, LONGEST_WORD, WORDS_CHANNEL, Signals
from vidwiz.events import ConversationStarted, TurnCompleted, TurnStarted, event_types
from vidwiz.events.recorded import RecordedEvent
from vidwiz.projections.wiz_queries import ORPHANED, PRESENCE_LOCK

LISTENER = "vidwiz signals"
NOTIFY_LIMIT = 8000
"""PostgreSQL refuses payloads of so many bytes."""
NEVER_S = 3600.0
GUARD_S = 30.0


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers look again only when a signal tells them to."""
    monkeypatch.setattr("vidwiz.event_store.subscription.POLL_S", NEVER_S)


class Ear:
    """Hears every NOTIFY of the database, as any process could."""

    def __init__(self, connection: psycopg.AsyncConnection[Any]) -> None:
        self.payloads: list[str] = []
        self._connection = connection

    async def hear(self) -> None:
        async for notification in self._connection.notifies():
            self.payloads.append(notification.payload)

    async def heard(self, position: int) -> list[dict[str, Any]]:
        """Wait for this position; every signal until then."""

        async def told() -> bool:
            return any(json.loads(its)["position"] >= position for its in self.payloads)

        await eventually(told)
        return [json.loads(payload) for payload in self.payloads]


@asynccontextmanager
async def listening(dsn: str) -> AsyncIterator[Ear]:
    connection = await psycopg.AsyncConnection.connect(dsn, autocommit=True)
    async with connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        ear = Ear(connection)
        hearing = asyncio.create_task(ear.hear())
        try:
            yield ear
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)


async def collect(parts: Parts, count: int, after: int = 0) -> list[RecordedEvent]:
    """The next events behind a position."""
    found: list[RecordedEvent] = []
    async with aclosing(follow_log(parts.database, parts.signals, MASTER, after)) as events:
        async for event in events:
            found.append(event)
            if len(found) == count:
                return found
    return found


def positions(events: list[RecordedEvent]) -> list[int | None]:
    return [event.position for event in events]


@pytest.mark.usefixtures("no_polls")
async def test_a_commit_wakes_a_follower_of_another_process(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        events = follow_log(two.database, two.signals, MASTER, 0)
        async with aclosing(events):
            for position in range(1, 6):
                following = asyncio.ensure_future(anext(events))
                await one.sign_up()
                event = await asyncio.wait_for(following, GUARD_S)
                assert (event.position, event.event.TOPIC) == (position, "UserSignedUp")


@pytest.mark.usefixtures("no_polls")
async def test_a_commit_wakes_a_follower_of_its_own_process(dsn: str) -> None:
    async with running(dsn) as parts:
        following = asyncio.create_task(collect(parts, 3))
        for _ in range(3):
            await parts.sign_up()
        assert positions(await asyncio.wait_for(following, GUARD_S)) == [1, 2, 3]


@pytest.mark.usefixtures("no_polls")
async def test_no_event_slips_between_the_look_and_the_wait(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        followers = [asyncio.create_task(collect(two, 100)) for _ in range(5)]
        for _ in range(100):
            await one.sign_up()
        for follower in followers:
            assert positions(await asyncio.wait_for(follower, GUARD_S)) == [*range(1, 101)]


async def test_listeners_hear_the_topics_of_each_commit(dsn: str) -> None:
    here: list[frozenset[str]] = []
    elsewhere: set[str] = set()
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        one.signals.listen(here.append)
        two.signals.listen(elsewhere.update)
        await one.store.execute(note(user_id, "video"), ORIGIN)
        await one.store.execute(note(user_id, "video"), ORIGIN)

        async def told() -> bool:
            return two.signals.head == 6

        await eventually(told)
    assert here == [{"VideoAdded", "TaskQueued", "NoteAdded"}, {"NoteAdded"}]
    assert elsewhere >= {"VideoAdded", "TaskQueued", "NoteAdded"}


async def test_many_commits_coalesce_into_one_signal(dsn: str) -> None:
    async with running(dsn) as parts, listening(dsn) as ear:
        for position in range(1, 1001):
            parts.signals.committed(position, {f"Topic{position % 3}"})
        (signal,) = await ear.heard(1000)
    assert signal["position"] == 1000
    assert sorted(signal["topics"]) == ["Topic0", "Topic1", "Topic2"]


async def test_the_last_commit_is_always_told(dsn: str) -> None:
    async with running(dsn) as parts, listening(dsn) as ear:
        for _ in range(50):
            await parts.sign_up()
        signals = await ear.heard(50)
    told = [signal["position"] for signal in signals]
    assert told == sorted(told)
    assert told[-1] == 50
    assert len(told) <= 50
    assert {tuple(signal["topics"]) for signal in signals} == {("UserSignedUp",)}


async def test_closing_tells_what_is_not_yet_told(dsn: str) -> None:
    async with listening(dsn) as ear:
        async with running(dsn) as parts:
            user_id = await parts.sign_up()
            executing = asyncio.create_task(parts.store.execute(note(user_id, "video"), ORIGIN))
            await asyncio.sleep(0)
        assert await executing
        assert (await ear.heard(5))[-1]["position"] == 5


async def test_a_signal_with_every_topic_fits_postgresql(dsn: str) -> None:
    async with running(dsn) as parts, listening(dsn) as ear:
        parts.signals.committed(2**62, event_types())
        (signal,) = await ear.heard(2**62)
        assert set(signal["topics"]) == set(event_types())
    assert len(ear.payloads[0].encode()) < NOTIFY_LIMIT / 2


@pytest.mark.usefixtures("no_polls")
async def test_a_killed_listener_listens_again_and_nothing_is_missed(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        following = asyncio.create_task(collect(two, 3))
        await one.sign_up()
        before = backends(dsn, LISTENER)
        assert len(before) == 2
        await terminated(dsn, *before)
        await one.sign_up()  # while nobody listens

        async def listening_again() -> bool:
            return len(set(backends(dsn, LISTENER)) - set(before)) == 2

        await eventually(listening_again)
        await one.sign_up()
        assert positions(await asyncio.wait_for(following, GUARD_S)) == [1, 2, 3]


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "garbage",
        "[]",
        "{}",
        '{"position": "x"}',
        '{"sender": "s", "topics": [null]}',
        "\U0001f3ac",
    ],
)
@pytest.mark.usefixtures("no_polls")
async def test_a_strange_signal_deafens_nobody(dsn: str, payload: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        following = asyncio.create_task(collect(two, 1))
        with psycopg.connect(dsn, autocommit=True) as stranger:
            stranger.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))
        await one.sign_up()
        assert positions(await asyncio.wait_for(following, GUARD_S)) == [1]


async def test_a_signal_ahead_of_the_log_makes_no_follower_skip(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        ahead = Signals(one.database)
        two_heard: list[frozenset[str]] = []
        two.signals.listen(two_heard.append)
        await ahead.start()
        ahead.committed(2**40, {"Tested"})
        await ahead.close()

        async def told() -> bool:
            return frozenset({"Tested"}) in two_heard

        await eventually(told)
        following = asyncio.create_task(collect(two, 2))
        await one.sign_up()
        await one.sign_up()
        assert positions(await asyncio.wait_for(following, GUARD_S)) == [1, 2]
    assert topics(dsn) == ["UserSignedUp"] * 2


async def test_signals_that_stop_at_once_leave_no_connection_behind(dsn: str) -> None:
    async with running(dsn) as parts:
        (its,) = backends(dsn, LISTENER)
        short = Signals(parts.database)
        await short.start()
        await short.close()

        async def gone() -> bool:
            return backends(dsn, LISTENER) == [its]

        await eventually(gone)


def present(dsn: str) -> set[int]:
    """The numbers of the processes that hold the lock of those that live."""
    held = rows(
        dsn,
        "SELECT objid::bigint FROM pg_locks JOIN pg_database ON oid = database"
        " WHERE locktype = 'advisory' AND classid = %(lock)s AND granted"
        " AND datname = current_database()",
        lock=PRESENCE_LOCK,
    )
    return {number for (number,) in held}


async def test_a_process_is_seen_by_its_number_as_long_as_it_lives(dsn: str) -> None:
    async with running(dsn) as one:
        async with running(dsn) as two:
            assert one.signals.server != two.signals.server
            assert present(dsn) == {one.signals.server, two.signals.server}

        async def gone() -> bool:
            return present(dsn) == {one.signals.server}

        await eventually(gone)


async def test_a_process_that_lost_its_connection_is_seen_again_by_the_same_number(
    dsn: str,
) -> None:
    async with running(dsn) as parts:
        number = parts.signals.server
        (before,) = backends(dsn, LISTENER)
        await terminated(dsn, before)

        async def seen() -> bool:
            return before not in backends(dsn, LISTENER) and present(dsn) == {number}

        await eventually(seen)
        assert parts.signals.server == number


async def test_turns_of_a_process_that_is_gone_are_orphaned_and_those_of_others_are_not(
    dsn: str,
) -> None:
    async with running(dsn) as one, running(dsn) as two:
        living, here, gone = two.signals.server, one.signals.server, one.signals.server ^ 1
        its: dict[str, Any] = {"conversation_id": 1, "user_id": None, "guest_id": "b0f7"}
        happen(
            dsn,
            ConversationStarted(**its, video_id="v1"),
            *(
                TurnStarted(**its, turn_id=turn_id, server=server)
                for turn_id, server in enumerate((living, gone, here, gone, gone), start=1)
            ),
            TurnCompleted(**its, turn_id=4, answer_id=6),
        )
        for _ in range(2):
            assert await one.database.all(ORPHANED, server=here, here=[]) == [(2,), (3,), (5,)]
        assert await two.database.all(ORPHANED, server=living, here=[]) == [(1,), (2,), (5,)]


@asynccontextmanager
async def two_who_talk(dsn: str) -> AsyncIterator[tuple[Parts, list[str], Parts, list[str]]]:
    """Two processes, each with what it hears."""
    async with running(dsn) as one, running(dsn) as two:
        to_one: list[str] = []
        to_two: list[str] = []
        one.signals.hear(to_one.append)
        two.signals.hear(to_two.append)
        yield one, to_one, two, to_two


async def until_heard(heard: list[str], last: str) -> None:
    async def told() -> bool:
        return last in heard

    await eventually(told)


async def test_others_hear_what_a_process_says_in_order_and_it_does_not_hear_itself(
    dsn: str,
) -> None:
    words = [f"word {number}" for number in range(500)]
    async with two_who_talk(dsn) as (one, to_one, two, to_two):
        for word in words:
            one.signals.say(word)
        two.signals.say("answer")
        await until_heard(to_two, words[-1])
        await until_heard(to_one, "answer")
    assert (to_one, to_two) == (["answer"], words)


async def test_the_same_word_is_heard_again(dsn: str) -> None:
    async with two_who_talk(dsn) as (one, _, _, to_two):
        for number in range(3):
            one.signals.say("again")

            async def heard(times: int = number + 1) -> bool:
                return to_two == ["again"] * times

            await eventually(heard)


@pytest.mark.parametrize("letter", ["x", "\U0001f680"])
async def test_the_longest_word_fits_postgresql(dsn: str, letter: str) -> None:
    word = letter * (LONGEST_WORD // len(letter.encode()))
    async with two_who_talk(dsn) as (one, _, _, to_two):
        one.signals.say(word)
        await until_heard(to_two, word)
    assert len(f"{2**31} {word}".encode()) < NOTIFY_LIMIT


async def test_a_word_that_nobody_understands_deafens_nobody(dsn: str) -> None:
    def confused(_: str) -> None:
        raise ZeroDivisionError("a bug")

    async with running(dsn) as one, running(dsn) as two:
        heard: list[str] = []
        two.signals.hear(confused)
        two.signals.hear(heard.append)
        with psycopg.connect(dsn, autocommit=True) as stranger:
            for payload in ("", "garbage", "7", "7 \U0001f3ac", f"{one.signals.server}"):
                stranger.execute("SELECT pg_notify(%s, %s)", (WORDS_CHANNEL, payload))
        one.signals.say("word")
        await until_heard(heard, "word")
        await one.sign_up()  # and commits are heard of as before

        async def told() -> bool:
            return two.signals.head == 1

        await eventually(told)
    assert heard[-1] == "word"


async def test_a_word_is_no_commit_and_a_commit_is_no_word(dsn: str) -> None:
    async with two_who_talk(dsn) as (one, _, two, to_two):
        commits: list[frozenset[str]] = []
        two.signals.listen(commits.append)
        one.signals.say("word")
        await until_heard(to_two, "word")
        assert commits == []
        await one.sign_up()

        async def told() -> bool:
            return commits == [{"UserSignedUp"}]

        await eventually(told)
    assert to_two == ["word"]


async def test_closing_says_what_is_not_yet_said(dsn: str) -> None:
    async with running(dsn) as two:
        heard: list[str] = []
        two.signals.hear(heard.append)
        async with running(dsn) as one:
            one.signals.say("last words")
        await until_heard(heard, "last words")


async def test_who_lost_its_connection_hears_what_is_said_later(dsn: str) -> None:
    async with two_who_talk(dsn) as (one, to_one, _, to_two):
        before = backends(dsn, LISTENER)
        await terminated(dsn, *before)

        async def listening_again() -> bool:
            return len(set(backends(dsn, LISTENER)) - set(before)) == 2

        await eventually(listening_again)

        async def talking_again() -> bool:
            one.signals.say("still there?")
            return "still there?" in to_two

        await eventually(talking_again)
    assert to_one == []
