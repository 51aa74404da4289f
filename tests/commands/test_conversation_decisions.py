"""What becomes of commands about conversations, questions and turns."""

from dataclasses import replace
from datetime import date

import pytest

from tests.commands.given import NEXT_CONVERSATION, NEXT_MESSAGE, given, turn_end
from vidwiz.commands.base import Command, DomainError, QuotaTaken
from vidwiz.commands.conversations import (
    QUESTIONS_OF_GUEST,
    QUESTIONS_OF_USER,
    Answer,
    Asked,
    AskQuestion,
    CompleteTurn,
    ConversationNotFound,
    FailTurn,
    GuestQuotaExceeded,
    Identity,
    StartConversation,
    StopTurn,
    TranscriptProcessing,
    TranscriptUnavailable,
    TurnNotFound,
    UserQuotaExceeded,
)
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import VideoNotFound
from vidwiz.events import (
    ConversationStarted,
    Event,
    MessageSent,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskQueued,
    TaskType,
    TranscriptLost,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserSignedUp,
    VideoAdded,
)

DAY = date(2026, 1, 2)
ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
VIDEO = VideoAdded(id=5, video_id="W421vNri5hw", title="Apollo 13")
READY = TranscriptReady(
    video_id=VIDEO.video_id, object_key="transcripts/W421vNri5hw.json", sha256="ab", segment_count=3
)
QUEUED = TaskQueued(task_id=7, task_type=TaskType.TRANSCRIPT, video_id=VIDEO.video_id)
CLAIMED = TaskClaimed(task_id=7, worker="w", attempt=1)
LOST = TranscriptLost(video_id=VIDEO.video_id, sha256="ab")
FETCHED_AGAIN = QUEUED.model_copy(update={"task_id": 8})

USER = Identity(user_id=1)
GUEST = Identity(guest_id="b0f7")
STARTED = ConversationStarted(
    conversation_id=11, user_id=None, guest_id="b0f7", video_id=VIDEO.video_id
)
ASKED = MessageSent(
    conversation_id=11,
    user_id=None,
    guest_id="b0f7",
    message_id=21,
    role="user",
    content="What happened to Main B Bus?",
    details=None,
)
BEGUN = TurnStarted(conversation_id=11, user_id=None, guest_id="b0f7", turn_id=21, server=77)
READ = (VIDEO, READY, STARTED)
TALK = (*READ, ASKED, BEGUN)

START = StartConversation(GUEST, VIDEO.video_id)
ASK = AskQuestion(GUEST, DAY, VIDEO.video_id, 11, "What happened to Main B Bus?", server=77)
CITATION = {"marker": "[7:55:35]", "at": 14, "start": 28535.0, "end": 28540.0, "quote": "Houston"}
ANSWER = Answer("It lost power [7:55:35].", [CITATION], "gemini-2.5-flash")
COMPLETE = CompleteTurn(21, ANSWER)
STOP = StopTurn(21, ANSWER)
FAIL = FailTurn(21, "model_unavailable", "It lost")
ANSWERED = MessageSent(
    conversation_id=11,
    user_id=None,
    guest_id="b0f7",
    message_id=NEXT_MESSAGE,
    role="assistant",
    content="It lost power [7:55:35].",
    details={"citations": [CITATION], "model": "gemini-2.5-flash"},
)
COMPLETED = TurnCompleted(
    conversation_id=11, user_id=None, guest_id="b0f7", turn_id=21, answer_id=NEXT_MESSAGE
)
STOPPED = TurnStopped(
    conversation_id=11, user_id=None, guest_id="b0f7", turn_id=21, answer_id=NEXT_MESSAGE
)
FAILED = TurnFailed(
    conversation_id=11,
    user_id=None,
    guest_id="b0f7",
    turn_id=21,
    reason="model_unavailable",
    partial="It lost",
)

each_end = pytest.mark.parametrize(
    "end", [COMPLETE, STOP, FAIL], ids=lambda its: type(its).__name__
)


def test_a_guest_starts_a_conversation_which_costs_nothing() -> None:
    started = STARTED.model_copy(update={"conversation_id": NEXT_CONVERSATION})
    told = given(VIDEO, used=QUESTIONS_OF_GUEST).when(START)
    told.then(started, result=NEXT_CONVERSATION).recording()


def test_a_user_starts_a_conversation_a_new_one_each_time() -> None:
    started = ConversationStarted(
        conversation_id=NEXT_CONVERSATION, user_id=1, guest_id=None, video_id=VIDEO.video_id
    )
    told = given(ANN, VIDEO, started).when(replace(START, identity=USER))
    told.then(started, result=NEXT_CONVERSATION)


def test_somebody_without_an_account_starts_no_conversation() -> None:
    given(VIDEO).when(replace(START, identity=USER)).refused(UserNotFound)


def test_there_is_no_conversation_about_a_video_that_nobody_mentioned() -> None:
    given(ANN).when(START).refused(VideoNotFound)


def test_a_question_begins_a_turn_and_takes_one_of_the_days_questions() -> None:
    asked = ASKED.model_copy(update={"message_id": NEXT_MESSAGE})
    begun = BEGUN.model_copy(update={"turn_id": NEXT_MESSAGE})
    told = given(*READ).when(ASK).then(asked, begun, result=Asked(NEXT_MESSAGE, 11))
    told.recording(QuotaTaken("guest:b0f7", DAY, 5))


def test_a_question_without_a_conversation_starts_one() -> None:
    its = {"conversation_id": NEXT_CONVERSATION, "user_id": 1, "guest_id": None}
    ask = replace(ASK, identity=USER, conversation_id=None)
    told = given(ANN, VIDEO, READY).when(ask)
    told.then(
        STARTED.model_copy(update=its),
        ASKED.model_copy(update={**its, "message_id": NEXT_MESSAGE}),
        BEGUN.model_copy(update={**its, "turn_id": NEXT_MESSAGE}),
        result=Asked(NEXT_MESSAGE, NEXT_CONVERSATION),
    ).recording(QuotaTaken("user:1", DAY, 20))


def test_the_next_question_may_be_asked_before_the_last_is_answered() -> None:
    assert given(*TALK).when(ASK).refusal is None


def test_a_day_has_five_questions_of_a_guest_and_twenty_of_a_user() -> None:
    assert (QUESTIONS_OF_GUEST, QUESTIONS_OF_USER) == (5, 20)
    ask = replace(ASK, conversation_id=None)
    assert given(*READ, used=4).when(ask).refusal is None
    given(*READ, used=5).when(ask).refused(GuestQuotaExceeded)
    ask = replace(ask, identity=USER)
    assert given(ANN, *READ, used=19).when(ask).refusal is None
    given(ANN, *READ, used=20).when(ask).refused(UserQuotaExceeded)


@pytest.mark.parametrize(
    "task",
    [
        (QUEUED,),
        (QUEUED, CLAIMED),
        (QUEUED, CLAIMED, TaskAttemptFailed(task_id=7, attempt=1, error="no")),
        (QUEUED, CLAIMED, TaskCompleted(task_id=7, attempt=1), READY, LOST, FETCHED_AGAIN),
    ],
    ids=["pending", "running", "waiting for another attempt", "lost and fetched again"],
)
def test_a_question_waits_for_a_transcript_that_is_on_its_way(task: tuple[Event, ...]) -> None:
    given(VIDEO, STARTED, *task).when(ASK).refused(TranscriptProcessing)


@pytest.mark.parametrize(
    "task",
    [
        (),
        (QUEUED, CLAIMED, TaskFailed(task_id=7, attempt=3, error="no")),
        (QUEUED, TaskCancelled(task_id=7)),
        (QUEUED.model_copy(update={"video_id": "other"}),),
        (QUEUED.model_copy(update={"task_type": TaskType.METADATA}),),
    ],
    ids=["never asked for", "failed", "cancelled", "of another video", "of another type"],
)
def test_a_question_about_a_video_whose_transcript_nobody_fetches_is_refused(
    task: tuple[Event, ...],
) -> None:
    given(VIDEO, STARTED, *task).when(ASK).refused(TranscriptUnavailable)


@pytest.mark.parametrize(
    "changed",
    [
        {"conversation_id": 12},
        {"user_id": 1, "guest_id": None},
        {"guest_id": "another guest"},
        {"video_id": "another video"},
    ],
    ids=str,
)
def test_a_conversation_is_the_askers_own_about_this_video(changed: dict[str, object]) -> None:
    given(VIDEO, READY, STARTED.model_copy(update=changed)).when(ASK).refused(ConversationNotFound)


def test_the_first_refusal_that_applies_is_told_in_the_contracts_order() -> None:
    wrong = replace(ASK, conversation_id=99)
    given(used=20).when(replace(wrong, identity=USER)).refused(UserNotFound)
    given(used=5).when(wrong).refused(GuestQuotaExceeded)
    given(ANN, used=20).when(replace(wrong, identity=USER)).refused(UserQuotaExceeded)
    given().when(wrong).refused(VideoNotFound)
    given(VIDEO).when(wrong).refused(TranscriptUnavailable)
    given(VIDEO, QUEUED).when(wrong).refused(TranscriptProcessing)
    given(VIDEO, READY).when(wrong).refused(ConversationNotFound)


@pytest.mark.parametrize(
    ("refusal", "text"),
    [
        (VideoNotFound, "Video not found"),
        (ConversationNotFound, "Conversation not found"),
        (TranscriptUnavailable, "Transcript unavailable. Please init session first."),
        (TranscriptProcessing, "Transcript processing"),
        (UserQuotaExceeded, "Daily limit reached (20 messages/day)"),
        (GuestQuotaExceeded, "Daily limit reached (5 guest messages/day)"),
    ],
    ids=lambda its: getattr(its, "__name__", ""),
)
def test_a_refusal_is_told_in_the_contracts_words(refusal: type[DomainError], text: str) -> None:
    assert refusal.message == text


def test_an_answer_is_a_message_with_its_citations_and_its_model() -> None:
    given(*TALK).when(COMPLETE).then(ANSWERED, COMPLETED, result=turn_end(COMPLETED))


def test_an_answer_belongs_to_whoever_asked() -> None:
    its = {"user_id": 1, "guest_id": None}
    begun = BEGUN.model_copy(update=its)
    told = given(ANN, VIDEO, READY, begun).when(COMPLETE)
    told.then(
        ANSWERED.model_copy(update=its),
        COMPLETED.model_copy(update=its),
        result=turn_end(COMPLETED),
    )


def test_what_there_is_of_a_stopped_answer_is_kept() -> None:
    given(*TALK).when(STOP).then(ANSWERED, STOPPED, result=turn_end(STOPPED))


@pytest.mark.parametrize("content", ["", " \n"])
def test_an_answer_that_was_stopped_before_its_first_word_is_no_message(content: str) -> None:
    stop = replace(STOP, answer=replace(ANSWER, content=content, citations=()))
    silent = STOPPED.model_copy(update={"answer_id": None})
    given(*TALK).when(stop).then(silent, result=turn_end(silent))


def test_what_there_is_of_a_failed_answer_is_kept_but_is_no_message() -> None:
    given(*TALK).when(FAIL).then(FAILED, result=turn_end(FAILED))
    nothing = FailTurn(21, "interrupted")
    told = given(*TALK).when(nothing)
    failed = FAILED.model_copy(update={"reason": "interrupted", "partial": ""})
    told.then(failed, result=turn_end(failed))


@each_end
@pytest.mark.parametrize("ended", [COMPLETED, STOPPED, FAILED], ids=lambda its: its.TOPIC)
def test_a_turn_ends_once_and_whoever_comes_later_is_told_how(end: Command, ended: Event) -> None:
    given(*TALK, ended).when(end).then(result=turn_end(ended))


@each_end
def test_a_turn_ends_whatever_became_of_others(end: Command) -> None:
    other = COMPLETED.model_copy(update={"turn_id": 19})
    begun = BEGUN.model_copy(update={"turn_id": 19})
    told = given(*READ, begun, ASKED, BEGUN, other).when(end)
    assert told.outcome is not None
    assert told.outcome.events


@each_end
def test_a_turn_that_never_began_has_no_end(end: Command) -> None:
    given(*READ, ASKED).when(end).refused(TurnNotFound)
