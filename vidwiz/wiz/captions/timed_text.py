"""XML with times: YouTube's three exports (SRV1, SRV2, SRV3) and the W3C's TTML."""

import re
from collections.abc import Mapping
from xml.parsers import expat

from vidwiz.wiz.captions.cues import BadTime, Cue, Skipped, UnreadableTranscript
from vidwiz.wiz.captions.subrip import plain

LOOKS_LIKE_IT = re.compile(r"\s*<(?:\?xml|(?:\w{1,9}:)?(?:tt|timedtext|transcript)[\s>])")

_CLOCK = re.compile(
    r"([0-9]{2,6}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9})|:([0-9]{2,4})(?:\.[0-9]{1,4})?)?"
)
_OFFSET = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(h|ms|m|s|f|t)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_MOST = 59
_NUMBER = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,9})?")
_DEEPEST = 100


def read(text: str) -> list[Cue | Skipped]:
    """The cues of an XML file; raises ``UnreadableTranscript`` when it is no (safe) XML."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, its: reader.begin(
        parser.CurrentLineNumber, name.rpartition(":")[2], its
    )
    parser.EndElementHandler = lambda name: reader.end(
        parser.CurrentLineNumber, name.rpartition(":")[2]
    )
    parser.CharacterDataHandler = reader.words.append
    parser.StartDoctypeDeclHandler = _refuse_doctype
    body = re.sub(r"^\s*<\?xml[^>]*\?>", lambda found: "\n" * found[0].count("\n"), text, count=1)
    try:
        parser.Parse(body.lstrip(" \t").encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        problem = expat.ErrorString(error.code)
        raise UnreadableTranscript(f"Line {error.lineno} is no XML: {problem}") from None
    return reader.found


class _Reader:
    """Follows the elements of one file: times are read where they begin, words where they end."""

    def __init__(self) -> None:
        self.found: list[Cue | Skipped] = []
        self.words: list[str] = []
        self._begins: list[float] = []
        self._open: tuple[int, float, float | None] | None = None
        self._open_at = self._refused_at = 0
        self._is_youtube = False
        self._escapes_twice = False  # SRV1
        self._rates = (30.0, 1.0)

    def begin(self, line: int, name: str, its: Mapping[str, str]) -> None:
        """An element begins."""
        attributes = {key.rpartition(":")[2]: value for key, value in its.items()}
        if not self._begins:
            self._is_youtube = name in ("timedtext", "transcript")
            self._escapes_twice = name == "transcript"
            self._rates = _rates(attributes)
        if len(self._begins) >= _DEEPEST:
            raise UnreadableTranscript(f"Line {line} is nested too deeply.")
        self._begins.append(self._begins[-1] if self._begins else 0.0)
        if name == "br":
            self.words.append("\n")
        if self._open is None and name in ("p", "text", "span", "body", "div"):
            self._begin_timed(line, name, attributes)

    def _begin_timed(self, line: int, name: str, its: Mapping[str, str]) -> None:
        is_container = name in ("body", "div")
        wanted = {"start", "t"} if self._is_youtube else {"begin"}
        if not wanted & its.keys():
            if name != "span":
                self.words.clear()
            return
        try:
            start, end = _youtube(its) if self._is_youtube else self._ttml(its)
        except BadTime as error:
            self.found.append(Skipped(line, f"Line {line} {error}."))
            self._refused_at = len(self._begins)
            return
        if is_container:
            self._begins[-1] = start
            return
        self.words.clear()
        self._open, self._open_at = (line, start, end), len(self._begins)

    def _ttml(self, its: Mapping[str, str]) -> tuple[float, float | None]:
        base = self._begins[-1]
        start = base + _ttml_seconds(its["begin"], *self._rates)
        if "end" in its:
            return start, base + _ttml_seconds(its["end"], *self._rates)
        return start, start + _ttml_seconds(its["dur"], *self._rates) if "dur" in its else None

    def end(self, line: int, name: str) -> None:
        """An element ends."""
        if self._open is not None and self._open_at == len(self._begins):
            lines = "".join(self.words).split("\n")
            if self._escapes_twice:
                lines = [plain(line) for line in lines]
            self.found.append(Cue(*self._open, lines))
            self._open = None
            self.words.clear()
        elif self._refused_at == len(self._begins):
            self.words.clear()
            self._refused_at = 0
        elif self._open is None and name in ("p", "text") and "".join(self.words).strip():
            self.found.append(Skipped(line, f"Line {line} has words without a time."))
            self.words.clear()
        self._begins.pop()


def _youtube(its: Mapping[str, str]) -> tuple[float, float | None]:
    """SRV1 has ``start`` and ``dur`` in seconds, SRV2 and SRV3 ``t`` and ``d`` in milliseconds."""
    begin, length, unit = ("start", "dur", 1.0) if "start" in its else ("t", "d", 0.001)
    start = _number(its.get(begin, "")) * unit
    return start, start + _number(its[length]) * unit if length in its else None


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise BadTime(f'has "{text[:40]}", which is no time')
    return float(text)


def _rates(its: Mapping[str, str]) -> tuple[float, float]:
    """Frames and ticks a second, by TTML's parameters and what stands for them."""
    frames = _positive(its.get("frameRate"), 30.0)
    over, _, under = its.get("frameRateMultiplier", "1 1").partition(" ")
    frames = frames * _positive(over, 1.0) / _positive(under, 1.0)
    return frames, _positive(its.get("tickRate"), frames if "frameRate" in its else 1.0)


def _positive(text: str | None, otherwise: float) -> float:
    found = _NUMBER.fullmatch(text or "")
    return float(found[0]) or otherwise if found else otherwise


def _ttml_seconds(text: str, frame_rate: float, tick_rate: float) -> float:
    """The seconds of a time expression: https://www.w3.org/TR/ttml2/#timing-value-time-expression."""
    text = text.strip()
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds, fraction, frames = match.groups()
        if int(minutes) > _MOST or int(seconds) > _MOST:
            raise BadTime(f'has "{text}", with minutes or seconds over 59')
        whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
        return float(f"{whole}.{fraction or 0}") + int(frames or 0) / frame_rate
    if match := _OFFSET.fullmatch(text):
        units = {**_SECONDS, "f": 1 / frame_rate, "t": 1 / tick_rate}
        return float(match[1]) * units[match[2]]
    raise BadTime(f'has "{text[:40]}", which is no time')


def _refuse_doctype(*_: object) -> None:
    raise UnreadableTranscript("The XML has a DOCTYPE, which no captions need.")
