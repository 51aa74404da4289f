"""What becomes of commands about transcripts that persons bring, and the one that all share."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.commands.given import NEXT_TASK, NEXT_TRANSCRIPT, given
from vidwiz.commands.base import Command
from vidwiz.commands.notes import AddNote
from vidwiz.commands.tasks import (
    Claim,
    ClaimOwnTask,
    Expired,
    QueueTask,
    StoredTranscript,
    TaskNotInProgress,
)
from vidwiz.commands.transcripts import (
    BringTranscript,
    ChooseTranscript,
    DropTranscript,
    ReportLostTranscript,
    ShareTranscript,
    TranscriptNotFound,
    WriteOwnSummary,
)
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import OpenVideo, VideoNotFound
from vidwiz.events import (
    Event,
    NoteAdded,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskQueued,
    TaskType,
    TranscriptLost,
    TranscriptReady,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
    VideoTitled,
)

ID = "W421vNri5hw"
ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
BOB = UserSignedUp(user_id=2, email="bob@example.org", name="Bob")
VIDEO = VideoAdded(id=5, video_id=ID, title=None)
STORED = StoredTranscript("personal/transcripts/1/W421vNri5hw.abab.json", "ab" * 32, 3)
SHARED = StoredTranscript("transcripts/W421vNri5hw.json", "cd" * 32, 3)
WORDS = "ef" * 32
BRING = BringTranscript(1, ID, STORED, WORDS, "upload", shared=SHARED)
BROUGHT = PersonalTranscriptAdded(
    transcript_id=NEXT_TRANSCRIPT,
    user_id=1,
    video_id=ID,
    object_key=STORED.object_key,
    sha256=STORED.sha256,
    words_sha256=WORDS,
    segment_count=3,
    source="upload",
)
AGAIN = PersonalTranscriptReplaced(**BROUGHT.model_dump())
OF_BOB = BROUGHT.model_copy(update={"transcript_id": 600, "user_id": 2})
BOB_DROPS = PersonalTranscriptRemoved(transcript_id=600, user_id=2)
REMOVED = PersonalTranscriptRemoved(transcript_id=NEXT_TRANSCRIPT, user_id=1)
READY = TranscriptReady(
    video_id=ID,
    object_key=SHARED.object_key,
    sha256=SHARED.sha256,
    segment_count=3,
    origin="workers",
)
BY_READERS = READY.model_copy(update={"origin": "readers"})
LOST = TranscriptLost(video_id=ID, sha256=SHARED.sha256)
FETCH = TaskQueued(task_id=7, task_type=TaskType.TRANSCRIPT, video_id=ID)
FETCH_AGAIN = FETCH.model_copy(update={"task_id": NEXT_TASK})
BEFORE = (ANN, BOB, VIDEO)


def chosen(*, own: bool) -> PersonalTranscriptChosen:
    return PersonalTranscriptChosen(transcript_id=NEXT_TRANSCRIPT, user_id=1, own=own)


def test_what_a_person_brings_is_theirs() -> None:
    given(*BEFORE).when(BRING).then(BROUGHT)


def test_what_they_bring_next_replaces_it_even_after_it_was_dropped() -> None:
    given(*BEFORE, BROUGHT).when(BRING).then(AGAIN)
    given(*BEFORE, BROUGHT, REMOVED).when(BRING).then(AGAIN)


def test_two_persons_with_the_same_words_make_it_the_shared_one() -> None:
    given(*BEFORE, OF_BOB).when(BRING).then(BROUGHT, BY_READERS)


@pytest.mark.parametrize(
    "past",
    [
        (BROUGHT,),
        (OF_BOB.model_copy(update={"words_sha256": "00" * 32}),),
        (OF_BOB.model_copy(update={"video_id": "dQw4w9WgXcQ"}),),
        (OF_BOB, BOB_DROPS),
        (OF_BOB, READY),
    ],
    ids=["oneself", "other words", "another video", "dropped", "the workers have one"],
)
def test_nothing_else_makes_it_the_shared_one(past: tuple[Event, ...]) -> None:
    told = given(*BEFORE, *past).when(BRING)
    assert told.outcome is not None
    assert [type(its) for its in told.outcome.events] in (
        [PersonalTranscriptAdded],
        [PersonalTranscriptReplaced],
    )


def test_nobody_brings_one_to_a_video_that_nobody_mentioned_or_after_they_were_erased() -> None:
    given(ANN).when(BRING).refused(VideoNotFound)
    given(VIDEO).when(BRING).refused(UserNotFound)


def test_a_person_chooses_between_theirs_and_the_shared_one() -> None:
    choose = ChooseTranscript(1, ID, own=False)
    given(*BEFORE, BROUGHT).when(choose).then(chosen(own=False))
    given(*BEFORE, BROUGHT, chosen(own=False)).when(choose).then()
    back = replace(choose, own=True)
    given(*BEFORE, BROUGHT, chosen(own=False)).when(back).then(chosen(own=True))
    given(*BEFORE, BROUGHT).when(back).then()


def test_a_person_drops_theirs_and_what_became_the_shared_one_stays_it() -> None:
    given(*BEFORE, BROUGHT, BY_READERS).when(DropTranscript(1, ID)).then(REMOVED)


def test_one_that_the_object_store_lost_is_dropped_unless_it_was_replaced() -> None:
    lost = DropTranscript(1, ID, STORED.sha256)
    given(*BEFORE, BROUGHT).when(lost).then(REMOVED)
    given(*BEFORE, BROUGHT).when(replace(lost, sha256="00" * 32)).then()
    given(*BEFORE, BROUGHT, REMOVED).when(lost).then()


def test_an_admin_confirms_what_they_saw() -> None:
    share = ShareTranscript(1, ID, replace(SHARED, sha256=STORED.sha256))
    by_admin = READY.model_copy(update={"sha256": STORED.sha256, "origin": "admin"})
    given(*BEFORE, BROUGHT).when(share).then(by_admin)
    replaced = AGAIN.model_copy(update={"sha256": "00" * 32})
    given(*BEFORE, BROUGHT, replaced).when(share).refused(TranscriptNotFound)


@pytest.mark.parametrize(
    "command",
    [
        ChooseTranscript(1, ID, own=True),
        DropTranscript(1, ID),
        ShareTranscript(1, ID, SHARED),
    ],
)
@pytest.mark.parametrize("past", [(), (OF_BOB,), (BROUGHT, REMOVED)])
def test_who_brought_none_has_none(command: Command, past: tuple[Event, ...]) -> None:
    given(*BEFORE, *past).when(command).refused(TranscriptNotFound)


def test_a_shared_one_that_is_lost_is_fetched_again() -> None:
    report = ReportLostTranscript(ID, SHARED.sha256)
    given(VIDEO, READY).when(report).then(LOST, FETCH_AGAIN)
    given(VIDEO, READY, FETCH).when(report).then(LOST)
    given(VIDEO, READY, LOST, FETCH).when(report).then()
    given(VIDEO, READY).when(replace(report, sha256="00" * 32)).then()


def test_a_lost_one_is_no_reason_to_say_that_it_comes() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    ended = TaskCompleted(task_id=7, attempt=1)
    claimed = TaskClaimed(task_id=7, worker="w", attempt=1)
    told = given(VIDEO, FETCH, claimed, ended, READY, LOST).when(OpenVideo(ID, at))
    assert told.outcome is not None
    assert TaskType.TRANSCRIPT in {
        its.task_type for its in told.outcome.events if isinstance(its, TaskQueued)
    }


OWN_WORK = ClaimOwnTask(1, "user:1", datetime(2026, 1, 1, tzinfo=UTC))
OPENED = VideoOpened(opening_id=60, user_id=1, video_id=ID)
OWN_QUEUED = FETCH_AGAIN.model_copy(update={"user_id": 1})
OWN_CLAIMED = TaskClaimed(task_id=NEXT_TASK, worker="user:1", attempt=1)
OWN_CLAIM = Claim(NEXT_TASK, TaskType.TRANSCRIPT, ID, 1)
NO = TaskAttemptFailed(task_id=NEXT_TASK, attempt=1, error="no")


def test_a_user_works_for_themselves_on_a_video_that_they_use() -> None:
    given(ANN, VIDEO, OPENED).when(OWN_WORK).then(OWN_QUEUED, OWN_CLAIMED, result=OWN_CLAIM)


def test_the_tasks_of_all_are_left_to_the_workers() -> None:
    given(ANN, VIDEO, FETCH).when(OWN_WORK).then()
    given(ANN, VIDEO, OPENED, READY).when(OWN_WORK).then()


def test_a_failed_attempt_of_theirs_is_offered_again_and_in_the_end_expires() -> None:
    second = OWN_CLAIMED.model_copy(update={"attempt": 2})
    once = given(ANN, VIDEO, OPENED, OWN_QUEUED, OWN_CLAIMED, NO)
    once.when(OWN_WORK).then(second, result=replace(OWN_CLAIM, attempt=2))
    thrice = [OWN_CLAIMED.model_copy(update={"attempt": n}) for n in (2, 3)]
    given(ANN, VIDEO, OPENED, OWN_QUEUED, OWN_CLAIMED, NO, thrice[0], NO, thrice[1], NO).when(
        OWN_WORK
    ).then(result=Expired(NEXT_TASK, 3))


SUMMARISE = QueueTask(TaskType.SUMMARY, ID, user_id=1)
SUMMARY_TASK = TaskQueued(task_id=8, task_type=TaskType.SUMMARY, video_id=ID, user_id=1)
CANCELLED = TaskCancelled(task_id=8)
WRITE = WriteOwnSummary(1, ID, "mine", 8)
WRITTEN = PersonalSummaryWritten(transcript_id=NEXT_TRANSCRIPT, user_id=1, summary="mine")


def test_a_transcript_that_a_person_brought_is_summarised_once_for_them() -> None:
    queued = SUMMARY_TASK.model_copy(update={"task_id": NEXT_TASK})
    given(*BEFORE, BROUGHT).when(SUMMARISE).then(queued, result=True)
    given(*BEFORE, BROUGHT, READY).when(SUMMARISE).then(queued, result=True)
    given(*BEFORE, BROUGHT, SUMMARY_TASK).when(SUMMARISE).then()
    given(*BEFORE, BROUGHT, SUMMARY_TASK, WRITTEN).when(SUMMARISE).then()
    for past in ((), (OF_BOB,), (READY,), (BROUGHT, REMOVED)):
        given(*BEFORE, *past).when(SUMMARISE).then()


def test_their_summary_is_theirs() -> None:
    given(*BEFORE, BROUGHT, SUMMARY_TASK).when(WRITE).then(WRITTEN)


def test_a_summary_of_what_is_no_more_is_refused() -> None:
    given(*BEFORE, BROUGHT, SUMMARY_TASK).when(BRING).then(CANCELLED, AGAIN)
    given(*BEFORE, BROUGHT, SUMMARY_TASK).when(DropTranscript(1, ID)).then(CANCELLED, REMOVED)
    late = given(*BEFORE, BROUGHT, SUMMARY_TASK, CANCELLED, AGAIN)
    late.when(WRITE).refused(TaskNotInProgress)
    given(*BEFORE, BROUGHT).when(WRITE).refused(TaskNotInProgress)
    of_all = SUMMARY_TASK.model_copy(update={"user_id": None})
    given(*BEFORE, BROUGHT, of_all).when(WRITE).refused(TaskNotInProgress)


def test_a_note_names_a_video_that_was_opened_without_a_title() -> None:
    add = AddNote(user_id=1, video_id=ID, video_title="Apollo 13", timestamp="1:23", text="x")
    noted = NoteAdded(note_id=101, user_id=1, video_id=ID, timestamp="1:23", text="x")
    titled = VideoTitled(video_id=ID, title="Apollo 13")
    first = given(ANN, VIDEO).when(add)
    assert first.outcome is not None
    assert tuple(first.outcome.events) == (titled, noted)
    for past in ((VIDEO, titled), (VIDEO.model_copy(update={"title": "Other"}),)):
        later = given(ANN, *past).when(add)
        assert later.outcome is not None
        assert tuple(later.outcome.events) == (noted,)
