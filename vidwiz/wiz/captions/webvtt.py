"""WebVTT by the parser of the standard: https://www.w3.org/TR/webvtt1/ sections 6.1 to 6.4."""

import re
from collections.abc import Iterator, Sequence

from vidwiz.wiz.captions.cues import BadTime, Cue, Skipped, quoted, with_references

SIGNATURE = re.compile(r"\ufeff?WEBVTT(?=[ \t\n]|$)", re.ASCII)
ARROW = "-->"

_SPACES = " \t\n\f\r"
_STAMP = re.compile(r"([0-9]+):([0-9]{2})(?::([0-9]{2}))?(?![0-9])(?:\.([0-9]{3})(?![0-9]))?")
_MOST = 59
_MOST_HOURS_DIGITS = 9
_WORD_TIMES = re.compile(r"<[0-9][0-9:.]{4,}>")
_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)")


def read(text: str) -> Iterator[Cue | Skipped]:
    """The cues of a file with its signature; a cue with malformed times is left out."""
    lines = text.split("\n")
    at = 1 + (len(lines) > 1 and lines[1] != "" and _header(lines[1:]))
    while at < len(lines):
        if lines[at] == "":
            at += 1
            continue
        end, found = _block(lines, at)
        yield from found
        at = end


def has_word_times(text: str) -> bool:
    """Whether words have times of their own, as in what YouTube's speech recognition makes."""
    return _WORD_TIMES.search(text) is not None


def cue_text(text: str) -> str:
    """The text of a cue without its tags: the tokenizer of section 6.4.

    Everything from ``<`` to the next ``>``, or to the end, is a tag.
    """
    shown: list[str] = []
    at = 0
    while at < len(text):
        begin = text.find("<", at)
        begin = len(text) if begin < 0 else begin
        shown.append(with_references(text[at:begin]))
        end = text.find(">", begin)
        at = len(text) if end < 0 else end + 1
    return "".join(shown)


def _header(lines: Sequence[str]) -> int:
    """How many lines belong to the header: to an empty line, or to one with an arrow."""
    for count, line in enumerate(lines):
        if line == "" or ARROW in line:
            return count
    return len(lines)


def _block(lines: Sequence[str], at: int) -> tuple[int, list[Cue | Skipped]]:
    """The block that begins at a line: where the next begins, and its cue, if it has one."""
    first = at
    times: int | None = None
    while at < len(lines) and lines[at] != "":
        if ARROW in lines[at]:
            if times is not None or at - first > 1:
                break
            times = at
        at += 1
    if times is None:
        is_known = _COMMENT.match(lines[first]) or at == len(lines) == first + 1
        reason = f"Line {first + 1} has words without times."
        return at, [] if is_known else [Skipped(first + 1, reason)]
    return at, _cue(lines, first, times, at)


def _cue(lines: Sequence[str], first: int, times: int, end: int) -> list[Cue | Skipped]:
    try:
        start, stop = _times(lines[times])
    except BadTime as error:
        if first == times and _COMMENT.match(lines[times]):
            return []
        return [Skipped(times + 1, f"Line {times + 1} {error}.")]
    shown = cue_text("\n".join(lines[times + 1 : end]))
    return [Cue(times + 1, start, stop, shown.split("\n"))]


def _times(line: str) -> tuple[float, float]:
    """Start and end (seconds) of a cue; its settings are left out. Raises ``BadTime``."""
    start, rest = _seconds(line.lstrip(_SPACES))
    rest = rest.lstrip(_SPACES)
    if not rest.startswith(ARROW):
        raise BadTime("has no --> behind the first time")
    end, _ = _seconds(rest.removeprefix(ARROW).lstrip(_SPACES))
    return start, end


def _seconds(text: str) -> tuple[float, str]:
    """The time that a text begins with, and the rest of the text: "collect a timestamp"."""
    match = _STAMP.match(text)
    if match is None or match[4] is None or len(match[1]) > _MOST_HOURS_DIGITS:
        raise BadTime(f"has {quoted(text.partition(ARROW)[0].strip())} for a time like 00:01.000")
    first, second, third, thousandths = match.groups()
    is_hours = len(first) != len("mm") or int(first) > _MOST
    if is_hours and third is None:
        raise BadTime(f"has {quoted(match[0])}, where hours, minutes and seconds should be")
    hours, minutes, seconds = (first, second, third) if third else ("0", first, second)
    if int(minutes) > _MOST or int(seconds) > _MOST:
        raise BadTime(f"has {quoted(match[0])}, with minutes or seconds over 59")
    whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
    return float(f"{whole}.{thousandths}"), text[match.end() :]
