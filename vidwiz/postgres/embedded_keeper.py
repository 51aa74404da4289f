"""Keeps the embedded PostgreSQL alive beside the service: it is started again when it ends."""

import time
from threading import Event, Thread
from typing import Self

import structlog

from vidwiz.postgres.embedded import EmbeddedPostgres, EmbeddedPostgresError
from vidwiz.supervision import pauses, process_end

LOOK_S = 0.5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 5.0
MOST_TRIES = 5
WELL_AFTER_S = 60.0
"""Seconds after which a server that was started again counts as well."""
STOP_S = 10.0

log = structlog.get_logger(__name__)


class EmbeddedKeeper:
    """A thread that looks after the server; after ``MOST_TRIES`` in vain the service ends.

    The service's own loop may be busy, and several processes share the server, so that neither is
    the place for it.
    """

    def __init__(self, embedded: EmbeddedPostgres) -> None:
        self._embedded = embedded
        self._stopping = Event()
        self._tries = 0
        self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._well_at = 0.0
        self._thread = Thread(target=self._look_forever, name="embedded-keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stopping.set()
        self._thread.join(STOP_S)

    def _look_forever(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                if self._embedded.lives:
                    continue
                self._start_again()
            except Exception as error:
                log.exception("the embedded database cannot be looked after")
                self._failed(error)

    def _start_again(self) -> None:
        if time.monotonic() > self._well_at:
            self._tries, self._pauses = 0, pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        log.error("the embedded database ended; it is started again", tries=self._tries)
        try:
            self._embedded.revive()
        except EmbeddedPostgresError as error:
            log.error("the embedded database cannot be started", error=str(error))  # noqa: TRY400
            self._failed(error)
        else:
            log.warning("the embedded database is back")
            self._tries += 1
            self._well_at = time.monotonic() + WELL_AFTER_S
            if self._tries > MOST_TRIES:
                self._give_up("it ends again and again")

    def _failed(self, error: Exception) -> None:
        self._tries += 1
        self._well_at = time.monotonic() + WELL_AFTER_S
        if self._tries >= MOST_TRIES:
            self._give_up(str(error))
        else:
            self._stopping.wait(next(self._pauses))

    def _give_up(self, reason: str) -> None:
        self._stopping.set()
        process_end.begin(f"the embedded database cannot be kept alive: {reason}")
