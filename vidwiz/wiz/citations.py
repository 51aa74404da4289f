"""Times in an answer, resolved against the transcript: where the words stand that it cites.

A time is read one way only. ``[7:55]`` is 7 minutes and 55 seconds, as the prompt's lines have it,
and never 7 hours and 55 minutes: a guess would sometimes seek to the wrong place, a time that the
transcript does not have stays plain text.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from vidwiz.wiz.transcripts import Segment, clipped, one_line, seconds_of, utf16_length

NEAR_S = 2.0
"""A time in no segment is taken for one that starts at most so many seconds away."""

MAX_QUOTE_LENGTH = 300

_LONGEST_MARKER = 120  # characters between the brackets
_BRACKETED = re.compile(
    rf"\[([^\[\]()]{{1,{_LONGEST_MARKER}}})\]|\(([^\[\]()]{{1,{_LONGEST_MARKER}}})\)"
)
_PARTS = re.compile(r"\s*([^,;]*[^,;\s])\s*")
_RANGE = re.compile(r"\s*([0-9:]+)(?:\s*[-\u2013\u2014]\s*([0-9:]+))?\s*")


@dataclass(frozen=True, slots=True)
class Citation:
    """A time in an answer and what is said there.

    ``marker`` is ``answer[at : at + len(marker)]``, counted in code points: ``[1:02]``, or only
    ``1:02`` where one pair of brackets holds several times; ``at_utf16`` counts UTF-16 code
    units, as browsers do. ``start`` and ``end`` are seconds; ``quote`` is what is said between, of
    bounded length. Markers do not overlap.
    """

    marker: str
    at: int
    at_utf16: int
    start: float
    end: float
    quote: str


@dataclass(frozen=True, slots=True)
class _Mention:
    """A time (seconds), or a range of them, where it stands in a text."""

    begin: int
    stop: int
    start: int
    end: int | None


def cited(text: str, segments: Sequence[Segment], length_s: float | None) -> list[Citation]:
    """The citations of a whole answer, in the order of the text; see ``CitationFinder``."""
    return CitationFinder(segments, length_s).feed(text)


def unmarked(text: str) -> str:
    """The text with other brackets around its times, so that none of them is a citation."""
    return _BRACKETED.sub(
        lambda found: f"\u2039{found[0][1:-1]}\u203a" if _mentions(found) else found[0], text
    )


class CitationFinder:
    """Finds citations in an answer while it is made, however it is cut into pieces.

    Known are ``[m:ss]`` (minutes not wrapped at 60, as in the prompt, or wrapped), ``[h:mm:ss]``,
    ranges ``[1:02-1:10]``, several times ``[1:02, 3:04]``, and ``(h:mm:ss)``; in round brackets
    ``(3:16)`` is too often something else. The video is ``length_s`` seconds long, if that is
    known: a time beyond it, or where the transcript has nothing, is no citation.
    """

    def __init__(self, segments: Sequence[Segment], length_s: float | None) -> None:
        self._spoken = _Spoken(segments, length_s)
        self._pending = ""
        self._at = 0
        self._at_utf16 = 0

    def feed(self, piece: str) -> list[Citation]:
        """The citations whose markers this piece completes."""
        text = self._pending + piece
        found = [
            Citation(
                marker=text[one.begin : one.stop],
                at=self._at + one.begin,
                at_utf16=self._at_utf16 + utf16_length(text[: one.begin]),
                start=start,
                end=end,
                quote=quote,
            )
            for bracketed in _BRACKETED.finditer(text)
            for one in _mentions(bracketed)
            if (place := self._spoken.place(one.start, one.end)) is not None
            for start, end, quote in [place]
        ]
        done = _settled(text)
        self._at += done
        self._at_utf16 += utf16_length(text[:done])
        self._pending = text[done:]
        return found


class _Spoken:
    """What is said when."""

    def __init__(self, segments: Sequence[Segment], length_s: float | None) -> None:
        self._segments = sorted(segments, key=lambda segment: segment.start)
        self._starts = [segment.start for segment in self._segments]
        self._latest_ends = list(accumulate((s.end for s in self._segments), max))
        self._length_s = length_s

    def place(self, start: int, end: int | None) -> tuple[float, float, str] | None:
        """Start and end (seconds) and the words there, if the transcript has the time.

        Lines that start in the same second cannot be told apart by a time: they are cited together.
        An impossible end of a range is ignored.
        """
        found = self._beginning_at(start) or self._containing(start) or self._nearest(start)
        if not found or self._is_beyond(start) or self._is_beyond(found[0].start):
            return None
        if end is not None and end > found[0].start and not self._is_beyond(end):
            later = self._segments[bisect_right(self._starts, found[-1].start) :]
            said = [*found, *(segment for segment in later if segment.start < end)]
            return found[0].start, float(end), _quote(said)
        return found[0].start, max(segment.end for segment in found), _quote(found)

    def _is_beyond(self, seconds: float) -> bool:
        return self._length_s is not None and seconds > self._length_s

    def _beginning_at(self, second: int) -> Sequence[Segment]:
        begin = bisect_left(self._starts, second)
        return self._segments[begin : bisect_left(self._starts, second + 1, begin)]

    def _containing(self, second: int) -> Sequence[Segment]:
        index = bisect_right(self._starts, second) - 1
        while index >= 0 and self._latest_ends[index] > second:
            if self._segments[index].end > second:
                return [self._segments[index]]
            index -= 1
        return ()

    def _nearest(self, second: int) -> Sequence[Segment]:
        after = bisect_left(self._starts, second)
        candidates = self._segments[max(0, after - 1) : after + 1]
        nearest = min(candidates, key=lambda one: abs(one.start - second), default=None)
        return [nearest] if nearest and abs(nearest.start - second) <= NEAR_S else ()


def _mentions(bracketed: re.Match[str]) -> list[_Mention]:
    """The times in a pair of brackets; none, if it holds anything else."""
    inside = bracketed.start() + 1, bracketed.end() - 1
    parts = list(_PARTS.finditer(bracketed.string, *inside))
    times = [_times(part[0], spelled_out=bracketed[1] is None) for part in parts]
    spans = [part.span(1) for part in parts] if len(parts) > 1 else [bracketed.span()]
    known = [its for its in times if its is not None]
    if not parts or len(known) < len(parts):
        return []
    return [_Mention(*span, *its) for span, its in zip(spans, known, strict=True)]


def _times(text: str, *, spelled_out: bool) -> tuple[int, int | None] | None:
    match = _RANGE.fullmatch(text)
    if match is None or (spelled_out and any(it and it.count(":") == 1 for it in match.groups())):
        return None
    start, end = seconds_of(match[1]), seconds_of(match[2] or match[1])
    return None if start is None or end is None else (start, end if match[2] else None)


def _settled(text: str) -> int:
    """How much of the text no longer matters: all before a bracket that may yet be closed."""
    last = max(text.rfind(bracket) for bracket in "[]()")
    is_open = last >= 0 and text[last] in "[(" and len(text) - last <= _LONGEST_MARKER + 1
    return last if is_open else len(text)


def _quote(segments: Sequence[Segment]) -> str:
    words = ""
    for segment in segments:
        if len(words) > MAX_QUOTE_LENGTH:
            break
        words += f" {one_line(segment.text)}"
    return clipped(words.strip(), MAX_QUOTE_LENGTH)
