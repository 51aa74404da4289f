"""Quotas: the questions of a day are counted with the questions, however many processes ask."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.event_store.parts import (
    ORIGIN,
    Parts,
    assert_dense_and_chained,
    held_log,
    rows,
    running,
    topics,
    until_writers_wait,
    value,
    whole_log,
)
from tests.support import MASTER, new_video_id
from vidwiz.commands.base import DomainError, QuotaTaken
from vidwiz.commands.conversations import (
    Asked,
    AskQuestion,
    ConversationNotFound,
    GuestQuotaExceeded,
    Identity,
    StartConversation,
    TranscriptProcessing,
    TranscriptUnavailable,
    UserQuotaExceeded,
)
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.videos import BringVideo, OpenVideo, VideoNotFound
from vidwiz.event_store import side_writes
from vidwiz.event_store.command_queue import Conflict
from vidwiz.event_store.side_writes import RecordRefused
from vidwiz.replay import verification

DAY, NEXT_DAY = date(2026, 1, 2), date(2026, 1, 3)
EXCEEDED = (GuestQuotaExceeded, UserQuotaExceeded)


@pytest.fixture
async def parts(dsn: str) -> AsyncIterator[Parts]:
    async with running(dsn) as its:
        yield its


@pytest.fixture(scope="module")
async def module_parts(module_dsn: str) -> AsyncIterator[Parts]:
    async with running(module_dsn) as its:
        yield its


def a_guest() -> Identity:
    return Identity(guest_id=token_hex(16))


def quotas(dsn: str) -> list[tuple[Any, ...]]:
    return rows(dsn, "SELECT identity, day, used, most FROM quotas ORDER BY 1, 2")


async def a_video(parts: Parts, user_id: int | None = None) -> str:
    """A video that can be asked about."""
    user_id = await parts.sign_up() if user_id is None else user_id
    video_id = new_video_id()
    transcript = StoredTranscript(f"transcripts/{video_id}.json", "ab", 3)
    await parts.store.execute(
        BringVideo(user_id, video_id, "Apollo 13", transcript, {}, "short"), ORIGIN
    )
    return video_id


def a_question(identity: Identity, video_id: str, **changes: Any) -> AskQuestion:
    return replace(AskQuestion(identity, DAY, video_id, None, "Why?", server=1), **changes)


async def test_fifty_questions_of_a_guest_at_once_to_two_processes_give_five_turns(
    dsn: str,
) -> None:
    async with running(dsn) as one, running(dsn) as two:
        video_id = await a_video(one)
        guest = a_guest()
        before = len(whole_log(dsn))
        half = [a_question(guest, video_id)] * 25
        halves = await asyncio.gather(one.run(*half), two.run(*half))
    outcomes = [outcome for its in halves for outcome in its]
    assert Counter(map(type, outcomes)) == {Asked: 5, GuestQuotaExceeded: 45}
    accepted = [its for its in outcomes if isinstance(its, Asked)]
    assert quotas(dsn) == [(guest.name, DAY, 5, 5)]
    assert rows(dsn, "SELECT id, conversation_id FROM turns ORDER BY 1") == sorted(
        (its.turn_id, its.conversation_id) for its in accepted
    )
    assert len({its.conversation_id for its in accepted}) == 5
    assert len(whole_log(dsn)) == before + 5 * 3
    assert_dense_and_chained(whole_log(dsn))
    assert list(verification.verify(dsn, MASTER)[1]) == []


async def test_thirty_questions_of_a_user_at_once_give_twenty_turns(dsn: str, parts: Parts) -> None:
    user_id = await parts.sign_up()
    video_id = await a_video(parts, user_id)
    ask = a_question(Identity(user_id=user_id), video_id)
    outcomes = await parts.run(*[ask] * 30)
    assert [type(its) for its in outcomes] == [Asked] * 20 + [UserQuotaExceeded] * 10
    assert quotas(dsn) == [(f"user:{user_id}", DAY, 20, 20)]


async def test_questions_in_one_conversation_through_two_processes_cost_what_was_accepted(
    dsn: str,
) -> None:
    async with running(dsn) as one, running(dsn) as two:
        user_id = await one.sign_up()
        video_id, identity = await a_video(one, user_id), Identity(user_id=user_id)
        start = StartConversation(identity, video_id)
        conversation_id = await one.store.execute(start, ORIGIN)
        half = [a_question(identity, video_id, conversation_id=conversation_id)] * 20
        halves = await asyncio.gather(one.run(*half), two.run(*half))
    counted = Counter(type(outcome) for its in halves for outcome in its)
    assert counted.keys() <= {Asked, UserQuotaExceeded, Conflict}
    assert quotas(dsn) == [(identity.name, DAY, counted[Asked], 20)]
    assert value(dsn, "SELECT count(*) FROM messages") == counted[Asked]
    assert counted[Asked] == 20 or counted[Conflict]
    assert_dense_and_chained(whole_log(dsn))


async def test_the_next_day_has_questions_of_its_own(dsn: str, parts: Parts) -> None:
    video_id, guest = await a_video(parts), a_guest()
    today, tomorrow = a_question(guest, video_id), a_question(guest, video_id, day=NEXT_DAY)
    outcomes = [*await parts.run(*[today] * 6), *await parts.run(*[tomorrow] * 6)]
    assert [type(its) for its in outcomes] == ([Asked] * 5 + [GuestQuotaExceeded]) * 2
    assert quotas(dsn) == [(guest.name, DAY, 5, 5), (guest.name, NEXT_DAY, 5, 5)]


async def test_nobody_pays_for_another_and_one_identity_pays_for_all_its_videos(
    dsn: str, parts: Parts
) -> None:
    user_id = await parts.sign_up()
    one, two = await a_video(parts, user_id), await a_video(parts, user_id)
    digits = Identity(guest_id=str(user_id))  # a guest who calls itself as the user is numbered
    user = Identity(user_id=user_id)
    batch = [a_question(who, video) for who in (digits, user) for video in (one, two) * 3]
    outcomes = await parts.run(*batch)
    assert [type(its) for its in outcomes] == [Asked] * 5 + [GuestQuotaExceeded] + [Asked] * 6
    assert quotas(dsn) == [(digits.name, DAY, 5, 5), (user.name, DAY, 6, 20)]


async def test_a_question_that_is_refused_leaves_nothing(dsn: str, parts: Parts) -> None:
    ready, guest, used_up = await a_video(parts), a_guest(), a_guest()
    pending, untouched = new_video_id(), await parts.add_video(await parts.sign_up())
    await parts.store.execute(OpenVideo(pending, datetime.now(UTC)), ORIGIN)
    rows(
        dsn,
        "UPDATE tasks SET status = 'failed' WHERE task_details ->> 'video_id' = %(its)s",
        its=untouched,
    )
    await parts.run(*[a_question(used_up, ready)] * 5)
    theirs = await parts.store.execute(StartConversation(used_up, ready), ORIGIN)
    refused: list[tuple[AskQuestion, type[DomainError]]] = [
        (a_question(used_up, ready), GuestQuotaExceeded),
        (a_question(guest, "no video"), VideoNotFound),
        (a_question(guest, untouched), TranscriptUnavailable),
        (a_question(guest, pending), TranscriptProcessing),
        (a_question(guest, ready, conversation_id=theirs), ConversationNotFound),
        (a_question(guest, ready, conversation_id=10**12), ConversationNotFound),
    ]
    log, counted = whole_log(dsn), quotas(dsn)
    for question, refusal in refused:
        with pytest.raises(refusal):
            await parts.store.execute(question, ORIGIN)
    outcomes = await parts.run(*(question for question, _ in refused))
    assert [type(its) for its in outcomes] == [refusal for _, refusal in refused]
    assert (whole_log(dsn), quotas(dsn)) == (log, counted)


@dataclass
class Refusals:
    """Lets records be written, and counts how often that was refused."""

    count: int = 0

    async def write(self, connection: Any, its: Any, now: datetime) -> None:
        try:
            await WRITE(connection, its, now)
        except RecordRefused:
            self.count += 1
            raise


WRITE = side_writes.write


async def test_who_loses_the_last_question_to_another_process_is_refused(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = Refusals()
    monkeypatch.setattr(side_writes, "write", refusals.write)
    async with running(dsn) as one, running(dsn) as two:
        video_id, guest = await a_video(one), a_guest()
        await one.run(*[a_question(guest, video_id)] * 4)
        with held_log(dsn):  # both find one question left, and one waits for the other's row
            asking = [
                asyncio.create_task(parts.run(a_question(guest, video_id))) for parts in (one, two)
            ]
            await until_writers_wait(dsn, "INSERT", 2)
            assert refusals.count == 0
        outcomes = [its for half in await asyncio.gather(*asking) for its in half]
    assert {type(its) for its in outcomes} == {Asked, GuestQuotaExceeded}
    assert refusals.count == 1
    assert quotas(dsn) == [(guest.name, DAY, 5, 5)]
    assert topics(dsn).count("TurnStarted") == 5


async def test_a_lost_quota_costs_its_neighbours_in_the_batch_nothing(dsn: str) -> None:
    async with running(dsn) as one, running(dsn) as two:
        video_id, guest, other = await a_video(one), a_guest(), a_guest()
        await one.run(*[a_question(guest, video_id)] * 4)
        with held_log(dsn):
            first = asyncio.create_task(one.run(a_question(guest, video_id)))
            await until_writers_wait(dsn, "INSERT")
            batch = (a_question(guest, video_id), a_question(other, video_id))
            later = asyncio.create_task(two.run(*batch))
            await until_writers_wait(dsn, "INSERT", 2)
        (accepted,) = await first
        refused, neighbour = await later
    assert [type(its) for its in (accepted, refused, neighbour)] == [
        Asked,
        GuestQuotaExceeded,
        Asked,
    ]
    assert quotas(dsn) == sorted([(guest.name, DAY, 5, 5), (other.name, DAY, 1, 5)])


async def test_a_quota_that_is_used_up_is_refused_by_the_row_itself(dsn: str, parts: Parts) -> None:
    taken = QuotaTaken("guest:g", DAY, 2)
    async with parts.database.borrowed() as connection:
        for _ in range(2):
            await side_writes.write(connection, [taken], datetime.now(UTC))
        with pytest.raises(RecordRefused):
            await side_writes.write(connection, [taken], datetime.now(UTC))
    assert quotas(dsn) == [("guest:g", DAY, 2, 2)]


async def test_quotas_of_past_days_are_forgotten(dsn: str, parts: Parts) -> None:
    now = datetime(2026, 1, 5, 0, 0, 1, tzinfo=UTC)
    async with parts.database.borrowed() as connection:
        for day in (2, 3, 4, 5):
            await side_writes.write(connection, [QuotaTaken("g", date(2026, 1, day), 5)], now)
        await side_writes.forget_old(connection, now)
    assert [day.day for _, day, _, _ in quotas(dsn)] == [3, 4, 5]


asking = st.tuples(st.integers(0, 2), st.sampled_from([DAY, NEXT_DAY]), st.booleans())


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(batches=st.lists(st.lists(asking, min_size=1, max_size=16), min_size=1, max_size=4))
async def test_whoever_asks_whatever_in_any_batches_is_counted(
    module_dsn: str, module_parts: Parts, batches: list[list[tuple[int, date, bool]]]
) -> None:
    """As a model has it: a count for each identity and day, that good questions alone move."""
    video_id, guests = await a_video(module_parts), [a_guest() for _ in range(3)]
    model: Counter[tuple[str, date]] = Counter()
    for batch in batches:
        questions = [
            a_question(guests[who], video_id if good else "no video", day=day)
            for who, day, good in batch
        ]
        outcomes = await module_parts.run(*questions)
        for question, outcome in zip(questions, outcomes, strict=True):
            its = (question.identity.name, question.day)
            good = question.video_id == video_id
            if model[its] < 5 and good:
                assert isinstance(outcome, Asked)
                model[its] += 1
            elif good:
                assert isinstance(outcome, GuestQuotaExceeded)
            else:
                assert isinstance(outcome, (*EXCEEDED, VideoNotFound))
    counted = {(who, day): used for who, day, used, _ in quotas(module_dsn)}
    assert {its: counted.get(its, 0) for its in model} == dict(model)
