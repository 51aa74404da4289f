"""Where the words of a search stand in a text, and the piece of the text that shows them."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from vidwiz.wiz.transcripts import utf16_length
from vidwiz.wiz.words import words_of

LONGEST = 240
"""Characters of a snippet."""
BEFORE = 80
"""Characters that a snippet shows before the first hit, where there are more."""
MOST_HIGHLIGHTS = 20

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Term:
    """Words that stand beside each other, folded; the last may go on where it ``is_open``."""

    words: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a text, folded, in one ``line`` with a space before and behind each.

    A word begins behind ``begins`` in the line and ends at ``ends``; ``spans`` is where it stands
    in the text.
    """

    line: str
    begins: Sequence[int]
    ends: Sequence[int]
    spans: Sequence[Span]


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a text, and the spans of it, in UTF-16 code units, that were searched for."""

    text: str
    highlights: list[Span]


def spans(text: str, terms: Sequence[Term]) -> list[Span]:
    """Where the terms stand in the text, in characters, in the order of the text."""
    words = _words_in(text)
    found = sorted({span for term in terms for span in _spans_of(term, words)})
    return [*_apart(found)][:MOST_HIGHLIGHTS]


def snippet(text: str, found: Sequence[Span]) -> Snippet:
    """The text around the first span, with all the spans that are whole in it."""
    first = found[0][0] if found else 0
    begin, end = _window(text, first)
    head, tail = "…" if begin else "", "…" if end < len(text) else ""
    shown = head + text[begin:end] + tail
    shift = len(head) - begin
    inside = [(a + shift, b + shift) for a, b in found if begin <= a and b <= end]
    return Snippet(shown, [(utf16_length(shown[:a]), utf16_length(shown[:b])) for a, b in inside])


def _words_in(text: str) -> _Words:
    words = [*words_of(text)]
    ends = [*accumulate(len(word.text) + 1 for word in words)]
    line = f" {' '.join(word.text for word in words)} "
    return _Words(line, [0, *ends[:-1]], ends, [(word.begin, word.end) for word in words])


def second_at(offsets: Sequence[int], starts: Sequence[float], character: int) -> float:
    """When the segment begins that holds a character."""
    return starts[max(0, bisect_right(offsets, character) - 1)]


def _spans_of(term: Term, words: "_Words") -> Iterator[Span]:
    """The first places of the term: so many are shown at most, and a text may have thousands."""
    wanted = f" {' '.join(term.words)}{'' if term.is_open else ' '}"
    at = words.line.find(wanted)
    for _ in range(MOST_HIGHLIGHTS):
        if at < 0:
            return
        first = bisect_left(words.begins, at)
        last = first + len(term.words) - 1
        yield words.spans[first][0], words.spans[last][1]
        at = words.line.find(wanted, words.ends[last])


def _apart(found: Sequence[Span]) -> Iterator[Span]:
    """The spans without those that overlap an earlier one."""
    end = 0
    for span in found:
        if span[0] >= end:
            yield span
            end = span[1]


def _window(text: str, first: int) -> Span:
    if len(text) <= LONGEST:
        return 0, len(text)
    begin = max(0, min(first - BEFORE, len(text) - LONGEST))
    if begin:
        begin = text.find(" ", begin, begin + BEFORE // 2) + 1 or begin
    end = min(len(text), begin + LONGEST)
    if end < len(text):
        last = text.rfind(" ", end - BEFORE // 2, end)
        end = last if last > first else end
    return begin, end
