"""What somebody could do to an export, and the positions of which one has to be named then."""

import random

from tests.audit.exports import (
    EVENTS,
    LINES,
    PINS,
    RECORDS,
    STRANGER,
    chained,
    lines_of,
    pinned,
    split,
)
from vidwiz.verify_export import Checkpoint, ExportedEvent

Attacked = tuple[list[bytes], set[int]]

EVENT_LINES = [n for n, line in enumerate(LINES) if line.startswith(b'{"kind":"event"')]
"""The index of position 1's line, and so on."""
ORIGINALS = [one for one in RECORDS if isinstance(one, ExportedEvent)]


def flip_a_byte(dice: random.Random) -> Attacked:
    whole = bytearray(b"".join(LINES))
    at = dice.randrange(len(whole))
    hit = whole[:at].count(b"\n")
    whole[at] ^= 1 << dice.randrange(8)
    return split(bytes(whole)), named_for(hit)


def named_for(line: int) -> set[int]:
    """An event is named itself; for a checkpoint its event is, or what comes next."""
    if line in EVENT_LINES:
        return {EVENT_LINES.index(line) + 1}
    if line == 0:
        return {0, EVENTS, *PINS}
    before = sum(its < line for its in EVENT_LINES)
    return {before, before + 1}


def delete(dice: random.Random) -> Attacked:
    """A line goes; or an event does, and the trailer is made to fit."""
    if dice.random() < 0.5:
        gone = dice.randrange(1, len(LINES))
        return [*LINES[:gone], *LINES[gone + 1 :]], {missed(gone)}
    gone = dice.randint(1, EVENTS)
    return lines_of([one for one in RECORDS if not is_event(one, gone)]), {gone}


def missed(line: int) -> int:
    """A missing checkpoint shows at the next one; without the last, what is behind the others."""
    before = sum(its < line for its in EVENT_LINES)
    if line in EVENT_LINES or line == len(LINES) - 1:
        return before + 1
    return next((pin for pin in PINS if pin > before), PINS[-2] + 1)


def is_event(one: ExportedEvent | Checkpoint, position: int) -> bool:
    return isinstance(one, ExportedEvent) and one.position == position


def insert(dice: random.Random) -> Attacked:
    """Some event again in another place, or a forged one that continues the chain."""
    before = dice.randint(1, EVENTS)
    if dice.random() < 0.5:
        forged = ORIGINALS[before - 1]._replace(state=b'{"forged":true}')
        return inserted([*chained([*ORIGINALS[: before - 1], forged])][-1], before), {before + 1}
    other = dice.choice([one for one in ORIGINALS if one.position != before])
    return inserted(other, before), {before}


def inserted(event: ExportedEvent, before: int) -> list[bytes]:
    at = next(n for n, one in enumerate(RECORDS) if is_event(one, before))
    return lines_of([*RECORDS[:at], event, *RECORDS[at:]])


def swap(dice: random.Random) -> Attacked:
    first, second = sorted(dice.sample(range(1, EVENTS + 1), 2))
    lines = list(LINES)
    one, other = EVENT_LINES[first - 1], EVENT_LINES[second - 1]
    lines[one], lines[other] = lines[other], lines[one]
    return lines, {first}


def truncate(dice: random.Random) -> Attacked:
    """The file ends anywhere; or the log does, and header and trailer are made to fit."""
    if dice.random() < 0.5:
        whole = b"".join(LINES)
        lines = split(whole[: dice.randrange(len(whole))])
        if len(lines) < 2:
            return lines, {0, 1}
        left = sum(line in lines for line in (LINES[n] for n in EVENT_LINES))
        return lines, {left + 1}
    left = dice.choice([n for n in range(1, EVENTS) if n not in PINS])
    last = max((pin for pin in PINS if pin < left), default=0)
    return lines_of([one for one in RECORDS if one.position <= left]), {last + 1}


def fork(dice: random.Random) -> Attacked:
    """History is written anew from somewhere on, with hashes that are right."""
    changed = dice.randint(1, EVENTS)
    events = list(ORIGINALS)
    events[changed - 1] = events[changed - 1]._replace(state=b'{"text":"never said"}')
    forged = list(chained(events))
    first = min(pin for pin in PINS if pin >= changed)
    if dice.random() < 0.3:  # and signed anew, by somebody else, from there on
        again = {
            one.position: one
            for one in pinned(forged, STRANGER)
            if not isinstance(one, ExportedEvent)
        }
        records = [
            again[one.position] if isinstance(one, Checkpoint) else forged[one.position - 1]
            for one in RECORDS
        ]
        return lines_of(records), {0}
    records = [
        forged[one.position - 1] if isinstance(one, ExportedEvent) else one for one in RECORDS
    ]
    return lines_of(records), {first}
