"""Keeps the four workers running beside the service, in one process of their own."""

import os
import subprocess
import sys
import time
from threading import Event, Thread

import structlog

from vidwiz.parent_process import PARENT_VARIABLE
from vidwiz.settings.environment import FILE_SUFFIX
from vidwiz.supervision import pauses

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
STOP_S = 15.0

log = structlog.get_logger(__name__)

TOKEN_FILE = f"ADMIN_TOKEN{FILE_SUFFIX}"
"""Where the token may have come from; they are given the token itself."""


class BuiltInWorkers:
    """``vidwiz worker all``, against this API, started again if it ends.

    A thread starts the process and waits for it: Linux ends a child with its thread.
    """

    def __init__(self, api_url: str, admin_token: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if name != TOKEN_FILE}
        self._environment = {
            **inherited,
            "ADMIN_TOKEN": admin_token,
            "VIDWIZ_API_URL": api_url,
            PARENT_VARIABLE: str(os.getpid()),
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._run_forever, name="built-in-workers", daemon=True)

    def start(self) -> None:
        """Begin, once the API is there to be called."""
        self._thread.start()

    def stop(self) -> None:
        """Let them finish what they are at and hand it in; for which the API must still be there.

        Once more makes no difference, and neither does it before the start.
        """
        self._stopping.set()
        if not self._thread.is_alive():
            return
        if self._process is not None:
            self._process.terminate()
        self._thread.join(STOP_S)
        if self._thread.is_alive() and self._process is not None:
            self._process.kill()

    def _run_forever(self) -> None:
        waiting = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        while not self._stopping.is_set():
            began = time.monotonic()
            code = self._run()
            if time.monotonic() - began > LONGEST_PAUSE_S:
                waiting = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
            pause = next(waiting)
            if not self._stopping.is_set():
                log.error("the built-in workers ended; they start again", code=code, pause_s=pause)
            self._stopping.wait(pause)

    def _run(self) -> int | None:
        """Run the process to its end; its exit code, or None if it could not be started."""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vidwiz", "worker", "all"], env=self._environment
            )
        except OSError:
            log.exception("the built-in workers cannot be started")
            return None
        if self._stopping.is_set():  # since the last look
            self._process.terminate()
        return self._process.wait()
