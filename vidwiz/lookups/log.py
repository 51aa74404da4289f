"""The pasts of streams."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import ARRAY, UUID, distinct_on

from vidwiz.commands.base import History, NewestOf, PastOf
from vidwiz.database import Connection, fetch_all
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import stored_events

_mapper = EventMapper()

_events = select(
    stored_events.c.originator_id,
    stored_events.c.originator_version,
    stored_events.c.topic,
    stored_events.c.state,
).where(stored_events.c.originator_id == func.any(parameter("streams", ARRAY(UUID))))
_past = Statement(
    _events.order_by(stored_events.c.originator_id, stored_events.c.originator_version)
)
_newest = Statement(
    _events.order_by(stored_events.c.originator_id, stored_events.c.originator_version.desc()).ext(
        distinct_on(stored_events.c.originator_id)
    )
)


async def pasts(connection: Connection, lookups: Sequence[PastOf]) -> list[History]:
    """Read every stream that somebody asks for, once."""
    return await _histories(connection, _past, lookups)


async def _histories(
    connection: Connection, statement: Statement, lookups: Sequence[PastOf | NewestOf]
) -> list[History]:
    wanted = {stream_id(name): name for lookup in lookups for name in lookup.streams}
    events = defaultdict(list)
    versions: dict[str, int] = {}
    for stream, version, topic, state in await fetch_all(
        connection, statement, {"streams": list(wanted)}
    ):
        name = wanted[stream]
        events[name].append(_mapper.decode(topic, state))
        versions[name] = version
    return [
        History(
            events={name: events[name] for name in lookup.streams if name in events},
            versions={name: versions[name] for name in lookup.streams if name in versions},
        )
        for lookup in lookups
    ]


async def newest(connection: Connection, lookups: Sequence[NewestOf]) -> list[History]:
    """Read one event of every stream that somebody asks for, however long its past."""
    return await _histories(connection, _newest, lookups)
