"""Where a new note would stand, and the versions of notes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    ColumnElement,
    Text,
    and_,
    case,
    column,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import Sequence as IdSequence
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.sql.selectable import Select

from vidwiz.commands.notes import (
    AddNoteContext,
    AddNoteContextQuery,
    EarlierUse,
    NoteVersions,
    NoteVersionsQuery,
)
from vidwiz.event_store.personal_keys import keys_of
from vidwiz.event_store.statements import RECORDED, recorded
from vidwiz.events import NoteAdded
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMapper, RecordedEvent
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.shapes import is_visible
from vidwiz.projections.tables import (
    idempotency_keys,
    note_ids,
    stored_events,
    task_ids,
    users,
    video_ids,
    videos,
)

_asked = (
    func.unnest(
        parameter("user_ids", ARRAY(BigInteger)),
        parameter("video_ids", ARRAY(Text)),
        parameter("keys", ARRAY(Text)),
        parameter("may_ask", ARRAY(Boolean)),
    )
    .table_valued(
        column("user_id", BigInteger),
        column("video_id", Text),
        column("key", Text),
        column("may_ask", Boolean),
    )
    .render_derived(name="asked")
)
_unknown = videos.c.id.is_(None)
_is_added = and_(idempotency_keys.c.note_id.is_(None), or_(_asked.c.may_ask, ~_unknown))


def _set_aside(ids: IdSequence) -> ColumnElement[Any]:
    """The next id for an unknown video; 0 where it is not to be used."""
    return case((and_(_unknown, _asked.c.may_ask), ids.next_value()), (_unknown, 0))


_grounds = Statement(
    select(
        _asked.c.user_id,
        _asked.c.video_id,
        _asked.c.key,
        _asked.c.may_ask,
        users.c.id.is_not(None),
        case((_is_added, note_ids.next_value()), else_=0),
        _set_aside(video_ids),
        _set_aside(task_ids),
        _set_aside(task_ids),
        case((and_(~_unknown, is_visible(videos.c.title).is_not(True)), videos.c.version)),
        idempotency_keys.c.fingerprint,
        idempotency_keys.c.note_id,
    ).select_from(
        _asked.outerjoin(users, users.c.id == _asked.c.user_id)
        .outerjoin(videos, videos.c.video_id == _asked.c.video_id)
        .outerjoin(
            idempotency_keys,
            and_(
                idempotency_keys.c.user_id == _asked.c.user_id,
                idempotency_keys.c.key == _asked.c.key,
            ),
        )
    )
)


async def note_grounds(
    connection: Connection, lookups: Sequence[AddNoteContextQuery]
) -> list[AddNoteContext]:
    """Each look-up gets ids of its own, even where two ask the same."""
    rows = await fetch_all(
        connection,
        _grounds,
        {
            "user_ids": [lookup.user_id for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "keys": [lookup.idempotency_key for lookup in lookups],
            "may_ask": [lookup.may_ask for lookup in lookups],
        },
    )
    grounds = defaultdict(list)
    for row in rows:
        asked, (is_user, note_id, video, transcript, metadata, *rest) = row[:4], row[4:]
        _, video_id, *_ = asked
        untitled, print_, earlier_id = rest
        ground = AddNoteContext(
            is_user,
            note_id,
            video,
            transcript,
            metadata,
            None if print_ is None else EarlierUse(print_, earlier_id),
            is_untitled=untitled is not None,
            # Only who names a video touches its stream: notes on it need not wait for each other.
            versions={} if untitled is None else {f"video:{video_id}": untitled},
        )
        grounds[AddNoteContextQuery(*asked)].append(ground)
    return [grounds[lookup].pop(0) for lookup in lookups]


_reverted = (
    func.unnest(
        parameter("streams", ARRAY(UUID)),
        parameter("versions", ARRAY(BigInteger)),
        parameter("positions", ARRAY(BigInteger)),
    )
    .table_valued(
        column("stream", UUID),
        column("version", BigInteger),
        column("position", BigInteger),
        with_ordinality="nth",
    )
    .render_derived(name="reverted")
)


def _at(role: int, condition: ColumnElement[bool]) -> Select[Any]:
    its = and_(stored_events.c.originator_id == _reverted.c.stream, condition)
    return select(_reverted.c.nth, literal(role), *RECORDED).select_from(
        _reverted.join(stored_events, its)
    )


ADDED, WANTED, NEWEST = range(3)
_version = stored_events.c.originator_version
_others = stored_events.alias("others")
_versions = Statement(
    union_all(
        _at(ADDED, _version == 1),
        _at(WANTED, _version == _reverted.c.version),
        _at(WANTED, stored_events.c.notification_id == _reverted.c.position),
        _at(
            NEWEST,
            _version
            == select(func.max(_others.c.originator_version))
            .where(_others.c.originator_id == _reverted.c.stream)
            .scalar_subquery(),
        ),
    )
)


async def note_versions(
    connection: Connection, master: MasterKey, lookups: Sequence[NoteVersionsQuery]
) -> list[NoteVersions]:
    """A few events of each note, however long its past; none of an erased person's."""
    rows = await fetch_all(
        connection,
        _versions,
        {
            "streams": [stream_id(f"note:{lookup.note_id}") for lookup in lookups],
            "versions": [lookup.version for lookup in lookups],
            "positions": [lookup.position for lookup in lookups],
        },
    )
    unkeyed = EventMapper()
    persons = [unkeyed.person(topic, state) for _, _, _, _, _, topic, state, *_ in rows]
    keys = await keys_of(connection, master, {one for one in persons if one is not None})
    mapper, erased = EventMapper(keys), {person for person, key in keys.items() if key is None}
    found: dict[int, dict[int, RecordedEvent]] = defaultdict(dict)
    for nth, role, *row in rows:
        its = recorded(mapper, row)
        if its.event.person not in erased:
            found[nth][role] = its
    return [_note_versions(found[nth]) for nth in range(1, len(lookups) + 1)]


def _note_versions(found: Mapping[int, RecordedEvent]) -> NoteVersions:
    added, wanted, newest = (found.get(role) for role in (ADDED, WANTED, NEWEST))
    if added is None or newest is None or not isinstance(added.event, NoteAdded):
        return NoteVersions()
    return NoteVersions(
        added=added.event,
        added_at=added.recorded_at,
        wanted=None if wanted is None else wanted.event,
        newest=newest.event,
        versions={newest.event.stream: newest.originator_version},
    )
