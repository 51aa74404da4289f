"""Finds what a transcript says about a question: BM25 over windows of neighbouring segments."""

import math
import re
import unicodedata
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vidwiz.wiz.transcripts import Segment, minutes_clock

BYTES_PER_TOKEN = 4

_RADIUS = 3
_K1, _B = 1.2, 0.75  # the usual constants of BM25
_INFLECTED = 0.5
_WEAKER = 0.3
_SHORTEST_STEM, _LONGEST_ENDING = 4, 3
_SHARE_OF_HITS = 0.8
_LINES_PER_STRETCH = 3

_STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be been before but by can could did do does "
    "don't explain for from had has have he her him his how i if in into is it it's its just like "
    "me mean my of on or our please say said says she should so some talk tell than that that's "
    "the their them then there these they this those to us video was we were what what's when "
    "where which who who's why will with would you your".split()
)

_MARKS = "".join(
    character
    for character in map(chr, range(0x300, 0x10000))
    if unicodedata.category(character) in {"Mn", "Mc"}
)
# Thai to Myanmar, Khmer, kana, Han and Hangul are written without spaces, or inflect like it.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_ASCII_WORDS = re.compile(r"\w+(?:'\w+)?")
_RUNS = re.compile(rf"([{_UNSPACED}]+)|((?:(?![{_UNSPACED}])[\w{_MARKS}])+(?:'\w+)?)")


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring segments around the one that matches best, the ``hit``."""

    hit: Segment
    segments: Sequence[Segment]
    score: float


def line_of(segment: Segment) -> str:
    """A segment as a line of a prompt: ``m:ss words``."""
    return f"{minutes_clock(segment.start)} {segment.text}"


def estimated_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes: for English the usual quarter of the characters.

    Other scripts take more tokens a character, and more bytes.
    """
    return -(-_bytes(text) // BYTES_PER_TOKEN)


def content_words(text: str) -> list[str]:
    """The words of a question that are worth a search: those that do not merely ask."""
    return [word for word in _words(text) if word not in _STOP_WORDS]


def relevant(
    segments: Sequence[Segment], query: str, budget_tokens: int, weaker: str = ""
) -> list[Segment]:
    """What to read to answer a question; see ``Index.relevant``."""
    return Index(segments).relevant(query, budget_tokens, weaker)


def best_passages(segments: Sequence[Segment], query: str, most: int = 3) -> list[Passage]:
    """The passages that match a question best; see ``Index.best``."""
    return Index(segments).best(query, most)


class Index:
    """The words of one transcript. It never changes, so it can be kept and shared."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        self._costs = [_bytes(line_of(segment)) + 1 for segment in self.segments]
        self._counts = [Counter(_words(segment.text)) for segment in self.segments]
        self._postings: dict[str, dict[int, int]] = defaultdict(dict)
        for index, counts in enumerate(self._counts):
            for word, count in counts.items():
                self._postings[word][index] = count
        self._postings.default_factory = None
        self._vocabulary = sorted(self._postings)
        self._lengths = self._spread({i: c.total() for i, c in enumerate(self._counts)})
        self._average = sum(self._lengths.values()) / len(self.segments) if self.segments else 1.0

    def fits(self, budget_tokens: int) -> bool:
        """Whether the whole transcript, a segment a line, stays within the budget."""
        return sum(self._costs) <= budget_tokens * BYTES_PER_TOKEN

    def relevant(self, query: str, budget_tokens: int, weaker: str = "") -> list[Segment]:
        """The segments to read, in the order of time: all, if they fit the budget.

        Else the windows that match ``query`` best (words of ``weaker``, such as earlier questions,
        count less), and telling lines spread evenly over the rest. The budget is in tokens as
        ``estimated_tokens`` counts them, a line each; it is never exceeded.
        """
        if self.fits(budget_tokens):
            return list(self.segments)
        room = max(budget_tokens, 0) * BYTES_PER_TOKEN
        weights = dict.fromkeys(content_words(weaker), _WEAKER)
        weights |= dict.fromkeys(content_words(query), 1.0)
        chosen = self._windows_within(self._ranked(weights), int(room * _SHARE_OF_HITS))
        room -= sum(self._costs[index] for index in chosen)
        chosen |= self._spread_over(chosen, room)
        return [self.segments[index] for index in sorted(chosen)]

    def best(self, query: str, most: int = 3) -> list[Passage]:
        """The passages that match best, the best first; they do not overlap."""
        found: list[Passage] = []
        taken: set[int] = set()
        for index, score in self._ranked(dict.fromkeys(content_words(query), 1.0)):
            if len(found) == most:
                break
            if index not in taken:
                window = [i for i in self._window(index) if i not in taken]
                taken.update(window)
                members = [self.segments[i] for i in window]
                found.append(Passage(self.segments[index], members, score))
        return found

    def overview(self, most: int) -> list[Segment]:
        """The most telling segment of each of so many equal stretches, in the order of time."""
        stretches = _stretches(range(len(self.segments)), most)
        return [self.segments[max(stretch, key=self._telling)] for stretch in stretches]

    def _window(self, index: int) -> range:
        return range(max(0, index - _RADIUS), min(len(self.segments), index + _RADIUS + 1))

    def _ranked(self, weights: Mapping[str, float]) -> list[tuple[int, float]]:
        scores: dict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            matches = self._matches(word)
            rarity = weight * self._rarity(len(matches))
            for index, count in self._spread(matches).items():
                length = 1 - _B + _B * self._lengths[index] / self._average
                scores[index] += rarity * count * (_K1 + 1) / (count + _K1 * length)
        return sorted(scores.items(), key=lambda one: (-one[1], one[0]))

    def _matches(self, word: str) -> dict[int, float]:
        """How often a word stands in which segments; its inflections count half."""
        matches: dict[int, float] = defaultdict(float)
        for variant in self._variants(word):
            for index, count in self._postings[variant].items():
                matches[index] += count if variant == word else count * _INFLECTED
        return matches

    def _variants(self, word: str) -> Iterator[str]:
        """The word and those that differ from it by an ending: problem, problems."""
        shortest = max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING)
        yield from (
            word[:end] for end in range(shortest, len(word)) if word[:end] in self._postings
        )
        if word in self._postings:
            yield word
        if len(word) < _SHORTEST_STEM:
            return
        for longer in self._vocabulary[bisect_left(self._vocabulary, word) :]:
            if not longer.startswith(word):
                break
            if 0 < len(longer) - len(word) <= _LONGEST_ENDING:
                yield longer

    def _rarity(self, segments: int) -> float:
        return math.log(1 + (len(self.segments) - segments + 0.5) / (segments + 0.5))

    def _spread(self, counts: Mapping[int, float]) -> dict[int, float]:
        """Counts per window: a neighbour's words count the less the farther away it is."""
        spread: dict[int, float] = defaultdict(float)
        for index, count in counts.items():
            for near in self._window(index):
                spread[near] += count / (1 + abs(near - index)) ** 2
        return spread

    def _windows_within(self, ranked: Iterable[tuple[int, float]], room: int) -> set[int]:
        chosen: set[int] = set()
        for index, _ in ranked:
            for more in ([i for i in self._window(index) if i not in chosen], [index]):
                cost = sum(self._costs[i] for i in more)
                if index not in chosen and cost <= room:
                    chosen.update(more)
                    room -= cost
        return chosen

    def _spread_over(self, chosen: set[int], room: int) -> set[int]:
        """From each stretch of what is left out, the most telling line that its share pays for."""
        rest = [index for index in range(len(self.segments)) if index not in chosen]
        if not rest or room <= 0:
            return set()
        usual = sum(self._costs[index] for index in rest) / len(rest)
        stretches = _stretches(rest, max(1, int(room / (usual * _LINES_PER_STRETCH))))
        share = room // len(stretches)
        affordable = ([i for i in part if self._costs[i] <= share] for part in stretches)
        return {max(part, key=self._telling) for part in affordable if part}

    def _telling(self, index: int) -> float:
        """How much a segment is about what the transcript is about: words neither rare nor usual."""
        counts = self._counts[index]
        weights = (
            math.log1p(len(self._postings[word])) * self._rarity(len(self._postings[word]))
            for word in counts
            if word not in _STOP_WORDS
        )
        return sum(weights) / math.sqrt(counts.total() or 1)


def _words(text: str) -> list[str]:
    folded = text.casefold()
    if folded.isascii():
        return _ASCII_WORDS.findall(folded)
    folded = unicodedata.normalize("NFKC", folded.replace("’", "'")).casefold()
    return [
        word
        for unspaced, spaced in _RUNS.findall(folded)
        for word in ([spaced] if spaced else _pairs(unspaced))
    ]


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _stretches(indices: Sequence[int], most: int) -> list[Sequence[int]]:
    count = min(most, len(indices))
    bounds = [len(indices) * part // count for part in range(count + 1)] if count else []
    return [indices[begin:end] for begin, end in zip(bounds, bounds[1:], strict=False)]
