"""A transcript as the answering side sees it: segments in time's order, whatever was stored."""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

LAST_SEGMENT_S = 5.0
"""Seconds that a segment of unknown length is taken to last when none follows it."""

LONGEST_VIDEO_S = 10_000_000.0
"""No video is longer (YouTube's longest has 2 million seconds), so a later offset is no time."""

# Lone surrogates cannot be sent to anybody, and PostgreSQL keeps no NUL.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CLOCK = re.compile(r"(?:([0-9]{1,4}):([0-5][0-9])|([0-9]{1,6})):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Segment:
    """Words said from ``start`` to ``end`` (seconds), on one line."""

    start: float
    end: float
    text: str


def segments_of(items: Sequence[Any]) -> list[Segment]:
    """The segments of a stored transcript (``text``, ``offset`` and ``duration`` in seconds).

    Workers submit what they like beside ``text``: an item without words or a finite, non-negative
    offset has no place in time and is left out. Words that nobody can see are none.
    """
    timed = sorted(
        (
            (start, _seconds(item.get("duration")), words)
            for item in items
            if isinstance(item, dict)
            and is_visible(words := one_line(item.get("text")))
            and (start := _seconds(item.get("offset"))) is not None
        ),
        key=lambda one: one[0],
    )
    starts = [start for start, *_ in timed]
    return [
        Segment(start, start + (duration or _until_next(starts, start)), words)
        for start, duration, words in timed
    ]


def readable(content: bytes) -> bytes:
    """A stored transcript as clients can show it: the same, unless it holds what is no segment.

    Items without a text are left out, and times that are none: old workers stored them.
    """
    try:
        items = orjson.loads(content)
    except ValueError:
        return content
    if not isinstance(items, list):
        return b"[]"
    shown = [_readable(item) for item in items if isinstance(item, dict)]
    shown = [item for item in shown if isinstance(item.get("text"), str)]
    return content if shown == items else orjson.dumps(shown)


def _readable(item: dict[str, Any]) -> dict[str, Any]:
    times = ("offset", "duration")
    is_whole = all(item.get(name) is None or _seconds(item[name]) is not None for name in times)
    if is_whole:
        return item
    return {
        name: value
        for name, value in item.items()
        if name not in times or _seconds(value) is not None
    }


def segments_around(segments: Sequence[Segment], seconds: float, within_s: float) -> list[Segment]:
    """What is said at most ``within_s`` seconds before or after a moment."""
    return [
        segment
        for segment in segments
        if segment.start <= seconds + within_s and segment.end >= seconds - within_s
    ]


def one_line(text: Any) -> str:
    """Printable words with single spaces between them; nothing when it is no text."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split()) if isinstance(text, str) else ""


def is_visible(text: str) -> bool:
    """Whether there is more than spaces and marks that nobody sees, as those of no width."""
    return any(one.isprintable() and not one.isspace() for one in text)


def printable(text: str) -> str:
    """The lines of a text without what cannot be printed or stored."""
    lines = (_UNPRINTABLE.sub(" ", line).rstrip() for line in text.splitlines())
    return "\n".join(lines).strip()


def clipped(text: str, most: int) -> str:
    """At most so many characters, cut between words where there are any, which ``…`` then tells."""
    if len(text) <= most:
        return text
    kept = text[:most]
    whole = kept[: kept.rfind(" ")] if " " in kept[most // 2 :] else kept[:-1]
    return whole.rstrip()[: most - 1] + "…"


def utf16_length(text: str) -> int:
    """The length of the text as browsers count it."""
    return len(text) + sum(character > "\uffff" for character in text)


def clock(seconds: float) -> str:
    """A time as people write it: ``m:ss`` or, from an hour on, ``h:mm:ss``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def minutes_clock(seconds: float) -> str:
    """A time as prompts have it: ``m:ss``, minutes not wrapped at 60."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def seconds_of(time: str) -> int | None:
    """The seconds of ``m:ss`` (minutes wrapped at 60 or not) or ``h:mm:ss``, else None."""
    match = _CLOCK.fullmatch(time.strip())
    if match is None:
        return None
    hours, minutes, all_minutes, seconds = (int(part or 0) for part in match.groups())
    return (hours * 60 + minutes + all_minutes) * 60 + seconds


def _until_next(starts: Sequence[float], start: float) -> float:
    following = bisect_right(starts, start)
    return starts[following] - start if following < len(starts) else LAST_SEGMENT_S


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= LONGEST_VIDEO_S and math.isfinite(value) else None
