"""``python -m bench``: run the scenarios, print the table, keep the JSON."""

import resource
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import report
from bench.scenarios import SCENARIOS
from bench.setup import Result, Setup

OUT = Path(__file__).parent / "out"


def main() -> int:
    """Measure; 1 when any answer was not as it should be."""
    asked = _arguments()
    _allow_many_connections()
    setup = Setup(seconds=1, rounds=1, quick=True) if asked.quick else Setup(asked.seconds)
    results = _run(asked.only, setup)
    report.show(results)
    command = _command(asked)
    _write(asked.json or _dated_file(), report.as_json(results, setup, command))
    if asked.markdown:
        _write(asked.markdown, report.as_markdown(results, setup, command).encode())
    return 1 if any(result.errors for result in results) else 0


def _arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m bench", description="Measures VidWiz; see README.md.")
    names = list(SCENARIOS)
    parser.add_argument(
        "--only",
        nargs="+",
        choices=names,
        default=names,
        metavar="NAME",
        help=f"some of: {', '.join(names)}",
    )
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="instead of one in bench/out")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--quick", action="store_true", help="one round of a second: does it run?")
    return parser.parse_args()


def _command(asked: Namespace) -> str:
    """As it was given, but for where the report goes."""
    parts = ["python -m bench", *(["--quick"] if asked.quick else [f"--seconds {asked.seconds}"])]
    if asked.only != list(SCENARIOS):
        parts += ["--only", *asked.only]
    return " ".join(parts)


def _run(names: Sequence[str], setup: Setup) -> list[Result]:
    results: list[Result] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        results += SCENARIOS[name](setup)
    return results


def _allow_many_connections() -> None:
    """Thousands of idle workers need as many descriptors, here and in the server."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _dated_file() -> Path:
    return OUT / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
