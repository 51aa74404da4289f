"""What a scenario is told, and what it tells."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Setup:
    """How long and how often to measure; ``quick`` asks for a small trial of the code."""

    seconds: int = 5
    warm_up: int = 1
    rounds: int = 3
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        return quick if self.quick else full


@dataclass(frozen=True)
class Sample:
    """One measurement; times are milliseconds, ``generator_cpu`` counts cores."""

    rate: float
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    generator_cpu: float | None = None
    errors: int = 0
    first_error: str | None = None


@dataclass(frozen=True)
class Aim:
    """What was wished for, and whether it came true."""

    text: str
    met: bool


@dataclass(frozen=True)
class Result:
    """A line of the report: the median of its samples, or a single number."""

    name: str
    value: float
    unit: str
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    generator_cpu: float | None = None
    errors: int = 0
    first_error: str | None = None
    aims: Sequence[Aim] = ()
    rounds: Sequence[float] = ()
    note: str = ""
    details: Mapping[str, object] = field(default_factory=dict)


Scenario = Callable[[Setup], Iterator[Result]]


def sample_of(
    latencies: list[float], seconds: float, cpu: float, errors: int, first_error: str | None
) -> Sample:
    """A sample of so many answers, each with its latency in seconds."""
    latencies.sort()
    return Sample(
        rate=len(latencies) / seconds,
        p50=percentile(latencies, 50),
        p95=percentile(latencies, 95),
        p99=percentile(latencies, 99),
        generator_cpu=cpu / seconds,
        errors=errors,
        first_error=first_error,
    )


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Of ordered seconds, in milliseconds."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000


def interleaved(
    rounds: int, measurements: Mapping[str, Callable[[], Sample]]
) -> dict[str, list[Sample]]:
    """Measure everything once, then everything again: what disturbs one disturbs all."""
    samples: dict[str, list[Sample]] = {name: [] for name in measurements}
    for _ in range(rounds):
        for name, measure in measurements.items():
            samples[name].append(measure())
    return samples


def summed_up(
    name: str, samples: Sequence[Sample], *aims: Aim, unit: str = "/s", note: str = ""
) -> Result:
    """The medians of the samples; the errors of all."""
    return Result(
        name=name,
        value=median(sample.rate for sample in samples),
        unit=unit,
        p50=middle([sample.p50 for sample in samples]),
        p95=middle([sample.p95 for sample in samples]),
        p99=middle([sample.p99 for sample in samples]),
        generator_cpu=middle([sample.generator_cpu for sample in samples]),
        errors=sum(sample.errors for sample in samples),
        first_error=next((s.first_error for s in samples if s.first_error), None),
        aims=aims,
        rounds=[round(sample.rate, 1) for sample in samples],
        note=note,
    )


def middle_percentiles(
    rounds: Sequence[Sequence[float]],
) -> tuple[float | None, float | None, float | None]:
    """The medians of the rounds' own p50, p95 and p99, of ordered seconds, in milliseconds."""
    p50, p95, p99 = (
        middle([percentile(ordered, percent) for ordered in rounds]) for percent in (50, 95, 99)
    )
    return p50, p95, p99


def middle(values: Sequence[float | None]) -> float | None:
    """The median of what was measured at all."""
    known = [value for value in values if value is not None]
    return median(known) if known else None


def at_least(rate: float, samples: Sequence[Sample]) -> Aim:
    return Aim(f">= {rate:,.0f}/s", median(sample.rate for sample in samples) >= rate)


def share_of(floor: Sequence[Sample], samples: Sequence[Sample]) -> float:
    """The rate as a share of the floor's rate."""
    return median(one.rate for one in samples) / (median(one.rate for one in floor) or 1)
