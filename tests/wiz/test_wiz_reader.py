"""Without a model Wiz quotes, cites what it quotes, and says what it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wiz.spoken import PROBLEM_S, any_segments, real, said, unhurried
from vidwiz.wiz.answers import Answerer, Question, Said
from vidwiz.wiz.citations import cited
from vidwiz.wiz.passages import Index
from vidwiz.wiz.reader import (
    EXTRACT,
    NO_MODEL,
    NOTHING_FOUND,
    ExtractiveAnswerer,
    digest,
    moment,
)
from vidwiz.wiz.transcripts import Segment

READER: Answerer = ExtractiveAnswerer()


async def answer(
    segments: list[Segment], text: str, *earlier: Said, index: Index | None = None
) -> list[str]:
    question = Question("W421vNri5hw", None, segments, earlier, text, index)
    return [piece async for piece in READER.answer(question)]


async def test_what_happened_to_main_b_bus_is_answered_with_the_report_of_it() -> None:
    first, best, *others = await answer(real(), "What happened to Main B Bus?")
    assert first == NO_MODEL
    assert best.strip().startswith(
        "[7:55:35] CDR: Uh, Houston, we've had a problem. We've had a Main"
    )
    assert others
    (citation,) = cited(best, real(), None)
    assert (citation.marker, citation.start) == ("[7:55:35]", PROBLEM_S)


async def test_each_piece_after_the_first_cites_one_passage() -> None:
    segments = real()
    _, *passages = await answer(segments, "main bus undervolt", index=Index(segments))
    assert [len(cited(passage, segments, None)) for passage in passages] == [1] * len(passages)


async def test_what_is_never_said_is_not_answered() -> None:
    assert await answer(said("one", "two"), "Who flew the zeppelin?") == [NOTHING_FOUND]
    assert await answer([], "What is this about?") == [NOTHING_FOUND]


async def test_a_question_that_names_nothing_is_answered_with_an_overview() -> None:
    first, *passages = await answer(real(), "What is this video about?")
    assert first == NO_MODEL
    assert len(passages) == 4


async def test_a_follow_up_is_about_the_question_before() -> None:
    segments = said("the sky is blue", *["nothing here"] * 20, "the valve broke")
    earlier = [Said("user", "Which valve?"), Said("assistant", "The sky is blue.")]
    _, *passages = await answer(segments, "And then?", *earlier)
    assert passages == ["\n\n[1:45] the valve broke"]


async def test_brackets_and_markup_of_the_transcript_are_not_taken_for_wizs_own() -> None:
    segments = said("first", "<b>the valve</b> of [0:00] <script>alert(1)</script>")
    _, passage = await answer(segments, "valve")
    assert passage == (
        "\n\n[0:05] \\<b\\>the valve\\</b\\> of \u20390:00\u203a \\<script\\>alert(1)\\</script\\>"
    )


async def test_a_long_passage_is_quoted_where_it_matches() -> None:
    segments = said("so " * 300 + "finally the valve broke " + "and so " * 300)
    _, passage = await answer(segments, "Which valve?")
    assert passage.startswith("\n\n[0:00] \u2026 so so")
    assert "finally the valve broke" in passage
    assert len(passage) < 300


def test_it_says_its_name() -> None:
    assert READER.name == "transcript search"


def test_a_digest_quotes_all_over_the_video_and_says_that_it_does() -> None:
    segments = real()
    text = digest(segments)
    assert text.startswith(EXTRACT)
    starts = [citation.start for citation in cited(text, segments, None)]
    assert starts == sorted(starts)
    assert len(starts) == 8
    assert starts[0] < 7200
    assert starts[-1] > 25_000


@unhurried
@given(any_segments)
def test_a_digest_is_never_too_long(segments: list[Segment]) -> None:
    assert len(digest(segments)) <= 10_000


def test_there_is_no_digest_of_nothing() -> None:
    assert digest([]) == ""


def test_a_moment_is_what_is_said_then() -> None:
    assert moment(real(), PROBLEM_S + 1) == (
        "CDR: Uh, Houston, we've had a problem. We've had a Main B Bus Undervolt."
    )


def test_a_short_line_goes_on_with_what_follows_and_then_with_what_was_before() -> None:
    segments = said("before it all", "one two three", "four five six", "seven eight nine ten")
    assert moment(segments, 7) == "one two three four five six seven eight nine ten"
    assert moment(segments, 17) == "one two three four five six seven eight nine ten"


@pytest.mark.parametrize("seconds", [0, 4.9, 500, 28535, 28800, 1e9])
def test_a_moment_is_one_line_of_its_length(seconds: float) -> None:
    note = moment(real(), seconds)
    assert note == "" or 40 <= len(note) <= 120


def test_a_long_line_is_cut_between_words() -> None:
    note = moment(said("word " * 100), 2)
    assert len(note) <= 120
    assert note.endswith("word\u2026")


def test_nothing_is_noted_where_nobody_speaks() -> None:
    assert moment(said("one", "two"), 1000) == ""
    assert moment([], 0) == ""


@unhurried
@given(any_segments, st.floats(0, 50_000))
def test_a_moment_is_never_too_long(segments: list[Segment], seconds: float) -> None:
    note = moment(segments, seconds)
    assert len(note) <= 120
    assert len(note.splitlines()) <= 1
