"""SubRip as it is used, and SubStation Alpha's dialogue; neither has a standard."""

import re
from collections.abc import Iterator

from vidwiz.wiz.captions.cues import (
    BadTime,
    Cue,
    Skipped,
    lenient_seconds,
    with_whole_references,
)

ARROW = "-->"
TIMES = re.compile(
    r"\s*-?[0-9]+\s*:[-0-9:;.,\s]*-->|[-0-9;.,\s]*-->\s*-?[0-9]+\s*:[0-9\s]*[:;.,0-9]"
)
"""What begins like the times of a cue: at least one of them has a colon."""

_END = re.compile(r"\s*([0-9:;.,]+)(?:\s|$)")
_NUMBER = re.compile(r"\s*[0-9]{1,9}\s*")
_ATTRIBUTE = r"\s+[A-Za-z-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+)"
_TAG = re.compile(
    rf"</?(?:b|i|u|s|em|strong|strike|font|span|c(?:\.[\w.-]+)?|rt|ruby)(?:{_ATTRIBUTE}){{0,9}}\s*>"
    r"|<[0-9]{1,4}(?::[0-9]{2}){1,2}[.,][0-9]{1,3}>",
    re.IGNORECASE | re.ASCII,
)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_NAMES = (
    r"an|a|[1-4]a|[1-4]?c|bord|[xy]bord|shad|[xy]shad|be|blur|b|i|u|s|fs|fsc[xy]|fsp|fr[xyz]?|"
    r"fa[xy]|fe|kf|ko|k|K|q|r|pos|move|org|fade?|i?clip|t|p|pbo"
)
_OVERRIDES = re.compile(
    rf"\{{\s*(?:\\(?:(?:{_NAMES})(?![A-Za-z])[-+0-9.,&HA-Fa-f()\s]*"
    r"|i?clip\([^\\{}()]*\)|fn[^\\{}]*|alpha&H[0-9A-Fa-f]+&?|c&H[0-9A-Fa-f]+&?))+\}",
    re.ASCII,
)
_ASS_BEGIN = re.compile(r"(?:\s*(?:;|!:)[^\n]*\n)*\s*\[Script Info\]", re.IGNORECASE)
_ASS_BRACES = re.compile(r"\{([^{}]*)\}")
_ASS_DRAWS = re.compile(r"\\p([0-9])")
_ASS_BREAK = re.compile(r"\\[Nnh]")


def read(text: str) -> Iterator[Cue | Skipped]:
    """The cues of a SubRip file; one with malformed times is left out, and its text with it."""
    cue: Cue | None = None
    words: list[str] = []
    number = 0
    for at, line in enumerate(text.split("\n"), 1):
        if ARROW not in line or not _is_times(line, words):
            words.append(line)
            continue
        number = _take_number(words, number)
        if cue is not None:
            yield _with_text(cue, words)
        words = []
        try:
            cue = _times(at, line)
        except BadTime as error:
            cue = None
            yield Skipped(at, f"Line {at} {error}.")
    if cue is not None:
        yield _with_text(cue, words)


def plain(line: str) -> str:
    """A line without SubRip's tags and override codes; other words in ``<>`` or ``{}`` stay."""
    if "<" in line:
        line = _TAG.sub("", _BREAK.sub(" ", line))
    if "{" in line:
        line = _OVERRIDES.sub("", line)
    return with_whole_references(line)


def is_ass(text: str) -> bool:
    """Whether this is SubStation Alpha."""
    return _ASS_BEGIN.match(text) is not None


def read_ass(text: str) -> Iterator[Cue | Skipped]:
    """The dialogue of a SubStation Alpha file, whose ``Format`` line names the fields."""
    fields = ["layer", "start", "end", "style", "name", "l", "r", "v", "effect", "text"]
    section = ""
    for at, line in enumerate(text.split("\n"), 1):
        if line.startswith("["):
            section = line.strip().casefold()
        key, _, value = line.partition(":")
        if section == "[events]" and key == "Format":
            fields = [field.strip().casefold() for field in value.split(",")]
        elif key == "Dialogue":
            yield _dialogue(at, fields, value.split(",", len(fields) - 1))


def _dialogue(at: int, fields: list[str], values: list[str]) -> Cue | Skipped:
    found = dict(zip(fields, values, strict=False))
    try:
        start = lenient_seconds(found.get("start", ""))
        end = lenient_seconds(found.get("end", ""))
    except BadTime as error:
        return Skipped(at, f"Line {at} {error}.")
    words = _without_drawings(found.get("text", ""))
    return Cue(at, start, end, _ASS_BREAK.sub("\n", words).split("\n"))


def _without_drawings(text: str) -> str:
    """The text outside of braces, as far as it is none of the shapes that ``\\p1`` begins."""
    parts = _ASS_BRACES.split(text)
    kept = [parts[0]]
    draws = False
    for codes, words in zip(parts[1::2], parts[2::2], strict=True):
        for found in _ASS_DRAWS.finditer(codes):
            draws = found[1] != "0"
        kept.append("" if draws else words)
    return "".join(kept)


def _is_times(line: str, before: list[str]) -> bool:
    """Whether an arrow is one between times: behind a number of a cue, or beside a time."""
    begins = before and _NUMBER.fullmatch(before[-1]) and not any(before[-2:-1])
    return bool(begins) or TIMES.match(line) is not None


def _take_number(words: list[str], last: int) -> int:
    """Take away the number of the cue that follows, and tell it."""
    if not words or not _NUMBER.fullmatch(words[-1]):
        return last
    number = int(words[-1])
    if len(words) > 1 and words[-2].strip() and number != last + 1:
        return last
    words.pop()
    return number


def _times(at: int, line: str) -> Cue:
    begin, _, rest = line.partition(ARROW)
    if begin.strip().startswith("-"):
        raise BadTime("begins before the video does")
    start = lenient_seconds(begin)
    end = _END.match(rest)
    return Cue(at, start, lenient_seconds(end[1] if end else rest), ())


def _with_text(cue: Cue, words: list[str]) -> Cue:
    return Cue(cue.line, cue.start, cue.end, [plain(line) for line in words])
