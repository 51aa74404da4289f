"""Who is erased is gone from every table and unreadable in the log, whoever writes meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.event_store.parts import (
    ORIGIN,
    Parts,
    follow_log,
    note,
    opened,
    rows,
    running,
    until_writers_wait,
    value,
    whole_log,
)
from tests.projections.histories import happen
from tests.support import MASTER, eventually
from vidwiz.commands.conversations import (
    Answer,
    AskQuestion,
    CompleteTurn,
    FailTurn,
    Identity,
    StartConversation,
    TurnNotFound,
)
from vidwiz.commands.notes import DeleteNote, EditNote, NoteNotFound
from vidwiz.commands.tasks import QueueTask, StoredTranscript
from vidwiz.commands.users import (
    ChangeProfile,
    EraseGuest,
    EraseUser,
    GuestNotFound,
    SignUp,
    UserNotFound,
)
from vidwiz.commands.videos import AddTranscript
from vidwiz.event_store.erased_users import Erasures
from vidwiz.events import (
    ConversationStarted,
    Event,
    MessageSent,
    NoteAdded,
    TaskType,
    UserErased,
    UserSignedUp,
    VideoAdded,
)
from vidwiz.replay import engine, verification

CANARY = "canary-7f3a"
TODAY = datetime.now(UTC).date()


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[Parts]:
    async with running(dsn) as its:
        yield its


async def singer(parts: Parts) -> int:
    """A person with a canary in every table that knows persons."""
    signup = SignUp(f"{CANARY}@example.org", CANARY, f"hash {CANARY}")
    user_id = int(await parts.store.execute(signup, ORIGIN))
    words = note(user_id, "video-1", text=CANARY, idempotency_key=CANARY, fingerprint=CANARY)
    await parts.store.execute(words, ORIGIN)
    transcript = StoredTranscript("transcripts/video-1.json", "ab", 1)
    await parts.store.execute(AddTranscript("video-1", transcript), ORIGIN)
    turn_id = await ask(parts, user_id)
    await parts.store.execute(FailTurn(turn_id, "refused", CANARY), ORIGIN)
    return user_id


async def ask(parts: Parts, user_id: int) -> int:
    return await ask_as(parts, Identity(user_id))


async def ask_as(parts: Parts, who: Identity, words: str = CANARY) -> int:
    question = AskQuestion(who, TODAY, "video-1", None, words, 1)
    return int((await parts.store.execute(question, ORIGIN)).turn_id)


def tables_with(dsn: str, text: str) -> set[str]:
    """The tables of the database of which a dump holds the text, in whatever form."""
    found = set()
    with psycopg.connect(dsn) as connection:
        names = rows(dsn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (name,) in names:
            query = sql.SQL("SELECT count(*) FROM {0} WHERE strpos({0}::text, {1}) > 0").format(
                sql.Identifier(name), sql.Literal(text)
            )
            ((count,),) = connection.execute(query).fetchall()
            found |= {name} if count else set()
    return found


def assert_whole(dsn: str) -> None:
    assert list(verification.verify(dsn, MASTER)[1]) == []
    engine.rebuild(dsn, MASTER)
    assert list(verification.verify(dsn, MASTER)[1]) == []


async def test_an_erased_person_is_in_no_table_any_more(dsn: str, parts: Parts) -> None:
    user_id, other = await singer(parts), await parts.sign_up()
    await parts.store.execute(note(other, "video-1", text="stays"), ORIGIN)
    before = {"users", "notes", "messages", "turns", "credentials", "idempotency_keys"}
    assert tables_with(dsn, CANARY) == before
    await parts.store.execute(EraseUser(user_id), ORIGIN)
    assert tables_with(dsn, CANARY) == set()
    assert value(dsn, "SELECT count(*) FROM quotas") == 0
    assert rows(dsn, "SELECT user_id, text FROM notes") == [(other, "stays")]
    assert value(dsn, "SELECT wrapped_key FROM personal_keys WHERE erased_at IS NOT NULL") is None
    for table in ("conversations", "messages", "turns"):
        assert value(dsn, f"SELECT count(*) FROM {table}") == 0
    assert_whole(dsn)


async def test_what_the_log_says_of_an_erased_person_reads_erased(dsn: str, parts: Parts) -> None:
    user_id = await singer(parts)
    await parts.store.execute(EraseUser(user_id), ORIGIN)
    events = opened(dsn)
    (signed_up,) = [its for its in events if isinstance(its, UserSignedUp)]
    assert (signed_up.email, signed_up.name) == (f"[erased] user:{user_id}", "[erased]")
    assert [its.text for its in events if isinstance(its, NoteAdded)] == ["[erased]"]
    async with aclosing(follow_log(parts.database, parts.signals, MASTER, 0)) as following:
        assert [(await anext(following)).event for _ in events] == events


async def test_the_hash_chain_covers_what_is_sealed(dsn: str, parts: Parts) -> None:
    user_id = await singer(parts)
    before = whole_log(dsn)
    assert CANARY.encode() not in b"".join(row[6] for row in before)
    await parts.store.execute(EraseUser(user_id), ORIGIN)
    assert whole_log(dsn)[: len(before)] == before
    assert value(dsn, "SELECT topic FROM stored_events ORDER BY notification_id DESC LIMIT 1") == (
        UserErased.TOPIC
    )


async def test_nothing_can_be_done_for_an_erased_person(dsn: str, parts: Parts) -> None:
    user_id = await singer(parts)
    note_id = value(dsn, "SELECT id FROM notes")
    turn_id = await ask(parts, user_id)
    await parts.store.execute(EraseUser(user_id), ORIGIN)
    head = value(dsn, "SELECT max(notification_id) FROM stored_events")
    refused = await parts.run(
        note(user_id, "video-1"),
        EditNote(note_id, None, "by AI", True),
        EditNote(note_id, None, "[erased]", False),
        EditNote(note_id, None, "by AI", True, only_if_empty=True),
        DeleteNote(note_id, user_id),
        ChangeProfile(user_id, "Again"),
        FailTurn(turn_id, "interrupted", CANARY),
        AskQuestion(Identity(user_id), TODAY, "video-1", None, CANARY, 1),
        EraseUser(user_id),
    )
    assert [type(its) for its in refused] == [
        UserNotFound,
        *[NoteNotFound] * 4,
        UserNotFound,
        TurnNotFound,
        UserNotFound,
        UserNotFound,
    ]
    assert value(dsn, "SELECT max(notification_id) FROM stored_events") == head


async def test_work_on_the_notes_of_an_erased_person_is_called_off(dsn: str, parts: Parts) -> None:
    user_id = await singer(parts)
    await parts.store.execute(ChangeProfile(user_id, ai_notes_enabled=True), ORIGIN)
    await parts.store.execute(note(user_id, "video-1", text=None), ORIGIN)
    empty = value(dsn, "SELECT id FROM notes WHERE text IS NULL")
    await parts.store.execute(QueueTask(TaskType.AI_NOTE, "video-1", empty), ORIGIN)
    await parts.store.execute(EraseUser(user_id), ORIGIN)
    query = "SELECT status FROM tasks WHERE task_type = 'write_ai_note'"
    assert value(dsn, query) == "cancelled"
    assert_whole(dsn)


async def test_an_erasure_among_other_commands_of_the_same_person_leaves_nothing(
    dsn: str, parts: Parts
) -> None:
    user_id, other = await singer(parts), await parts.sign_up()
    commands: list[Any] = [note(user_id, "video-1", text=f"{CANARY} {n}") for n in range(20)]
    commands[10:10] = [EraseUser(user_id), note(other, "video-1"), EraseUser(user_id)]
    results = await parts.run(*commands)
    assert [type(its) for its in results[10:13]] == [type(None), bytes, UserNotFound]
    assert {type(its) for its in (*results[:10], *results[13:])} <= {bytes, UserNotFound}
    assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_a_writer_in_flight_is_waited_for_and_its_words_are_swept_too(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await singer(one)
        with psycopg.connect(dsn, autocommit=True) as holding:
            holding.execute("SELECT pg_advisory_lock(7163391, 1)")
            writing = asyncio.create_task(one.run(note(user_id, "video-1", text=CANARY)))
            await until_writers_wait(dsn, "INSERT INTO stored_events")
            erasing = asyncio.create_task(two.run(EraseUser(user_id)))
            await until_writers_wait(dsn, "INSERT INTO personal_keys")
        (written,), (erased,) = await writing, await erasing
        assert (type(written), erased) == (bytes, None)
        assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_whoever_comes_during_an_erasure_waits_for_it_and_is_refused(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await singer(one)
        with psycopg.connect(dsn, autocommit=True) as holding:
            holding.execute("SELECT pg_advisory_lock(7163391, 1)")
            erasing = asyncio.create_task(one.run(EraseUser(user_id)))
            await until_writers_wait(dsn, "INSERT INTO stored_events")
            writing = asyncio.create_task(two.run(note(user_id, "video-1", text=CANARY)))
            await until_writers_wait(dsn, "SELECT personal_keys.person")
        (erased,), (written,) = await erasing, await writing
        assert (erased, type(written)) == (None, UserNotFound)
        assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_erasures_against_many_writers_leave_nothing_of_anybody(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        people = [await one.sign_up() for _ in range(4)]
        done = asyncio.Event()

        async def write(parts: Parts, user_id: int) -> set[type]:
            seen: set[type] = set()
            while not (done.is_set() and UserNotFound in seen):
                (its,) = await parts.run(note(user_id, "video-1", text=CANARY))
                seen.add(type(its))
            return seen

        writing = [
            asyncio.create_task(write(parts, user_id)) for user_id in people for parts in (one, two)
        ]
        await eventually(lambda: written(dsn, 40))
        erased = await asyncio.gather(
            *(parts.run(EraseUser(its)) for its in people for parts in (one, two))
        )
        done.set()
        outcomes = [type(its) for (its,) in erased]
        assert sorted(its.__name__ for its in outcomes) == ["NoneType"] * 4 + ["UserNotFound"] * 4
        for seen in await asyncio.gather(*writing):
            assert seen == {bytes, UserNotFound}
    assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def written(dsn: str, count: int) -> bool:
    return bool(value(dsn, "SELECT count(*) FROM notes") >= count)


async def test_a_rebuild_and_a_verification_go_on_while_people_are_erased(dsn: str) -> None:
    async with running(dsn) as parts:
        people = [await parts.sign_up() for _ in range(30)]
        await parts.run(*(note(its, "video-1", text=CANARY) for its in people))

        async def erase_all() -> None:
            for user_id in people:
                await parts.store.execute(EraseUser(user_id), ORIGIN)

        erasing = asyncio.create_task(erase_all())
        rounds = 0
        while not erasing.done() or not rounds:
            await asyncio.to_thread(engine.rebuild, dsn, MASTER)
            _, found = await asyncio.to_thread(verification.verify, dsn, MASTER)
            assert list(found) == []
            rounds += 1
        await erasing
    assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_a_person_of_before_there_were_keys_gets_one_and_can_be_erased(dsn: str) -> None:
    happen(dsn, UserSignedUp(user_id=5, email="old@example.org", name="Old"))
    async with running(dsn) as parts:
        await parts.store.execute(ChangeProfile(5, CANARY), ORIGIN)
        assert value(dsn, "SELECT person FROM personal_keys") == "user:5"
        await parts.store.execute(EraseUser(5), ORIGIN)
    assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_a_person_who_never_had_a_key_gets_none_after_being_erased(dsn: str) -> None:
    happen(dsn, UserSignedUp(user_id=5, email="old@example.org", name="Old"))
    async with running(dsn) as parts:
        await parts.store.execute(EraseUser(5), ORIGIN)
    assert rows(dsn, "SELECT person, wrapped_key FROM personal_keys") == [("user:5", None)]
    assert_whole(dsn)


async def test_words_of_before_there_were_seals_read_erased_after_the_erasure(dsn: str) -> None:
    its: dict[str, Any] = {"conversation_id": 1, "user_id": None, "guest_id": "g"}
    happen(
        dsn,
        UserSignedUp(user_id=5, email=f"{CANARY}@example.org", name=CANARY),
        UserSignedUp(user_id=6, email="bob@example.org", name="Bob"),
        VideoAdded(video_id="v", id=1, title=None),
        NoteAdded(note_id=1, user_id=5, video_id="v", timestamp=f"{CANARY} 1:23", text=CANARY),
        NoteAdded(note_id=2, user_id=5, video_id="v", timestamp=f"{CANARY} 1:23", text=None),
        NoteAdded(note_id=3, user_id=5, video_id="v", timestamp="1:23", text=""),
        NoteAdded(note_id=4, user_id=6, video_id="v", timestamp="about 1:23", text="Bob's"),
        ConversationStarted(**its, video_id="v"),
        MessageSent(**its, message_id=1, role="user", content=CANARY, details={"is": CANARY}),
    )
    assert CANARY in f"{await told(dsn, 9)}"  # the check can fail
    before = whole_log(dsn)
    async with running(dsn) as parts:
        await parts.store.execute(EraseUser(5), ORIGIN)
        await parts.store.execute(EraseGuest("g"), ORIGIN)
    assert whole_log(dsn)[: len(before)] == before
    read = await told(dsn, 11)
    assert CANARY not in f"{read}"
    notes = [one for one in read if isinstance(one, NoteAdded)]
    assert [(one.timestamp, one.text) for one in notes] == [
        ("[erased]", "[erased]"),
        ("[erased]", None),
        ("1:23", ""),
        ("about 1:23", "Bob's"),
    ]
    assert UserSignedUp(user_id=6, email="bob@example.org", name="Bob") in read
    assert_whole(dsn)


async def told(dsn: str, count: int) -> list[Event]:
    """The first events, as whoever follows the log reads them."""
    async with running(dsn) as parts:
        events = follow_log(parts.database, parts.signals, MASTER, 0)
        async with aclosing(events):
            return [(await anext(events)).event for _ in range(count)]


async def test_an_address_is_free_again(dsn: str, parts: Parts) -> None:
    first = await singer(parts)
    await parts.store.execute(EraseUser(first), ORIGIN)
    assert await singer(parts) != first
    assert_whole(dsn)


async def test_guests_have_keys_of_their_own(dsn: str, parts: Parts) -> None:
    await singer(parts)
    question = AskQuestion(Identity(guest_id="g"), TODAY, "video-1", None, CANARY, 1)
    await parts.store.execute(question, ORIGIN)
    persons = {person for (person,) in rows(dsn, "SELECT person FROM personal_keys")}
    assert "guest:g" in persons
    assert CANARY.encode() not in b"".join(row[6] for row in whole_log(dsn))


async def test_an_erased_guest_is_in_no_table_and_nothing_can_be_done_for_them(
    dsn: str, parts: Parts
) -> None:
    await singer(parts)
    rows(dsn, "TRUNCATE credentials, idempotency_keys")
    theirs, others = Identity(guest_id="g"), Identity(guest_id="other")
    asked = await ask_as(parts, theirs)
    quote = Answer(CANARY, [{"start": 1.0, "quote": CANARY}], "fake")
    await parts.store.execute(CompleteTurn(asked, quote), ORIGIN)
    under_way, stays = await ask_as(parts, theirs), await ask_as(parts, others, "stays")
    await parts.store.execute(EraseGuest("g"), ORIGIN)
    refused = await parts.run(
        FailTurn(under_way, "interrupted", CANARY),
        AskQuestion(theirs, TODAY, "video-1", None, CANARY, 1),
        StartConversation(theirs, "video-1"),
        EraseGuest("g"),
    )
    assert [type(its) for its in refused] == [
        TurnNotFound, UserNotFound, UserNotFound, GuestNotFound
    ]  # fmt: skip
    for table in ("conversations", "messages", "turns"):
        assert value(dsn, f"SELECT count(*) FROM {table} WHERE guest_id = 'g'") == 0
    assert value(dsn, "SELECT count(*) FROM quotas WHERE identity = 'guest:g'") == 0
    assert rows(dsn, "SELECT id FROM turns WHERE guest_id = 'other'") == [(stays,)]
    said = [its for its in opened(dsn) if isinstance(its, MessageSent) and its.guest_id == "g"]
    assert {(its.content, its.details) for its in said} == {("[erased]", None)}
    await parts.store.execute(EraseUser(1), ORIGIN)
    assert tables_with(dsn, CANARY) == set()
    assert_whole(dsn)


async def test_every_process_hears_of_an_erasure_and_whoever_starts_later_knows(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id, stays = await one.sign_up(), await one.sign_up()
        heard: list[str] = []
        there = Erasures(two.database, two.signals)
        there.listen(heard.append)
        await there.start()
        await one.store.execute(EraseUser(user_id), ORIGIN)

        async def known() -> bool:
            return user_id in there

        await eventually(known)
        later = Erasures(two.database, two.signals)
        await later.start()
        assert (user_id in later, stays in later, stays in there) == (True, False, False)
        there.happened(user_id)
        assert heard == [f"user:{user_id}"]
        for its in (there, later):
            await its.close()
