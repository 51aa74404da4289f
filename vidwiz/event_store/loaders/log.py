"""The pasts of streams."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, distinct_on

from vidwiz.commands.base import History, LatestEventQuery, StreamQuery
from vidwiz.event_store.personal_keys import keys_of
from vidwiz.events import Event
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMapper
from vidwiz.events.sealing import EventAddress
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import stored_events

_events = select(
    stored_events.c.originator_id,
    stored_events.c.originator_version,
    stored_events.c.topic,
    stored_events.c.state,
).where(stored_events.c.originator_id == func.any(parameter("streams", ARRAY(postgresql.UUID))))
_past = Statement(
    _events.order_by(stored_events.c.originator_id, stored_events.c.originator_version)
)
_newest = Statement(
    _events.order_by(stored_events.c.originator_id, stored_events.c.originator_version.desc()).ext(
        distinct_on(stored_events.c.originator_id)
    )
)


async def pasts(
    connection: Connection, master: MasterKey, lookups: Sequence[StreamQuery]
) -> list[History]:
    """Read every stream that somebody asks for, once; what was of an erased person has no past."""
    return await _histories(connection, master, _past, lookups)


async def newest(
    connection: Connection, master: MasterKey, lookups: Sequence[LatestEventQuery]
) -> list[History]:
    """Read one event of every stream that somebody asks for, however long its past."""
    return await _histories(connection, master, _newest, lookups)


async def _histories(
    connection: Connection,
    master: MasterKey,
    statement: Statement,
    lookups: Sequence[StreamQuery | LatestEventQuery],
) -> list[History]:
    wanted = {stream_id(name): name for lookup in lookups for name in lookup.streams}
    rows = await fetch_all(connection, statement, {"streams": list(wanted)})
    events = defaultdict(list)
    versions: dict[str, int] = {}
    for stream, version, event in await _read(connection, master, rows):
        name = wanted[stream]
        versions[name] = version
        events[name].append(event)
    return [
        History(
            events={name: events[name] for name in lookup.streams if name in events},
            versions={name: versions[name] for name in lookup.streams if name in versions},
        )
        for lookup in lookups
    ]


async def _read(
    connection: Connection, master: MasterKey, rows: Sequence[tuple[Any, ...]]
) -> list[tuple[UUID, int, Event]]:
    unkeyed = EventMapper()
    persons = [unkeyed.person(topic, state) for _, _, topic, state in rows]
    keys = await keys_of(connection, master, {its for its in persons if its is not None})
    erased = {person for person, key in keys.items() if key is None}
    mapper = EventMapper(keys)
    return [
        (stream, version, mapper.decode(EventAddress(stream, version, topic), state))
        for (stream, version, topic, state), person in zip(rows, persons, strict=True)
        if person not in erased
    ]
