"""Wiz without a language model: quotes the transcript, and says that it does no more than that."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from vidwiz.wiz.answers import Question
from vidwiz.wiz.citations import unmarked
from vidwiz.wiz.markdown_text import quoted
from vidwiz.wiz.passages import Index, Passage, content_words
from vidwiz.wiz.transcripts import Segment, clipped, clock, one_line
from vidwiz.wiz.words import folded

NO_MODEL = "No language model is configured, so this is what a search of the transcript finds."
NOTHING_FOUND = (
    "No language model is configured, and a search of the transcript finds nothing on this. "
    "Try words that are said in the video."
)
EXTRACT = "This is an extract of the transcript; no language model is configured to summarise it."

MOMENT_LENGTH = (40, 120)
MOMENT_WITHIN_S = 60.0
"""What is said farther away than so many seconds is not what a moment is about."""

_PASSAGES = 4
_WORTH_QUOTING = 0.4  # of the best passage's score
_EXTRACTS = 8
_QUOTE_LENGTH = 280
_ENOUGH_WORDS = 160
_BEFORE_MATCH = 100


class ExtractiveAnswerer:
    """Answers with the passages that match a question best, each with its time."""

    name = "transcript search"

    async def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """One sentence that says what this is, then a passage a piece."""
        index = question.index or Index(question.segments)
        words = _words_of(question)
        found = await asyncio.to_thread(_found, index, words)  # a search takes milliseconds
        yield NO_MODEL if found else NOTHING_FOUND
        for passage in found:
            yield f"\n\n{_quote(passage, words)}"


def digest(segments: Sequence[Segment]) -> str:
    """A summary without a model, as Markdown of at most a few thousand characters.

    Says that it is an extract, then quotes telling passages from all over the video with their
    times. Nothing, when nothing is said.
    """
    quotes = [f"- {_quote(passage)}" for passage in Index(segments).overview(_EXTRACTS)]
    return "\n".join([EXTRACT, "", *quotes]) if quotes else ""


def moment(segments: Sequence[Segment], seconds: float) -> str:
    """A note without a model: one line of at most 120 characters that is said at a moment.

    It has 40 or more where enough is said nearby, and is empty where nobody speaks within a minute.
    """
    least, most = MOMENT_LENGTH
    middle = _nearest(segments, seconds)
    if middle is None:
        return ""
    first, last = middle, middle + 1
    words = one_line(segments[middle].text)
    while len(words) < least and (first > 0 or last < len(segments)):
        if last < len(segments):
            last += 1
        else:
            first -= 1
        words = one_line(" ".join(segment.text for segment in segments[first:last]))
    return clipped(words, most)


def _words_of(question: Question) -> list[str]:
    """What to look for; a follow-up that names nothing ("and then?") goes on from those before."""
    asked = [it.content for it in question.earlier if it.role == "user"]
    named = (words for text in (question.text, *asked[::-1]) if (words := content_words(text)))
    return next(named, [])


def _found(index: Index, words: Sequence[str]) -> list[Passage]:
    """The best passages, the best first; an overview for a question that names nothing."""
    if not words:
        return index.overview(_PASSAGES)
    passages = index.best(" ".join(words), _PASSAGES)
    return [it for it in passages if it.score >= passages[0].score * _WORTH_QUOTING]


def _quote(passage: Passage, words: Sequence[str] = ()) -> str:
    """What is said from the hit on, behind its time, which is the only one in brackets."""
    said = ""
    for segment in passage.onwards:
        if len(said) >= _ENOUGH_WORDS:
            break
        said += f" {segment.text}"
    plain = one_line(unmarked(said))
    quote = clipped(_from_match(plain, words), _QUOTE_LENGTH)
    return f"[{clock(passage.hit.start)}] {quoted(quote)}"


def _from_match(text: str, words: Sequence[str]) -> str:
    """A long text from a little before the longest word that it shares with the question."""
    its = folded(text)
    places = [its.text.find(word) for word in sorted(words, key=len, reverse=True)]
    begin = next((its.begins[place] for place in places if place >= 0), 0) - _BEFORE_MATCH
    if begin <= 0 or len(text) <= _QUOTE_LENGTH:
        return text
    return f"\u2026{text[text.find(' ', begin) :]}"


def _nearest(segments: Sequence[Segment], seconds: float) -> int | None:
    """The segment that is said at a moment, or nearest to it; the latest of several."""
    if not segments:
        return None
    away = [max(it.start - seconds, seconds - it.end, 0.0) for it in segments]
    nearest = min(range(len(segments)), key=lambda index: (away[index], -index))
    return nearest if away[nearest] <= MOMENT_WITHIN_S else None
