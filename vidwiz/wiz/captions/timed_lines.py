"""Text with times in it: YouTube's SBV, LRC, and what people copy or write by hand."""

import re
from collections.abc import Iterator

from vidwiz.wiz.captions.cues import BadTime, Cue, Skipped, lenient_seconds, with_whole_references
from vidwiz.wiz.transcripts import seconds_of

SBV_TIMES = re.compile(r"\s*[0-9]{1,6}:[0-9]{1,2}:[0-9]{1,2}\.[0-9]+,\s*-?[0-9]+:[0-9:.]*\s*$")
"""The line of times of an SBV cue, as YouTube writes it; what begins a file of them."""

_SBV_BEGINS = re.compile(r"\s*-?[0-9]{1,6}:[0-9:.]+,\s*-?[0-9:.]*\s*$")
_CLOCK = r"(?:[0-9]{1,4}:)?[0-9]{1,6}:[0-9]{2}"
_LINE_TIME = re.compile(
    r"[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]*(?:(?P<open>[\[(])\s*)?"
    rf"(?P<time>{_CLOCK})(?P<fraction>[.,][0-9]{{1,9}})?"
    r"(?:\s*(?:-{1,2}>|--&gt;|\u2192|(?(open)[-\u2013\u2014]|(?!)))\s*"
    rf"(?P<end>{_CLOCK})(?P<end_fraction>[.,][0-9]{{1,9}})?)?"
    r"(?(open)\s*[\])])(?![0-9:])\s*(?:[-\u2013\u2014:|]\s)?(?P<words>.*)"
)
"""A time that a line begins with; to the next one only if an arrow, or brackets, say so."""

_TSV_LINE = re.compile(
    r"(?P<start>[0-9]{1,12}(?:\.[0-9]{1,9})?)\t(?P<end>[0-9]{1,12}(?:\.[0-9]{1,9})?)\t(?P<words>.*)"
)
_TSV_HEADER = "start\tend\ttext"
_LRC_LABEL = re.compile(r"\[[A-Za-z#]+:[^\]]*\]\s*$")
_LRC_TIME = re.compile(r"\[([0-9]{1,4}):([0-9]{2})(?:[.:]([0-9]{1,3}))?\]")
_LRC_WORD_TIME = re.compile(r"<[0-9]{1,4}:[0-9]{2}[.:][0-9]{1,3}>")
_LRC_OFFSET = re.compile(r"\s*\[offset:\s*([+-]?[0-9]{1,9})\s*\]", re.IGNORECASE)
_LRC_BEGIN = re.compile(
    r"\s*(?:\[(?:ar|al|ti|au|by|re|ve|length|offset|#):[^\]\n]*\]"
    r"|(?:\[[0-9]{1,4}:[0-9]{2}[.:][0-9]{2,3}\]))",
    re.IGNORECASE,
)


def is_lrc(text: str) -> bool:
    """Whether it begins with a label of LRC or with one of its times, in hundredths."""
    return _LRC_BEGIN.match(text) is not None


def read_sbv(text: str) -> Iterator[Cue | Skipped]:
    """The cues of YouTube's SBV: a line ``start,end``, then the text; ``[br]`` breaks a line."""
    found: Cue | None = None
    words: list[str] = []
    for at, line in enumerate(text.split("\n"), 1):
        if not _SBV_BEGINS.match(line):
            words.append(with_whole_references(line.replace("[br]", "\n")))
            continue
        if found is not None:
            yield Cue(found.line, found.start, found.end, words)
        words = []
        begin, _, end = line.partition(",")
        try:
            found = Cue(at, lenient_seconds(begin), lenient_seconds(end), ())
        except BadTime as error:
            found = None
            yield Skipped(at, f"Line {at} {error}.")
    if found is not None:
        yield Cue(found.line, found.start, found.end, words)


def read_lrc(text: str) -> Iterator[Cue | Skipped]:
    """The lines of an LRC file, once for each of their times; labels are left out."""
    shift_s = 0.0
    for at, line in enumerate(text.split("\n"), 1):
        if offset := _LRC_OFFSET.match(line):
            shift_s = int(offset[1]) / 1000  # positive: everything comes sooner
        times, words = _lrc_line(line)
        if not times and line.strip() and not _LRC_LABEL.match(line):
            yield Skipped(at, f"Line {at} has no time like [00:12.00].")
        for minutes, seconds, fraction in times:
            if int(seconds) > 59:  # noqa: PLR2004
                yield Skipped(at, f"Line {at} has seconds over 59.")
                continue
            start = int(minutes) * 60 + float(f"{seconds}.{fraction or 0}") - shift_s
            yield Cue(at, max(0.0, round(start, 3)), None, [words])


def _lrc_line(line: str) -> tuple[list[tuple[str, str, str]], str]:
    line = line.strip()
    times = []
    end = 0
    while match := _LRC_TIME.match(line, end):
        times.append((match[1], match[2], match[3] or ""))
        end = match.end()
    return times, _LRC_WORD_TIME.sub("", line[end:])


def read_plain(text: str) -> Iterator[Cue | Skipped]:
    """Words behind a time or on the lines after it; a heading before the first is left out."""
    found: tuple[int, float, float | None] | None = None
    words: list[str] = []
    for at, line in enumerate(text.split("\n"), 1):
        match = _LINE_TIME.match(line)
        if match is None:
            words.append(line)
            continue
        if found is not None:
            yield Cue(*found, words)
        start = _exactly(match["time"], match["fraction"])
        words = [match["words"]]
        found = None
        if start is None:
            yield Skipped(at, f"Line {at} begins with {match['time']}, which is no time.")
        else:
            found = (at, start, _exactly(match["end"] or "", match["end_fraction"]))
    if found is not None:
        yield Cue(*found, words)


def _exactly(clock: str, fraction: str | None) -> float | None:
    seconds = seconds_of(clock)
    return None if seconds is None else float(f"{seconds}{(fraction or '.0').replace(',', '.')}")


def is_tsv(text: str) -> bool:
    """Whether it begins with the header of Whisper's table, or with a row of such a table."""
    return text.lower().startswith(f"{_TSV_HEADER}\n") or _TSV_LINE.match(text) is not None


def read_tsv(text: str) -> Iterator[Cue | Skipped]:
    """Tables of start, end and words: Whisper's in milliseconds, Audacity's in decimal seconds."""
    for at, line in enumerate(text.split("\n"), 1):
        row = _TSV_LINE.match(line)
        if row is not None:
            yield Cue(at, _table_seconds(row["start"]), _table_seconds(row["end"]), [row["words"]])
        elif line.strip() and not (at == 1 and line.lower() == _TSV_HEADER):
            yield Skipped(at, f"Line {at} has no start, end and words with tabs between them.")


def _table_seconds(number: str) -> float:
    return float(number) if "." in number else int(number) / 1000
