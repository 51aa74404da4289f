"""What notes, tasks and conversations are about, remembered from the events that say it."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from vidwiz.events import Event
from vidwiz.events.base import stream_id
from vidwiz.live.changes import LiveSubject, needs_subject, subject_of
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import stored_events

MOST_KEPT = 50_000

_state = func.convert_from(stored_events.c.state, "UTF8").cast(JSON)
_first = Statement(
    select(
        stored_events.c.originator_id,
        _state["video_id"].astext,
        _state["task_type"].astext,
        _state["note_id"].astext,
    ).where(
        stored_events.c.originator_id == func.any(parameter("streams", ARRAY(postgresql.UUID))),
        stored_events.c.originator_version == 1,
        _state["video_id"].astext.is_not(None),
    )
)


class StreamOwners:
    """The subjects of streams; those that are not remembered are read, many at once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[UUID, LiveSubject] = OrderedDict()

    async def of(self, events: Sequence[Event]) -> Mapping[UUID, LiveSubject]:
        """The subject of the stream of each event that needs one, by the stream's id."""
        for event in events:
            subject = subject_of(event)
            if subject is not None:
                self._keep(stream_id(event.stream), subject)
        wanted = {stream_id(event.stream) for event in events if needs_subject(event)}
        await self._read(wanted - self._kept.keys())
        found = {stream: self._kept[stream] for stream in wanted if stream in self._kept}
        self._forget()
        return found

    async def _read(self, streams: Iterable[UUID]) -> None:
        missing = [*streams]
        if missing:
            for stream, video_id, task_type, note_id in await self._database.all(
                _first, streams=missing
            ):
                self._keep(stream, LiveSubject(video_id, task_type if note_id is None else None))

    def _keep(self, stream: UUID, subject: LiveSubject) -> None:
        self._kept[stream] = subject
        self._kept.move_to_end(stream)

    def _forget(self) -> None:
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
