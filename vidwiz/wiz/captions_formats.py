"""Reads a transcript that somebody pastes or uploads: VTT, SRT, JSON, or plain text with times."""

import codecs
import html
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson
from pysubs2 import SSAFile
from pysubs2.formats.subrip import SubripFormat
from pysubs2.formats.webvtt import WebVTTFormat

from vidwiz.wiz.transcripts import Segment, one_line, seconds_of, segments_of

MAX_ITEMS = 50_000

_TAG = re.compile(r"<[^<>]*>")
_INLINE_TIME = re.compile(r"<[0-9:.]{7,12}>")
_COMMENT = re.compile(r"(?:NOTE|STYLE|REGION)(?!\S)")
_CUE_TIME = re.compile(r"\s*[0-9:.,]+\s*-->")
_LINE_TIME = re.compile(
    r"\s*(?P<open>[\[(])?(?P<time>(?:[0-9]{1,4}:)?[0-9]{1,6}:[0-9]{2})(?P<fraction>[.,][0-9]{1,3})?"
    r"(?(open)[\])])(?![0-9:])\s*(?:[-\u2013\u2014:|]\s)?(?P<words>.*)"
)

_HINTS = {"vtt": "vtt", "srt": "srt", "subrip": "srt", "json": "json", "json3": "json"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


_LINES_OF_A_CUE = 6
_MOST_ROLLED = 8  # YouTube repeats two lines
_NO_REFERENCE = re.compile(r"&#[0-9]{8,};?|&#[xX][0-9a-fA-F]{8,};?")


class UnreadableTranscript(Exception):
    """This is no transcript that we can read; the text tells a person why, and in which line."""


def parse_transcript(content: bytes | str, hint: str | None = None) -> list[dict[str, Any]]:
    """The items of a transcript: ``text``, ``offset`` and ``duration`` (seconds), in time's order.

    ``hint`` is a file name or content type; without one, or where it says nothing, the content
    tells the format. JSON is a list of such items (``start`` passes for ``offset``), or YouTube's
    json3. Raises ``UnreadableTranscript`` and nothing else.
    """
    text = (_decoded(content) if isinstance(content, bytes) else content).removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise UnreadableTranscript("The transcript is empty.")
    if text.count("\n") > MAX_ITEMS * _LINES_OF_A_CUE:  # before each of them costs time
        raise UnreadableTranscript(f"The transcript has more than {MAX_ITEMS} lines.")
    segments = segments_of(_READERS[_format(text, hint)](text))
    if not segments:
        raise UnreadableTranscript("The transcript has times but no words.")
    if len(segments) > MAX_ITEMS:
        raise UnreadableTranscript(f"The transcript has more than {MAX_ITEMS} lines.")
    return [_item(segment) for segment in segments]


def _item(segment: Segment) -> dict[str, Any]:
    duration = round(segment.end - segment.start, 3)
    return {"text": segment.text, "offset": segment.start, "duration": duration}


def _decoded(content: bytes) -> str:
    mark, encoding = next((it for it in _MARKS if content.startswith(it[0])), (b"", "utf-8"))
    try:
        return content[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableTranscript(
            f"Line {line} is no UTF-8 text. Save the file as UTF-8."
        ) from error


def _format(text: str, hint: str | None) -> str:
    """WEBVTT's own mark is sure; then the hint; then what the text looks like."""
    if text.lstrip().startswith("WEBVTT"):
        return "vtt"
    hinted = _HINTS.get(re.split(r"[./+-]", (hint or "").split(";")[0].strip().lower())[-1])
    if hinted:
        return hinted
    if re.match(r"\s*(\{|\[\s*[{\]])", text):
        return "json"
    return "srt" if any(_CUE_TIME.match(line) for line in text.split("\n")) else "text"


def _vtt(text: str) -> list[dict[str, Any]]:
    """YouTube's own captions roll: a cue repeats the lines before it, which are said once."""
    rolls = _INLINE_TIME.search(text) is not None
    items = []
    shown: list[str] = []
    for start, end, lines in _cues(text, "vtt", WebVTTFormat):
        said = _unrolled(shown, lines) if rolls else lines
        shown = lines
        items.append({"text": " ".join(said), "offset": start, "duration": end - start})
    return items


def _srt(text: str) -> list[dict[str, Any]]:
    return [
        {"text": " ".join(lines), "offset": start, "duration": end - start}
        for start, end, lines in _cues(text, "srt", SubripFormat)
    ]


def _unrolled(shown: Sequence[str], lines: Sequence[str]) -> Sequence[str]:
    most = min(len(lines), _MOST_ROLLED)
    repeated = next(
        (count for count in range(most, 0, -1) if list(shown[-count:]) == lines[:count]), 0
    )
    return lines[repeated:]


def _cues(
    text: str, name: str, format_: type[SubripFormat]
) -> Iterator[tuple[float, float, list[str]]]:
    """Start and end (seconds) and lines of each cue."""
    cues = SSAFile.from_string("\n".join(_cue_lines(text, format_)), name, keep_html_tags=True)
    if not len(cues):
        raise UnreadableTranscript(
            "No line has the times of a caption, like 00:00:01.000 --> 00:00:04.000"
        )
    for cue in cues:
        lines = (one_line(_unescaped(line)) for line in cue.text.split("\\N"))
        start = cue.start / 1000
        yield start, max(start, cue.end / 1000), [line for line in lines if line]


def _unescaped(line: str) -> str:
    """With the characters that references stand for; a number beyond Unicode's stands for none."""
    return html.unescape(_NO_REFERENCE.sub("", line))


def _cue_lines(text: str, format_: type[SubripFormat]) -> list[str]:
    """Only what pysubs2 may take for captions: times and words, without markup, names, comments."""
    kept: list[str] = []
    is_comment = False
    for number, line in enumerate(text.split("\n"), 1):
        follows_blank = not kept or not kept[-1]
        if _CUE_TIME.match(line):
            _check_times(line, number, format_)
            if len(kept) > 1 and kept[-1] and not kept[-2]:
                kept.pop()  # the name or number of the cue
            kept.append(line)
            is_comment = False
        elif not line.strip():
            kept += [] if follows_blank else [""]
            is_comment = False
        elif is_comment or (follows_blank and _COMMENT.match(line)):
            is_comment = True
        else:
            kept.append(_TAG.sub("", line))
    return kept


def _check_times(line: str, number: int, format_: type[SubripFormat]) -> None:
    if len(format_.TIMESTAMP.findall(line)) != len(("start", "end")):
        raise UnreadableTranscript(
            f"Line {number} should have the times of a caption, like 00:00:01.000 --> 00:00:04.000"
        )


def _json(text: str) -> list[dict[str, Any]]:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UnreadableTranscript(f"Line {error.lineno} is no JSON: {error.msg}") from error
    if isinstance(value, dict) and isinstance(value.get("events"), list):
        return [_event(number, event) for number, event in enumerate(value["events"], 1)]
    if not isinstance(value, list):
        raise UnreadableTranscript("The JSON is no list of transcript items, and not json3 either.")
    return [_json_item(number, item) for number, item in enumerate(value, 1)]


def _json_item(number: int, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict) or not isinstance(item.get("text"), str):
        raise UnreadableTranscript(f"Item {number} has no text.")
    offset = item.get("offset", item.get("start"))
    if not _is_time(offset):
        raise UnreadableTranscript(f"Item {number} has no offset in seconds.")
    return {"text": item["text"], "offset": offset, "duration": item.get("duration")}


def _event(number: int, event: Any) -> dict[str, Any]:
    """Those without words (new lines, positions of windows) are left out with the empty items."""
    if not isinstance(event, dict):
        raise UnreadableTranscript(f"Event {number} is no event of json3.")
    segs = event.get("segs")
    pieces = (
        [seg.get("utf8") for seg in segs if isinstance(seg, dict)] if isinstance(segs, list) else []
    )
    return {
        "text": "".join(piece for piece in pieces if isinstance(piece, str)),
        "offset": _milliseconds(event.get("tStartMs", 0)),
        "duration": _milliseconds(event.get("dDurationMs")),
    }


def _milliseconds(value: Any) -> float | None:
    return value / 1000 if _is_time(value) else None


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _plain(text: str) -> list[dict[str, Any]]:
    """Words behind a time or on the lines after it; a heading before the first is left out."""
    timed: list[tuple[float, list[str]]] = []
    for number, line in enumerate(text.split("\n"), 1):
        match = _LINE_TIME.match(line)
        if match is not None:
            timed.append((_line_time(match, number), [match["words"]]))
        elif timed:
            timed[-1][1].append(line)
    if not timed:
        raise UnreadableTranscript("No line begins with a time, like 0:05 or 1:02:03.")
    return [{"text": " ".join(words), "offset": offset} for offset, words in timed]


def _line_time(match: re.Match[str], number: int) -> float:
    seconds = seconds_of(match["time"])
    if seconds is None:
        raise UnreadableTranscript(f"Line {number} begins with {match['time']}, which is no time.")
    return seconds + float((match["fraction"] or ".0").replace(",", "."))


_READERS: dict[str, Callable[[str], list[dict[str, Any]]]] = {
    "vtt": _vtt,
    "srt": _srt,
    "json": _json,
    "text": _plain,
}
