"""The report: a table to read, JSON to compare, Markdown to keep."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from bench.floors import postgres_version
from bench.setup import Result, Setup

COLUMNS = ("what", "result", "p50 ms", "p95 ms", "p99 ms", "load CPU", "aim", "met", "note")
NUMBERS = COLUMNS[1:6]


def show(results: Sequence[Result]) -> None:
    table = Table(show_lines=False)
    for name in COLUMNS:
        table.add_column(name, justify="right" if name in NUMBERS else "left", overflow="fold")
    for result in results:
        table.add_row(*_cells(result, "\n"))
    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def as_json(results: Sequence[Result], setup: Setup, command: str) -> bytes:
    report = {
        "command": command,
        "machine": machine(),
        "setup": asdict(setup),
        "results": [asdict(result) for result in results],
    }
    return orjson.dumps(report, option=orjson.OPT_INDENT_2)


def as_markdown(results: Sequence[Result], setup: Setup, command: str) -> str:
    lines = [
        "# Results",
        "",
        *(f"- {name}: {value}" for name, value in machine().items()),
        f"- Command: `{command}`",
        f"- Each rate: median of {setup.rounds} interleaved rounds of {setup.seconds} s"
        f" after {setup.warm_up} s of warm-up",
        "",
        f"| {' | '.join(COLUMNS)} |",
        f"|{'|'.join('---:' if name in NUMBERS else '---' for name in COLUMNS)}|",
        *(f"| {' | '.join(_cells(result, '<br>'))} |" for result in results),
        "",
    ]
    return "\n".join(lines)


def machine() -> Mapping[str, str]:
    """What the numbers depend on; no names of hosts or folders."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "CPU": _cpu(),
        "Cores": str(os.cpu_count()),
        "RAM": f"{memory:.0f} GiB",
        "System": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "PostgreSQL": postgres_version(),
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _cells(result: Result, newline: str) -> list[str]:
    value = f"{result.value:,.0f}" if result.value >= 100 else f"{result.value:,.1f}"
    cpu = "" if result.generator_cpu is None else f"{result.generator_cpu:.0%}"
    note = result.note
    if result.errors:
        note = newline.join(filter(None, (note, f"{result.errors} ERRORS: {result.first_error}")))
    return [
        result.name,
        f"{value} {result.unit}",
        *(_milliseconds(value) for value in (result.p50, result.p95, result.p99)),
        cpu,
        newline.join(aim.text for aim in result.aims),
        newline.join("yes" if aim.met else "no" for aim in result.aims),
        note,
    ]


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"
