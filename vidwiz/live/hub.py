"""One reader of the log for all the streams of a process; see docs/adr/0012-one-live-stream.md.

It reads while somebody listens. It begins some events before the log's head, so that clients
that were away for a moment are told what they missed without anybody reading it again for them.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import BigInteger, func, select, union

from vidwiz.event_store.command_queue import Overloaded
from vidwiz.event_store.notifications import Signals
from vidwiz.events import LongTermTokenRevoked, SessionsEnded, UserDisabled, UserErased
from vidwiz.events.recorded import RecordedEvent
from vidwiz.live.audience import Subscribers
from vidwiz.live.changes import change_of
from vidwiz.live.reading import Reading, head_of
from vidwiz.live.recent import ReplayBuffer
from vidwiz.live.stream import Stream
from vidwiz.live.subjects import StreamOwners
from vidwiz.metrics import LIVE_STREAMS
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import conversations, notes, openings

MOST_STREAMS = 5000
MOST_OF_ONE = 16
MOST_VIDEOS = 10_000
"""Videos of a user, in no order, that are looked up when they begin to listen."""
LINGER_S = 30.0
"""Seconds that the log is read on when nobody listens: a page that is reloaded comes back."""

REVOKES_ACCESS = (LongTermTokenRevoked, SessionsEnded, UserDisabled, UserErased)
"""Events of a user after which their streams must prove again that they may listen."""

_user_id = parameter("user_id", BigInteger)
_its_videos = (
    union(
        *(
            select(table.c.video_id).where(table.c.user_id == _user_id)
            for table in (notes, conversations, openings)
        )
    )
    .limit(MOST_VIDEOS)
    .subquery("its_videos")
)
_VIDEOS_OF = Statement(select(func.array_agg(_its_videos.c.video_id)))


class TooManyLiveStreams(Exception):
    """A user has as many open streams as one may have."""


class Broadcaster:
    """Tells every open stream of this process what concerns it."""

    def __init__(self, database: Database, signals: Signals) -> None:
        self._database = database
        self._signals = signals
        self._subjects = StreamOwners(database)
        self._audience = Subscribers()
        self._recent = ReplayBuffer(0)
        self._position = 0
        self._reading: Reading | None = None
        self._resting: asyncio.TimerHandle | None = None
        self._closing = False

    async def admit(self, user_id: int) -> None:
        """Make sure that another stream of this user can be told what happens.

        Raises ``TooManyLiveStreams``, ``Overloaded``, ``DatabaseUnavailable``, and ``UnknownEvent``
        as long as the log holds an event that this program cannot read.
        """
        if self._closing:
            raise Overloaded
        if self._reading is None or not self._reading.is_under_way:
            self._reading = Reading(
                self._database,
                self._signals,
                begin=self._begin,
                take=self._take,
                broke=self._end_streams,
            )
        self._rest_later()
        await self._reading.caught_up()
        # Looked at last: between here and the stream's entry nobody else comes in.
        if self._audience.size >= MOST_STREAMS:
            raise Overloaded
        if len([*self._audience.streams_of(user_id)]) >= MOST_OF_ONE:
            raise TooManyLiveStreams

    @asynccontextmanager
    async def listening(
        self, user_id: int, named: frozenset[str], seen: int | None
    ) -> AsyncIterator[Stream]:
        """An open stream, for a client that has ``seen`` everything up to a position.

        ``seen`` is None for a client that begins, and -1 for one that says what nobody told it.
        Raises what ``admit`` raises.
        """
        await self.admit(user_id)
        stream = Stream(user_id, named)
        self._audience.enter(stream)
        LIVE_STREAMS.inc()
        try:
            await self._welcome(stream, seen)
            yield stream
        finally:
            LIVE_STREAMS.dec()
            self._audience.leave(stream)
            self._rest_later()

    def doubt(self, user_id: int) -> None:
        """Have the user's streams prove again that they may listen."""
        for stream in self._audience.streams_of(user_id):
            stream.doubt()

    def send_home(self) -> None:
        """End every stream, and take no more."""
        self._closing = True
        self._end_streams()

    async def close(self) -> None:
        """Stop."""
        self.send_home()
        if self._resting is not None:
            self._resting.cancel()
        if self._reading is not None:
            await self._reading.stop()

    def _rest_later(self) -> None:
        if self._resting is not None:
            self._resting.cancel()
        self._resting = asyncio.get_running_loop().call_later(LINGER_S, self._rest)

    def _rest(self) -> None:
        if self._audience.size == 0 and self._reading is not None:
            self._reading.stop_soon()
            self._reading = None  # it has yet to end: who comes now begins another

    async def _welcome(self, stream: Stream, seen: int | None) -> None:
        """Say hello, and what was missed. What happens before the hello is read by the client."""
        row = await self._database.one(_VIDEOS_OF, user_id=stream.user_id)
        self._audience.interest(stream.user_id, (row and row[0]) or ())
        # The reading may be a little behind what was answered to this very client.
        is_told = seen is not None and seen <= self._position
        head = self._position if is_told else await head_of(self._database)
        if seen is None:
            stream.begin(max(head, self._position))
        elif not 0 <= seen <= head or not self._recent.reaches(seen):
            stream.begin(self._position, reset=True)
        else:
            stream.begin(seen)
            for position, change in self._recent.behind(seen):
                if self._audience.is_concerned(stream, change):
                    stream.tell(position, change)

    def _begin(self, position: int) -> None:
        self._position = position
        self._recent = ReplayBuffer(position)

    async def _take(self, chunk: Sequence[RecordedEvent]) -> None:
        """Learn from all of the events before telling any: a video comes before its first note."""
        subjects = await self._subjects.of([one.event for one in chunk])
        for one in chunk:
            self._audience.learn(one.event)
        for one in chunk:
            self._position = one.position or self._position
            change = change_of(one.event, subjects.get(one.originator_id))
            if change is not None:
                self._recent.add(self._position, change)
                for stream in self._audience.concerned(change):
                    stream.tell(self._position, change)
            if isinstance(one.event, REVOKES_ACCESS):
                self.doubt(one.event.user_id)

    def _end_streams(self) -> None:
        for stream in self._audience:
            stream.end()
