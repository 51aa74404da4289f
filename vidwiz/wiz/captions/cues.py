"""What every reader of captions yields: cues with their times, and what it had to leave out."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html.entities import html5

_TIME = re.compile(
    r"(?:(?P<hours>[0-9]{1,6}):)?(?P<minutes>[0-9]{1,2}):(?P<seconds>[0-9]{1,2})"
    r"(?:[.,](?P<fraction>[0-9]{1,9}))?"
)
_FRAMES = re.compile(r"[0-9]+:[0-9]+:[0-9]+[:;][0-9]+(?:[.,][0-9]+)?")
_HUGE_REFERENCE = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9a-fA-F]{8,});?")
_WHOLE_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")

LONGEST_QUOTE = 40
"""Characters of a file that a message repeats."""
MOST_MINUTES_OR_SECONDS = 59


class UnreadableTranscript(Exception):
    """This is no transcript that we can read; the text tells a person why, and in which line."""


class BadTime(Exception):
    """The text is no time of a caption; the exception's text completes 'Line 3 ...'."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Lines that are shown from ``start`` to ``end`` (seconds; None where the file has no end).

    ``line`` is the number of its line in the file, or of its item in a list.
    """

    line: int
    start: float
    end: float | None
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A part of the file that was left out: its line or item, and a sentence that tells why."""

    line: int
    reason: str


def lenient_seconds(text: str) -> float:
    """The seconds of ``[h:]mm:ss[,fraction]`` as SubRip, SBV and their like are written.

    The fraction is a decimal one, of any number of digits. Raises ``BadTime``: minutes or seconds
    over 59 are refused, and frames, whose rate the file does not tell.
    """
    text = text.strip()
    match = _TIME.fullmatch(text)
    if match is None:
        if _FRAMES.fullmatch(text):
            raise BadTime("counts frames, whose rate the file does not tell")
        raise BadTime(f"has {quoted(text)}, which is no time")
    minutes, seconds = int(match["minutes"]), int(match["seconds"])
    if max(minutes, seconds) > MOST_MINUTES_OR_SECONDS:
        raise BadTime(f"has {quoted(text)}, with minutes or seconds over 59")
    whole = (int(match["hours"] or 0) * 60 + minutes) * 60 + seconds
    return float(f"{whole}.{match['fraction'] or 0}")


def quoted(text: str) -> str:
    """The beginning of a text in quotes, or a word for nothing."""
    if not text:
        return "nothing"
    shown = text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
    return f'"{shown}"'


def with_references(text: str) -> str:
    """The text with HTML's character references resolved as HTML does, also without semicolon."""
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", text)) if "&" in text else text


def with_whole_references(text: str) -> str:
    """The same for formats that are no HTML: only references that end with a semicolon."""
    return _WHOLE_REFERENCE.sub(_whole, text)


def _whole(found: re.Match[str]) -> str:
    """``&not;`` is one, ``&notes;`` none, though HTML reads its first letters as one."""
    return html.unescape(found[0]) if found[0][1] == "#" or found[0][1:] in html5 else found[0]
