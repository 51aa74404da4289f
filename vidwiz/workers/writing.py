"""Writes summaries and AI notes: by a language model, or as extracts where there is none."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from vidwiz.adapters.language_model import (
    CUT,
    LanguageModel,
    ModelUnavailable,
    Prompt,
    PromptMessage,
)
from vidwiz.wiz import reader
from vidwiz.wiz.passages import estimated_tokens, line_of
from vidwiz.wiz.prompts import MAX_SUMMARY_LENGTH, NOTE_LENGTH, note_prompt, summary_prompt
from vidwiz.wiz.transcripts import (
    LONGEST_VIDEO_S,
    Segment,
    clipped,
    is_visible,
    one_line,
    printable,
    segments_around,
    segments_of,
)
from vidwiz.workers.api import Api, ApiRefused
from vidwiz.workers.jobs import Fruit, Job, JobFailed, NotNeeded

NOTE_TRIES = 3
NOTE_WITHIN_S = 60.0
KEPT_S = 60.0
KEPT_VIDEOS = 4

_NOT_FOUND = 404
_AGAIN = "That has {length} characters. Write it with {least} to {most}, on one line."
_CLOCK = re.compile(r"\d{1,9}(?:\s*:\s*\d{1,9})+")
_NUMBER = re.compile(r"\d{1,9}")
_UNITS_S = (1, 60, 3600, 86_400)
_WRAPPING = "\"'`*_#>- \u201c\u201d\u2018\u2019"


class SummaryWriter:
    """Work that gives a video its summary."""

    def __init__(self, api: Api, model: LanguageModel | None, budget_tokens: int) -> None:
        self._api = api
        self._model = model
        self._budget_tokens = budget_tokens

    async def __call__(self, job: Job) -> Fruit:
        """Write it, unless there is one; raises ``JobFailed``, ``NotNeeded``, ``ModelError``."""
        video = await _video(self._api, job)
        if video["summary"] and job.user_id is None:
            raise NotNeeded
        summary = await self._summary(job, video["title"], await _segments(self._api, job))
        await self._api.write_summary(job, clipped(summary, MAX_SUMMARY_LENGTH))
        return {}

    async def _summary(self, job: Job, title: str | None, segments: Sequence[Segment]) -> str:
        # Choosing passages of a long transcript takes many turns of the event loop.
        if self._model is None:
            return await asyncio.to_thread(reader.digest, segments)
        prompt = await asyncio.to_thread(summary_prompt, title, segments, self._budget_tokens)
        job.tries += 1
        summary = printable(await self._model.complete(prompt))
        if not is_visible(summary):
            raise ModelUnavailable("the summary has no words")
        return summary


@dataclass(slots=True)
class _Kept:
    """Segments of a video once they are fetched, which one job does at a time."""

    until: float
    segments: list[Segment] | None = None
    fetching: asyncio.Lock = field(default_factory=asyncio.Lock)


class RecentSegments:
    """The segments of the last few videos, so that the notes of one video share one fetch.

    What a person reads is kept apart, by their id.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._kept: dict[tuple[str, int | None], _Kept] = {}

    async def of(self, job: Job) -> list[Segment]:
        """The segments of the job's video, at most ``KEPT_S`` seconds old; raises ``JobFailed``."""
        kept = self._place((job.video_id, job.user_id))
        async with kept.fetching:
            if kept.segments is None:
                kept.segments = await _segments(self._api, job)
            return kept.segments

    def _place(self, whose: tuple[str, int | None]) -> _Kept:
        now = asyncio.get_running_loop().time()
        self._kept = {key: kept for key, kept in self._kept.items() if kept.until > now}
        kept = self._kept.pop(whose, None) or _Kept(now + KEPT_S)
        self._kept[whose] = kept  # the last one asked for
        if len(self._kept) > KEPT_VIDEOS:
            del self._kept[next(iter(self._kept))]
        return kept


class AiNoteWriter:
    """Work that gives a note its words: one line on what is said at its time."""

    def __init__(self, api: Api, model: LanguageModel | None, budget_tokens: int) -> None:
        self._api = api
        self._model = model
        self._budget_tokens = budget_tokens
        self._recent = RecentSegments(api)

    async def __call__(self, job: Job) -> Fruit:
        """Write it, if it still waits; raises ``JobFailed``, ``NotNeeded``, ``ModelError``."""
        waiting = await self._api.waiting_notes(job.video_id)
        timestamp = next((it["timestamp"] for it in waiting if it["id"] == job.note_id), None)
        if job.note_id is None or timestamp is None:
            raise NotNeeded
        line = await self._line(job, seconds_of_note(timestamp))
        try:
            await self._api.write_note(job, line)
        except ApiRefused as refusal:
            if refusal.status == _NOT_FOUND:  # deleted meanwhile
                raise NotNeeded from refusal
            raise
        return {}

    async def _line(self, job: Job, seconds: float) -> str:
        segments = await self._recent.of(job)
        extract = reader.moment(segments, seconds)
        if not extract:
            raise JobFailed("nothing_said", "Nobody speaks at that time.", is_permanent=True)
        around = _nearest(segments, seconds, self._budget_tokens)
        if self._model is None or not around:
            return extract
        video = await _video(self._api, job)
        said = await fitting(self._model, note_prompt(video["title"], around, seconds), job)
        return said if is_visible(said) else extract


async def fitting(model: LanguageModel, prompt: Prompt, job: Job) -> str:
    """One line of the length that notes have; after three tries the best one is cut to it."""
    least, most = NOTE_LENGTH
    lines: list[str] = []
    while len(lines) < NOTE_TRIES:
        job.tries += 1
        text = await model.complete(prompt)
        line = unwrapped(text.removesuffix(CUT))
        if least <= len(line) <= most and not text.endswith(CUT):
            return line
        line += "\u2026" if line and text.endswith(CUT) else ""
        lines.append(line)
        ask = _AGAIN.format(length=len(line), least=least, most=most)
        turns = [PromptMessage("model", line), PromptMessage("user", ask)] if line else []
        prompt = Prompt(prompt.system, [*prompt.messages, *turns])
    enough = [line for line in lines if len(line) >= least]
    return clipped(min(enough, key=len) if enough else max(lines, key=len), most)


def unwrapped(text: str) -> str:
    """The words on one line, without the quotation marks or Markdown that models put around."""
    return one_line(text).strip(_WRAPPING)


def seconds_of_note(timestamp: str) -> float:
    """The moment of a note whose time is as somebody's player showed it: ``h:mm:ss`` or worse.

    The first numbers with colons between them count, else the first numbers; at most four.
    """
    clock = _CLOCK.search(timestamp)
    numbers = _NUMBER.findall(clock.group() if clock else timestamp)[: len(_UNITS_S)]
    seconds = sum(
        int(number) * unit for number, unit in zip(reversed(numbers), _UNITS_S, strict=False)
    )
    return float(min(seconds, LONGEST_VIDEO_S))


async def _video(api: Api, job: Job) -> dict[str, str | None]:
    try:
        return await api.video(job.video_id)
    except ApiRefused as refusal:
        if refusal.status != _NOT_FOUND:
            raise
        raise JobFailed("unknown_video", str(refusal), is_permanent=True) from refusal


async def _segments(api: Api, job: Job) -> list[Segment]:
    items = await api.transcript(job.video_id, job.user_id)
    if items is None:  # it was asked for too early
        raise JobFailed("transcript_missing", "There is no transcript yet.")
    segments = await asyncio.to_thread(segments_of, items)
    if not segments:
        raise JobFailed("nothing_said", "The transcript has no words.", is_permanent=True)
    return segments


def _nearest(segments: Sequence[Segment], seconds: float, budget_tokens: int) -> list[Segment]:
    """What is said around a moment, as far as the budget goes, the nearest first of all."""
    around = segments_around(segments, seconds, NOTE_WITHIN_S)
    kept: list[Segment] = []
    for segment in sorted(around, key=lambda it: abs(it.start - seconds)):
        budget_tokens -= estimated_tokens(line_of(segment))
        if budget_tokens < 0:
            break
        kept.append(segment)
    return sorted(kept, key=lambda it: it.start)
