"""Reads a transcript that somebody pastes or uploads, in any format of docs/captions.md."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vidwiz.wiz.captions import json_lists, subrip, timed_lines, timed_text, webvtt
from vidwiz.wiz.captions.cues import Cue, Skipped, UnreadableTranscript
from vidwiz.wiz.captions.decoding import decoded, with_plain_line_ends
from vidwiz.wiz.captions.rolling import unrolled
from vidwiz.wiz.transcripts import LONGEST_VIDEO_S, Segment, segments_of

__all__ = ["MAX_ITEMS", "ReadTranscript", "UnreadableTranscript", "parse_transcript"]

MAX_ITEMS = 50_000
MOST_REASONS = 5
"""Parts that were left out of which a person is told the line and why."""

_LINES_OF_A_CUE = 6
_EVENTS_A_LINE = 2
"""YouTube's exports have a cue without words behind each with words."""
_HINTS = {
    **dict.fromkeys(("vtt", "webvtt"), "vtt"),
    **dict.fromkeys(("srt", "subrip"), "srt"),
    **dict.fromkeys(("json", "json3"), "json"),
    **dict.fromkeys(("ttml", "dfxp", "xml", "srv1", "srv2", "srv3"), "xml"),
    **dict.fromkeys(("ass", "ssa"), "ass"),
    "sbv": "sbv",
    "lrc": "lrc",
    "tsv": "tsv",
}


@dataclass(frozen=True, slots=True)
class ReadTranscript:
    """The items of a file, how many of its cues were left out, and why the first of them."""

    items: list[dict[str, Any]]
    skipped: int
    reasons: Sequence[Skipped]


def parse_transcript(content: bytes | str, hint: str | None = None) -> list[dict[str, Any]]:
    """The items of ``read_transcript`` alone."""
    return read_transcript(content, hint).items


def read_transcript(content: bytes | str, hint: str | None = None) -> ReadTranscript:
    """The items of a transcript: ``text``, ``offset`` and ``duration`` (seconds), in time's order.

    ``hint`` is a file name or content type; without one, or where it says nothing, the content
    tells the format. A malformed cue is left out and counted. Raises ``UnreadableTranscript``, and
    nothing else, when no cue is left.
    """
    text = decoded(content) if isinstance(content, bytes) else with_plain_line_ends(content)
    if not text.strip():
        raise UnreadableTranscript("The transcript is empty.")
    if text.count("\n") > MAX_ITEMS * _LINES_OF_A_CUE:  # before each of them costs time
        raise UnreadableTranscript(f"The transcript has more than {MAX_ITEMS} lines.")
    format_ = _format(text, hint)
    noun = "Item" if format_ == "json" else "Line"
    cues, skipped = _sorted_out(_READERS[format_](text), noun)
    if format_ in ("vtt", "srt"):
        cues = [*unrolled(cues, rolls=webvtt.has_word_times(text))]
    segments = segments_of([_raw_item(cue) for cue in cues])
    if not segments:
        raise _refusal(format_, cues, skipped)
    if len(segments) > MAX_ITEMS:
        raise UnreadableTranscript(f"The transcript has more than {MAX_ITEMS} lines.")
    return ReadTranscript(
        [_item(segment) for segment in segments], len(skipped), skipped[:MOST_REASONS]
    )


def _sorted_out(found: Iterable[Cue | Skipped], noun: str) -> tuple[list[Cue], list[Skipped]]:
    """The cues whose times can be, and what is left out; raises for more than can be a video's."""
    cues: list[Cue] = []
    skipped: list[Skipped] = []
    for one in found:
        if isinstance(one, Skipped):
            skipped.append(one)
        elif len(cues) > MAX_ITEMS * _EVENTS_A_LINE:
            raise UnreadableTranscript(f"The transcript has more than {MAX_ITEMS} lines.")
        elif math.isfinite(one.start) and 0 <= one.start <= LONGEST_VIDEO_S:
            cues.append(one)
        else:
            reason = f"{noun} {one.line} is later than any video is long."
            skipped.append(Skipped(one.line, reason))
    return cues, skipped


def _refusal(format_: str, cues: Sequence[Cue], skipped: Sequence[Skipped]) -> UnreadableTranscript:
    if skipped:
        return UnreadableTranscript(f"{skipped[0].reason} {_LOOKED_FOR[format_]}")
    if cues:
        return UnreadableTranscript("The transcript has times but no words.")
    return UnreadableTranscript(_LOOKED_FOR[format_])


def _raw_item(cue: Cue) -> dict[str, Any]:
    duration = None if cue.end is None else max(0.0, cue.end - cue.start)
    return {"text": " ".join(cue.lines), "offset": cue.start, "duration": duration}


def _item(segment: Segment) -> dict[str, Any]:
    duration = round(segment.end - segment.start, 3)
    return {"text": segment.text, "offset": segment.start, "duration": duration}


def _format(text: str, hint: str | None) -> str:
    """WEBVTT's own mark is sure; then the hint; then what the text looks like."""
    if webvtt.SIGNATURE.match(text):
        return "vtt"
    hinted = _HINTS.get(re.split(r"[./+-]", (hint or "").split(";")[0].strip().lower())[-1])
    if hinted:
        return "srt" if hinted == "vtt" else hinted  # without its mark it is read leniently
    for name, looks_like_it in _LOOKS:
        if looks_like_it(text):
            return name
    return "text"


def _any_line(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: any(pattern.match(line) for line in text.split("\n"))


_LOOKS: Sequence[tuple[str, Callable[[str], object]]] = (
    ("ass", subrip.is_ass),
    ("lrc", timed_lines.is_lrc),
    ("tsv", timed_lines.is_tsv),
    ("json", re.compile(r"\s*(\{|\[\s*[{\]])").match),
    ("xml", timed_text.LOOKS_LIKE_IT.match),
    ("srt", _any_line(subrip.TIMES)),
    ("sbv", _any_line(timed_lines.SBV_TIMES)),
)
_READERS: dict[str, Callable[[str], Iterable[Cue | Skipped]]] = {
    "vtt": webvtt.read,
    "srt": subrip.read,
    "ass": subrip.read_ass,
    "sbv": timed_lines.read_sbv,
    "lrc": timed_lines.read_lrc,
    "tsv": timed_lines.read_tsv,
    "xml": timed_text.read,
    "json": json_lists.read,
    "text": timed_lines.read_plain,
}
_CAPTION_TIMES = "No line has the times of a caption, like 00:00:01.000 --> 00:00:04.000"
_LOOKED_FOR = {
    "vtt": _CAPTION_TIMES,
    "srt": _CAPTION_TIMES,
    "ass": "No Dialogue line has times like 0:00:01.00,0:00:04.00",
    "sbv": "No line has times like 0:00:01.000,0:00:04.000",
    "lrc": "No line begins with a time like [00:12.00].",
    "tsv": "No line has start, end and words with tabs between them.",
    "xml": "No element has a time in begin, start or t.",
    "json": "No item has text and offset (or start), in seconds.",
    "text": "No line begins with a time, like 0:05 or 1:02:03.",
}
