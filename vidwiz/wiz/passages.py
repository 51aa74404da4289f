"""Finds what a transcript says about a question: BM25 over windows of neighbouring segments."""

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise, takewhile
from operator import mul

from vidwiz.wiz.transcripts import Segment, minutes_clock
from vidwiz.wiz.words import terms_of

BYTES_PER_TOKEN = 4

_RADIUS = 3
_NEARNESS = {away: 1 / (1 + abs(away)) ** 2 for away in range(-_RADIUS, _RADIUS + 1)}
_K1, _B = 1.2, 0.75  # the usual constants of BM25
_INFLECTED = 0.5
_PAIR = 0.5
_WEAKER = 0.3
_SHORTEST_STEM, _LONGEST_ENDING = 4, 3
_SHARE_OF_HITS = 0.8
_MOST_WORDS = 50  # a question may be a megabyte of them
_LINES_PER_STRETCH = 2

_ASKING = (
    "a about after all also am an and any are as at be been before but by can could did do does "
    "don't explain for from had has have he her him his how i if in into is it it's its just like "
    "me mean my of on or our please say said says she should so some talk tell than that that's "
    "the their them then there these they this those to us video was we were what what's when "
    "where which who who's why will with would you your"
)
_STOP_WORDS = frozenset(terms_of(_ASKING))


@dataclass(frozen=True, slots=True)
class Passage:
    """Neighbouring segments around the one that matches best, the ``hit``."""

    hit: Segment
    segments: Sequence[Segment]
    score: float

    @property
    def onwards(self) -> Sequence[Segment]:
        """The hit and what is said next."""
        return self.segments[self.segments.index(self.hit) :]


def line_of(segment: Segment) -> str:
    """A segment as a line of a prompt: ``m:ss words``."""
    return f"{minutes_clock(segment.start)} {segment.text}"


def estimated_tokens(text: str) -> int:
    """A quarter of the UTF-8 bytes: for English the usual quarter of the characters.

    Other scripts take more tokens a character, and more bytes.
    """
    return -(-_bytes(text) // BYTES_PER_TOKEN)


def content_words(text: str) -> list[str]:
    """The words of a question that are worth a search: the first that do not merely ask."""
    words = (word for word in terms_of(text) if word not in _STOP_WORDS)
    return list(islice(words, _MOST_WORDS))


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

    def fits(self, budget_tokens: int) -> bool:
        """Whether the whole transcript, a segment a line, stays within the budget."""
        return sum(self._costs) <= budget_tokens * BYTES_PER_TOKEN

    def relevant(self, query: str, budget_tokens: int, weaker: str = "") -> list[Segment]:
        """The segments to read, in the order of time: all, if they fit the budget.

        Else the windows that match ``query`` best (words of ``weaker``, such as earlier questions,
        count less), and telling lines spread evenly over the rest. The budget is in tokens as
        ``estimated_tokens`` counts them, a line each; it is never exceeded, so a segment that is
        longer than it is left out.
        """
        if self.fits(budget_tokens):
            return list(self.segments)
        room = max(budget_tokens, 0) * BYTES_PER_TOKEN
        chosen = self._windows_within(self._ranked(query, weaker), int(room * _SHARE_OF_HITS))
        room -= sum(self._costs[index] for index in chosen)
        chosen |= self._spread_over(chosen, room)
        return [self.segments[index] for index in sorted(chosen)]

    def best(self, query: str, most: int = 3) -> list[Passage]:
        """The passages that match best, the best first; they do not overlap."""
        found: list[Passage] = []
        taken: set[int] = set()
        for index, score in self._ranked(query):
            if len(found) == most:
                break
            if index not in taken:
                window = [near for near in self._window(index) if near not in taken]
                taken.update(window)
                found.append(self._passage(index, window, score))
        return found

    def overview(self, most: int) -> list[Passage]:
        """The most telling passage of each of so many equal stretches, in the order of time."""
        stretches = _stretches(range(len(self.segments)), most)
        hits = [max(stretch, key=self._telling) for stretch in stretches]
        return [self._passage(hit, self._window(hit), self._telling(hit)) for hit in hits]

    def _passage(self, hit: int, window: Iterable[int], score: float) -> Passage:
        return Passage(self.segments[hit], [self.segments[near] for near in window], score)

    def _window(self, index: int) -> range:
        return range(max(0, index - _RADIUS), min(len(self.segments), index + _RADIUS + 1))

    def _ranked(self, query: str, weaker: str = "") -> list[tuple[int, float]]:
        """Windows with a score, the best first, each named by the segment in its middle."""
        scores: dict[int, float] = defaultdict(float)
        for counts, weight in self._evidence(query, weaker):
            rarity = weight * self._rarity(len(counts))
            for index, count in self._windowed(counts).items():
                scores[index] += rarity * count * (_K1 + 1) / (count + self._norms[index])
        return sorted(scores.items(), key=lambda one: (-one[1], one[0]))

    def _evidence(self, query: str, weaker: str) -> Iterator[tuple[Mapping[int, float], float]]:
        """How often a word, or pair of words, of the query is in which segments, and its weight."""
        words = content_words(query)
        for word in dict.fromkeys(words):
            yield self._matches(word), 1.0
        for pair in dict.fromkeys(pairwise(words)):
            yield self._adjacent(*pair), _PAIR
        for word in dict.fromkeys(it for it in content_words(weaker) if it not in words):
            yield self._matches(word), _WEAKER

    def _matches(self, word: str) -> Mapping[int, float]:
        """How often a word stands in which segments; its inflections count half."""
        matches: dict[int, float] = defaultdict(float)
        for variant in self._variants(word):
            weight = 1.0 if variant == word else _INFLECTED
            for index in self._postings[variant]:
                matches[index] += weight
        return matches

    def _adjacent(self, first: str, second: str) -> Mapping[int, float]:
        """How often two words follow each other in which segments."""
        both = set(self._postings.get(first, ())).intersection(self._postings.get(second, ()))
        counts = {index: Counter(pairwise(self._words[index]))[first, second] for index in both}
        return {index: float(count) for index, count in counts.items() if count}

    def _variants(self, word: str) -> list[str]:
        """The words of the transcript that differ at most by an ending: problem, problems."""
        shortest = max(_SHORTEST_STEM, len(word) - _LONGEST_ENDING)
        stems = [word[:end] for end in range(shortest, len(word) + 1)] or [word]
        return [stem for stem in stems if stem in self._postings] + self._longer(word)

    def _longer(self, word: str) -> list[str]:
        if len(word) < _SHORTEST_STEM:
            return []
        begin = bisect_right(self._vocabulary, word)
        same = takewhile(lambda it: it.startswith(word), islice(self._vocabulary, begin, None))
        return [longer for longer in same if len(longer) - len(word) <= _LONGEST_ENDING]

    def _rarity(self, segments: int) -> float:
        return math.log(1 + (len(self.segments) - segments + 0.5) / (segments + 0.5))

    def _windowed(self, counts: Mapping[int, float]) -> Mapping[int, float]:
        """Counts per window: a neighbour's words count the less the farther away it is."""
        windowed: dict[int, float] = defaultdict(float)
        for index, count in counts.items():
            for near in self._window(index):
                windowed[near] += count * _NEARNESS[near - index]
        return windowed

    def _windows_within(self, ranked: Iterable[tuple[int, float]], room: int) -> set[int]:
        """The best windows that the room (bytes) has place for, or at least their middles."""
        chosen: set[int] = set()
        for index, _ in ranked:
            window = {near for near in self._window(index) if near not in chosen}
            for group in (window, {index} - chosen):
                cost = sum(self._costs[near] for near in group)
                if cost <= room:
                    chosen |= group
                    room -= cost
                    break
        return chosen

    def _spread_over(self, chosen: set[int], room: int) -> set[int]:
        """From each stretch of what is left out, the most telling line that there is room for.

        A stretch may spend its share of the room (bytes) and what those before it left of theirs.
        """
        rest = [index for index in range(len(self.segments)) if index not in chosen]
        usual = sum(self._costs[index] for index in rest) / (len(rest) or 1) or 1
        stretches = _stretches(rest, max(1, int(room / (usual * _LINES_PER_STRETCH))))
        spread: set[int] = set()
        spent = 0
        for number, stretch in enumerate(stretches, 1):
            left = room * number // len(stretches) - spent
            telling = max(
                (index for index in stretch if self._costs[index] <= left),
                key=self._telling,
                default=None,
            )
            if telling is not None:
                spread.add(telling)
                spent += self._costs[telling]
        return spread

    def _telling(self, index: int) -> float:
        """How much a segment is about what the transcript is about."""
        words = self._words[index]
        topics = (self._topicality[word] for word in dict.fromkeys(words))
        return sum(topics) / math.sqrt(len(words) or 1)

    # What follows is made at the first search: most transcripts fit and need none.

    @cached_property
    def _words(self) -> Sequence[Sequence[str]]:
        return [terms_of(segment.text) for segment in self.segments]

    @cached_property
    def _postings(self) -> Mapping[str, Sequence[int]]:
        """In which segments a word stands, as often as it does."""
        postings: dict[str, list[int]] = defaultdict(list)
        for index, words in enumerate(self._words):
            for word in words:
                postings[word].append(index)
        return dict(postings)

    @cached_property
    def _vocabulary(self) -> Sequence[str]:
        return sorted(self._postings)

    @cached_property
    def _norms(self) -> Sequence[float]:
        """What BM25 adds to counts for a window's length."""
        beyond = [0] * _RADIUS
        sizes = [*beyond, *map(len, self._words), *beyond]
        windows = zip(*(sizes[away:] for away in range(len(_NEARNESS))), strict=False)
        lengths = [sum(map(mul, window, _NEARNESS.values())) for window in windows]
        usual = sum(lengths) / (len(lengths) or 1) or 1
        return [_K1 * (1 - _B + _B * length / usual) for length in lengths]

    @cached_property
    def _topicality(self) -> Mapping[str, float]:
        """Words that are neither rare nor everywhere say what a transcript is about."""
        return {
            word: 0.0
            if word in _STOP_WORDS
            else math.log1p(len(found)) * self._rarity(len(set(found)))
            for word, found in self._postings.items()
        }


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def _stretches(indices: Sequence[int], most: int) -> list[Sequence[int]]:
    count = min(most, len(indices))
    bounds = [len(indices) * part // count for part in range(count + 1)] if count else []
    return [indices[begin:end] for begin, end in pairwise(bounds)]
