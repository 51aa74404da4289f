"""Stored transcripts hold what workers sent; what Wiz reads has words and a place in time."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiz.spoken import unhurried
from vidwiz.wiz.transcripts import (
    LAST_SEGMENT_S,
    Segment,
    clipped,
    clock,
    minutes_clock,
    readable,
    seconds_of,
    segments_around,
    segments_of,
)

odd = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())
)
items = st.lists(
    st.one_of(odd, st.fixed_dictionaries({"text": odd, "offset": odd, "duration": odd}))
)


def item(text: object, offset: object, duration: object = None) -> dict[str, object]:
    return {"text": text, "offset": offset, "duration": duration}


def test_segments_are_in_the_order_of_time_and_on_one_line() -> None:
    stored = [item("later\u2028on", 9, 2), item(" first\nof  all ", 1.5, 3)]
    assert segments_of(stored) == [Segment(1.5, 4.5, "first of all"), Segment(9, 11, "later on")]


@pytest.mark.parametrize(
    "stored",
    [
        "a line",
        {},
        item(None, 1),
        item(7, 1),
        item(" \n", 1),
        item("\ud800\x00", 1),
        item("words", None),
        item("words", True),
        item("words", "1"),
        item("words", -1),
        item("words", float("nan")),
        item("words", float("inf")),
        item("words", 10**400),
    ],
    ids=repr,
)
def test_what_has_no_words_or_no_time_is_left_out(stored: object) -> None:
    assert segments_of([stored, item("words", 3, 1)]) == [Segment(3, 4, "words")]


def test_a_segment_of_unknown_length_lasts_until_the_next() -> None:
    first, twin, last = segments_of([item("a", 1), item("b", 1), item("c", 4)])
    assert (first.end, twin.end, last.end) == (4, 4, 4 + LAST_SEGMENT_S)


def test_fifty_thousand_segments_at_the_same_second_take_no_time() -> None:
    begin = time.perf_counter()
    assert len(segments_of([item("a", 0)] * 50_000)) == 50_000
    assert time.perf_counter() - begin < 5


@unhurried
@given(items)
def test_whatever_is_stored_becomes_segments(stored: list[object]) -> None:
    segments = segments_of(stored)
    assert all(0 <= it.start < it.end and it.text.splitlines() == [it.text] for it in segments)
    for segment in segments:
        segment.text.encode()


def test_around_a_moment_is_what_is_said_within_the_seconds() -> None:
    segments = [Segment(0, 5, "a"), Segment(20, 25, "b"), Segment(40, 45, "c")]
    assert segments_around(segments, 15, 10) == segments[:2]


@pytest.mark.parametrize(
    ("seconds", "wrapped", "unwrapped"),
    [(0, "0:00", "0:00"), (62.9, "1:02", "1:02"), (28535, "7:55:35", "475:35")],
)
def test_times_are_written_wrapped_for_people_and_unwrapped_for_prompts(
    seconds: float, wrapped: str, unwrapped: str
) -> None:
    assert (clock(seconds), minutes_clock(seconds)) == (wrapped, unwrapped)
    assert seconds_of(wrapped) == seconds_of(unwrapped) == int(seconds)


@pytest.mark.parametrize("text", ["", "1", "1:2", "1:60", "1:60:00", "1:2:03", "-1:02", "a1:02"])
def test_what_is_no_time_has_no_seconds(text: str) -> None:
    assert seconds_of(text) is None


@unhurried
@given(st.text(), st.integers(1, 50))
def test_clipped_text_is_never_too_long(text: str, most: int) -> None:
    assert len(clipped(text, most)) <= most


def test_text_is_clipped_between_words() -> None:
    assert clipped("one two three four", 14) == "one two three\u2026"
    assert clipped("one two", 7) == "one two"
    assert clipped("unbreakable", 5) == "unbr\u2026"


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ([{"text": "a", "offset": 1, "more": {}}], [{"text": "a", "offset": 1, "more": {}}]),
        ([{"text": None, "offset": 3}, {"offset": 1}, 7, {"text": "b"}], [{"text": "b"}]),
        ([{"text": "a", "offset": "3", "duration": -1}], [{"text": "a"}]),
        ([{"text": "a", "offset": 1e99, "duration": None}], [{"text": "a"}]),
        ({"text": "a"}, []),
    ],
)
def test_what_old_workers_stored_is_shown_without_what_is_no_segment(
    stored: object, shown: object
) -> None:
    assert json.loads(readable(json.dumps(stored).encode())) == shown
