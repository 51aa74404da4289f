"""The time of a note: ``m:ss`` or ``h:mm:ss``, with or without a fraction of the second.

``frontend/src/lib/time.ts`` reads times by the same rules; ``tests/cases/note_times.json`` is the
table that both are held to.
"""

import re

PATTERN = r"^ *(?:([0-9]{1,4})|(?:([0-9]{1,4}):)([0-5]?[0-9])):([0-5]?[0-9](?:\.[0-9]{1,6})?) *$"
"""Without hours, minutes are not wrapped at 60. JavaScript reads this as Python does."""

_digit = re.compile(r"\d")
_time = re.compile(PATTERN.removesuffix("$"))


def seconds_of(timestamp: str) -> float | None:
    """The seconds that a note's time means; None for what older versions took and is no time."""
    match = _time.fullmatch(timestamp)
    if match is None:
        return None
    all_minutes, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return (hours * 60 + minutes + all_minutes) * 60 + seconds


def require_time(timestamp: str) -> str:
    """The text as it is, if it is a time; raises ``ValueError``."""
    if seconds_of(timestamp) is not None:
        return timestamp
    if ":" not in timestamp:
        raise ValueError("timestamp must contain at least one ':'")
    if len(_digit.findall(timestamp)) < 2:  # noqa: PLR2004  as the message says
        raise ValueError("timestamp must contain at least two numbers")
    raise ValueError("timestamp must be a time like 12:34 or 1:02:03")
