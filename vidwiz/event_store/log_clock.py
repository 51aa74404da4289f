"""The time that events are recorded at, which the log takes only if it goes on."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import structlog

from vidwiz.event_store import statements
from vidwiz.postgres.pool import Database

TIME_REFUSED = "VZ001"
"""The SQLSTATE with which the log refuses a time."""

log = structlog.get_logger(__name__)


class LogClock:
    """This machine's clock, until the log refuses its time; then as the database says."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._offset = timedelta()

    def now(self) -> datetime:
        """What time it is."""
        return self._now() + self._offset

    async def mends(self, error: psycopg.Error) -> bool:
        """Whether the log refused the time: from now on the database's clock counts.

        It does not go back behind what the log has. Raises ``DatabaseUnavailable``.
        """
        if error.sqlstate != TIME_REFUSED:
            return False
        clock, newest = (await self._database.all(statements.CLOCK))[0]
        self._offset = max(clock, newest or clock) - self._now()
        log.warning(
            "this clock goes back, or differs from the database's, which counts from now on",
            offset_s=self._offset.total_seconds(),
        )
        return True
