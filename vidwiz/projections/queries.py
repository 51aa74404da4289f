"""Rows to the API's shapes: one statement for each thing that is read."""

from sqlalchemy import BigInteger, Text, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import distinct_on

from vidwiz.projections import shapes
from vidwiz.projections.shapes import array, title_of
from vidwiz.projections.sql import Statement, parameter
from vidwiz.projections.tables import credentials, notes, tasks, users, videos
from vidwiz.projections.transcript_queries import is_available, summary_as_read, videos_as_read

_user_id = parameter("user_id", BigInteger)
_video_id = parameter("video_id", Text)
_its_video = shapes.shaped_videos(videos.c.video_id == _video_id)


NOTES_OF_VIDEO = Statement(
    select(array(shapes.note(_its_video.c.shape), notes.c.id).cast(Text))
    .select_from(notes.outerjoin(_its_video, _its_video.c.video_id == notes.c.video_id))
    .where(notes.c.user_id == _user_id, notes.c.video_id == _video_id)
)
"""A user's notes on a video, oldest first, as a JSON array."""

NOTES_FOR_AI = Statement(
    select(array(shapes.note(_its_video.c.shape), notes.c.id).cast(Text))
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

PROOF = Statement(
    select(users.c.email, users.c.google_id, credentials.c.password_hash)
    .select_from(users.outerjoin(credentials, credentials.c.user_id == users.c.id))
    .where(users.c.id == _user_id)
)
"""By what the owner of an account can prove who they are."""

_matches = (
    select(videos.c.id, videos.c.created_at)
    .where(
        exists().where(and_(notes.c.user_id == _user_id, notes.c.video_id == videos.c.video_id)),
        or_(
            parameter("query", Text) == "",
            func.strpos(func.lower(title_of(videos)), func.lower(parameter("query", Text))) > 0,
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
    video_id=videos.c.video_id, video_title=title_of(videos), metadata=videos.c.metadata
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

_newest_tasks = (
    select(
        tasks.c.task_type,
        tasks.c.status,
        tasks.c.retry_count,
        tasks.c.worker_details["reason"].astext.label("reason"),
    )
    .where(tasks.c.task_details["video_id"].astext == _video_id)
    .where(tasks.c.task_details["note_id"].is_(None), tasks.c.task_details["user_id"].is_(None))
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
