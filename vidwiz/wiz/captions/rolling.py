"""Captions that roll: each cue repeats lines of the one before it, which are said once."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from vidwiz.wiz.captions.cues import Cue
from vidwiz.wiz.transcripts import one_line

_HELD_S = 0.05
"""YouTube holds each line for 10 ms in a cue of its own before it rolls on."""
_MOST_ROLLED = 8
_ENOUGH = 3


def unrolled(cues: Sequence[Cue], *, rolls: bool) -> Iterator[Cue]:
    """The cues with what each says that was not shown yet; ``rolls`` where that is known.

    A cue that is no holding one says at least its last line, so what is said twice stays twice.
    """
    shown: list[str] = []
    read = [[words for line in cue.lines if (words := one_line(line))] for cue in cues]
    rolls = rolls or _roll(cues, read)
    for cue, lines in zip(cues, read, strict=True):
        most = len(lines) if _is_held(cue) else len(lines) - 1
        said = lines[_repeated(shown, lines, most) :] if rolls else lines
        shown = lines
        yield replace(cue, lines=said)


def _roll(cues: Sequence[Cue], read: Sequence[list[str]]) -> bool:
    """Whether a quarter of the cues hold, or most roll one line on, and so tell that all do."""
    held = sum(
        _is_held(cue) and bool(lines) and _repeated(shown, lines, len(lines)) == len(lines)
        for (shown, lines), cue in zip(pairwise(read), cues[1:], strict=True)
    )
    rolled = sum(
        _repeated(shown, lines, len(lines) - 1) > 0 and shown != lines
        for shown, lines in pairwise(read)
    )
    return held * 4 >= max(1, len(cues)) or rolled >= max(_ENOUGH, len(cues) / 2)


def _is_held(cue: Cue) -> bool:
    return cue.end is not None and 0 <= cue.end - cue.start <= _HELD_S


def _repeated(shown: Sequence[str], lines: Sequence[str], most: int) -> int:
    """How many lines at the beginning are the last ones that were shown."""
    counts = range(min(len(shown), most, _MOST_ROLLED), 0, -1)
    return next((count for count in counts if shown[-count:] == lines[:count]), 0)
