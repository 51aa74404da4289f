"""The store: answers after commit, neighbours untouched, bounded retries, nothing lost."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.event_store.parts import (
    ORIGIN,
    Parts,
    assert_dense_and_chained,
    backends,
    closed_to_everybody,
    held_commits,
    held_log,
    note,
    opened,
    rows,
    running,
    terminated,
    topics,
    until_writers_wait,
    value,
    whole_log,
)
from tests.support import MASTER, eventually, new_video_id
from vidwiz.commands.base import Decision, DomainError, History, StreamQuery
from vidwiz.commands.notes import DeleteNote, EditNote, IdempotencyKeyReused, NoteNotFound
from vidwiz.commands.notes import VideoTitleRequired as TitleRequired
from vidwiz.commands.tasks import ClaimTask
from vidwiz.commands.users import ChangeProfile, EmailTaken, SignUp, UserNotFound
from vidwiz.commands.videos import VideoNotFound, WriteSummary
from vidwiz.event_store.command_bus import MAX_TRIES, Store
from vidwiz.event_store.command_queue import MAX_BATCH, MAX_WAITING, Conflict, Overloaded
from vidwiz.event_store.notifications import Signals
from vidwiz.events import NoteEdited, SummaryWritten, TaskType
from vidwiz.postgres.pool import Database, DatabaseUnavailable


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[Parts]:
    async with running(dsn) as its:
        yield its


def note_texts(dsn: str) -> list[str]:
    return [text for (text,) in rows(dsn, "SELECT text FROM notes ORDER BY text")]


async def added(parts: Parts, user_id: int, **fields: Any) -> dict[str, Any]:
    """A note on a video of its own, as the API shows it."""
    answer = await parts.store.execute(note(user_id, new_video_id(), **fields), ORIGIN)
    its: dict[str, Any] = json.loads(answer)
    return its


async def test_a_client_reads_its_own_write_on_any_connection(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    for number in range(20):
        its = await added(parts, user_id, text=str(number))
        query = "SELECT text FROM notes WHERE id = %(id)s"
        assert value(dsn, query, id=its["id"]) == its["text"] == str(number)


async def test_a_client_hears_nothing_before_the_commit(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    with held_commits(dsn) as holder:
        adding = asyncio.create_task(parts.run(note(user_id, "video")))
        await until_writers_wait(dsn, "COMMIT")
        assert not adding.done()
        assert note_texts(dsn) == []
        holder.execute("SELECT pg_advisory_unlock(1, 1)")
        (answer,) = await adding
    assert json.loads(answer)["text"] == "hi"
    assert note_texts(dsn) == ["hi"]


async def test_a_refused_command_changes_nothing(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    its = await added(parts, user_id)
    before = whole_log(dsn)
    refused: list[tuple[Any, type[DomainError]]] = [
        (note(user_id + 1, "video"), UserNotFound),
        (note(user_id, "video", video_title=None), TitleRequired),
        (EditNote(its["id"], user_id + 1, "stolen", False), NoteNotFound),
        (DeleteNote(its["id"], user_id + 1), NoteNotFound),
        (WriteSummary("no video", "a summary"), VideoNotFound),
    ]
    for command, refusal in refused:
        with pytest.raises(refusal):
            await parts.store.execute(command, ORIGIN)
    outcomes = await parts.run(*(command for command, _ in refused))
    assert [type(outcome) for outcome in outcomes] == [refusal for _, refusal in refused]
    assert whole_log(dsn) == before
    assert note_texts(dsn) == ["hi"]


async def test_no_command_of_a_batch_touches_its_neighbours(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    taken = value(dsn, "SELECT email FROM users")
    mine = await added(parts, user_id, text="mine")
    batch: list[tuple[Any, Any]] = []
    for number in range(10):
        batch += [
            (note(user_id, "shared", text=f"note {number}"), f"note {number}"),
            (EditNote(mine["id"], user_id, f"edit {number}", False), f"edit {number}"),
            (EditNote(mine["id"], user_id + 1, "stolen", False), NoteNotFound),
            (note(user_id, f"untitled-{number}", video_title=""), TitleRequired),
            (SignUp(taken, "Eve", "a hash"), EmailTaken),
            (note(user_id, "shared", text=f"bad \0 {number}"), "DataError"),
        ]
    batch += [
        (SignUp("new@example.org", "New", "first"), int),
        (SignUp("new@example.org", "New", "second"), EmailTaken),
        (note(user_id, "shared", text="half a \ud800 character"), "PydanticSerializationError"),
        (DeleteNote(10**12, user_id), NoteNotFound),
    ]
    assert len(batch) == MAX_BATCH
    outcomes = await parts.run(*(command for command, _ in batch))
    for outcome, (_, expected) in zip(outcomes, batch, strict=True):
        if isinstance(expected, type):
            assert type(outcome) is expected
        elif isinstance(outcome, BaseException):
            assert expected in [kind.__name__ for kind in type(outcome).__mro__], outcome
        else:
            assert json.loads(outcome)["text"] == expected
    assert note_texts(dsn) == ["edit 9", *(f"note {number}" for number in range(10))]
    assert value(dsn, "SELECT count(*) FROM videos") == 2
    assert rows(dsn, "SELECT password_hash FROM credentials ORDER BY 1") == [
        ("a hash",),
        ("first",),
    ]
    assert_dense_and_chained(whole_log(dsn))
    assert len(whole_log(dsn)) == 1 + 4 + (3 + 10) + 10 + 1


async def test_edits_of_one_note_in_one_batch_happen_in_turn(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    its = await added(parts, user_id, text="A")
    words = ["B", "A", "A", "C", "C", "B"]
    answers = await parts.run(*(EditNote(its["id"], user_id, text, False) for text in words))
    assert [json.loads(answer)["text"] for answer in answers] == words
    history = [edited.text for edited in opened(dsn) if isinstance(edited, NoteEdited)]
    assert history == ["B", "A", "C", "B"]
    assert note_texts(dsn) == ["B"]


async def test_a_command_that_changes_nothing_hears_of_no_later_change(parts: Parts) -> None:
    user_id = await parts.sign_up()
    its = await added(parts, user_id, text="A")
    same, other = await parts.run(
        EditNote(its["id"], user_id, "A", False), EditNote(its["id"], user_id, "B", False)
    )
    assert [json.loads(same)["text"], json.loads(other)["text"]] == ["A", "B"]


async def test_fifty_first_notes_on_a_video_make_one_video(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    commands = [note(user_id, "new", video_title=f"{n}", text=f"{n:02}") for n in range(50)]
    answers = [json.loads(answer) for answer in await parts.run(*commands)]
    assert [answer["text"] for answer in answers] == [command.text for command in commands]
    assert len({answer["id"] for answer in answers}) == 50
    assert {answer["video"]["title"] for answer in answers} == {"0"}
    assert note_texts(dsn) == [f"{n:02}" for n in range(50)]
    assert rows(dsn, "SELECT video_id, title FROM videos") == [("new", "0")]
    assert rows(dsn, "SELECT task_type, status FROM tasks ORDER BY 1") == [
        ("fetch_metadata", "pending"),
        ("fetch_transcript", "pending"),
    ]
    expected = ["NoteAdded"] * 50 + ["TaskQueued"] * 2 + ["UserSignedUp", "VideoAdded"]
    assert topics(dsn) == expected


async def test_two_stores_make_one_video_of_fifty_first_notes(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        halves = [[note(user_id, "new", text=f"{s}{n:02}") for n in range(25)] for s in "ab"]
        await asyncio.gather(one.run(*halves[0]), two.run(*halves[1]))
    assert note_texts(dsn) == [command.text for half in halves for command in half]
    assert topics(dsn) == ["NoteAdded"] * 50 + ["TaskQueued"] * 2 + ["UserSignedUp", "VideoAdded"]
    assert_dense_and_chained(whole_log(dsn))


async def test_sixty_claims_at_once_hand_out_each_task_once(dsn: str) -> None:
    from datetime import UTC, datetime, timedelta

    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        await one.run(*(note(user_id, f"video-{n}") for n in range(50)))
        stale = datetime.now(UTC) - timedelta(seconds=120)
        claims = [ClaimTask(TaskType.TRANSCRIPT, f"worker-{n}", stale) for n in range(30)]
        found = [
            claim
            for half in await asyncio.gather(one.run(*claims), two.run(*claims))
            for claim in half
        ]
    claimed = [claim.task_id for claim in found if claim is not None]
    assert len(claimed) == len(set(claimed)) == 50
    assert {claim.attempt for claim in found if claim is not None} == {1}
    query = "SELECT count(*) FROM tasks WHERE status = 'in_progress' AND retry_count = 1"
    assert value(dsn, query) == 50


async def test_fifty_requests_with_one_key_make_one_note(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    again = note(user_id, "video", idempotency_key="key", fingerprint="print")
    answers = await parts.run(*[again] * 50)
    assert len(set(answers)) == 1
    assert json.loads(answers[0])["text"] == "hi"
    assert note_texts(dsn) == ["hi"]
    assert topics(dsn) == ["NoteAdded", "TaskQueued", "TaskQueued", "UserSignedUp", "VideoAdded"]


async def test_two_stores_keep_one_promise_of_one_key(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        video_id = await one.add_video(user_id)
        again = note(user_id, video_id, text="once", idempotency_key="key", fingerprint="print")
        halves = await asyncio.gather(one.run(*[again] * 50), two.run(*[again] * 50))
    assert len({answer for half in halves for answer in half}) == 1
    assert json.loads(halves[0][0])["text"] == "once"
    assert note_texts(dsn) == ["hi", "once"]


async def test_a_key_stands_for_one_request_of_one_user(dsn: str, parts: Parts) -> None:
    ann, ben = await parts.sign_up(), await parts.sign_up()
    await parts.store.execute(
        note(ann, "video", idempotency_key="key", fingerprint="print"), ORIGIN
    )
    with pytest.raises(IdempotencyKeyReused):
        await parts.store.execute(
            note(ann, "video", idempotency_key="key", fingerprint="other"), ORIGIN
        )
    assert note_texts(dsn) == ["hi"]
    of_ben = note(ben, "video", text="Ben's", idempotency_key="key", fingerprint="other")
    assert json.loads(await parts.store.execute(of_ben, ORIGIN))["user_id"] == ben
    assert note_texts(dsn) == ["Ben's", "hi"]


async def test_the_command_of_a_caller_that_went_away_completes(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    with held_log(dsn):
        adding = asyncio.create_task(parts.store.execute(note(user_id, "video"), ORIGIN))
        await until_writers_wait(dsn, "INSERT")
        waiting = asyncio.create_task(
            parts.store.execute(note(user_id, "video", text="queued"), ORIGIN)
        )
        await asyncio.sleep(0)  # it is in the queue, behind the one that is being written
        adding.cancel()
        waiting.cancel()
        await asyncio.gather(adding, waiting, return_exceptions=True)
        assert (adding.cancelled(), waiting.cancelled()) == (True, True)
    assert json.loads(await parts.store.execute(note(user_id, "video", text="next"), ORIGIN))
    assert note_texts(dsn) == ["hi", "next", "queued"]


async def test_a_clash_of_two_stores_is_decided_again(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        its = await added(one, user_id, text="A")
        with held_log(dsn):
            edits = [
                asyncio.create_task(parts.run(EditNote(its["id"], user_id, text, False)))
                for parts, text in ((one, "B"), (two, "C"))
            ]
            await until_writers_wait(dsn, "", 2)  # both have decided on the same past
        ((first,), (second,)) = await asyncio.gather(*edits)
    assert {json.loads(first)["text"], json.loads(second)["text"]} == {"B", "C"}
    versions = rows(
        dsn, "SELECT originator_version FROM stored_events WHERE topic = 'NoteEdited' ORDER BY 1"
    )
    assert versions == [(2,), (3,)]
    assert value(dsn, "SELECT version FROM notes") == 3
    assert_dense_and_chained(whole_log(dsn))


async def test_a_hundred_edits_through_two_stores_lose_none(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        its = await added(one, user_id)
        words = [[f"{store} {n}" for n in range(50)] for store in "ab"]
        outcomes = await asyncio.gather(
            *(
                parts.run(*(EditNote(its["id"], user_id, text, False) for text in texts))
                for parts, texts in zip((one, two), words, strict=True)
            )
        )
    answers = [outcome for half in outcomes for outcome in half]
    written = [edited.text for edited in opened(dsn) if isinstance(edited, NoteEdited)]
    acknowledged = [json.loads(its)["text"] for its in answers if isinstance(its, bytes)]
    assert {type(its) for its in answers} <= {bytes, Conflict}
    assert sorted(written) == sorted(acknowledged)
    assert note_texts(dsn) == [written[-1]]


@dataclass(frozen=True)
class Blind:
    """Decides on a stream without knowing its version."""

    video_id: str
    deaf_to: str = "nothing:0"

    def lookup(self) -> StreamQuery:
        return StreamQuery((self.deaf_to,))


async def test_who_loses_every_time_gets_a_conflict(dsn: str) -> None:
    tries = []

    def decide(command: Blind, history: History) -> Decision:
        tries.append(history)
        return Decision(events=(SummaryWritten(video_id=command.video_id, summary="lost"),))

    async with running(dsn) as parts, deciding(dsn, {Blind: decide}) as store:
        video_id = await parts.add_video(await parts.sign_up())
        with pytest.raises(Conflict):
            await store.execute(Blind(video_id), ORIGIN)
        assert len(tries) == MAX_TRIES
        assert value(dsn, "SELECT count(*) FROM videos WHERE summary IS NULL") == 1
        assert await parts.store.past_of(f"video:{video_id}") != []
    assert "SummaryWritten" not in topics(dsn)


class deciding:  # noqa: N801  a context manager, named as it reads
    """A store with decisions of the test's own."""

    def __init__(self, dsn: str, decisions: Mapping[type, Any]) -> None:
        self._database = Database(dsn, pool_size=2)
        self._store = Store(self._database, Signals(self._database), MASTER, decisions)

    async def __aenter__(self) -> Store:
        await self._database.open()
        await self._store.start()
        return self._store

    async def __aexit__(self, *_: object) -> None:
        await self._store.close()
        await self._database.close()


async def test_a_bug_in_a_decision_stays_with_its_command(dsn: str) -> None:
    def decide(command: Blind, _: History) -> Decision:
        if command.video_id == "bad":
            raise ZeroDivisionError("a bug")
        return Decision(result=command.video_id)

    async with deciding(dsn, {Blind: decide}) as store:
        outcomes = await asyncio.gather(
            *(store.execute(Blind(its), ORIGIN) for its in ("good", "bad", "fine")),
            return_exceptions=True,
        )
        assert [outcomes[0], outcomes[2]] == ["good", "fine"]
        assert isinstance(outcomes[1], ZeroDivisionError)
        unknown = await asyncio.gather(
            store.execute(Blind("good"), ORIGIN),
            store.execute(WriteSummary("v", None), ORIGIN),
            return_exceptions=True,
        )
        assert unknown[0] == "good"
        assert isinstance(unknown[1], KeyError)


async def test_a_listener_that_fails_makes_no_command_run_twice(dsn: str, parts: Parts) -> None:
    def listener(_: frozenset[str]) -> None:
        raise ZeroDivisionError("a bug")

    user_id = await parts.sign_up()
    parts.signals.listen(listener)
    answers = await parts.run(note(user_id, "video", text="1"), note(user_id, "video", text="2"))
    answers += await parts.run(note(user_id, "video", text="3"))
    assert [json.loads(answer)["text"] for answer in answers] == ["1", "2", "3"]
    await parts.sign_up()
    assert note_texts(dsn) == ["1", "2", "3"]


async def test_a_full_queue_refuses_and_then_recovers(dsn: str, parts: Parts) -> None:
    from datetime import UTC, datetime

    user_id = await parts.sign_up()
    claim = ClaimTask(TaskType.TRANSCRIPT, "worker", datetime(2000, 1, 1, tzinfo=UTC))
    with held_log(dsn):
        first = asyncio.create_task(parts.store.execute(ChangeProfile(user_id, "Ben"), ORIGIN))
        await until_writers_wait(dsn, "INSERT")
        queued = [
            asyncio.create_task(parts.store.execute(claim, ORIGIN)) for _ in range(MAX_WAITING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await parts.store.execute(claim, ORIGIN)
        assert not any(task.done() for task in queued)
    await first
    assert await asyncio.gather(*queued) == [None] * MAX_WAITING
    assert await parts.store.execute(claim, ORIGIN) is None


async def test_closing_finishes_what_was_accepted(dsn: str) -> None:
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        adding = [
            asyncio.create_task(parts.store.execute(note(user_id, "v", text=f"{n:03}"), ORIGIN))
            for n in range(200)
        ]
        await asyncio.sleep(0)
        await parts.store.close()
        assert [json.loads(task.result())["text"] for task in adding] == [
            f"{n:03}" for n in range(200)
        ]
        with pytest.raises(Overloaded):
            await parts.store.execute(note(user_id, "v"), ORIGIN)
    assert note_texts(dsn) == [f"{n:03}" for n in range(200)]


async def test_a_killed_writer_connection_is_replaced(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    before = backends(dsn, "vidwiz writer")
    assert len(before) == 1
    await terminated(dsn, *before)
    assert json.loads(await parts.store.execute(note(user_id, "video"), ORIGIN))["text"] == "hi"
    await terminated(dsn, *backends(dsn, "vidwiz writer"))
    answers = await parts.run(*(note(user_id, "video", text=str(n)) for n in range(10)))
    assert [json.loads(answer)["text"] for answer in answers] == [str(n) for n in range(10)]
    assert len(backends(dsn, "vidwiz writer")) == 1
    assert_dense_and_chained(whole_log(dsn))


async def test_a_kill_in_the_middle_of_a_batch_loses_nothing(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    with held_log(dsn):
        adding = asyncio.create_task(
            parts.run(*(note(user_id, "video", text=f"{n:02}") for n in range(40)))
        )
        await terminated(dsn, *await until_writers_wait(dsn, "INSERT"))
        await until_writers_wait(dsn, "INSERT")
        assert note_texts(dsn) == []
    answers = await adding
    assert [json.loads(answer)["text"] for answer in answers] == [f"{n:02}" for n in range(40)]
    assert note_texts(dsn) == [f"{n:02}" for n in range(40)]
    assert_dense_and_chained(whole_log(dsn))


async def test_a_kill_in_the_middle_of_the_commit_is_told_as_unknown(
    dsn: str, parts: Parts
) -> None:
    user_id = await parts.sign_up()
    with held_commits(dsn) as holder:
        adding = asyncio.create_task(
            parts.run(*(note(user_id, "video", text=str(n)) for n in range(3)))
        )
        await terminated(dsn, *await until_writers_wait(dsn, "COMMIT"))
        first, *later = await adding
        holder.execute("SELECT pg_advisory_unlock(1, 1)")
    assert isinstance(first, DatabaseUnavailable)
    told = [json.loads(answer)["text"] for answer in later if isinstance(answer, bytes)]
    assert note_texts(dsn) == told
    assert json.loads(await parts.store.execute(note(user_id, "video"), ORIGIN))["text"] == "hi"


async def test_the_store_comes_back_after_an_outage(
    dsn: str, server_dsn: str, parts: Parts
) -> None:
    user_id = await parts.sign_up()
    writers = backends(dsn, "vidwiz writer")
    with closed_to_everybody(dsn, server_dsn):
        await terminated(server_dsn, *writers)
        outcomes = await parts.run(note(user_id, "video"))
        outcomes += await parts.run(note(user_id, "video"), note(user_id, "video"))
        assert [type(outcome) for outcome in outcomes] == [DatabaseUnavailable] * 3
    assert json.loads(await parts.store.execute(note(user_id, "video"), ORIGIN))["text"] == "hi"
    assert note_texts(dsn) == ["hi"]


async def test_a_store_without_a_database_does_not_start(dsn: str, server_dsn: str) -> None:
    database = Database(dsn, pool_size=1)
    store = Store(database, Signals(database), MASTER, {})
    with closed_to_everybody(dsn, server_dsn), pytest.raises(DatabaseUnavailable):
        await store.start()
    await store.close()


async def test_no_personal_text_gets_into_the_log_of_postgresql(dsn: str, parts: Parts) -> None:
    secret = f"secret-{token_hex(8)}"
    user_id = await parts.sign_up()
    video_id = await parts.add_video(user_id)
    email = f"{secret}@example.org"
    outcomes = await parts.run(
        SignUp(email, secret, secret),
        SignUp(email, secret, secret),
        note(user_id, video_id, text=f"{secret} \0"),
        note(user_id, "video", video_title=f"{secret} \0"),
        note(user_id, video_id, text=secret, idempotency_key=secret, fingerprint=secret),
        note(user_id, video_id, text=secret, idempotency_key=secret, fingerprint=secret),
        ChangeProfile(user_id, f"{secret} \0"),
    )
    assert len([its for its in outcomes if isinstance(its, Exception)]) == 4
    log = Path(value(dsn, "SHOW data_directory")).with_name("postgres.log")
    mark = f"mark-{token_hex(8)}"
    rows(dsn, f"DO $$ BEGIN RAISE WARNING '{mark}'; END $$")

    async def written() -> bool:
        return mark in log.read_text(errors="replace")

    await eventually(written)
    text = log.read_text(errors="replace")
    assert 'duplicate key value violates unique constraint "users_email_key"' in text
    assert secret not in text
