"""Outcomes as lines for a terminal and as the table of CHAOS.md."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bench.chaos.soak import Soak
from bench.chaos.tally import Outcome

COLUMNS = (
    "trouble",
    "acknowledged",
    "lost",
    "doubled",
    "5xx but 503",
    "503",
    "cut off",
    "longest wait, s",
    "back after, s",
    "followers",
)


def line(outcome: Outcome) -> str:
    """One outcome for a terminal."""
    if outcome.skipped:
        return f"skip {outcome.name}: {outcome.skipped}"
    cells = ", ".join(
        f"{column} {cell}" for column, cell in zip(COLUMNS[1:], _cells(outcome)[1:], strict=True)
    )
    mark = "ok  " if outcome.good else "BAD "
    return "\n     ".join((f"{mark} {outcome.name}: {cells}", *outcome.problems))


def soaked(its: Soak) -> str:
    """A soak in a sentence."""
    return (
        f"{its.minutes:g} minutes, {its.writes:,} writes: {its.first_mib:.1f} MiB in the beginning,"
        f" {its.last_mib:.1f} at the end; over the second half"
        f" {its.slope_mib_per_minute:+.3f} MiB a minute"
    )


def as_markdown(outcomes: Sequence[Outcome], memory: Soak | None) -> str:
    """The page."""
    lines = [
        "# Kills and outages",
        "",
        f"One run of `make chaos`, {datetime.now(UTC):%Y-%m-%d};"
        " [README.md](README.md) says how it is made.",
        "Sixteen writers and four followers are at work in each trial.",
        "*Lost* and *doubled* are acknowledged notes and transcripts that are not there, or twice.",
        "*Back after* is the time from the end of the trouble until the last of all writers"
        " was acknowledged again.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
    ]
    lines += [f"| {' | '.join(_cells(one))} |" for one in outcomes if not one.skipped]
    lines += ["", *(f"Not run: {one.name} ({one.skipped})." for one in outcomes if one.skipped)]
    lines += [f"{one.name}: {problem}." for one in outcomes for problem in one.problems]
    if memory is not None:
        lines += ["", "## Memory", "", f"{soaked(memory)}."]
    return "\n".join(lines).rstrip() + "\n"


def _cells(one: Outcome) -> list[str]:
    back = "never" if one.recovered_s is None else f"{one.recovered_s:.1f}"
    return [
        one.name,
        f"{one.acknowledged:,}",
        str(one.lost),
        str(one.doubled),
        str(one.other_5xx),
        str(one.unavailable),
        str(one.cut_off),
        f"{one.longest_s:.1f}",
        back,
        one.followers,
    ]
