"""How the look-ups of commands are answered: one statement for all look-ups of a kind."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from vidwiz.commands.base import ContextQuery, LatestEventQuery, NoteShape, StreamQuery, VideoShape
from vidwiz.commands.conversations import ConversationContextQuery, QuestionContextQuery, TurnQuery
from vidwiz.commands.notes import AddNoteContextQuery, NoteVersionsQuery
from vidwiz.commands.tasks import NextTaskOf, OwnTaskQuery, WorkQuery
from vidwiz.commands.transcripts import PersonalTranscriptContextQuery
from vidwiz.commands.users import AccountsQuery, ErasureContextQuery, GuestContextQuery, UserQuery
from vidwiz.commands.videos import TranscriptContextQuery, VideoContextQuery
from vidwiz.commands.witness import WitnessContextQuery
from vidwiz.event_store.loaders.conversations import (
    conversation_grounds,
    found_turns,
    question_grounds,
)
from vidwiz.event_store.loaders.log import newest, pasts
from vidwiz.event_store.loaders.notes import note_grounds, note_versions
from vidwiz.event_store.loaders.shapes import note_shapes, video_shapes
from vidwiz.event_store.loaders.tasks import next_tasks, own_tasks, work
from vidwiz.event_store.loaders.transcripts import personal_transcript_contexts
from vidwiz.event_store.loaders.users import accounts, erasure_grounds, found_users, guest_grounds
from vidwiz.event_store.loaders.videos import transcript_grounds, video_grounds
from vidwiz.event_store.loaders.witness import witness_grounds
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import Connection

Loader = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Any]]]

LOADERS: Mapping[type[ContextQuery[Any]], Loader] = {
    UserQuery: found_users,
    ErasureContextQuery: erasure_grounds,
    GuestContextQuery: guest_grounds,
    AddNoteContextQuery: note_grounds,
    AccountsQuery: accounts,
    NextTaskOf: next_tasks,
    OwnTaskQuery: own_tasks,
    WorkQuery: work,
    VideoContextQuery: video_grounds,
    TranscriptContextQuery: transcript_grounds,
    PersonalTranscriptContextQuery: personal_transcript_contexts,
    ConversationContextQuery: conversation_grounds,
    QuestionContextQuery: question_grounds,
    TurnQuery: found_turns,
    WitnessContextQuery: witness_grounds,
    NoteShape: note_shapes,
    VideoShape: video_shapes,
}
"""The function that answers look-ups of each kind, in the order in which they are asked."""

FROM_THE_LOG: Mapping[type[ContextQuery[Any]], Callable[..., Awaitable[Sequence[Any]]]] = {
    StreamQuery: pasts,
    LatestEventQuery: newest,
    NoteVersionsQuery: note_versions,
}
"""The same for those that read events, which takes the master key too."""


async def answer(
    connection: Connection, master: MasterKey, lookups: Sequence[ContextQuery[Any]]
) -> list[Any]:
    """The answers in the order of the look-ups, with one round trip per kind.

    Pasts of persons take another one, for their keys.
    """
    by_kind: dict[type[ContextQuery[Any]], list[int]] = defaultdict(list)
    for index, lookup in enumerate(lookups):
        by_kind[type(lookup)].append(index)
    answers: list[Any] = [None] * len(lookups)
    for kind, indexes in by_kind.items():
        found = await _found(connection, master, kind, [lookups[index] for index in indexes])
        for index, one in zip(indexes, found, strict=True):
            answers[index] = one
    return answers


async def _found(
    connection: Connection, master: MasterKey, kind: type[ContextQuery[Any]], lookups: Sequence[Any]
) -> Sequence[Any]:
    if kind in FROM_THE_LOG:
        return await FROM_THE_LOG[kind](connection, master, lookups)
    return await LOADERS[kind](connection, lookups)
