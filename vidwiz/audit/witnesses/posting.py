"""Shows each new checkpoint to the witnesses, as long as the process lives."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, exists, select

from vidwiz.adapters.witness import Witness, WitnessRefuses, WitnessUnavailable
from vidwiz.audit.witnesses.receipts import is_genuine
from vidwiz.events import CheckpointContradicted, CheckpointWitnessed
from vidwiz.metrics import WITNESS_POSITION, WITNESS_PROBLEM
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import stored_events
from vidwiz.supervision import Loop, pauses
from vidwiz.verify_export import Checkpoint

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 300.0
LAST_S = 5.0
"""Seconds that the last checkpoint of a process may take to its witnesses."""

log = structlog.get_logger(__name__)

_own_news = Statement(
    select(
        exists(
            select(1).where(
                stored_events.c.notification_id > parameter("after", BigInteger),
                stored_events.c.notification_id <= parameter("up_to", BigInteger),
                stored_events.c.topic.not_in(
                    (CheckpointWitnessed.TOPIC, CheckpointContradicted.TOPIC)
                ),
            )
        )
    )
)
"""Whether there is more than what other servers showed: two that witness each other would else
answer each checkpoint by another one, for ever."""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How a witness stands, as this process saw it: it keeps ``position`` since ``at``.

    ``problem`` says why it does not keep the newest checkpoint.
    """

    url: str
    position: int = 0
    at: datetime | None = None
    problem: str | None = None


async def show(witness: Witness, it: Checkpoint) -> str:
    """Show a checkpoint; when the witness says that it was first shown it.

    Raises ``WitnessRefuses``, ``WitnessUnavailable``.
    """
    answer = await witness.show(it._asdict())
    receipt: Any = answer.get("receipt")
    if not isinstance(receipt, dict) or not is_genuine(it, receipt):
        raise WitnessUnavailable(f"{witness.name} gives a receipt that is not genuine")
    return str(receipt["received_at"])


class _Showing:
    """Shows checkpoints to one witness."""

    def __init__(self, witness: Witness, database: Database) -> None:
        self.state = WitnessState(witness.name)
        self._witness = witness
        self._database = database
        self._newest: Checkpoint | None = None
        self._looked_up_to = 0
        self._news = asyncio.Event()
        self._pauses: Iterator[float] = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._loop = Loop(f"witness {witness.name}", self._show_on)

    def pinned(self, newest: Checkpoint) -> None:
        """The log's newest checkpoint is this one."""
        if self._newest is None or newest.position > self._newest.position:
            self._newest = newest
            self._news.set()

    def start(self) -> None:
        self._loop.start()

    async def close(self) -> None:
        """Stop, when the newest has been shown, if that can be done quickly."""
        await self._loop.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._try(), LAST_S)
        await self._witness.aclose()

    async def _show_on(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if await self._try():
                self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
            else:
                await asyncio.sleep(next(self._pauses))
                self._news.set()

    async def _try(self) -> bool:
        """Show the newest, if it is new to the witness; whether that is done."""
        it = self._newest
        if it is None or not await self._is_news(it):
            return True
        try:
            await show(self._witness, it)
        except (WitnessUnavailable, WitnessRefuses) as error:
            self._tell(replace(self.state, problem=str(error)))
            return False
        self._tell(WitnessState(self.state.url, it.position, datetime.now(UTC)))
        return True

    async def _is_news(self, it: Checkpoint) -> bool:
        if self.state.position == 0:
            return True
        after = max(self._looked_up_to, self.state.position)
        row = await self._database.one(_own_news, after=after, up_to=it.position)
        if row is not None and row[0]:
            return True
        self._looked_up_to = it.position
        return False

    def _tell(self, state: WitnessState) -> None:
        if state.problem is not None and state.problem != self.state.problem:
            log.error("a witness does not keep the newest checkpoint", problem=state.problem)
        self.state = state
        WITNESS_POSITION.labels(state.url).set(state.position)
        WITNESS_PROBLEM.labels(state.url).set(state.problem is not None)


class Witnessing:
    """Shows checkpoints to all witnesses, to each at its own pace."""

    def __init__(self, urls: Sequence[str], database: Database) -> None:
        self._showings = [_Showing(Witness(url), database) for url in urls]

    @property
    def states(self) -> list[WitnessState]:
        """How each witness stands."""
        return [one.state for one in self._showings]

    def pinned(self, newest: Checkpoint) -> None:
        """The log's newest checkpoint is this one."""
        for one in self._showings:
            one.pinned(newest)

    def start(self) -> None:
        """Begin to show."""
        for one in self._showings:
            one.start()

    async def close(self) -> None:
        """Stop, when the newest has been shown to those who answer quickly."""
        await asyncio.gather(*(one.close() for one in self._showings))
