"""What Wiz reads: videos, conversations, turns and quotas."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Integer,
    Text,
    column,
    exists,
    func,
    literal_column,
    or_,
    select,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import shapes
from vidwiz.projections.shapes import array, title_of
from vidwiz.projections.tables import conversations, messages, quotas, turns, videos
from vidwiz.projections.transcript_queries import is_available, summary_as_read, videos_as_read

_video_id = parameter("video_id", Text)

WIZ_VIDEO = Statement(
    select(
        shapes.json_object(
            video_id=videos.c.video_id,
            title=title_of(videos),
            transcript_available=is_available,
            metadata=shapes.metadata_of(videos),
            summary=summary_as_read,
        ).cast(Text)
    )
    .select_from(videos_as_read)
    .where(videos.c.video_id == _video_id)
)
"""A video as Wiz shows it to a person, as JSON."""

_conversation_id = parameter("conversation_id", BigInteger)
_owned = or_(  # one of the two is null, and equal to nothing
    conversations.c.user_id == parameter("user_id", BigInteger),
    conversations.c.guest_id == parameter("guest_id", Text),
)

_before = parameter("before", BigInteger)
_said = union_all(
    select(
        messages.c.id, literal_column("0", Integer).label("place"), messages.c.role,
        messages.c.content,
    ).where(messages.c.conversation_id == _conversation_id, messages.c.id < _before),
    select(
        turns.c.id, literal_column("1", Integer), literal_column("'assistant'", Text),
        turns.c.partial,
    ).where(
        turns.c.conversation_id == _conversation_id,
        turns.c.id < _before,
        turns.c.status == "failed",
        turns.c.partial != "",
    ),
).subquery("said")  # fmt: skip
RECENT_MESSAGES = Statement(
    select(_said.c.role, _said.c.content)
    .order_by(_said.c.id.desc(), _said.c.place.desc())
    .limit(parameter("at_most", BigInteger))
)
"""The last that was said in a conversation before a message, newest first.

What there was of an answer that broke off stands behind its question: the reader saw it.
"""

_first_question = (
    select(func.left(messages.c.content, 200))
    .where(messages.c.conversation_id == conversations.c.id, messages.c.role == "user")
    .order_by(messages.c.id)
    .limit(1)
    .scalar_subquery()
)
_page_of_conversations = (
    select(
        conversations.c.id,
        shapes.json_object(
            conversation_id=conversations.c.id,
            video_id=conversations.c.video_id,
            first_question=_first_question,
            created_at=conversations.c.created_at,
            updated_at=conversations.c.updated_at,
        ).label("shape"),
    )
    .where(
        _owned,
        or_(_video_id.is_(None), conversations.c.video_id == _video_id),
        or_(
            parameter("before", BigInteger).is_(None),
            conversations.c.id < parameter("before", BigInteger),
        ),
    )
    .order_by(conversations.c.id.desc())
    .limit(parameter("at_most", BigInteger))
    .subquery("page")
)
CONVERSATIONS = Statement(
    select(
        array(_page_of_conversations.c.shape, _page_of_conversations.c.id.desc()).cast(Text)
    ).select_from(_page_of_conversations)
)
"""Somebody's conversations, newest first, as a JSON array."""

MOST_MESSAGES = 400
_newest_messages = (
    select(messages)
    .where(messages.c.conversation_id == _conversation_id)
    .order_by(messages.c.id.desc())
    .limit(MOST_MESSAGES)
    .subquery("newest_messages")
)
_messages = select(
    array(
        shapes.json_object(
            id=_newest_messages.c.id,
            role=_newest_messages.c.role,
            content=_newest_messages.c.content,
            citations=func.coalesce(
                _newest_messages.c.metadata["citations"], literal_column("'[]'", JSONB)
            ),
            cut=func.coalesce(_newest_messages.c.metadata["cut"], literal_column("'false'", JSONB)),
            created_at=_newest_messages.c.created_at,
        ),
        _newest_messages.c.id,
    )
).scalar_subquery()
_newest_turns = (
    select(turns)
    .where(turns.c.conversation_id == _conversation_id)
    .order_by(turns.c.id.desc())
    .limit(MOST_MESSAGES // 2)
    .subquery("newest_turns")
)
_turns = select(
    array(
        shapes.json_object(
            turn_id=_newest_turns.c.id,
            status=_newest_turns.c.status,
            answer_id=_newest_turns.c.answer_id,
            reason=_newest_turns.c.reason,
            partial=_newest_turns.c.partial,
        ),
        _newest_turns.c.id,
    )
).scalar_subquery()
CONVERSATION = Statement(
    select(
        shapes.json_object(
            conversation_id=conversations.c.id,
            video_id=conversations.c.video_id,
            created_at=conversations.c.created_at,
            updated_at=conversations.c.updated_at,
            messages=_messages,
            turns=_turns,
        ).cast(Text)
    ).where(conversations.c.id == _conversation_id, _owned)
)
"""A conversation with its newest messages and turns, oldest of them first, as JSON."""

TURN = Statement(
    select(
        turns.c.conversation_id,
        conversations.c.user_id,
        conversations.c.guest_id,
        turns.c.status,
        turns.c.reason,
        turns.c.partial,
        turns.c.answer_id,
        messages.c.content,
        messages.c.metadata["citations"],
    )
    .select_from(
        turns.join(conversations, conversations.c.id == turns.c.conversation_id).outerjoin(
            messages, messages.c.id == turns.c.answer_id
        )
    )
    .where(turns.c.id == parameter("turn_id", BigInteger))
)
"""Whose a turn is, how it stands, and what was answered."""

PRESENCE_LOCK = 7163393
"""First half of the advisory lock that a server process holds while it lives."""

_locks = table(
    "pg_locks",
    column("locktype", Text),
    column("database", BigInteger),
    column("classid", BigInteger),
    column("objid", BigInteger),
    column("granted", Boolean),
)
_databases = table("pg_database", column("oid", BigInteger), column("datname", Text))
_lives = exists().where(
    _locks.c.locktype == "advisory",
    _locks.c.database == _databases.c.oid,
    _databases.c.datname == func.current_database(),
    _locks.c.classid == PRESENCE_LOCK,
    _locks.c.objid == turns.c.server,
    _locks.c.granted,
)
ORPHANED = Statement(
    select(turns.c.id)
    .where(
        turns.c.status == "answering",
        turns.c.id != func.all(parameter("here", ARRAY(BigInteger))),
        or_(turns.c.server == parameter("server", BigInteger), ~_lives),
    )
    .order_by(turns.c.id)
    .limit(1000)
)
"""Turns whose server process is gone, and those that this one has but is not answering."""

_mirrored = (
    func.unnest(parameter("ids", ARRAY(BigInteger)))
    .table_valued(column("id", BigInteger))
    .render_derived(name="mirrored")
)
ENDED = Statement(
    select(_mirrored.c.id)
    .select_from(_mirrored.outerjoin(turns, turns.c.id == _mirrored.c.id))
    .where(func.coalesce(turns.c.status, "gone") != "answering")
)
"""Which of the turns have ended, or are gone with their person."""

QUOTA_USED = Statement(
    select(quotas.c.used).where(
        quotas.c.identity == parameter("identity", Text), quotas.c.day == parameter("day", Date)
    )
)
"""Questions that somebody has asked on a day."""
