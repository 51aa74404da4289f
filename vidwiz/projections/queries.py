"""Rows to the API's shapes: one statement for each thing that is read."""

from typing import Any

from sqlalchemy import BigInteger, Text, and_, exists, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSON, aggregate_order_by

from vidwiz.projections import shapes
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import credentials, notes, users, videos

_user_id = parameter("user_id", BigInteger)
_video_id = parameter("video_id", Text)
_its_video = shapes.shaped_videos(videos.c.video_id == _video_id)


def _array(element: Any, *order: Any) -> Any:
    ordered = (
        func.json_agg(aggregate_order_by(element, *order)) if order else func.json_agg(element)
    )
    return func.coalesce(ordered, literal_column("'[]'", JSON))


NOTES_OF_VIDEO = Statement(
    select(_array(shapes.note(_its_video.c.shape), notes.c.id).cast(Text))
    .select_from(notes.outerjoin(_its_video, _its_video.c.video_id == notes.c.video_id))
    .where(notes.c.user_id == _user_id, notes.c.video_id == _video_id)
)
"""A user's notes on a video, oldest first, as a JSON array."""

NOTES_FOR_AI = Statement(
    select(_array(shapes.note(_its_video.c.shape), notes.c.id).cast(Text))
    .select_from(
        notes.join(users, users.c.id == notes.c.user_id).join(
            _its_video, _its_video.c.video_id == notes.c.video_id
        )
    )
    .where(
        notes.c.video_id == _video_id,
        or_(notes.c.text.is_(None), notes.c.text == ""),
        users.c.ai_notes_enabled,
    )
)
"""Notes without words of users who want AI notes now, as a JSON array."""

VIDEO = Statement(select(shapes.VIDEO.cast(Text)).where(videos.c.video_id == _video_id))
"""A video as JSON."""

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
    ).where(users.c.id == _user_id)
)
"""An account."""

CREDENTIALS = Statement(
    select(
        users.c.id,
        users.c.email,
        users.c.name,
        users.c.profile_image_url,
        credentials.c.password_hash,
    )
    .select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
    .where(users.c.email == parameter("email", Text))
)
"""What login needs: the token's claims, and the password's hash or null."""

_matches = (
    select(videos.c.id, videos.c.created_at)
    .where(
        exists().where(and_(notes.c.user_id == _user_id, notes.c.video_id == videos.c.video_id)),
        or_(
            parameter("query", Text) == "",
            func.strpos(func.lower(videos.c.title), func.lower(parameter("query", Text))) > 0,
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
    video_id=videos.c.video_id, video_title=videos.c.title, metadata=videos.c.metadata
)
SEARCH = Statement(
    select(
        select(func.count()).select_from(_matches).scalar_subquery(),
        select(_array(_found, _page.c.created_at.desc(), _page.c.id.desc()).cast(Text))
        .select_from(_page.join(videos, videos.c.id == _page.c.id))
        .scalar_subquery(),
    )
)
"""How many videos with notes of the user match, and one page of them as a JSON array.

Only the page is read and shaped in full, however many match.
"""
