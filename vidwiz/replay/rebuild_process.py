"""The process that rebuilds tables for ``rebuilding``: one JSON object comes in, one goes out.

DSN and master key are read from standard input, since others can see a process's arguments.
"""

import sys
from base64 import b64decode
from dataclasses import asdict

import orjson
import psycopg

from vidwiz.events.master_key import KeyUnusable, MasterKey, WrongMasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.events.sealing import SealBroken
from vidwiz.parent_process import die_with_parent
from vidwiz.postgres.pool import means_unavailable
from vidwiz.projections.projector import ProjectionFailed
from vidwiz.replay.engine import MaintenanceUnderWay, SwapFailed, rebuild

REFUSALS = (
    KeyUnusable,
    MaintenanceUnderWay,
    ProjectionFailed,
    SealBroken,
    SwapFailed,
    UnknownEvent,
    WrongMasterKey,
)


def main() -> None:
    """Rebuild the tables that the arguments name, or all."""
    die_with_parent()
    given = orjson.loads(sys.stdin.buffer.read())
    key, *others = map(b64decode, given["master_keys"])
    master = MasterKey(key, lambda: others)
    try:
        said: dict[str, object] = {"result": asdict(rebuild(given["dsn"], master, sys.argv[1:]))}
    except REFUSALS as error:
        said = {"error": str(error)}
    except psycopg.Error as error:
        if not means_unavailable(error):
            raise
        said = {"error": str(error)}
    sys.stdout.buffer.write(orjson.dumps(said))


if __name__ == "__main__":
    main()
