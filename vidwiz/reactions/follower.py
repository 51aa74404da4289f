"""Follows the log for a reaction and has what follows from its events delivered, at least once.

The checkpoint moves after the deliveries. An outage moves nothing: the follower waits and goes on
where it was. An event that fails by itself is parked, and with it the later events of its stream,
in order; other streams go on. Parked events are tried again, ever more seldom. An event that a
newer program wrote holds the follower: it says so, and waits for that program. What an effect puts
off holds nothing back: it is asked for again in the order of the log when its time has come.
"""

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import Generic, TypeVar

import structlog

from vidwiz.adapters.queue import MessageRefused
from vidwiz.commands.base import DomainError
from vidwiz.event_store.command_queue import Overloaded
from vidwiz.event_store.notifications import Signals
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper, UnknownEvent
from vidwiz.events.sealing import EventAddress
from vidwiz.metrics import REACTION_DELIVERIES
from vidwiz.postgres.pool import Database, DatabaseUnavailable
from vidwiz.reactions.deliveries import Cause, Delivery, Reaction
from vidwiz.reactions.effects import OUTAGES, Effect, PutOff
from vidwiz.reactions.indexing import TranscriptUnreadable
from vidwiz.reactions.leadership import Leadership, LeadershipLost, Logged, candidacy
from vidwiz.supervision import Loop, pauses

POLL_S = 1.0
STEP = 10_000
"""Positions that the checkpoint moves at most at once."""
CHUNK = 100
"""Events that are read at once."""
MAX_TRIES = 3
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
FIRST_RETRY_S = 5.0
LONGEST_RETRY_S = 3600.0
CLOSE_S = 10.0
"""Seconds that the present event has to be finished before it is left to the next leader."""

NOT_ITS_FAULT = (*OUTAGES, LeadershipLost)

Its = TypeVar("Its", bound=Delivery)

log = structlog.get_logger(__name__)


class Follower(Generic[Its]):
    """Handles the events of one reaction while it leads; stands by while another process does."""

    def __init__(
        self, reaction: Reaction[Its], effect: Effect[Its], database: Database, signals: Signals
    ) -> None:
        self._reaction = reaction
        self._name = reaction.name
        self._topics = tuple(cause.TOPIC for cause in reaction.causes)
        self._effect = effect
        self._database = database
        self._mapper = EventMapper()  # without keys: no reaction needs anybody's words
        self._delivered: defaultdict[int, set[str]] = defaultdict(set)
        self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._woken = asyncio.Event()
        self._closing = asyncio.Event()
        self._loop = Loop(f"reaction {self._name}", self._follow_forever)
        signals.listen(self._heard)

    def start(self) -> None:
        """Stand by, and lead as soon as nobody else does."""
        self._loop.start()

    async def close(self) -> None:
        """Finish the present event, then stop."""
        self._closing.set()
        self._woken.set()
        await self._loop.stop(CLOSE_S)

    def _heard(self, topics: frozenset[str]) -> None:
        if not topics or not topics.isdisjoint(self._topics):
            self._woken.set()

    async def _follow_forever(self) -> None:
        while not self._closing.is_set():
            await self._stand()

    async def _stand(self) -> None:
        """Wait until nobody else leads, then lead for as long as possible."""
        async with candidacy(self._database, self._name) as leadership:
            while not self._closing.is_set() and not await leadership.take():
                await self._pause(POLL_S)
            self._delivered.clear()
            while not self._closing.is_set():
                await self._lead(leadership)

    async def _lead(self, leadership: Leadership) -> None:
        self._woken.clear()
        try:
            more = await self._retry_parked(leadership)
            more |= await self._ask_again(leadership)
            more |= await self._go_on(leadership)
        except OUTAGES as error:
            await self._sit_out(error)
            return
        except UnknownEvent as error:
            log.error("a reaction holds", reaction=self._name, error=str(error))  # noqa: TRY400
            await self._pause(LONGEST_PAUSE_S)
            return
        self._pauses = pauses(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        if not more:
            await self._wait(self._woken, POLL_S)

    async def _go_on(self, leadership: Leadership) -> bool:
        """Handle some events behind the checkpoint; whether there may be more."""
        after, head = await leadership.checkpoint(), await leadership.head()
        upto = min(head, after + STEP)
        if upto <= after:
            return False
        logged = await leadership.between(after, upto, self._topics, CHUNK)
        if len(logged) == CHUNK:
            upto = logged[-1].position
        if await self._handle(leadership, logged):
            await leadership.advance(upto)
        return upto < head

    async def _handle(self, leadership: Leadership, logged: Sequence[Logged]) -> bool:
        """Deliver or park each of the events; whether it came to the last one."""
        held = await leadership.held({one.stream for one in logged}) if logged else set()
        for one in logged:
            if self._closing.is_set():
                return False
            if one.stream in held:
                await leadership.park(one, in_s=None)
            elif error := await self._tried_or_held(leadership, one):
                log.warning(
                    "an event is parked", reaction=self._name, position=one.position, error=error
                )
                retry_s = _retry_s(MAX_TRIES)
                await leadership.park(one, attempts=MAX_TRIES, error=error, in_s=retry_s)
                held.add(one.stream)
        return True

    async def _tried_or_held(self, leadership: Leadership, logged: Logged) -> str | None:
        """The same as ``_tried``; whoever asks for the health sees what it holds before."""
        try:
            return await self._tried(leadership, logged)
        except UnknownEvent:
            await leadership.advance(logged.position - 1)
            raise

    async def _tried(self, leadership: Leadership, logged: Logged) -> str | None:
        """Deliver, or say what is wrong with the event after some tries."""
        problem = None
        for failures in range(MAX_TRIES):
            if failures:
                await self._pause(FIRST_PAUSE_S * failures)
            try:
                if await self._deliver(leadership, logged):
                    await leadership.advance(logged.position)
            except (*NOT_ITS_FAULT, UnknownEvent):
                raise
            except Exception as error:  # noqa: BLE001  it is kept with the event
                problem = described(error)
            else:
                return None
        return problem

    async def _retry_parked(self, leadership: Leadership) -> bool:
        """Try parked events whose time has come; whether there were any."""
        due = await leadership.due(CHUNK)
        for parked in due:
            if self._closing.is_set():
                break
            position, attempts = parked.logged.position, parked.attempts + 1
            try:
                await self._deliver(leadership, parked.logged)
            except NOT_ITS_FAULT:
                raise
            except Exception as error:  # noqa: BLE001  it is kept with the event
                await leadership.postpone(
                    position,
                    attempts=attempts,
                    error=described(error),
                    in_s=_retry_s(attempts),
                )
            else:
                await leadership.release(position)
                log.info("a parked event is done", reaction=self._name, position=position)
        return bool(due)

    async def _ask_again(self, leadership: Leadership) -> bool:
        """Ask for what was put off and whose time has come; whether there was any.

        What is refused once more is put off once more.
        """
        due = await leadership.put_off_until_now(CHUNK)
        for one in due:
            if self._closing.is_set():
                break
            position, stream = one.logged.position, one.logged.stream
            try:
                await self._deliver(leadership, one.logged, again=True)
            except (*NOT_ITS_FAULT, UnknownEvent):
                raise
            except Exception as error:  # noqa: BLE001  it is told, and tried again
                told = described(error)
                log.warning(
                    "what was put off fails", reaction=self._name, position=position, error=told
                )
                await leadership.put_off(stream, LONGEST_RETRY_S)
            await leadership.looked_at_again(position)
        return bool(due)

    async def _deliver(
        self, leadership: Leadership, logged: Logged, *, again: bool = False
    ) -> bool:
        """Deliver what follows from the event; whether anything did.

        One delivery that fails does not keep the others back, and none is made again just
        because another failed.
        """
        place = EventAddress(logged.stream, logged.version, logged.topic)
        event = self._mapper.decode(place, logged.state)
        cause = Cause(logged.position, event, logged.correlation_id, again)
        failure: Exception | None = None
        async with aclosing(self._reaction.wanted(cause)) as wanted:
            async for delivery in wanted:
                if delivery.key in self._delivered[logged.position]:
                    continue
                await leadership.confirm()
                failure = await self._made(leadership, delivery) or failure
        if failure is not None:
            raise failure
        return bool(self._delivered.pop(logged.position, ()))

    async def _made(self, leadership: Leadership, delivery: Its) -> Exception | None:
        """Deliver or put off; what is wrong with the delivery, if that is why it failed."""
        counted, outcome = REACTION_DELIVERIES.labels, "delivered"
        try:
            await self._effect.deliver(delivery)
        except OUTAGES:
            counted(self._name, "postponed").inc()
            raise
        except PutOff as full:
            await leadership.put_off(stream_id(f"note:{full.note_id}"), full.in_s)
            outcome = "put_off"
        except Exception as error:  # noqa: BLE001  the event is parked for it
            counted(self._name, "refused").inc()
            return error
        counted(self._name, outcome).inc()
        self._delivered[delivery.cause.position].add(delivery.key)
        return None

    async def _sit_out(self, error: Exception) -> None:
        pause_s = next(self._pauses)
        if isinstance(error, DatabaseUnavailable | Overloaded):
            pause_s = min(pause_s, POLL_S)  # which is ours, and back soon
        log.warning("a reaction waits", reaction=self._name, s=round(pause_s, 1), error=str(error))
        await self._pause(pause_s)

    async def _pause(self, seconds: float) -> None:
        await self._wait(self._closing, seconds)

    @staticmethod
    async def _wait(happening: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(happening.wait(), seconds)


def _retry_s(attempts: int) -> float:
    return min(LONGEST_RETRY_S, FIRST_RETRY_S * 2.0 ** min(attempts, 16))


def described(error: Exception) -> str:
    """What went wrong, in words that hold nothing of anybody's: only our own texts are repeated."""
    if isinstance(error, MessageRefused | UnknownEvent | DomainError | TranscriptUnreadable):
        return str(error)
    places = [
        f" in {frame.f_globals['__name__']}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith("vidwiz.")
    ]
    return "".join([type(error).__name__, *places[-1:]])
