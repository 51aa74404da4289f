"""How the look-ups of commands are answered, on real PostgreSQL."""

import asyncio
import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from vidwiz import lookups
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import NoteShape, PastOf, VideoShape
from vidwiz.commands.notes import AddNote, EarlierUse, EditNote, GroundFor
from vidwiz.commands.tasks import Claimable, ClaimTask, NextTask, NextTaskOf
from vidwiz.commands.users import Account, AccountsOf, SignInWithGoogle, SignUp
from vidwiz.database import Connection, Database
from vidwiz.events import NoteAdded, NoteEdited, TaskType
from vidwiz.events.recorded import SYSTEM, Origin
from vidwiz.store import Store
from vidwiz.wiring import running_store

ORIGIN = Origin(SYSTEM)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[tuple[Store, Connection]]:
    async with running_store(dsn, 2) as (_, _, store), await connected(dsn) as connection:
        yield store, connection


async def connected(dsn: str) -> Connection:
    return await Database(dsn, pool_size=2).connect("test")


async def sign_up(store: Store, email: str = "ann@example.org") -> int:
    user_id: int = await store.execute(SignUp(email, "Ann", "hash"), ORIGIN)
    return user_id


async def add_note(store: Store, user_id: int, video_id: str, key: str | None = None) -> int:
    command = AddNote(user_id, video_id, "Title", "1:23", None, key, "print")
    note_id: int = orjson.loads(await store.execute(command, ORIGIN))["id"]
    return note_id


def test_every_command_asks_a_look_up_that_somebody_answers() -> None:
    asked = {inspect.signature(vars(kind)["lookup"]).return_annotation for kind in DECISIONS}
    assert asked <= set(lookups.LOADERS)


async def test_pasts_are_told_with_their_versions(parts: tuple[Store, Connection]) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "video-1")
    await store.execute(EditNote(note_id, user_id, "words", False), ORIGIN)
    note, user = f"note:{note_id}", f"user:{user_id}"

    both, nothing, one = await lookups.answer(
        connection, [PastOf((note, user)), PastOf(("note:999",)), PastOf((note,))]
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

    known, unknown, stranger, used, other_key = await lookups.answer(
        connection,
        [
            GroundFor(user_id, "known-video"),
            GroundFor(user_id, "new-video"),
            GroundFor(user_id + 1, "known-video", "k"),
            GroundFor(user_id, "known-video", "k"),
            GroundFor(user_id, "known-video", "l"),
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
    grounds = await lookups.answer(connection, [GroundFor(user_id, "new-video")] * 3)
    assert len({ground.note_id for ground in grounds}) == 3
    assert len({ground.video_number for ground in grounds}) == 3
    tasks = [(ground.transcript_task_id, ground.metadata_task_id) for ground in grounds]
    assert len({task_id for pair in tasks for task_id in pair}) == 6


async def test_accounts_are_found_by_address_and_by_google_id(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    ann = await sign_up(store)
    google = SignInWithGoogle("g-1", "bob@example.org", True, "Bob", "https://p/1")
    bob = await store.execute(google, ORIGIN)

    by_email, by_both, mixed, nobody, no_google = await lookups.answer(
        connection,
        [
            AccountsOf("ann@example.org"),
            AccountsOf("bob@example.org", "g-1"),
            AccountsOf("ann@example.org", "g-1"),
            AccountsOf("nobody@example.org", "g-2"),
            AccountsOf("bob@example.org"),
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

    first, described, second, none = await lookups.answer(
        connection, [wanted, metadata, wanted, wanted]
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
        (mine,) = await lookups.answer(connection, [wanted])
        theirs, nothing = await lookups.answer(other, [wanted, wanted])
    assert mine.task.video_id == "video-0"
    assert theirs.task.video_id == "video-1"
    assert nothing.task is None


async def test_a_silent_workers_task_is_in_line_again(parts: tuple[Store, Connection]) -> None:
    store, connection = parts
    await add_note(store, await sign_up(store), "video-1")
    claim = await store.execute(ClaimTask(TaskType.TRANSCRIPT, "w", LONG_AGO), ORIGIN)
    later = datetime.now(UTC) + timedelta(seconds=1)

    (fresh,) = await lookups.answer(connection, [NextTaskOf(TaskType.TRANSCRIPT, LONG_AGO)])
    (stale,) = await lookups.answer(connection, [NextTaskOf(TaskType.TRANSCRIPT, later)])

    assert fresh.task is None
    assert stale.task == Claimable(claim.task_id, "video-1", 1)
    assert stale.versions == {f"task:{claim.task_id}": 2}


async def test_shapes_are_the_rows_as_json_and_none_for_what_is_not_there(
    parts: tuple[Store, Connection],
) -> None:
    store, connection = parts
    user_id = await sign_up(store)
    note_id = await add_note(store, user_id, "video-1")

    note, no_note, video, no_video, again = await lookups.answer(
        connection,
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
    assert await lookups.answer(parts[1], []) == []


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
