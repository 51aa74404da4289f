"""What becomes of commands about background tasks, and their whole life as a state machine."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.commands.given import NEXT_TASK, decide, given, history
from vidwiz.commands.base import DomainError
from vidwiz.commands.conversations import GuestQuotaExceeded, UserQuotaExceeded
from vidwiz.commands.tasks import (
    CLAIM_EXPIRED,
    MAX_ATTEMPTS,
    Claim,
    Claimable,
    ClaimTask,
    Expired,
    ExpireTask,
    GiveBackTask,
    NextTask,
    QueueTask,
    StoredTranscript,
    SubmitResult,
    TaskNotFound,
    TaskNotInProgress,
    TaskOfOtherWorker,
    TaskVideoMismatch,
    state_of,
)
from vidwiz.commands.videos import AddTranscript
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    Event,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    SummaryWritten,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
    TranscriptReady,
    UserSignedUp,
    VideoAdded,
)

VIDEO = "W421vNri5hw"
QUEUED = TaskQueued(task_id=7, task_type=TaskType.TRANSCRIPT, video_id=VIDEO)
FIRST = TaskClaimed(task_id=7, worker="w", attempt=1)
FAILED_ONCE = TaskAttemptFailed(task_id=7, attempt=1, error="no")
SECOND = TaskClaimed(task_id=7, worker="w", attempt=2)
FAILED_TWICE = TaskAttemptFailed(task_id=7, attempt=2, error="no")
THIRD = TaskClaimed(task_id=7, worker="w", attempt=3)
FAILED = TaskFailed(task_id=7, attempt=3, error="no")
COMPLETED = TaskCompleted(task_id=7, attempt=1)
GIVEN_BACK = TaskGivenBack(task_id=7, attempt=1)
CANCELLED = TaskCancelled(task_id=7)

CLAIM = ClaimTask(TaskType.TRANSCRIPT, "w", datetime(2026, 1, 1, tzinfo=UTC))
STORED = StoredTranscript("transcripts/W421vNri5hw.json", "ab" * 32, 3)
SUBMIT = SubmitResult(7, TaskType.TRANSCRIPT, VIDEO, "w", transcript=STORED)
FAIL = replace(SUBMIT, transcript=None, error="no")

ADDED = VideoAdded(id=5, video_id=VIDEO, title="Apollo 13")
READY = TranscriptReady(
    video_id=VIDEO,
    object_key=STORED.object_key,
    sha256=STORED.sha256,
    segment_count=3,
    origin="workers",
)
ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
WANTS_AI = AiNotesEnabled(user_id=1)
NOTE = NoteAdded(note_id=17, user_id=1, video_id=VIDEO, timestamp="1:23", text=None)
SUMMARISE = QueueTask(TaskType.SUMMARY, VIDEO)
WRITE_NOTE = QueueTask(TaskType.AI_NOTE, VIDEO, 17)
SUMMARY_TASK = TaskQueued(task_id=NEXT_TASK, task_type=TaskType.SUMMARY, video_id=VIDEO)
NOTE_TASK = TaskQueued(task_id=NEXT_TASK, task_type=TaskType.AI_NOTE, video_id=VIDEO, note_id=17)


def line(attempts: int) -> NextTask:
    return NextTask(Claimable(7, VIDEO, attempts), versions={"task:7": 1})


def test_an_empty_line_gives_nothing() -> None:
    decide(CLAIM, NextTask(None)).then(result=None)


@pytest.mark.parametrize("attempts", range(MAX_ATTEMPTS))
def test_the_first_in_line_is_claimed_and_its_attempts_are_counted(attempts: int) -> None:
    claimed = TaskClaimed(task_id=7, worker="w", attempt=attempts + 1)
    claim = Claim(7, TaskType.TRANSCRIPT, VIDEO, attempts + 1)
    decide(CLAIM, line(attempts)).then(claimed, result=claim)


def test_a_claim_names_the_note_that_is_to_be_written() -> None:
    ai_note = replace(CLAIM, task_type=TaskType.AI_NOTE)
    found = NextTask(Claimable(7, VIDEO, 0, note_id=17))
    decide(ai_note, found).then(FIRST, result=Claim(7, TaskType.AI_NOTE, VIDEO, 1, note_id=17))


def test_a_task_without_attempts_left_is_not_offered() -> None:
    decide(CLAIM, line(MAX_ATTEMPTS)).then(result=Expired(7, MAX_ATTEMPTS))


def test_a_task_whose_last_worker_is_silent_fails() -> None:
    failed = TaskFailed(task_id=7, attempt=1, error=CLAIM_EXPIRED)
    given(QUEUED, FIRST).when(ExpireTask(7, 1)).then(failed)


def test_nothing_expires_once_the_attempt_has_ended_or_was_taken_over() -> None:
    given().when(ExpireTask(7, 1)).then()
    given(QUEUED).when(ExpireTask(7, 1)).then()
    given(QUEUED, FIRST).when(ExpireTask(7, 2)).then()
    given(QUEUED, FIRST, GIVEN_BACK).when(ExpireTask(7, 1)).then()
    given(QUEUED, FIRST, CANCELLED).when(ExpireTask(7, 1)).then()


def test_a_claim_that_nobody_received_is_given_back() -> None:
    given(QUEUED, FIRST).when(GiveBackTask(7, 1)).then(GIVEN_BACK)


@pytest.mark.parametrize(
    "past",
    [
        (),
        (QUEUED,),
        (QUEUED, FIRST, GIVEN_BACK),
        (QUEUED, FIRST, FAILED_ONCE),
        (QUEUED, FIRST, COMPLETED),
        (QUEUED, FIRST, FAILED_ONCE, SECOND),
        (QUEUED, FIRST, CANCELLED),
    ],
)
def test_a_claim_that_has_ended_is_not_given_back(past: tuple[Event, ...]) -> None:
    given(*past).when(GiveBackTask(7, 1)).then()


def test_a_transcript_completes_its_task_and_becomes_the_videos() -> None:
    given(QUEUED, FIRST).when(SUBMIT).then(COMPLETED, READY, result="completed")


@pytest.mark.parametrize("metadata", [{"title": "t"}, {}])
def test_metadata_completes_its_task_and_becomes_the_videos(metadata: dict[str, str]) -> None:
    queued = QUEUED.model_copy(update={"task_type": TaskType.METADATA})
    command = SubmitResult(7, TaskType.METADATA, VIDEO, "w", metadata=metadata)
    fetched = MetadataFetched(video_id=VIDEO, metadata=metadata)
    given(queued, FIRST).when(command).then(COMPLETED, fetched, result="completed")


@pytest.mark.parametrize("task_type", [TaskType.SUMMARY, TaskType.AI_NOTE])
def test_a_task_without_fruit_is_done_when_its_worker_says_so(task_type: TaskType) -> None:
    queued = QUEUED.model_copy(update={"task_type": task_type})
    command = SubmitResult(7, task_type, VIDEO, "w", done=True)
    given(queued, FIRST).when(command).then(COMPLETED, result="completed")
    told = given(queued, FIRST).when(replace(command, done=False, error="no"))
    told.then(FAILED_ONCE, result="pending")


def test_a_failure_tells_its_reason() -> None:
    told = given(QUEUED, FIRST).when(replace(FAIL, reason="too_many_requests"))
    its = {"reason": "too_many_requests"}
    told.then(FAILED_ONCE.model_copy(update=its), result="pending")
    past = (QUEUED, FIRST, FAILED_ONCE, SECOND, FAILED_TWICE, THIRD)
    told = given(*past).when(replace(FAIL, reason="too_many_requests"))
    told.then(FAILED.model_copy(update=its), result="failed")


def test_no_other_attempt_is_made_where_it_would_be_in_vain() -> None:
    told = given(QUEUED, FIRST).when(replace(FAIL, reason="disabled", permanent=True))
    told.then(TaskFailed(task_id=7, attempt=1, error="no", reason="disabled"), result="failed")


def test_a_success_is_one_whatever_else_is_said() -> None:
    told = given(QUEUED, FIRST).when(replace(SUBMIT, error="no", reason="odd", permanent=True))
    told.then(COMPLETED, READY, result="completed")


def test_the_first_two_failures_put_the_task_back_in_line() -> None:
    given(QUEUED, FIRST).when(FAIL).then(FAILED_ONCE, result="pending")
    past = (QUEUED, FIRST, FAILED_ONCE, SECOND)
    given(*past).when(FAIL).then(FAILED_TWICE, result="pending")


def test_the_third_failure_is_the_last() -> None:
    past = (QUEUED, FIRST, FAILED_ONCE, SECOND, FAILED_TWICE, THIRD)
    given(*past).when(FAIL).then(FAILED, result="failed")


def test_a_failure_needs_no_reason() -> None:
    told = given(QUEUED, FIRST).when(replace(FAIL, error=None))
    told.then(FAILED_ONCE.model_copy(update={"error": None}), result="pending")


def test_a_claim_that_was_given_back_does_not_count_against_the_task() -> None:
    past = (QUEUED, FIRST, GIVEN_BACK, FIRST)
    given(*past).when(FAIL).then(FAILED_ONCE, result="pending")


def test_a_result_for_no_task_is_refused() -> None:
    given().when(SUBMIT).refused(TaskNotFound)


def test_a_result_of_another_kind_is_refused() -> None:
    given(QUEUED, FIRST).when(replace(SUBMIT, task_type=TaskType.METADATA)).refused(TaskNotFound)


def test_a_result_for_another_video_is_refused() -> None:
    given(QUEUED, FIRST).when(replace(SUBMIT, video_id="other")).refused(TaskVideoMismatch)


@pytest.mark.parametrize(
    "past",
    [
        (QUEUED,),
        (QUEUED, FIRST, COMPLETED),
        (QUEUED, FIRST, FAILED_ONCE),
        (QUEUED, FIRST, GIVEN_BACK),
        (QUEUED, THIRD, FAILED),
        (QUEUED, CANCELLED),
        (QUEUED, FIRST, CANCELLED),
    ],
)
def test_a_result_that_nobody_waits_for_is_refused(past: tuple[Event, ...]) -> None:
    given(*past).when(SUBMIT).refused(TaskNotInProgress)


def test_a_result_of_a_worker_who_lost_the_claim_is_refused() -> None:
    taken_over = TaskClaimed(task_id=7, worker="v", attempt=2)
    given(QUEUED, FIRST, taken_over).when(SUBMIT).refused(TaskOfOtherWorker)


def test_a_late_failure_of_an_earlier_attempt_leaves_the_newer_claim() -> None:
    """All admins are one worker; ``attempt`` tells its claims apart."""
    second = FIRST.model_copy(update={"attempt": 2})
    for stale in (1, 3):
        for failed in (FAIL, replace(FAIL, permanent=True)):
            told = given(QUEUED, FIRST, second).when(replace(failed, attempt=stale))
            told.refused(TaskNotInProgress)
    again = FAILED_ONCE.model_copy(update={"attempt": 2})
    for attempt in (2, None):
        told = given(QUEUED, FIRST, second).when(replace(FAIL, attempt=attempt))
        told.then(again, result="pending")


def test_a_late_success_of_an_earlier_attempt_is_welcome() -> None:
    second = FIRST.model_copy(update={"attempt": 2})
    told = given(ADDED, QUEUED, FIRST, second).when(replace(SUBMIT, attempt=1))
    told.then(COMPLETED.model_copy(update={"attempt": 2}), READY, result="completed")
    given(QUEUED, FIRST, FAILED_ONCE).when(replace(SUBMIT, attempt=1)).refused(TaskNotInProgress)


def test_the_first_refusal_that_applies_is_told() -> None:
    wrong = replace(SUBMIT, worker="v", video_id="other")
    given(QUEUED).when(replace(wrong, task_type=TaskType.METADATA)).refused(TaskNotFound)
    given(QUEUED).when(wrong).refused(TaskVideoMismatch)
    given(QUEUED).when(replace(SUBMIT, worker="v")).refused(TaskNotInProgress)


def test_a_summary_is_queued_once_there_is_a_transcript_and_no_summary() -> None:
    given(ADDED, READY).when(SUMMARISE).then(SUMMARY_TASK, result=True)
    given(ADDED).when(SUMMARISE).then()
    given(ADDED, READY, SummaryWritten(video_id=VIDEO, summary="s")).when(SUMMARISE).then()
    given().when(SUMMARISE).then()


def test_the_words_of_an_empty_note_are_queued_if_its_owner_wants_them() -> None:
    given(ANN, WANTS_AI, NOTE).when(WRITE_NOTE).then(NOTE_TASK, result=True)
    empty = NoteEdited(note_id=17, user_id=1, text="", generated_by_ai=False)
    given(ANN, WANTS_AI, NOTE, empty).when(WRITE_NOTE).then(NOTE_TASK, result=True)
    given(ANN, NOTE).when(WRITE_NOTE).then()
    given(ANN, WANTS_AI, NOTE, AiNotesDisabled(user_id=1)).when(WRITE_NOTE).then()


def test_a_note_with_words_or_without_itself_needs_none() -> None:
    blank = NoteEdited(note_id=17, user_id=1, text=" ", generated_by_ai=False)
    given(ANN, WANTS_AI, NOTE, blank).when(WRITE_NOTE).then()
    given(ANN, WANTS_AI, NOTE, NoteDeleted(note_id=17, user_id=1)).when(WRITE_NOTE).then()
    given(ANN, WANTS_AI).when(WRITE_NOTE).then()


def test_work_that_is_queued_is_not_queued_again_before_it_has_ended() -> None:
    queued = SUMMARY_TASK.model_copy(update={"task_id": 7})
    given(ADDED, READY, queued).when(SUMMARISE).then()
    given(ADDED, READY, queued, FIRST).when(SUMMARISE).then()
    given(ADDED, READY, queued, FIRST, FAILED_ONCE).when(SUMMARISE).then()
    given(ADDED, READY, queued, THIRD, FAILED).when(SUMMARISE).then(SUMMARY_TASK, result=True)


def test_work_on_one_note_is_none_on_another() -> None:
    on_another = NOTE_TASK.model_copy(update={"task_id": 7, "note_id": 18})
    given(ANN, WANTS_AI, NOTE, on_another).when(WRITE_NOTE).then(NOTE_TASK, result=True)
    on_this = on_another.model_copy(update={"note_id": 17})
    given(ANN, WANTS_AI, NOTE, on_this).when(WRITE_NOTE).then()


class TaskLife(RuleBasedStateMachine):
    """Any order of claims, give-backs and results, and silence, against what must always hold."""

    @initialize()
    def queue(self) -> None:
        self.past: list[Event] = [ADDED, QUEUED]

    @rule(worker=st.sampled_from("vw"), after_silence=st.booleans())
    def claim(self, worker: str, after_silence: bool) -> None:
        task = state_of(self.past)
        assert task is not None
        offered = task.status == "pending" or (task.status == "in_progress" and after_silence)
        found = NextTask(Claimable(7, VIDEO, task.attempt) if offered else None)
        told = decide(replace(CLAIM, worker=worker), found)
        assert told.outcome is not None
        self.past += told.outcome.events

    @rule(attempt=st.integers(1, MAX_ATTEMPTS))
    def give_back(self, attempt: int) -> None:
        told = given(*self.past).when(GiveBackTask(7, attempt))
        assert told.outcome is not None
        self.past += told.outcome.events

    @rule()
    def bring(self) -> None:
        told = given(*self.past).when(AddTranscript(VIDEO, STORED))
        assert told.outcome is not None
        self.past += [event for event in told.outcome.events if event.stream == "task:7"]
        after = state_of(self.past)
        assert after is not None
        assert after.status not in ("pending", "in_progress")

    @rule(
        worker=st.sampled_from("vw"),
        success=st.booleans(),
        permanent=st.booleans(),
        attempt=st.none() | st.integers(1, MAX_ATTEMPTS),
    )
    def submit(self, worker: str, success: bool, permanent: bool, attempt: int | None) -> None:
        before = state_of(self.past)
        assert before is not None
        report = SUBMIT if success else FAIL
        command = replace(report, worker=worker, permanent=permanent, attempt=attempt)
        told = given(*self.past).when(command)
        holds = (before.status, before.worker) == ("in_progress", worker)
        holds = holds and (success or attempt in (None, before.attempt))
        assert (told.refusal is None) == holds
        if told.outcome is not None:
            self.past += [event for event in told.outcome.events if event.stream == "task:7"]
            after = state_of(self.past)
            assert after is not None
            assert after.status == told.outcome.result
            assert after.status != "pending" or not permanent

    @invariant()
    def attempts_are_bounded_and_the_end_is_the_end(self) -> None:
        task = state_of(self.past)
        assert task is not None
        assert 0 <= task.attempt <= MAX_ATTEMPTS
        ends = [e for e in self.past if isinstance(e, TaskCompleted | TaskFailed | TaskCancelled)]
        assert ends in ([], self.past[-1:])

    @invariant()
    def at_most_as_many_failures_as_attempts(self) -> None:
        failed = [e for e in self.past if isinstance(e, TaskAttemptFailed)]
        assert len(failed) < MAX_ATTEMPTS


TestTaskLife = TaskLife.TestCase


def test_a_story_without_a_beginning_is_no_task() -> None:
    assert state_of([FIRST, COMPLETED]) is None
    assert history([], SUBMIT.lookup()).versions == {}


def test_every_refusal_has_a_code_that_only_the_two_quotas_share_and_a_text() -> None:
    refusals = DomainError.__subclasses__()
    codes = [refusal.code for refusal in refusals if refusal is not GuestQuotaExceeded]
    assert len(set(codes)) == len(codes) >= 20
    assert GuestQuotaExceeded.code == UserQuotaExceeded.code
    assert all(refusal().args == (refusal.message,) for refusal in refusals)
