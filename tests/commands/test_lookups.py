"""How the look-ups of commands are answered, on real PostgreSQL."""

import asyncio
import inspect
import random
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import orjson
import psycopg
import pytest

from tests.projections.histories import START, append_state, happen
from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import ContextQuery, NoteShape, QuotaTaken, StreamQuery, VideoShape
from vidwiz.commands.conversations import (
    ConversationContextQuery,
    Identity,
    QuestionContext,
    QuestionContextQuery,
    TurnEnd,
    TurnQuery,
    TurnState,
)
from vidwiz.commands.notes import AddNote, AddNoteContextQuery, EarlierUse, EditNote
from vidwiz.commands.tasks import Claimable, ClaimTask, NextTask, NextTaskOf, WorkQuery, state_of
from vidwiz.commands.users import Account, AccountsQuery, SignInWithGoogle, SignUp
from vidwiz.commands.videos import TranscriptContext, TranscriptContextQuery, VideoContextQuery
from vidwiz.event_store import loaders, side_writes
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.open import open_store
from vidwiz.events import (
    AiNotesEnabled,
    ConversationStarted,
    Event,
    MessageSent,
    MetadataFetched,
    NoteAdded,
    NoteEdited,
    SummaryRequested,
    SummaryWritten,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskQueued,
    TaskType,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserSignedUp,
    VideoAdded,
)
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.postgres.pool import Connection, Database

ORIGIN = EventMetadata(SYSTEM)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
DAY = date(2026, 1, 2)

Found = TypeVar("Found")


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[tuple[Store, Connection]]:
    async with open_store(dsn, 2, MASTER) as (_, _, store), await connected(dsn) as connection:
        yield store, connection


@pytest.fixture
async def connection(dsn: str) -> AsyncIterator[Connection]:
    async with await connected(dsn) as its:
        yield its


async def connected(dsn: str) -> Connection:
    return await Database(dsn, pool_size=2).connect("test")


async def asked(connection: Connection, wanted: Sequence[ContextQuery[Found]]) -> list[Found]:
    """The answers to these look-ups, asked thrice each and in any order; each gets its own."""
    indexes = [*range(len(wanted))] * 3
    random.Random(0).shuffle(indexes)
    answers = await loaders.answer(connection, MASTER, [wanted[index] for index in indexes])
    assert len(answers) == len(indexes)
    found: dict[int, Found] = {}
    for index, its in zip(indexes, answers, strict=True):
        assert without_ids(its) == without_ids(found.setdefault(index, its))
    return [found[index] for index in range(len(wanted))]


def without_ids(found: Any) -> dict[str, Any]:
    """What a look-up found, but for the ids that were set aside."""
    return {
        name: its
        for name, its in vars(found).items()
        if name != "number" and not name.endswith(("task_id", "conversation_id", "message_id"))
    }


async def sign_up(store: Store, email: str = "ann@example.org") -> int:
    user_id: int = await store.execute(SignUp(email, "Ann", "hash"), ORIGIN)
    return user_id


async def add_note(store: Store, user_id: int, video_id: str, key: str | None = None) -> int:
    command = AddNote(user_id, video_id, "Title", "1:23", None, key, "print")
    note_id: int = orjson.loads(await store.execute(command, ORIGIN))["id"]
    return note_id


def test_every_command_asks_a_look_up_that_somebody_answers() -> None:
    asked = {inspect.signature(vars(kind)["lookup"]).return_annotation for kind in DECISIONS}
    assert asked <= {*loaders.LOADERS, *loaders.FROM_THE_LOG}


async def test_pasts_are_told_with_their_versions(parts: tuple[Store, Connection]) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "video-1")
    await store.execute(EditNote(note_id, user_id, "words", False), ORIGIN)
    note, user = f"note:{note_id}", f"user:{user_id}"

    both, nothing, one = await loaders.answer(
        connection,
        MASTER,
        [StreamQuery((note, user)), StreamQuery(("note:999",)), StreamQuery((note,))],
    )

    added = NoteAdded(
        note_id=note_id, user_id=user_id, video_id="video-1", timestamp="1:23", text=None
    )
    edited = NoteEdited(note_id=note_id, user_id=user_id, text="words", generated_by_ai=False)
    assert list(both.of(note)) == [added, edited]
    assert both.versions == {note: 2, user: 1}
    assert list(nothing.of("note:999")) == []
    assert nothing.versions == {}
    assert one.versions == {note: 2}


async def test_the_ground_of_a_note_knows_user_video_and_key(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "known-video", key="k")

    known, unknown, stranger, used, other_key = await loaders.answer(
        connection,
        MASTER,
        [
            AddNoteContextQuery(user_id, "known-video"),
            AddNoteContextQuery(user_id, "new-video"),
            AddNoteContextQuery(user_id + 1, "known-video", "k"),
            AddNoteContextQuery(user_id, "known-video", "k"),
            AddNoteContextQuery(user_id, "known-video", "l"),
        ],
    )

    assert (known.user_exists, known.video_number, known.earlier) == (True, None, None)
    assert (known.transcript_task_id, known.metadata_task_id) == (None, None)
    assert unknown.video_number is not None
    assert unknown.transcript_task_id not in (None, unknown.metadata_task_id)
    assert (stranger.user_exists, stranger.earlier) == (False, None)
    assert used.earlier == EarlierUse("print", note_id)
    assert other_key.earlier is None


async def test_two_that_ask_the_same_get_ids_of_their_own(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    grounds = await loaders.answer(
        connection, MASTER, [AddNoteContextQuery(user_id, "new-video")] * 3
    )
    assert len({ground.note_id for ground in grounds}) == 3
    assert len({ground.video_number for ground in grounds}) == 3
    tasks = [(ground.transcript_task_id, ground.metadata_task_id) for ground in grounds]
    assert len({task_id for pair in tasks for task_id in pair}) == 6


async def test_no_id_is_set_aside_for_a_note_that_will_not_be_added(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "known-video", key="k")
    refused, repeated, added, known = await loaders.answer(
        connection,
        MASTER,
        [
            AddNoteContextQuery(user_id, "new-video", may_ask=False),
            AddNoteContextQuery(user_id, "known-video", "k"),
            AddNoteContextQuery(user_id, "new-video"),
            AddNoteContextQuery(user_id, "known-video", may_ask=False),
        ],
    )
    assert (refused.note_id, refused.video_number, repeated.note_id) == (0, 0, 0)
    assert (refused.transcript_task_id, refused.metadata_task_id) == (0, 0)
    assert {added.note_id, known.note_id} == {note_id + 1, note_id + 2}


async def test_accounts_are_found_by_address_and_by_google_id(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    ann = await sign_up(store)
    google = SignInWithGoogle(
        "g-1", "bob@example.org", True, "Bob", "https://p/1", datetime.now(UTC)
    )
    bob = await store.execute(google, ORIGIN)

    by_email, by_both, mixed, nobody, no_google = await loaders.answer(
        connection,
        MASTER,
        [
            AccountsQuery("ann@example.org"),
            AccountsQuery("bob@example.org", "g-1"),
            AccountsQuery("ann@example.org", "g-1"),
            AccountsQuery("nobody@example.org", "g-2"),
            AccountsQuery("bob@example.org"),
        ],
    )

    account = Account(bob, "g-1", "https://p/1")
    assert (by_email.by_email, by_email.by_google_id) == (Account(ann, None, None), None)
    assert (by_both.by_email, by_both.by_google_id) == (account, account)
    assert (mixed.by_email, mixed.by_google_id) == (Account(ann, None, None), account)
    assert mixed.versions == {f"user:{ann}": 1, f"user:{bob}": 1}
    assert (nobody.by_email, nobody.by_google_id, nobody.versions) == (None, None, {})
    assert (no_google.by_email, no_google.by_google_id) == (account, None)
    ids = [found.user_id for found in (by_email, by_both, mixed, nobody, no_google)]
    assert len(set(ids)) == 5
    assert not {ann, bob} & set(ids)


async def test_the_line_is_in_order_and_each_task_goes_to_one(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    for number in range(2):
        await add_note(store, user_id, f"video-{number}")
    wanted = NextTaskOf(TaskType.TRANSCRIPT, LONG_AGO)
    metadata = NextTaskOf(TaskType.METADATA, LONG_AGO)

    first, described, second, none = await loaders.answer(
        connection, MASTER, [wanted, metadata, wanted, wanted]
    )

    assert isinstance(first.task, Claimable)
    assert (first.task.video_id, first.task.attempts) == ("video-0", 0)
    assert second.task is not None
    assert second.task.video_id == "video-1"
    assert first.versions == {f"task:{first.task.task_id}": 1}
    assert described.task is not None
    assert described.task.video_id == "video-0"
    assert described.task.task_id not in (first.task.task_id, second.task.task_id)
    assert none == NextTask(None)


async def test_a_task_that_another_transaction_claims_is_passed_over(
    dsn: str, parts: tuple[Store, Connection]
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    for number in range(2):
        await add_note(store, user_id, f"video-{number}")
    wanted = NextTaskOf(TaskType.TRANSCRIPT, LONG_AGO)
    async with connection.transaction(), await connected(dsn) as other:
        (mine,) = await loaders.answer(connection, MASTER, [wanted])
        theirs, nothing = await loaders.answer(other, MASTER, [wanted, wanted])
    assert mine.task.video_id == "video-0"
    assert theirs.task.video_id == "video-1"
    assert nothing.task is None


async def test_a_silent_workers_task_is_in_line_again(parts: tuple[Store, Connection]) -> None:
    store, connection = parts
    await add_note(store, await sign_up(store), "video-1")
    claim = await store.execute(ClaimTask(TaskType.TRANSCRIPT, "w", LONG_AGO), ORIGIN)
    later = datetime.now(UTC) + timedelta(seconds=1)

    (fresh,) = await loaders.answer(connection, MASTER, [NextTaskOf(TaskType.TRANSCRIPT, LONG_AGO)])
    (stale,) = await loaders.answer(connection, MASTER, [NextTaskOf(TaskType.TRANSCRIPT, later)])

    assert fresh.task is None
    assert stale.task == Claimable(claim.task_id, "video-1", 1)
    assert stale.versions == {f"task:{claim.task_id}": 2}


async def test_shapes_are_the_rows_as_json_and_none_for_what_is_not_there(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "video-1")

    note, no_note, video, no_video, again = await loaders.answer(
        connection,
        MASTER,
        [
            NoteShape(note_id),
            NoteShape(note_id + 99),
            VideoShape("video-1"),
            VideoShape("video-2"),
            NoteShape(note_id),
        ],
    )

    shape = orjson.loads(note)
    assert (shape["id"], shape["user_id"], shape["text"]) == (note_id, user_id, None)
    assert shape["video"] == orjson.loads(video)
    assert (no_note, no_video) == (None, None)
    assert again == note


async def test_nobody_asks_nothing(parts: tuple[Store, Connection]) -> None:
    assert await loaders.answer(parts[1], MASTER, []) == []


async def test_first_notes_on_one_video_at_once_add_it_once(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    ids = await asyncio.gather(*(add_note(store, user_id, "video-1") for _ in range(10)))
    assert len(set(ids)) == 10
    cursor = await connection.execute(
        "SELECT topic, count(*) FROM stored_events GROUP BY topic ORDER BY topic"
    )
    assert await cursor.fetchall() == [
        ("NoteAdded", 10),
        ("TaskQueued", 2),
        ("UserSignedUp", 1),
        ("VideoAdded", 1),
    ]


def a_video(number: int, *events: Event) -> list[Event]:
    """The ``number``-th video, which is called after it, and what happened to it."""
    video = VideoAdded(id=number, video_id=f"v{number}", title=None)
    return [video, *events]


def queued(task_id: int, number: int, task_type: TaskType = TaskType.TRANSCRIPT) -> TaskQueued:
    return TaskQueued(task_id=task_id, task_type=task_type, video_id=f"v{number}")


def claimed(task_id: int, attempt: int = 1) -> TaskClaimed:
    return TaskClaimed(task_id=task_id, worker="w", attempt=attempt)


def ready(number: int) -> TranscriptReady:
    return TranscriptReady(video_id=f"v{number}", object_key="k", sha256="ab", segment_count=1)


TASK_LIVES: list[tuple[list[Event], bool, bool]] = [
    # events of task 1 on v1, ..., whether it is on its way, whether it is open
    ([], False, False),
    ([queued(1, 1)], True, True),
    ([queued(2, 2), claimed(2)], True, True),
    ([queued(3, 3), claimed(3), TaskAttemptFailed(task_id=3, attempt=1, error="no")], True, True),
    ([queued(4, 4), claimed(4), TaskCompleted(task_id=4, attempt=1)], False, False),
    ([queued(5, 5), claimed(5, 3), TaskFailed(task_id=5, attempt=3, error="no")], False, False),
    ([queued(6, 6), TaskCancelled(task_id=6)], False, False),
    ([queued(7, 7, TaskType.METADATA)], False, False),
]


async def test_a_videos_ground_tells_what_is_there_and_what_is_on_its_way(
    dsn: str, connection: Connection
) -> None:
    events = [its for number, (life, *_) in enumerate(TASK_LIVES) for its in a_video(number, *life)]
    events += a_video(20, ready(20), MetadataFetched(video_id="v20", metadata={}))
    events += a_video(21, SummaryRequested(video_id="v21"))
    events += a_video(22, SummaryWritten(video_id="v22", summary=""))
    happen(dsn, *events)

    numbers = [*range(len(TASK_LIVES)), 20, 21, 22, 99]
    *tasks, full, requested, summarised, unknown = await asked(
        connection, [VideoContextQuery(f"v{number}") for number in numbers]
    )

    coming = [expected for _, expected, _ in TASK_LIVES]
    assert [ground.transcript_coming for ground in tasks] == coming
    assert [ground.metadata_coming for ground in tasks] == [False] * 7 + [True]
    assert {ground.number for ground in tasks} == {None}
    assert (full.transcript_available, full.metadata_available) == (True, True)
    assert (full.summary_available, full.summary_requested_at) == (False, None)
    assert (full.transcript_coming, full.metadata_coming) == (False, False)
    assert full.versions == {"video:v20": 3}
    second = len(events) - 2 - 1  # the request is the third event from the end
    at = START + timedelta(seconds=second, microseconds=second)
    assert (requested.summary_available, requested.summary_requested_at) == (False, at)
    assert summarised.summary_available
    assert unknown.number is not None
    assert (unknown.versions, unknown.transcript_available) == ({}, False)


async def test_every_ground_of_a_video_has_ids_of_its_own(connection: Connection) -> None:
    grounds = await loaders.answer(
        connection, MASTER, [VideoContextQuery("v1"), VideoContextQuery("v2")] * 10
    )
    ids = [its for one in grounds for its in (one.transcript_task_id, one.metadata_task_id)]
    assert len(set(ids)) == 40
    assert len({ground.number for ground in grounds}) == 20


async def test_a_transcripts_ground_tells_the_tasks_that_nobody_needs_any_more(
    dsn: str, connection: Connection
) -> None:
    events = [its for number, (life, *_) in enumerate(TASK_LIVES) for its in a_video(number, *life)]
    failed = TaskFailed(task_id=8, attempt=3, error=None)
    happen(dsn, *events, *a_video(8, queued(8, 8), failed, queued(9, 8), ready(8)))

    *tasks, again, unknown = await asked(
        connection, [TranscriptContextQuery(f"v{number}") for number in [*range(9), 99]]
    )

    for number, (ground, (life, _, is_open)) in enumerate(zip(tasks, TASK_LIVES, strict=True)):
        versions = {f"video:v{number}": 1, **({f"task:{number}": len(life)} if is_open else {})}
        open_tasks = (number,) if is_open else ()
        expected = TranscriptContext(True, open_tasks, versions=versions)
        assert ground == expected
    assert again == TranscriptContext(True, (9,), versions={"video:v8": 2, "task:9": 1})
    assert unknown == TranscriptContext(video_exists=False)


async def test_work_is_found_where_it_is_missing_and_nobody_is_at_it(
    dsn: str, connection: Connection
) -> None:
    users = [UserSignedUp(user_id=n, email=f"{n}@example.org", name="A") for n in (1, 2)]
    texts = {1: None, 2: "", 3: " ", 4: "words", 5: None}
    notes = [
        NoteAdded(note_id=n, user_id=2 if n == 5 else 1, video_id="v1", timestamp="0:01", text=text)
        for n, text in texts.items()
    ]
    summarised = SummaryWritten(video_id="v2", summary="s")
    on_note = TaskQueued(task_id=1, task_type=TaskType.AI_NOTE, video_id="v1", note_id=1)
    ended = queued(3, 3, TaskType.SUMMARY), TaskFailed(task_id=3, attempt=3, error=None)
    happen(
        dsn,
        *users,
        AiNotesEnabled(user_id=1),
        *a_video(1),
        *a_video(2, ready(2), summarised),
        *a_video(3, ready(3), *ended),
        *a_video(4, ready(4), queued(4, 4, TaskType.SUMMARY)),
        *notes,
        on_note,
    )
    summaries = [WorkQuery(TaskType.SUMMARY, f"v{n}") for n in (1, 2, 3, 4, 99)]
    words = [WorkQuery(TaskType.AI_NOTE, "v1", n) for n in (1, 2, 3, 4, 5, 99)]

    found = await asked(connection, summaries + words)

    no, yes, under_way = (False, False), (True, False), (True, True)
    told = [(its.needed, its.open) for its in found]
    assert told[:5] == [no, no, yes, under_way, no]
    assert told[5:] == [under_way, yes, no, no, no, no]
    again = await loaders.answer(connection, MASTER, words * 4)
    assert len({its.task_id for its in [*again, *found]}) == len(again) + len(found)


async def test_tasks_on_two_notes_of_a_video_are_handed_out_with_their_notes(
    dsn: str, connection: Connection
) -> None:
    on_notes = [
        TaskQueued(task_id=n, task_type=TaskType.AI_NOTE, video_id="v1", note_id=10 + n)
        for n in (1, 2)
    ]
    happen(dsn, *on_notes)
    wanted = NextTaskOf(TaskType.AI_NOTE, LONG_AGO)
    first, second, none = await loaders.answer(connection, MASTER, [wanted] * 3)
    assert first.task == Claimable(1, "v1", 0, note_id=11)
    assert second.task == Claimable(2, "v1", 0, note_id=12)
    assert none.task is None


async def test_the_past_of_an_older_version_is_told_as_of_today(
    dsn: str, connection: Connection
) -> None:
    written = [
        ("TaskQueued", b'{"task_id":8,"task_type":"fetch_transcript","video_id":"v1"}'),
        ("TaskClaimed", b'{"task_id":8,"worker":"w","attempt":3}'),
        ("TaskFailed", b'{"task_id":8,"attempt":3,"error":"no"}'),
    ]
    with psycopg.connect(dsn) as log:
        for version, (topic, state) in enumerate(written, start=1):
            append_state(log, "task:8", version, topic, state, START)
    (found,) = await loaders.answer(connection, MASTER, [StreamQuery(("task:8",))])
    failed = TaskFailed(task_id=8, attempt=3, error="no", reason=None)
    past = found.of("task:8")
    assert list(past) == [queued(8, 1), claimed(8, 3), failed]
    task = state_of(past)
    assert task is not None
    assert (task.status, task.worker, task.attempt) == ("failed", "w", 3)


ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
BOB = UserSignedUp(user_id=2, email="bob@example.org", name="Bob")
OF_ANN: dict[str, Any] = {"conversation_id": 11, "user_id": 1, "guest_id": None}
OF_GUEST: dict[str, Any] = {"conversation_id": 12, "user_id": None, "guest_id": "b0f7"}
USER, OTHER_USER, STRANGER = (Identity(user_id=n) for n in (1, 2, 99))
GUEST, OTHER_GUEST, AS_NUMBERED = (Identity(guest_id=its) for its in ("b0f7", "c0f7", "1"))


async def test_the_ground_of_a_conversation_knows_user_and_video(
    dsn: str, connection: Connection
) -> None:
    happen(dsn, ANN, *a_video(1))
    wanted = [
        ConversationContextQuery(user_id, video_id)
        for user_id in (1, 99, None)
        for video_id in ("v1", "v2")
    ]
    found = await asked(connection, wanted)
    told = [(ground.user_exists, ground.video_exists) for ground in found]
    assert told == [(True, True), (True, False), (False, True), (False, False), *told[:2]]
    ids = {
        ground.conversation_id for ground in await loaders.answer(connection, MASTER, wanted * 5)
    }
    assert len(ids) == 30


async def question(
    connection: Connection, *wanted: tuple[Identity, str, int | None]
) -> list[QuestionContext]:
    its = [
        QuestionContextQuery(who, DAY, video, conversation) for who, video, conversation in wanted
    ]
    return await asked(connection, its)


async def test_a_conversation_is_found_by_its_owner_and_its_video_alone(
    dsn: str, connection: Connection
) -> None:
    happen(
        dsn,
        ANN,
        BOB,
        *a_video(1),
        *a_video(2),
        ConversationStarted(**OF_ANN, video_id="v1"),
        ConversationStarted(**OF_GUEST, video_id="v1"),
        TurnStarted(**OF_GUEST, turn_id=21, server=1),
    )
    anns, guests, *others = await question(
        connection,
        (USER, "v1", 11),
        (GUEST, "v1", 12),
        (USER, "v1", 12),
        (GUEST, "v1", 11),
        (OTHER_USER, "v1", 11),
        (OTHER_GUEST, "v1", 12),
        (AS_NUMBERED, "v1", 11),
        (USER, "v2", 11),
        (GUEST, "v2", 12),
        (USER, "v1", 99),
        (GUEST, "v1", 2**63 - 1),
        (STRANGER, "v1", 11),
    )
    assert (anns.conversation_found, anns.conversation_id) == (True, 11)
    assert anns.versions == {"conversation:11": 1}
    assert (guests.conversation_found, guests.conversation_id) == (True, 12)
    assert guests.versions == {"conversation:12": 2}
    assert {its.conversation_found for its in others} == {False}
    assert [dict(its.versions) for its in others] == [{}] * len(others)
    assert others[-1].user_exists is False


async def test_a_question_without_a_conversation_gets_the_id_of_a_new_one(
    dsn: str, connection: Connection
) -> None:
    happen(dsn, ANN, *a_video(1))
    wanted = [QuestionContextQuery(who, DAY, "v1", None) for who in (USER, GUEST, GUEST)] * 5
    grounds = await loaders.answer(connection, MASTER, wanted)
    assert all(ground.conversation_found for ground in grounds)
    assert len({ground.conversation_id for ground in grounds}) == 15
    assert len({ground.message_id for ground in grounds}) == 15
    assert [ground.versions for ground in grounds] == [{}] * 15


async def test_a_questions_ground_tells_how_the_transcript_stands(
    dsn: str, connection: Connection
) -> None:
    events = [its for number, (life, *_) in enumerate(TASK_LIVES) for its in a_video(number, *life)]
    happen(dsn, *events, *a_video(20, ready(20)))
    numbers = [*range(len(TASK_LIVES)), 20, 99]
    *tasks, available, unknown = await question(
        connection, *((GUEST, f"v{number}", None) for number in numbers)
    )
    assert [ground.transcript_coming for ground in tasks] == [its for _, its, _ in TASK_LIVES]
    assert {(ground.video_exists, ground.transcript_available) for ground in tasks} == {
        (True, False)
    }
    assert (available.video_exists, available.transcript_available) == (True, True)
    assert (unknown.video_exists, unknown.transcript_available) == (False, False)


async def test_a_questions_ground_tells_what_its_identity_has_used_of_its_day(
    connection: Connection,
) -> None:
    taken = [(USER, DAY)] * 3 + [(GUEST, DAY)] + [(GUEST, DAY + timedelta(days=1))] * 2
    for identity, day in taken:
        quota = QuotaTaken(identity.name, day, identity.questions_a_day)
        await side_writes.write(connection, [quota], datetime.now(UTC))
    found = await asked(
        connection,
        [
            QuestionContextQuery(USER, DAY, "v1", None),
            QuestionContextQuery(GUEST, DAY, "v2", 7),
            QuestionContextQuery(GUEST, DAY + timedelta(days=1), "v1", None),
            QuestionContextQuery(USER, DAY + timedelta(days=1), "v1", None),
            QuestionContextQuery(AS_NUMBERED, DAY, "v1", None),
        ],
    )
    assert [ground.used for ground in found] == [3, 1, 2, 0, 0]


async def test_turns_are_told_with_their_owners_and_how_they_stand(
    dsn: str, connection: Connection
) -> None:
    happen(
        dsn,
        ConversationStarted(**OF_ANN, video_id="v1"),
        ConversationStarted(**OF_GUEST, video_id="v1"),
        *(TurnStarted(**OF_ANN, turn_id=turn_id, server=1) for turn_id in (21, 22, 23)),
        MessageSent(**OF_GUEST, message_id=31, role="user", content="Why?", details=None),
        TurnStarted(**OF_GUEST, turn_id=31, server=1),
        TurnCompleted(**OF_ANN, turn_id=21, answer_id=24),
        TurnStopped(**OF_ANN, turn_id=22, answer_id=None),
        TurnFailed(**OF_ANN, turn_id=23, reason="refused", partial=""),
    )
    completed, stopped, failed, answering, unknown = await asked(
        connection, [TurnQuery(turn_id) for turn_id in (21, 22, 23, 31, 99)]
    )
    assert completed.turn == TurnState(11, USER, TurnEnd("completed", 24))
    assert stopped.turn == TurnState(11, USER, TurnEnd("stopped"))
    assert failed.turn == TurnState(11, USER, TurnEnd("failed", reason="refused"))
    assert failed.versions == {"conversation:11": 7}
    assert answering.turn == TurnState(12, GUEST)
    assert answering.versions == {"conversation:12": 3}
    assert (unknown.turn, unknown.versions) == (None, {})
    ids = [its.answer_id for its in (completed, stopped, failed, answering)]
    assert len(set(ids)) == 4


async def test_look_ups_of_every_kind_in_one_call_are_answered_in_order(
    dsn: str, connection: Connection
) -> None:
    happen(dsn, ANN, *a_video(1, ready(1)), ConversationStarted(**OF_ANN, video_id="v1"))
    wanted: list[ContextQuery[Any]] = [
        TurnQuery(1),
        VideoContextQuery("v1"),
        QuestionContextQuery(USER, DAY, "v1", 11),
        TranscriptContextQuery("v1"),
        VideoContextQuery("v2"),
        WorkQuery(TaskType.SUMMARY, "v1"),
        ConversationContextQuery(1, "v2"),
        QuestionContextQuery(USER, DAY, "v1", 12),
        WorkQuery(TaskType.SUMMARY, "v2"),
    ]
    turn, known, own, brought, unknown, work, no_video, not_own, no_work = await loaders.answer(
        connection, MASTER, wanted
    )
    assert turn.turn is None
    assert (known.number, unknown.number is None) == (None, False)
    assert (own.conversation_found, not_own.conversation_found) == (True, False)
    assert brought.video_exists
    assert (work.needed, no_work.needed) == (True, False)
    assert (no_video.user_exists, no_video.video_exists) == (True, False)
