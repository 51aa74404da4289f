"""Where a new note would stand."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import BigInteger, Text, and_, case, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.notes import EarlierUse, GroundFor, NoteGround
from vidwiz.database import Connection, fetch_all
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import (
    idempotency_keys,
    note_ids,
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
    )
    .table_valued(column("user_id", BigInteger), column("video_id", Text), column("key", Text))
    .render_derived(name="asked")
)
_unknown = videos.c.id.is_(None)
_grounds = Statement(
    select(
        _asked.c.user_id,
        _asked.c.video_id,
        _asked.c.key,
        users.c.id.is_not(None),
        note_ids.next_value(),
        case((_unknown, video_ids.next_value())),
        case((_unknown, task_ids.next_value())),
        case((_unknown, task_ids.next_value())),
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


async def note_grounds(connection: Connection, lookups: Sequence[GroundFor]) -> list[NoteGround]:
    """Each look-up gets ids of its own, even where two ask the same."""
    rows = await fetch_all(
        connection,
        _grounds,
        {
            "user_ids": [lookup.user_id for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "keys": [lookup.idempotency_key for lookup in lookups],
        },
    )
    grounds = defaultdict(list)
    for *asked_for, user_exists, note_id, video, transcript, metadata, print_, earlier_id in rows:
        earlier = None if print_ is None else EarlierUse(print_, earlier_id)
        ground = NoteGround(user_exists, note_id, video, transcript, metadata, earlier)
        grounds[GroundFor(*asked_for)].append(ground)
    return [grounds[lookup].pop(0) for lookup in lookups]
