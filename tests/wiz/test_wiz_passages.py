"""Retrieval finds what a question is about wherever it is said, and never exceeds its budget."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiz.spoken import PROBLEM_S, any_segments, real, said, texts, unhurried
from vidwiz.wiz.passages import (
    Index,
    best_passages,
    content_words,
    estimated_tokens,
    line_of,
    relevant,
)
from vidwiz.wiz.transcripts import Segment

QUESTION = "What happened to Main B Bus?"
SECONDS_FOR_5000 = 1.0  # measured: 0.05 to 0.09; a busy machine may take longer


def spent(segments: list[Segment]) -> int:
    return estimated_tokens("".join(f"{line_of(segment)}\n" for segment in segments))


def filler(count: int) -> list[str]:
    return [f"we keep talking of number {i} and nothing else" for i in range(count)]


def test_a_transcript_that_fits_is_read_whole() -> None:
    segments = said("one", "two", "three")
    assert relevant(segments, "two", spent(segments)) == segments


@unhurried
@given(any_segments, texts, st.integers(-5, 300), texts)
def test_the_budget_is_never_exceeded_and_the_order_is_that_of_time(
    segments: list[Segment], query: str, budget: int, weaker: str
) -> None:
    chosen = relevant(segments, query, budget, weaker)
    assert spent(chosen) <= max(budget, 0)
    rest = iter(segments)
    assert all(any(it is one for it in rest) for one in chosen)


def test_a_hit_at_the_end_of_eight_hours_is_found_with_what_is_said_around_it() -> None:
    chosen = relevant(real(), QUESTION, 2000)
    at = [segment.start for segment in chosen].index(PROBLEM_S)
    assert [segment.start for segment in chosen[at - 1 : at + 3]] == [28531, 28535, 28538, 28542]
    assert 1500 < spent(chosen) <= 2000


def test_the_best_passage_on_main_b_bus_is_the_report_of_the_problem() -> None:
    best, *others = best_passages(real(), QUESTION, most=4)
    assert (best.hit.start, best.hit.text) == (
        PROBLEM_S,
        "CDR: Uh, Houston, we've had a problem. We've had a Main B Bus Undervolt.",
    )
    assert best.onwards[0] is best.hit
    assert all(best.score >= other.score > 0 for other in others)
    seen = [id(segment) for passage in (best, *others) for segment in passage.segments]
    assert len(seen) == len(set(seen))


def test_a_question_that_names_nothing_gets_an_overview_of_the_whole_video() -> None:
    segments = real()
    chosen = relevant(segments, "What is this video about?", 2000)
    tenths = {segments.index(segment) * 10 // len(segments) for segment in chosen}
    assert tenths == set(range(10))
    assert 1500 < spent(chosen) <= 2000


def test_beside_the_hits_there_is_an_overview_of_the_rest() -> None:
    segments = said(*filler(300), "the valve broke", *filler(300))
    chosen = relevant(segments, "Which valve broke?", 1000)
    starts = [segment.start for segment in chosen]
    assert 1500.0 in starts
    assert starts[0] < 300
    assert starts[-1] > 2700


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("Which PROBLEMS were there?", "a problem with the valve"),
        ("Was ist mit der Stra\u00dfe?", "die STRASSE ist gesperrt"),
        ("\u00c9l\u00e9phants", "un \u00e9l\u00e9phant passe"),
        ("\u6c34\u7d20", "\u4eca\u65e5\u306f\u6c34\u7d20\u306e\u8a71\u3067\u3059"),
        (
            "\u0939\u093f\u0928\u094d\u0926\u0940",
            "\u092f\u0939 \u0939\u093f\u0928\u094d\u0926\u0940 \u0939\u0948",
        ),
        ("the captain\u2019s log", "captain's log, stardate one"),
        ("elephant", "un \u00e9l\u00e9phant passe"),
        ("Lodz", "we went to \u0141\u00f3d\u017a"),
        ("\u0645\u062d\u0645\u062f", "\u0645\u064f\u062d\u064e\u0645\u0651\u062f"),
        ("\uff21\uff30\uff29 keys", "the api has keys"),
        ("Is C++ fast?", "but C++ is not slow"),
        ("GPT-4", "then came GPT-4o"),
        ("version 2.0", "in v2.0.1 it was mended"),
        ("a pass\u200bword", "the password is long"),
    ],
)
def test_words_are_found_in_other_cases_forms_and_scripts(query: str, hit: str) -> None:
    segments = said(*filler(20), hit, *filler(20))
    assert best_passages(segments, query)[0].hit.text == hit


def test_c_and_its_kin_are_words_of_their_own() -> None:
    segments = said(*filler(20), "I write C", *filler(20), "I write C++", *filler(20), "I write C#")
    texts = ["I write C", "I write C++", "I write C#"]
    assert [best_passages(segments, its[-3:], 1)[0].hit.text for its in texts] == texts


def test_a_question_may_be_spread_over_neighbouring_captions() -> None:
    split = ["the cabin", "pressure is", "falling now"]
    segments = said("the cabin is warm", *filler(20), *split, *filler(20), "falling asleep")
    assert best_passages(segments, "cabin pressure falling")[0].hit.text in split


def test_a_follow_up_goes_on_from_what_was_asked_before() -> None:
    segments = said(*filler(100), "the valve broke", *filler(100))
    around = segments[97:104]
    assert not all(it in relevant(segments, "And then?", 200) for it in around)
    assert all(it in relevant(segments, "And then?", 200, "Which valve broke?") for it in around)


def test_nothing_matches_what_is_never_said() -> None:
    assert best_passages(said("one", "two"), "zeppelin") == []
    assert best_passages([], QUESTION) == []
    assert content_words("What is this video about?") == []


def test_a_segment_longer_than_the_budget_is_left_out() -> None:
    segments = said("short", "long " * 1000)
    assert relevant(segments, "long", 20) == segments[:1]


def test_the_estimate_is_a_quarter_of_the_bytes() -> None:
    assert [estimated_tokens(text) for text in ("", "a", "abcd", "abcde")] == [0, 1, 1, 2]
    assert estimated_tokens("\u65e5\u672c\u8a9e\u306e") == 3


def test_a_question_of_a_megabyte_is_searched_like_any_other() -> None:
    segments = said(*filler(50), "the valve broke", *filler(50))
    query = "valve " + "talking number " * 70_000
    assert segments[50] in relevant(segments, query, 300)


def test_five_thousand_segments_are_indexed_and_searched_in_a_moment() -> None:
    words = " ".join(segment.text for segment in real()).split() * 5
    segments = said(*(" ".join(words[at : at + 9]) for at in range(0, 45_000, 9)))
    begin = time.perf_counter()
    assert Index(segments).relevant(QUESTION, 15_000)
    assert len(segments) == 5000
    assert time.perf_counter() - begin < SECONDS_FOR_5000
