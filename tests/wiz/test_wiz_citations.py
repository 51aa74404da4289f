"""A time in an answer is linked to the words that are said there, or not at all."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.wiz.spoken import PROBLEM_S, any_segments, real, unhurried
from vidwiz.wiz.citations import MAX_QUOTE_LENGTH, NEAR_S, Citation, CitationFinder, cited, unmarked
from vidwiz.wiz.transcripts import Segment, clock, minutes_clock

SEGMENTS = [
    Segment(60, 64, "one minute"),
    Segment(64, 70, "and four seconds"),
    Segment(70, 75.5, "and ten"),
    Segment(475, 480, "nearly eight minutes"),
    Segment(28535.4, 28538, "the problem"),
]
LENGTH_S = 30_000.0

answers = st.lists(
    st.one_of(
        st.sampled_from("[]()"),
        st.sampled_from(["[1:02]", "[1:02-1:10]", "[1:02, 1:05]", "(7:55:35)", "[475:35]", "1:0"]),
        st.text(st.sampled_from("[]()0123456789:,-; to\u2013\n\U0001f680"), max_size=8),
        st.integers(0, 40_000).map(lambda it: f"[{minutes_clock(it)}]"),
        st.integers(0, 40_000).map(lambda it: f"[{clock(it)}, {clock(it + 9)}]"),
        st.just("[" + "1:02, " * 30),
    ),
    max_size=20,
).map("".join)
lengths = st.none() | st.floats(0, 50_000)


def found(text: str, length_s: float | None = LENGTH_S) -> list[tuple[str, float, float, str]]:
    return [(it.marker, it.start, it.end, it.quote) for it in cited(text, SEGMENTS, length_s)]


def test_a_time_as_the_prompt_writes_it_is_cited() -> None:
    text = "It began here \U0001f680 [475:35], they say."
    assert cited(text, SEGMENTS, LENGTH_S) == [
        Citation("[475:35]", 16, 17, 28535.4, 28538, "the problem")
    ]


@pytest.mark.parametrize(
    "marker", ["[475:35]", "[7:55:35]", "[07:55:35]", "(7:55:35)", "[ 475:35 ]"]
)
def test_a_time_is_known_in_each_of_its_forms(marker: str) -> None:
    assert found(f"said {marker}.") == [(marker, 28535.4, 28538, "the problem")]


def test_a_time_within_a_segment_is_cited_from_the_segments_start() -> None:
    assert found("[1:02]") == [("[1:02]", 60, 64, "one minute")]


def test_a_range_ends_where_it_says() -> None:
    text = "[1:02-1:07] [1:02 \u2013 1:07]"
    quote = "one minute and four seconds"
    assert found(text) == [("[1:02-1:07]", 60, 67, quote), ("[1:02 \u2013 1:07]", 60, 67, quote)]


@pytest.mark.parametrize("text", ["[1:02-0:30]", "[1:02-900:00]", "[1:02-1:00]"])
def test_an_impossible_end_of_a_range_is_ignored(text: str) -> None:
    assert found(text) == [(text, 60, 64, "one minute")]


def test_each_of_several_times_in_a_bracket_is_cited_by_itself() -> None:
    text = "said [1:02, 3:33; 1:10-1:12 ,7:55:35]"
    assert [it.marker for it in cited(text, SEGMENTS, None)] == ["1:02", "1:10-1:12", "7:55:35"]


@pytest.mark.parametrize(
    "text",
    [
        "[0:30]",  # before anything is said
        "[3:00]",  # in a gap
        "[1:18]",  # more than two seconds after the end
        "[500:01]",  # beyond the end of the video
        "[1:75]",
        "[1:2]",
        "[1:65:00]",
        "[1:02 or so]",
        "[1:02",
        "1:02]",
        "1:02",
        "[[1:02)",
        "[]",
        "[,]",
        "(1:02)",
        "(3:16)",
        "[\u0661:\u0660\u0662]",
        "[" + " " * 200 + "1:02]",
        "[" + "9" * 100 + ":02]",
    ],
)
def test_a_time_that_the_transcript_does_not_have_is_not_linked(text: str) -> None:
    assert found(text) == []


def test_a_segment_beyond_the_videos_length_is_not_linked() -> None:
    assert found("[475:35]", 28_000) == []
    assert found("[475:35]", None) != []


def test_two_numbers_are_minutes_and_seconds_and_never_hours() -> None:
    """``[7:55]`` could mean 7 h 55 min to its writer; where both are said it would be a guess."""
    assert [start for _, start, *_ in found("[7:55]")] == [475]
    late = [Segment(28500, 28510, "seven hours and 55 minutes in")]
    assert cited("[7:55]", late, LENGTH_S) == []


def test_a_time_just_beside_a_segment_is_taken_for_it() -> None:
    assert [start for _, start, *_ in found("[0:58] [7:53] [475:34]")] == [60, 475, 28535.4]


def test_lines_of_the_same_second_are_cited_together() -> None:
    twins = [Segment(5, 5.5, "Okay."), Segment(5, 9, "Go."), Segment(9, 10, "Right.")]
    (citation,) = cited("[0:05]", twins, None)
    assert (citation.start, citation.end, citation.quote) == (5, 9, "Okay. Go.")


def test_a_time_in_overlapping_segments_is_of_the_one_that_began_last() -> None:
    overlapping = [Segment(0, 100, "long"), Segment(10, 30, "inner"), Segment(12, 13, "short")]
    quotes = [it.quote for it in cited("[0:20] [0:40]", overlapping, None)]
    assert quotes == ["inner", "long"]


def test_the_report_of_the_problem_is_found_in_the_real_transcript() -> None:
    (citation,) = cited("They report it [7:55:35].", real(), None)
    assert (citation.start, citation.end) == (PROBLEM_S, PROBLEM_S + 3)
    assert "Main B Bus Undervolt" in citation.quote


def test_a_bracket_may_be_split_over_pieces() -> None:
    finder = CitationFinder(SEGMENTS, LENGTH_S)
    pieces = ["They said", " [", "1", ":0", "2", "] and (7:55", ":35)"]
    citations = [it for piece in pieces for it in finder.feed(piece)]
    assert citations == cited("".join(pieces), SEGMENTS, LENGTH_S)
    assert len(citations) == 2


def test_a_citation_is_told_by_the_piece_that_completes_it() -> None:
    finder = CitationFinder(SEGMENTS, LENGTH_S)
    assert [len(finder.feed(piece)) for piece in ("see [1:02", "]", " or so")] == [0, 1, 0]


@unhurried
@given(answers, st.lists(st.integers(1, 12), min_size=1), any_segments, lengths)
@example("[" + "1:02," * 24 + "]", [1], SEGMENTS, None)
def test_however_an_answer_is_cut_into_pieces_its_citations_are_the_same(
    text: str, sizes: list[int], segments: list[Segment], length_s: float | None
) -> None:
    finder = CitationFinder(segments, length_s)
    pieces: list[str] = []
    at = 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    whole = cited(text, segments, length_s)
    assert [it for piece in pieces for it in finder.feed(piece)] == whole


@unhurried
@given(answers, any_segments, lengths)
def test_a_cited_time_always_lies_in_a_segment(
    text: str, segments: list[Segment], length_s: float | None
) -> None:
    end_of_last = 0
    for it in cited(text, segments, length_s):
        assert any(segment.start == it.start for segment in segments)
        assert it.start < it.end
        assert length_s is None or it.start <= length_s
        assert len(it.quote) <= MAX_QUOTE_LENGTH
        assert it.at >= end_of_last
        end_of_last = it.at + len(it.marker)
        assert text[it.at : end_of_last] == it.marker


@unhurried
@given(st.integers(0, 40_000), any_segments)
def test_a_time_in_a_gap_is_never_linked(second: int, segments: list[Segment]) -> None:
    is_near = any(
        it.start - NEAR_S <= second < max(it.end, it.start + NEAR_S + 1) for it in segments
    )
    citations = cited(f"[{minutes_clock(second)}]", segments, None)
    assert not citations or is_near


def test_unmarked_text_keeps_its_words() -> None:
    assert unmarked("[1:02] (see [Music]) [[1:05-1:06]]") == (
        "\u20391:02\u203a (see [Music]) [\u20391:05-1:06\u203a]"
    )


@unhurried
@given(answers, any_segments)
@example("[[1:02]] ([ [1:02] ])", SEGMENTS)
def test_unmarked_text_has_no_citations(text: str, segments: list[Segment]) -> None:
    assert cited(unmarked(text), segments, None) == []
