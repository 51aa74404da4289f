"""A turn as it happens: whoever follows it, from wherever, hears each word once, then its end."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiz.spoken import unhurried
from vidwiz.commands.conversations import Identity
from vidwiz.wiz.citations import Citation
from vidwiz.wiz.turn import LONGEST_PIECE, START, StreamedTurnEvent, Turn, TurnOffset, past_events

GUARD_S = 30.0
ENDS: Sequence[Literal["completed", "stopped", "failed"]] = ("completed", "stopped", "failed")

Step = str | Citation


def a_turn(*steps: Step) -> Turn:
    """A turn in which this was said and cited."""
    turn = Turn(21, 11, Identity(guest_id="b0f7"))
    for step in steps:
        happen(turn, step)
    return turn


def happen(turn: Turn, step: Step) -> None:
    if isinstance(step, str):
        turn.add(step)
    else:
        turn.cite(step)


def cited(number: int) -> Citation:
    return Citation(
        f"[{number}:00]", number, number, number * 60.0, number * 60.0 + 5, f"words {number}"
    )


async def followed(turn: Turn, after: TurnOffset = START) -> list[StreamedTurnEvent]:
    """What a follower hears to the end."""
    async with asyncio.timeout(GUARD_S), aclosing(turn.follow(after)) as events:
        return [event async for event in events if event is not None]


def content(events: Sequence[StreamedTurnEvent]) -> str:
    return "".join(orjson.loads(its.data)["content"] for its in events if its.kind == "delta")


def citations(events: Sequence[StreamedTurnEvent]) -> list[dict[str, Any]]:
    return [orjson.loads(its.data) for its in events if its.kind == "citation"]


def state(turn: Turn) -> tuple[str, list[dict[str, Any]], TurnOffset, Sequence[str]]:
    """What a turn has come to: content, citations, place and its end."""
    ends = [event.kind for event in turn.events if event.is_last]
    return turn.content, turn.citations, turn.place, ends


steps = st.lists(
    st.one_of(
        st.text(st.sampled_from("ab \u00e9\u65e5\U0001f680\n"), max_size=6),
        st.integers(0, 99).map(cited),
        st.integers(LONGEST_PIECE - 1, 2 * LONGEST_PIECE + 1).map(lambda size: "x" * size),
    ),
    max_size=12,
)
ends = st.sampled_from(ENDS)


async def test_a_follower_hears_what_was_said_and_what_is_being_said() -> None:
    turn = a_turn("Main B ", cited(1))
    following = asyncio.create_task(followed(turn))
    await asyncio.sleep(0)
    happen(turn, "lost power")
    turn.end("completed", {"message_id": 30})
    assert [(its.kind, orjson.loads(its.data), its.place) for its in await following] == [
        ("delta", {"content": "Main B "}, TurnOffset(7, 0)),
        ("citation", asdict(cited(1)), TurnOffset(7, 1)),
        ("delta", {"content": "lost power"}, TurnOffset(17, 1)),
        ("completed", {"message_id": 30}, TurnOffset(17, 1)),
    ]


async def test_any_number_of_followers_hear_the_same_whenever_they_come() -> None:
    turn = a_turn()
    following = []
    for number in range(10):
        following.append(asyncio.create_task(followed(turn)))
        await asyncio.sleep(0)
        happen(turn, str(number))
    turn.end("stopped", {"message_id": 30})
    following.append(asyncio.create_task(followed(turn)))
    heard = await asyncio.gather(*following)
    assert [content(events) for events in heard] == ["0123456789"] * 11
    assert {events[-1].kind for events in heard} == {"stopped"}


async def test_a_follower_that_leaves_takes_nothing_from_others() -> None:
    turn = a_turn("one ")
    staying = asyncio.create_task(followed(turn))
    async with aclosing(turn.follow()) as leaving:
        assert await anext(leaving) is not None
    happen(turn, "two")
    turn.end("completed", {"message_id": 30})
    assert content(await staying) == "one two"


async def test_silence_is_told_and_what_comes_after_it_is_not_lost() -> None:
    turn = a_turn("one")
    async with asyncio.timeout(GUARD_S), aclosing(turn.follow(heartbeat_s=0.01)) as events:
        first = await anext(events)
        assert first is not None
        assert [await anext(events) for _ in range(3)] == [None] * 3
        happen(turn, "two")
        while (second := await anext(events)) is None:
            pass
        assert content([first, second]) == "onetwo"


@given(steps=steps, end=ends, at=st.integers(0, 3000), seen=st.integers(0, 12))
@unhurried
async def test_a_follower_from_any_place_hears_exactly_the_rest(
    steps: list[Step], end: Any, at: int, seen: int
) -> None:
    turn = a_turn(*steps)
    turn.end(end, {"code": "x"})
    after = TurnOffset(min(at, turn.place.characters), min(seen, turn.place.citations))
    events = await followed(turn, after)
    assert content(events) == turn.content[after.characters :]
    assert citations(events) == turn.citations[after.citations :]
    assert [its.kind for its in events if its.is_last] == [end]
    assert events[-1].place == turn.place
    assert all(len(content([its])) <= LONGEST_PIECE for its in events if its.kind == "delta")


@given(steps=steps, end=ends, hear=st.integers(0, 20))
@unhurried
async def test_whoever_comes_back_to_where_they_were_misses_and_repeats_nothing(
    steps: list[Step], end: Any, hear: int
) -> None:
    turn = a_turn(*steps)
    turn.end(end, {"code": "x"})
    events = await followed(turn)
    before = events[: min(hear, len(events) - 1)]
    after = before[-1].place if before else START
    heard = [*before, *await followed(turn, after)]
    assert (content(heard), citations(heard)) == (turn.content, turn.citations)


async def test_who_has_seen_all_of_it_hears_only_the_end() -> None:
    turn = a_turn("words", cited(1))
    turn.end("completed", {"message_id": 30})
    assert [its.kind for its in await followed(turn, turn.place)] == ["completed"]
    assert [its.kind for its in await followed(turn, TurnOffset(10**8, 10**5))] == ["completed"]


@pytest.mark.parametrize("end", ENDS)
async def test_a_turn_ends_once(end: Any) -> None:
    turn = a_turn("words")
    turn.end(end, {"first": True})
    for other in ENDS:
        turn.end(other, {"first": False})
    (last,) = [its for its in await followed(turn) if its.is_last]
    assert (last.kind, orjson.loads(last.data)) == (end, {"first": True})


@given(steps=steps, end=ends)
@unhurried
async def test_a_stored_turn_is_followed_as_if_it_happened(steps: list[Step], end: Any) -> None:
    turn = a_turn(*steps)
    turn.end(end, {"message_id": 30})
    stored = a_turn()
    for event in past_events(turn.content, turn.citations, end, {"message_id": 30}):
        stored.receive(event)
    assert state(stored) == state(turn)
    after = TurnOffset(turn.place.characters // 2, turn.place.citations // 2)
    rest = await followed(stored, after)
    assert content(rest) == turn.content[after.characters :]
    assert citations(rest) == turn.citations[after.citations :]


def test_a_turn_that_ended_without_a_word_is_its_end_alone() -> None:
    (only,) = past_events("", (), "failed", {"code": "refused"})
    assert (only.kind, only.place, only.is_last) == ("failed", START, True)


@given(
    steps=steps,
    end=ends,
    order=st.lists(st.integers(0, 30), max_size=60),
)
@unhurried
async def test_whatever_gets_lost_or_comes_twice_or_late_a_mirror_holds_no_wrong_word(
    steps: list[Step], end: Any, order: list[int]
) -> None:
    turn, mirror = a_turn(*steps), a_turn()
    turn.end(end, {"message_id": 30})
    for index in order:
        mirror.receive(turn.events[index % len(turn.events)])
        assert turn.content.startswith(mirror.content)
        assert mirror.citations == turn.citations[: len(mirror.citations)]
        assert not mirror.ended or state(mirror) == state(turn)
    for event in past_events(turn.content, turn.citations, end, {"message_id": 30}):
        mirror.receive(event)
    assert state(mirror) == state(turn)


async def test_a_mirror_asks_for_what_is_missing_from_its_place_on() -> None:
    turn = a_turn("one ", cited(1), "two ", "three", cited(2))
    turn.end("completed", {"message_id": 30})
    lost = {0, 3}
    mirror = a_turn()
    for index, event in enumerate(turn.events):
        if index not in lost:
            mirror.receive(event)
    assert not mirror.ended
    for event in await followed(turn, mirror.place):
        mirror.receive(event)
    assert state(mirror) == state(turn)


async def test_what_a_mirror_receives_its_followers_hear() -> None:
    turn, mirror = a_turn("one ", cited(1), "two"), a_turn()
    following = asyncio.create_task(followed(mirror))
    await asyncio.sleep(0)
    turn.end("stopped", {"message_id": 30})
    for event in turn.events:
        mirror.receive(event)
    events = await following
    assert (content(events), citations(events)) == ("one two", [asdict(cited(1))])
    assert events[-1].kind == "stopped"


@pytest.mark.parametrize("stored", ["", "Main"])
def test_a_mirror_ends_though_less_was_stored_than_it_has_seen(stored: str) -> None:
    """A process that crashed said words that nobody could store."""
    mirror = a_turn("Main B ", cited(1), "lost")
    for event in past_events(stored, (), "failed", {"code": "interrupted"}):
        mirror.receive(event)
    assert state(mirror) == ("Main B lost", [asdict(cited(1))], TurnOffset(11, 1), ["failed"])
