"""What a conversation, a question or the end of a turn stands on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Integer,
    Text,
    and_,
    case,
    column,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from vidwiz.commands.base import Follows
from vidwiz.commands.conversations import (
    ConversationContext,
    ConversationContextQuery,
    FoundTurn,
    Identity,
    QuestionContext,
    QuestionContextQuery,
    TurnEnd,
    TurnQuery,
    TurnState,
)
from vidwiz.event_store.loaders.videos import on_its_way
from vidwiz.events import TaskType
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import (
    conversation_ids,
    conversations,
    message_ids,
    personal_transcripts,
    quotas,
    turns,
    users,
    videos,
)

_wanted = (
    func.unnest(parameter("user_ids", ARRAY(BigInteger)), parameter("video_ids", ARRAY(Text)))
    .table_valued(column("user_id", BigInteger), column("video_id", Text), with_ordinality="nth")
    .render_derived(name="wanted")
)
_conversation_grounds = Statement(
    select(
        or_(_wanted.c.user_id.is_(None), exists().where(users.c.id == _wanted.c.user_id)),
        exists().where(videos.c.video_id == _wanted.c.video_id),
        conversation_ids.next_value(),
    )
    .select_from(_wanted)
    .order_by(_wanted.c.nth)
)


async def conversation_grounds(
    connection: Connection, lookups: Sequence[ConversationContextQuery]
) -> list[ConversationContext]:
    """Each look-up gets an id of its own."""
    rows = await fetch_all(
        connection,
        _conversation_grounds,
        {
            "user_ids": [lookup.user_id for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
        },
    )
    return [ConversationContext(*row) for row in rows]


_asked = (
    func.unnest(
        parameter("user_ids", ARRAY(BigInteger)),
        parameter("guest_ids", ARRAY(Text)),
        parameter("identities", ARRAY(Text)),
        parameter("days", ARRAY(Date)),
        parameter("video_ids", ARRAY(Text)),
        parameter("conversation_ids", ARRAY(BigInteger)),
    )
    .table_valued(
        column("user_id", BigInteger),
        column("guest_id", Text),
        column("identity", Text),
        column("day", Date),
        column("video_id", Text),
        column("conversation_id", BigInteger),
        with_ordinality="nth",
    )
    .render_derived(name="asked")
)
_new = _asked.c.conversation_id.is_(None)
_question_grounds = Statement(
    select(
        or_(_asked.c.user_id.is_(None), exists().where(users.c.id == _asked.c.user_id)),
        func.coalesce(quotas.c.used, 0),
        videos.c.id.is_not(None),
        or_(
            func.coalesce(videos.c.transcript_available, False),
            personal_transcripts.c.id.is_not(None),
        ),
        on_its_way(TaskType.TRANSCRIPT, _asked.c.video_id),
        or_(_new, conversations.c.id.is_not(None)),
        case((_new, conversation_ids.next_value()), else_=_asked.c.conversation_id),
        message_ids.next_value(),
        func.coalesce(conversations.c.version, 0).cast(Integer),
    )
    .select_from(
        _asked.outerjoin(
            quotas, and_(quotas.c.identity == _asked.c.identity, quotas.c.day == _asked.c.day)
        )
        .outerjoin(videos, videos.c.video_id == _asked.c.video_id)
        .outerjoin(
            personal_transcripts,
            and_(
                personal_transcripts.c.user_id == _asked.c.user_id,
                personal_transcripts.c.video_id == _asked.c.video_id,
                personal_transcripts.c.chosen,
            ),
        )
        .outerjoin(
            conversations,
            and_(
                conversations.c.id == _asked.c.conversation_id,
                conversations.c.video_id == _asked.c.video_id,
                conversations.c.user_id.is_not_distinct_from(_asked.c.user_id),
                conversations.c.guest_id.is_not_distinct_from(_asked.c.guest_id),
            ),
        )
    )
    .order_by(_asked.c.nth)
)


async def question_grounds(
    connection: Connection, lookups: Sequence[QuestionContextQuery]
) -> list[QuestionContext]:
    """Each look-up gets ids of its own."""
    rows = await fetch_all(
        connection,
        _question_grounds,
        {
            "user_ids": [lookup.identity.user_id for lookup in lookups],
            "guest_ids": [lookup.identity.guest_id for lookup in lookups],
            "identities": [lookup.identity.name for lookup in lookups],
            "days": [lookup.day for lookup in lookups],
            "video_ids": [lookup.video_id for lookup in lookups],
            "conversation_ids": [lookup.conversation_id for lookup in lookups],
        },
    )
    return [_question_ground(row) for row in rows]


def _question_ground(row: tuple[Any, ...]) -> QuestionContext:
    ground = QuestionContext(*row[:-1])
    version = row[-1]
    stream = f"conversation:{ground.conversation_id}"
    return replace(ground, versions={stream: version}) if version else ground


_turns = Statement(
    select(
        turns.c.id,
        turns.c.conversation_id,
        conversations.c.user_id,
        conversations.c.guest_id,
        turns.c.status,
        turns.c.answer_id,
        turns.c.reason,
        turns.c.version,
        conversations.c.version,
        message_ids.next_value(),
        func.timezone("UTC", turns.c.created_at).cast(Date),
    )
    .select_from(turns.join(conversations, conversations.c.id == turns.c.conversation_id))
    .where(turns.c.id == func.any(parameter("ids", ARRAY(BigInteger))))
)


async def found_turns(connection: Connection, lookups: Sequence[TurnQuery]) -> list[FoundTurn]:
    """Turns with their conversations' owners. Two who end the same turn get the same answer's id.

    Only the first of them uses it: the second waits for the next batch or finds the turn ended.
    """
    rows = await fetch_all(connection, _turns, {"ids": [lookup.turn_id for lookup in lookups]})
    found = {
        turn_id: FoundTurn(
            TurnState(
                talk_id,
                Identity(user_id, guest_id),
                None if end[0] == "answering" else TurnEnd(*end),
            ),
            answer_id,
            day,
            Follows(f"conversation:{talk_id}", began),
            versions={f"conversation:{talk_id}": version},
        )
        for turn_id, talk_id, user_id, guest_id, *end, began, version, answer_id, day in rows
    }
    return [found.get(lookup.turn_id, FoundTurn(None)) for lookup in lookups]
