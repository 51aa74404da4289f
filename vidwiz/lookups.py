"""How the look-ups of commands are answered: one statement for all look-ups of a kind."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, and_, case, column, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, UUID, distinct_on

from vidwiz.commands.base import History, Lookup, NewestOf, NoteShape, PastOf, VideoShape
from vidwiz.commands.notes import EarlierUse, GroundFor, NoteGround
from vidwiz.commands.tasks import Claimable, NextTask, NextTaskOf
from vidwiz.commands.users import Account, Accounts, AccountsOf, FoundUser, User, UserOf
from vidwiz.database import Connection, fetch_all
from vidwiz.events import TaskType
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper
from vidwiz.projections import shapes
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import (
    Instant,
    idempotency_keys,
    note_ids,
    notes,
    stored_events,
    task_ids,
    tasks,
    user_ids,
    users,
    video_ids,
    videos,
)

Loader = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Any]]]

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


_users = Statement(
    select(
        users.c.id,
        users.c.name,
        users.c.ai_notes_enabled,
        users.c.long_term_token_id,
        users.c.version,
    ).where(users.c.id == func.any(parameter("ids", ARRAY(BigInteger))))
)


async def found_users(connection: Connection, lookups: Sequence[UserOf]) -> list[FoundUser]:
    """The accounts' rows."""
    rows = await fetch_all(connection, _users, {"ids": [lookup.user_id for lookup in lookups]})
    found = {
        user_id: FoundUser(User(*its), versions={f"user:{user_id}": version})
        for user_id, *its, version in rows
    }
    return [found.get(lookup.user_id, FoundUser(None)) for lookup in lookups]


_accounts = Statement(
    select(
        users.c.id,
        users.c.google_id,
        users.c.profile_image_url,
        users.c.version,
        users.c.email == parameter("email", Text),
        users.c.google_id == parameter("google_id", Text),
    ).where(
        or_(
            users.c.email == parameter("email", Text),
            users.c.google_id == parameter("google_id", Text),
        )
    )
)
_next_user_id = Statement(select(user_ids.next_value()))


async def accounts(connection: Connection, lookups: Sequence[AccountsOf]) -> list[Accounts]:
    """Sign-ups are rare and slow by intent: one look-up at a time."""
    return [await _accounts_of(connection, lookup) for lookup in lookups]


async def _accounts_of(connection: Connection, lookup: AccountsOf) -> Accounts:
    asked = {"email": lookup.email, "google_id": lookup.google_id}
    rows = await fetch_all(connection, _accounts, asked)
    ((next_id,),) = await fetch_all(connection, _next_user_id, {})
    by_email = by_google_id = None
    for user_id, google_id, picture, _, same_email, same_google_id in rows:
        account = Account(user_id, google_id, picture)
        by_email = account if same_email else by_email
        by_google_id = account if same_google_id else by_google_id
    return Accounts(
        next_id,
        by_email,
        by_google_id,
        versions={f"user:{row[0]}": row[3] for row in rows},
    )


_claimable = Statement(
    select(
        tasks.c.id, tasks.c.task_details["video_id"].astext, tasks.c.retry_count, tasks.c.version
    )
    .where(
        tasks.c.task_type == parameter("task_type", Text),
        or_(
            tasks.c.status == "pending",
            and_(
                tasks.c.status == "in_progress",
                tasks.c.started_at < parameter("stale_before", Instant),
            ),
        ),
    )
    .order_by(tasks.c.id)
    .limit(parameter("at_most", BigInteger))
    .with_for_update(skip_locked=True)
)


async def next_tasks(connection: Connection, lookups: Sequence[NextTaskOf]) -> list[NextTask]:
    """Lock as many tasks as are asked for, and hand them out in the order of the look-ups."""
    lines: dict[TaskType, Iterator[NextTask]] = {}
    for task_type in {lookup.task_type for lookup in lookups}:
        its = [lookup for lookup in lookups if lookup.task_type is task_type]
        lines[task_type] = await _line(connection, its)
    return [next(lines[lookup.task_type], NextTask(None)) for lookup in lookups]


async def _line(connection: Connection, lookups: Sequence[NextTaskOf]) -> Iterator[NextTask]:
    rows = await fetch_all(
        connection,
        _claimable,
        {
            "task_type": lookups[0].task_type.value,
            "stale_before": min(lookup.stale_before for lookup in lookups),
            "at_most": len(lookups),
        },
    )
    return iter(
        NextTask(Claimable(task_id, video_id, attempts), versions={f"task:{task_id}": version})
        for task_id, video_id, attempts, version in rows
    )


_ids = parameter("ids", ARRAY(BigInteger))
_note_video = shapes.shaped_videos(
    videos.c.video_id.in_(select(notes.c.video_id).where(notes.c.id == func.any(_ids)))
)
_note_shapes = Statement(
    select(notes.c.id, shapes.note(_note_video.c.shape).cast(Text))
    .select_from(notes.outerjoin(_note_video, _note_video.c.video_id == notes.c.video_id))
    .where(notes.c.id == func.any(_ids))
)


async def note_shapes(connection: Connection, lookups: Sequence[NoteShape]) -> list[bytes | None]:
    """Notes as the API shows them."""
    ids = [lookup.note_id for lookup in lookups]
    found = dict(await fetch_all(connection, _note_shapes, {"ids": ids}))
    return [_encoded(found.get(note_id)) for note_id in ids]


_video_shapes = Statement(
    select(videos.c.video_id, shapes.VIDEO.cast(Text)).where(
        videos.c.video_id == func.any(parameter("video_ids", ARRAY(Text)))
    )
)


async def video_shapes(connection: Connection, lookups: Sequence[VideoShape]) -> list[bytes | None]:
    """Videos as the API shows them."""
    wanted = [lookup.video_id for lookup in lookups]
    found = dict(await fetch_all(connection, _video_shapes, {"video_ids": wanted}))
    return [_encoded(found.get(video_id)) for video_id in wanted]


def _encoded(shape: str | None) -> bytes | None:
    return None if shape is None else shape.encode()


LOADERS: Mapping[type[Lookup[Any]], Loader] = {
    PastOf: pasts,
    NewestOf: newest,
    UserOf: found_users,
    GroundFor: note_grounds,
    AccountsOf: accounts,
    NextTaskOf: next_tasks,
    NoteShape: note_shapes,
    VideoShape: video_shapes,
}
"""The function that answers look-ups of each kind, in the order in which they are asked."""


async def answer(connection: Connection, lookups: Sequence[Lookup[Any]]) -> list[Any]:
    """The answers in the order of the look-ups, with one round trip per kind."""
    by_kind: dict[type[Lookup[Any]], list[int]] = defaultdict(list)
    for index, lookup in enumerate(lookups):
        by_kind[type(lookup)].append(index)
    answers: list[Any] = [None] * len(lookups)
    for kind, indexes in by_kind.items():
        found = await LOADERS[kind](connection, [lookups[index] for index in indexes])
        for index, one in zip(indexes, found, strict=True):
            answers[index] = one
    return answers
