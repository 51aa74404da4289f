"""Everything that is a person's own, video by video, for their export."""

from sqlalchemy import BigInteger, Text, and_, case, func, select, union

from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.shapes import array, title_of
from vidwiz.projections.tables import conversations, messages, notes, videos
from vidwiz.projections.tables import personal_transcripts as own

_user_id = parameter("user_id", BigInteger)
_mine = union(
    select(notes.c.video_id).where(notes.c.user_id == _user_id),
    select(conversations.c.video_id).where(conversations.c.user_id == _user_id),
    select(own.c.video_id).where(own.c.user_id == _user_id, own.c.object_key.is_not(None)),
).cte("mine")
_notes = (
    select(
        array(
            shapes.json_object(
                id=notes.c.id,
                video_id=notes.c.video_id,
                timestamp=notes.c.timestamp,
                text=notes.c.text,
                generated_by_ai=notes.c.generated_by_ai,
                created_at=notes.c.created_at,
                updated_at=notes.c.updated_at,
            ),
            notes.c.id,
        )
    )
    .where(notes.c.user_id == _user_id, notes.c.video_id == _mine.c.video_id)
    .correlate(_mine)
    .scalar_subquery()
)
_messages = (
    select(
        array(
            shapes.json_object(
                id=messages.c.id,
                role=messages.c.role,
                content=messages.c.content,
                citations=messages.c.metadata["citations"],
                created_at=messages.c.created_at,
            ),
            messages.c.id,
        )
    )
    .where(messages.c.conversation_id == conversations.c.id)
    .correlate(conversations)
    .scalar_subquery()
)
_conversations = (
    select(
        array(
            shapes.json_object(
                conversation_id=conversations.c.id,
                video_id=conversations.c.video_id,
                created_at=conversations.c.created_at,
                updated_at=conversations.c.updated_at,
                messages=_messages,
            ),
            conversations.c.id,
        )
    )
    .where(conversations.c.user_id == _user_id, conversations.c.video_id == _mine.c.video_id)
    .correlate(_mine)
    .scalar_subquery()
)
EXPORT = Statement(
    select(
        _mine.c.video_id,
        title_of(videos),
        videos.c.metadata["channel"].astext,
        case(
            (own.c.chosen, func.coalesce(own.c.summary, videos.c.summary)), else_=videos.c.summary
        ),
        _notes.cast(Text),
        _conversations.cast(Text),
        own.c.object_key,
        own.c.sha256,
    )
    .select_from(
        _mine.outerjoin(videos, videos.c.video_id == _mine.c.video_id).outerjoin(
            own, and_(own.c.user_id == _user_id, own.c.video_id == _mine.c.video_id)
        )
    )
    .order_by(func.coalesce(videos.c.id, 0), _mine.c.video_id)
)
"""A row for each video of which the user has notes or conversations, which are JSON arrays, or

brought a transcript: its key and digest.
"""
