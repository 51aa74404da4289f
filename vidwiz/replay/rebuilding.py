"""Rebuilds the tables on request, in a process of its own so that no request waits for it."""

import asyncio
import os
import sys
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import structlog

from vidwiz.parent_process import PARENT_VARIABLE
from vidwiz.supervision import Tasks

PROGRAM = "vidwiz.replay.rebuild_process"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Rebuild:
    """A rebuild that this process began; ``result`` or ``error`` are there once it has ended."""

    tables: tuple[str, ...]
    started_at: datetime
    ended_at: datetime | None = None
    result: dict[str, Any] | None = None
    error: str | None = None

    @property
    def state(self) -> str:
        """``running``, ``done`` or ``failed``."""
        if self.ended_at is None:
            return "running"
        return "done" if self.error is None else "failed"


class Rebuilding:
    """Begins rebuilds, one at a time, and remembers the last one."""

    def __init__(self, dsn: str, master_keys: Callable[[], Sequence[bytes]]) -> None:
        self._dsn = dsn
        self._master_keys = master_keys
        self._tasks = Tasks("rebuild")
        self.last: Rebuild | None = None

    def start(self, tables: tuple[str, ...]) -> Rebuild | None:
        """Begin to rebuild these tables, or all; None while the last one still runs."""
        if self.last is not None and self.last.state == "running":
            return None
        self.last = Rebuild(tables, datetime.now(UTC))
        self._tasks.begin(self._run(self.last))
        return self.last

    async def close(self) -> None:
        """Stop; a rebuild that is not finished leaves the tables as they are."""
        await self._tasks.cancel()

    async def _run(self, rebuild: Rebuild) -> None:
        try:
            said = await self._said(rebuild.tables)
            rebuild.result, rebuild.error = said.get("result"), said.get("error")
        except Exception as error:
            log.exception("a rebuild broke off")
            rebuild.error = type(error).__name__
        except asyncio.CancelledError:
            rebuild.error = "interrupted"
            raise
        finally:
            rebuild.ended_at = datetime.now(UTC)

    async def _said(self, tables: tuple[str, ...]) -> dict[str, Any]:
        """What the process says in the end: its result, or its error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            PROGRAM,
            *tables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, PARENT_VARIABLE: str(os.getpid())},
        )
        try:
            keys = [b64encode(key).decode() for key in self._master_keys()]
            secrets = {"dsn": self._dsn, "master_keys": keys}
            said, _ = await process.communicate(orjson.dumps(secrets))
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()
        answer: dict[str, Any] = (
            orjson.loads(said) if said else {"error": "it ended without a word"}
        )
        return answer
