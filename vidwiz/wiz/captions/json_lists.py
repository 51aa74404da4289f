"""JSON with times: our own items, YouTube's json3, and what Whisper and its kin write."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from vidwiz.wiz.captions.cues import (
    BadTime,
    Cue,
    Skipped,
    UnreadableTranscript,
    lenient_seconds,
)

LISTS = (
    "segments", "transcript", "transcription", "captions", "snippets", "items", "chunks", "words"
)  # fmt: skip
"""Members of an object that hold the list, the best first."""

_QUOTED_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
_WORDS_A_LINE_S = 5.0
_PAUSE_S = 1.0
_ENDS = (".", "?", "!", "\u3002", "\uff1f", "\uff01", "\u2026")


def read(text: str) -> Iterator[Cue | Skipped]:
    """The cues of a JSON file; raises ``UnreadableTranscript`` when it is none that we know."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableTranscript(f"Line {error.lineno} is no JSON: {error.msg}") from error
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        return _each("Event", _event, value["events"])
    if isinstance(value, dict):
        for name in LISTS:
            if isinstance(value.get(name), list) and value[name]:
                each = _each("Item", _item, value[name])
                return _lines_of_words(each) if name == "words" else each
    if isinstance(value, list):
        return _each("Item", _item, value)
    raise UnreadableTranscript(
        "The JSON is no list of transcript items, no json3, and has no list named "
        + ", ".join(LISTS)
        + "."
    )


def _each(name: str, read_one: Any, values: list[Any]) -> Iterator[Cue | Skipped]:
    for number, value in enumerate(values, 1):
        try:
            yield read_one(number, value)
        except BadTime as error:
            yield Skipped(number, f"{name} {number} {error}.")


def _item(number: int, item: Any) -> Cue:
    text = item.get("text", item.get("word")) if isinstance(item, dict) else None
    if not isinstance(text, str):
        raise BadTime("has no text")
    start, end = _times(item)
    if start is None:
        raise BadTime("has no offset in seconds")
    return Cue(number, start, end, [text])


def _times(item: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """``offset`` or ``start``, with ``duration``, ``dur`` or ``end``; Whisper's pairs."""
    pair = item.get("timestamp")
    if isinstance(pair, list) and len(pair) == len(("start", "end")):
        return _seconds(pair[0]), _seconds(pair[1])
    milliseconds = item.get("offsets")
    if isinstance(milliseconds, dict):
        start, end = (_seconds(milliseconds.get(name), 1000) for name in ("from", "to"))
        return start, end
    start = _seconds(item["offset"]) if "offset" in item else _lenient(item.get("start"))
    duration = _seconds(item["duration"]) if "duration" in item else _lenient(item.get("dur"))
    if start is None or duration is None:
        return start, _lenient(item.get("end"))
    return start, start + duration


def _lenient(value: Any) -> float | None:
    """Of a time that others name: also of a number in quotes, and of one like 00:00:01.000."""
    if not isinstance(value, str):
        return _seconds(value)
    return float(value) if _QUOTED_NUMBER.fullmatch(value) else lenient_seconds(value)


def _seconds(value: Any, a_second: int = 1) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return value / a_second


def _event(number: int, event: Any) -> Cue:
    """Those without words (new lines, positions of windows) are left out with the empty items."""
    if not isinstance(event, dict):
        raise BadTime("is no event of json3")
    segs = event.get("segs")
    pieces = (
        [seg.get("utf8") for seg in segs if isinstance(seg, dict)] if isinstance(segs, list) else []
    )
    words = "".join(piece for piece in pieces if isinstance(piece, str))
    start = _seconds(event.get("tStartMs", 0), 1000)
    if start is None:
        raise BadTime("has no tStartMs")
    duration = _seconds(event.get("dDurationMs"), 1000)
    return Cue(number, start, None if duration is None else start + duration, [words])


def _lines_of_words(words: Iterator[Cue | Skipped]) -> Iterator[Cue | Skipped]:
    """Words that each have their times, as lines of a sentence or of five seconds."""
    line: list[Cue] = []
    for word in words:
        if isinstance(word, Skipped):
            yield word
            continue
        if line and _ends_line(line, word):
            yield _joined(line)
            line = []
        line.append(word)
    if line:
        yield _joined(line)


def _ends_line(line: list[Cue], word: Cue) -> bool:
    last = line[-1]
    return (
        last.lines[0].rstrip().endswith(_ENDS)
        or word.start - line[0].start >= _WORDS_A_LINE_S
        or word.start - (last.start if last.end is None else last.end) > _PAUSE_S
    )


def _joined(line: list[Cue]) -> Cue:
    words = [cue.lines[0] for cue in line]
    has_spaces = any(word.startswith(" ") for word in words[1:])
    return Cue(line[0].line, line[0].start, line[-1].end, [("" if has_spaces else " ").join(words)])
