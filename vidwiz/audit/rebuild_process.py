"""The process that rebuilds tables for ``rebuilding``: the DSN comes in, one JSON object goes out.

The DSN is read from standard input, since others can see a process's arguments.
"""

import sys
from dataclasses import asdict

import orjson
import psycopg

from vidwiz.events.recorded import UnknownEvent
from vidwiz.parent import die_with_parent
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.projections.replay import MaintenanceUnderWay, SwapFailed, rebuild

REFUSALS = (
    MaintenanceUnderWay,
    ProjectionFailed,
    SwapFailed,
    UnknownEvent,
    psycopg.OperationalError,
)


def main() -> None:
    """Rebuild the tables that the arguments name, or all."""
    die_with_parent()
    dsn = sys.stdin.read()
    try:
        said: dict[str, object] = {"result": asdict(rebuild(dsn, sys.argv[1:]))}
    except REFUSALS as error:
        said = {"error": str(error)}
    sys.stdout.buffer.write(orjson.dumps(said))


if __name__ == "__main__":
    main()
