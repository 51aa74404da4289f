"""Moments as auditors name them: a position in the log, or a time."""

import re
from datetime import UTC, datetime

FIRST_YEAR, LAST_YEAR = 1970, 9998
"""What is beyond would be no time once a zone or a minute is taken off."""

LONGEST_POSITION = 18
"""Digits."""

_position = re.compile(r"[0-9]+")


def instant_of(text: str) -> datetime:
    """A time in ISO 8601, UTC if it names no zone; raises ``ValueError``."""
    time = datetime.fromisoformat(text)
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise ValueError(f"a time must be of the years {FIRST_YEAR} to {LAST_YEAR}")
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def moment_of(text: str) -> int | datetime:
    """A position, which is all digits, or a time; raises ``ValueError``."""
    if _position.fullmatch(text) is None:
        return instant_of(text)
    if len(text) > LONGEST_POSITION:
        raise ValueError(f"a position has at most {LONGEST_POSITION} digits")
    return int(text)
