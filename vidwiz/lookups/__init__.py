"""How the look-ups of commands are answered: one statement for all look-ups of a kind."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from vidwiz.commands.base import Lookup, NewestOf, NoteShape, PastOf, VideoShape
from vidwiz.commands.conversations import ConversationGroundFor, QuestionGroundFor, TurnOf
from vidwiz.commands.notes import GroundFor, NoteVersionsOf
from vidwiz.commands.tasks import NextTaskOf, OwnTaskFor, WorkFor
from vidwiz.commands.transcripts import PersonalTranscriptContextFor
from vidwiz.commands.users import AccountsOf, ErasureGroundFor, GuestGroundFor, UserOf
from vidwiz.commands.videos import TranscriptGroundFor, VideoGroundFor
from vidwiz.commands.witness import WitnessGroundFor
from vidwiz.database import Connection
from vidwiz.events.master_key import MasterKey
from vidwiz.lookups.conversations import conversation_grounds, found_turns, question_grounds
from vidwiz.lookups.log import newest, pasts
from vidwiz.lookups.notes import note_grounds, note_versions
from vidwiz.lookups.shapes import note_shapes, video_shapes
from vidwiz.lookups.tasks import next_tasks, own_tasks, work
from vidwiz.lookups.transcripts import personal_transcript_contexts
from vidwiz.lookups.users import accounts, erasure_grounds, found_users, guest_grounds
from vidwiz.lookups.videos import transcript_grounds, video_grounds
from vidwiz.lookups.witness import witness_grounds

Loader = Callable[[Connection, Sequence[Any]], Awaitable[Sequence[Any]]]

LOADERS: Mapping[type[Lookup[Any]], Loader] = {
    UserOf: found_users,
    ErasureGroundFor: erasure_grounds,
    GuestGroundFor: guest_grounds,
    GroundFor: note_grounds,
    AccountsOf: accounts,
    NextTaskOf: next_tasks,
    OwnTaskFor: own_tasks,
    WorkFor: work,
    VideoGroundFor: video_grounds,
    TranscriptGroundFor: transcript_grounds,
    PersonalTranscriptContextFor: personal_transcript_contexts,
    ConversationGroundFor: conversation_grounds,
    QuestionGroundFor: question_grounds,
    TurnOf: found_turns,
    WitnessGroundFor: witness_grounds,
    NoteShape: note_shapes,
    VideoShape: video_shapes,
}
"""The function that answers look-ups of each kind, in the order in which they are asked."""

FROM_THE_LOG: Mapping[type[Lookup[Any]], Callable[..., Awaitable[Sequence[Any]]]] = {
    PastOf: pasts,
    NewestOf: newest,
    NoteVersionsOf: note_versions,
}
"""The same for those that read events, which takes the master key too."""


async def answer(
    connection: Connection, master: MasterKey, lookups: Sequence[Lookup[Any]]
) -> list[Any]:
    """The answers in the order of the look-ups, with one round trip per kind.

    Pasts of persons take another one, for their keys.
    """
    by_kind: dict[type[Lookup[Any]], list[int]] = defaultdict(list)
    for index, lookup in enumerate(lookups):
        by_kind[type(lookup)].append(index)
    answers: list[Any] = [None] * len(lookups)
    for kind, indexes in by_kind.items():
        found = await _found(connection, master, kind, [lookups[index] for index in indexes])
        for index, one in zip(indexes, found, strict=True):
            answers[index] = one
    return answers


async def _found(
    connection: Connection, master: MasterKey, kind: type[Lookup[Any]], lookups: Sequence[Any]
) -> Sequence[Any]:
    if kind in FROM_THE_LOG:
        return await FROM_THE_LOG[kind](connection, master, lookups)
    return await LOADERS[kind](connection, lookups)
