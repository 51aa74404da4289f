"""Where the words of a search stand in a text."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vidwiz.http.videos.snippets import MOST_HIGHLIGHTS, Term, spans

texts = st.lists(st.sampled_from(("a", "b", "AB", "é", "\u0301", "一", "二", "_", "-", " ")))
words = st.sampled_from(("a", "b", "ab", "e", "一", "二"))
terms = st.builds(Term, st.lists(words, min_size=1, max_size=3).map(tuple), st.booleans())


def plain(text: str) -> list[tuple[str, int, int]]:
    """The words of a text of these letters, folded, and where they stand."""
    found: list[tuple[str, int, int]] = []
    for at, letter in enumerate(text):
        is_letter = letter in "abABé"
        if letter == "\u0301":
            if found and found[-1][2] == at:  # a mark goes with what stands before it
                found[-1] = (*found[-1][:2], at + 1)
        elif is_letter and found and found[-1][2] == at and found[-1][0] not in ("一", "二"):
            word, begin, _ = found.pop()
            found.append((word + letter, begin, at + 1))
        elif is_letter or letter in "一二":
            found.append((letter, at, at + 1))
    return [(word.lower().replace("é", "e"), begin, end) for word, begin, end in found]


def first_span(text: str, term: Term) -> tuple[int, int] | None:
    its = plain(text)
    *before, last = term.words
    for begin in range(len(its) - len(before)):
        tried = its[begin : begin + len(term.words)]
        fits = tried[-1][0].startswith(last) if term.is_open else tried[-1][0] == last
        if fits and [word for word, _, _ in tried[:-1]] == before:
            return tried[0][1], tried[-1][2]
    return None


@given(texts.map("".join), terms)
def test_the_first_place_of_a_term_is_where_its_words_stand_together(text: str, term: Term) -> None:
    found = spans(text, [term])
    assert (found[0] if found else None) == first_span(text, term)


@given(texts.map("".join), st.lists(terms, max_size=3))
def test_places_are_in_order_and_overlap_nowhere(text: str, its: list[Term]) -> None:
    found = spans(text, its)
    assert all(a < b for a, b in found)
    assert all(before[1] <= behind[0] for before, behind in pairwise(found))


def test_a_text_of_nothing_but_hits_shows_the_first_of_them() -> None:
    phrases = [Term(("一",) * length, is_open=False) for length in range(1, 151)]
    found = spans("一" * 100_000, phrases)
    assert len(found) == MOST_HIGHLIGHTS
    assert found[0][0] == 0
