"""Rows to the API's shapes: one statement for each thing that is read."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Text,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.shapes import array, title_of
from vidwiz.projections.tables import (
    PUT_OFF,
    credentials,
    idempotency_keys,
    messages,
    notes,
    openings,
    parked_events,
    passages,
    personal_transcripts,
    stored_events,
    tasks,
    users,
    videos,
)
from vidwiz.projections.transcript_queries import is_available, summary_as_read, videos_as_read

_user_id = parameter("user_id", BigInteger)
_video_id = parameter("video_id", Text)
_its_video = shapes.shaped_videos(videos.c.video_id == _video_id)


WHOLE_VIDEOS = 20
"""The first notes of a list that come with all that there is of their video."""
AI_NOTES_AT_ONCE = 100
"""Notes that are to be written, in one answer; the next has the next."""

_mine = (
    select(notes.c.id, func.row_number().over(order_by=notes.c.id).label("number"))
    .where(notes.c.user_id == _user_id, notes.c.video_id == _video_id)
    .subquery("mine")
)
NOTES_OF_VIDEO = Statement(
    select(
        array(
            shapes.note(
                case((_mine.c.number <= WHOLE_VIDEOS, _its_video.c.shape), else_=_its_video.c.brief)
            ),
            notes.c.id,
        ).cast(Text)
    ).select_from(
        notes.join(_mine, _mine.c.id == notes.c.id).outerjoin(
            _its_video, _its_video.c.video_id == notes.c.video_id
        )
    )
)
"""A user's notes on a video, oldest first, as a JSON array; the later ones with a brief video."""

_unwritten = (
    select(notes.c.id)
    .select_from(notes.join(users, users.c.id == notes.c.user_id))
    .where(
        notes.c.video_id == _video_id,
        or_(notes.c.text.is_(None), notes.c.text == ""),
        users.c.ai_notes_enabled,
    )
    .order_by(notes.c.id)
    .limit(AI_NOTES_AT_ONCE)
    .subquery("unwritten")
)
NOTES_FOR_AI = Statement(
    select(
        array(
            shapes.note(_its_video.c.shape),
            notes.c.id,
        ).cast(Text)
    ).select_from(
        notes.join(_unwritten, _unwritten.c.id == notes.c.id).join(
            _its_video, _its_video.c.video_id == notes.c.video_id
        )
    )
)
"""Notes without words of users who want AI notes now, the oldest 100, as a JSON array."""

VIDEO = Statement(
    select(shapes.video(is_available, summary_as_read).cast(Text))
    .select_from(videos_as_read)
    .where(videos.c.video_id == _video_id)
)
"""A video as a person sees it, as JSON."""

PROFILE = Statement(
    select(
        users.c.id,
        users.c.email,
        users.c.name,
        users.c.profile_image_url,
        users.c.ai_notes_enabled,
        users.c.created_at,
        users.c.long_term_token_id,
        users.c.long_term_token_issued_at,
        users.c.tokens_valid_from,
    ).where(users.c.id == _user_id)
)
"""An account."""

CREDENTIALS = Statement(
    select(
        users.c.id,
        users.c.email,
        users.c.name,
        users.c.profile_image_url,
        users.c.tokens_valid_from,
        users.c.disabled_at,
        credentials.c.password_hash,
    )
    .select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
    .where(users.c.email == parameter("email", Text))
)
"""What login needs: the token's claims, and the password's hash or null."""

RENEW_HASH = Statement(
    credentials.update()
    .where(credentials.c.user_id == _user_id, credentials.c.password_hash == parameter("old", Text))
    .values(password_hash=parameter("new", Text))
)
"""Takes a hash of the same password, unless the password was changed meanwhile."""

_of_somebody = select(func.max(credentials.c.user_id) * parameter("place", Float))
HASH_AT = Statement(
    select(credentials.c.password_hash)
    .where(credentials.c.user_id >= _of_somebody.scalar_subquery())
    .order_by(credentials.c.user_id)
    .limit(1)
)
"""The password's hash of an account at a place between 0, the oldest, and 1."""

WANTS_AI_NOTE = Statement(
    select(users.c.id).where(
        users.c.id == parameter("user_id", BigInteger),
        users.c.ai_notes_enabled,
        ~exists().where(
            idempotency_keys.c.user_id == users.c.id,
            idempotency_keys.c.key == parameter("key", Text),
        ),
    )
)
"""The user, if they want AI notes, and did not use the key (null: none) before."""

PROOF = Statement(
    select(users.c.email, users.c.google_id, credentials.c.password_hash)
    .select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
    .where(users.c.id == _user_id)
)
"""By what the owner of an account can prove who they are."""


def _caseless(text: Any) -> Any:
    """In lower case, however its accents are coded, and with one sigma."""
    return func.translate(func.lower(func.normalize(text)), "\u03c2", "\u03c3")


_matches = (
    select(videos.c.id, videos.c.created_at)
    .where(
        exists().where(and_(notes.c.user_id == _user_id, notes.c.video_id == videos.c.video_id)),
        or_(
            parameter("query", Text) == "",
            func.strpos(_caseless(title_of(videos)), _caseless(parameter("query", Text))) > 0,
        ),
    )
    .cte("matches")
)
_page = (
    select(_matches)
    .order_by(_matches.c.created_at.desc(), _matches.c.id.desc())
    .limit(parameter("at_most", BigInteger))
    .offset(parameter("skip", BigInteger))
    .subquery("page")
)
_found = shapes.json_object(
    video_id=videos.c.video_id, video_title=title_of(videos), metadata=shapes.metadata_of(videos)
)
SEARCH = Statement(
    select(
        select(func.count()).select_from(_matches).scalar_subquery(),
        select(array(_found, _page.c.created_at.desc(), _page.c.id.desc()).cast(Text))
        .select_from(_page.join(videos, videos.c.id == _page.c.id))
        .scalar_subquery(),
    )
)
"""How many videos with notes of the user match, and one page of them as a JSON array.

Only the page is read and shaped in full, however many match.
"""

_had = union_all(
    select(
        openings.c.video_id, openings.c.created_at.label("at"), literal_column("0").label("noted")
    ).where(openings.c.user_id == _user_id),
    select(notes.c.video_id, notes.c.created_at, literal_column("1")).where(
        notes.c.user_id == _user_id
    ),
).subquery("had")
_shelf = (
    select(
        _had.c.video_id,
        func.max(_had.c.at).label("at"),
        func.sum(_had.c.noted).label("note_count"),
    )
    .group_by(_had.c.video_id)
    .cte("shelf")
)
_shelf_page = (
    select(_shelf)
    .order_by(_shelf.c.at.desc(), _shelf.c.video_id)
    .limit(parameter("at_most", BigInteger))
    .offset(parameter("skip", BigInteger))
    .subquery("shelf_page")
)
_shelved = shapes.json_object(
    video_id=videos.c.video_id,
    title=shapes.title_of(videos),
    metadata=shapes.card_metadata(videos),
    note_count=_shelf_page.c.note_count,
    last_used_at=_shelf_page.c.at,
)
LIBRARY = Statement(
    select(
        select(func.count()).select_from(_shelf).scalar_subquery(),
        select(array(_shelved, _shelf_page.c.at.desc(), _shelf_page.c.video_id).cast(Text))
        .select_from(_shelf_page.join(videos, videos.c.video_id == _shelf_page.c.video_id))
        .scalar_subquery(),
    )
)
"""How many videos the user opened or noted, and one page of them as a JSON array.

The one that was opened or noted last comes first.
"""


def _bytes(text: ColumnElement[str]) -> ColumnElement[int]:
    return func.coalesce(func.sum(func.octet_length(text)), 0)


STORED_BYTES = Statement(
    select(
        select(_bytes(notes.c.text)).where(notes.c.user_id == _user_id).scalar_subquery()
        + select(_bytes(messages.c.content)).where(messages.c.user_id == _user_id).scalar_subquery()
        + select(_bytes(passages.c.text))
        .select_from(
            personal_transcripts.join(
                passages,
                and_(
                    passages.c.video_id == personal_transcripts.c.video_id,
                    passages.c.user_id == personal_transcripts.c.user_id,
                ),
            )
        )
        .where(personal_transcripts.c.user_id == _user_id)
        .scalar_subquery()
    )
)
"""How many bytes of text a user has in notes, conversations and transcripts of their own."""

MOST_PUT_OFF = 100
"""Notes that are named in one answer."""

_put_off_note = func.event_field(stored_events.c.state, "note_id").cast(BigInteger)
PUT_OFF_NOTES = Statement(
    select(notes.c.id, func.min(parked_events.c.try_at))
    .select_from(
        parked_events.join(
            stored_events, stored_events.c.notification_id == parked_events.c.position
        ).join(notes, notes.c.id == _put_off_note)
    )
    .where(
        parked_events.c.reaction.endswith(PUT_OFF),
        notes.c.user_id == _user_id,
        notes.c.video_id == _video_id,
        or_(notes.c.text.is_(None), notes.c.text == ""),
    )
    .group_by(notes.c.id)
    .order_by(notes.c.id)
    .limit(MOST_PUT_OFF)
)
"""A user's notes on a video that AI writes on another day, oldest first, and when that is due."""

_newest_tasks = (
    select(
        tasks.c.task_type,
        tasks.c.status,
        tasks.c.retry_count,
        tasks.c.worker_details["reason"].astext.label("reason"),
    )
    .where(tasks.c.task_details["video_id"].astext == _video_id)
    .where(
        tasks.c.task_details["note_id"].is_(None), tasks.c.task_details["user_id"].astext.is_(None)
    )
    .order_by(tasks.c.task_type, tasks.c.id.desc())
    .ext(distinct_on(tasks.c.task_type))
    .subquery("newest")
)
VIDEO_PROGRESS = Statement(
    select(
        is_available,
        videos.c.metadata.is_not(None),
        summary_as_read.is_not(None),
        select(
            array(
                shapes.json_object(
                    task_type=_newest_tasks.c.task_type,
                    status=_newest_tasks.c.status,
                    attempts=_newest_tasks.c.retry_count,
                    reason=_newest_tasks.c.reason,
                )
            ).cast(Text)
        ).scalar_subquery(),
    )
    .select_from(videos_as_read)
    .where(videos.c.video_id == _video_id)
)
"""What there is of a video, and the newest task of each type on it as a JSON array."""
