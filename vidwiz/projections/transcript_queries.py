"""Which transcript of a video a person reads: their own while it is chosen, else the shared one."""

from sqlalchemy import BigInteger, ColumnElement, Text, and_, case, func, literal_column, select

from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.shapes import array, json_object, title_of
from vidwiz.projections.tables import personal_transcripts as own
from vidwiz.projections.tables import videos

_video_id = parameter("video_id", Text)
_user_id = parameter("user_id", BigInteger)

is_read = and_(own.c.user_id == _user_id, own.c.video_id == videos.c.video_id, own.c.chosen)
"""Joins the person's own transcript to its video, if that is what they read."""
videos_as_read = videos.outerjoin(own, is_read)
is_available: ColumnElement[bool] = videos.c.transcript_available | own.c.id.is_not(None)
summary_as_read = func.coalesce(own.c.summary, videos.c.summary)

TRANSCRIPT = Statement(
    select(
        own.c.object_key,
        func.coalesce(own.c.sha256, videos.c.transcript_sha256),
        title_of(videos),
        videos.c.metadata["duration"].astext,
        case(
            (own.c.id.is_not(None), literal_column("'own'", Text)),
            else_=videos.c.transcript_origin,
        ),
    )
    .select_from(videos_as_read)
    .where(videos.c.video_id == _video_id)
)
"""The transcript that the person reads: the key of their own (null: the shared one's), its digest

(null: there is none), what the video is called and how long it is, and whose the transcript is.
"""

BROUGHT = Statement(
    select(
        array(
            json_object(
                user_id=own.c.user_id,
                segments=own.c.segment_count,
                words_sha256=own.c.words_sha256,
                sha256=own.c.sha256,
                source=own.c.source,
                created_at=own.c.created_at,
            ),
            own.c.id,
        ).cast(Text)
    ).where(own.c.video_id == _video_id, own.c.object_key.is_not(None))
)
"""Who brought a transcript of the video, as a JSON array, for an admin to confirm one."""

_unshared = (
    select(
        own.c.id,
        own.c.user_id,
        own.c.video_id,
        title_of(videos).label("title"),
        own.c.segment_count,
        own.c.words_sha256,
        own.c.sha256,
        own.c.source,
        own.c.created_at,
    )
    .select_from(own.join(videos, videos.c.video_id == own.c.video_id))
    .where(
        own.c.object_key.is_not(None),
        videos.c.transcript_available.is_(False),
        own.c.id < parameter("before", BigInteger),
    )
    .order_by(own.c.id.desc())
    .limit(parameter("limit", BigInteger))
    .subquery("unshared")
)
UNSHARED = Statement(
    select(
        array(
            json_object(
                transcript_id=_unshared.c.id,
                user_id=_unshared.c.user_id,
                video_id=_unshared.c.video_id,
                title=_unshared.c.title,
                segments=_unshared.c.segment_count,
                words_sha256=_unshared.c.words_sha256,
                sha256=_unshared.c.sha256,
                source=_unshared.c.source,
                created_at=_unshared.c.created_at,
            ),
            _unshared.c.id.desc(),
        ).cast(Text)
    )
)
"""Transcripts that users brought of videos without a shared one, as a JSON array, newest first."""

OWN = Statement(
    select(own.c.object_key, own.c.sha256, own.c.segment_count, own.c.chosen, own.c.source).where(
        own.c.user_id == _user_id, own.c.video_id == _video_id, own.c.object_key.is_not(None)
    )
)
"""The transcript that the person brought, chosen or not."""
