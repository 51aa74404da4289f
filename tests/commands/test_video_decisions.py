"""What becomes of commands about videos."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.commands.given import (
    NEXT_METADATA_TASK,
    NEXT_OPENING,
    NEXT_TRANSCRIPT_TASK,
    NEXT_VIDEO,
    given,
)
from vidwiz.commands.base import VideoShape
from vidwiz.commands.tasks import NewWorkRefused, StoredTranscript
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import (
    SUMMARY_REQUEST_LASTS,
    AddTranscript,
    BringVideo,
    Opened,
    OpenVideo,
    SummaryOfOne,
    VideoNotFound,
    WriteSummary,
)
from vidwiz.events import (
    Event,
    MetadataFetched,
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
    UserSignedUp,
    VideoAdded,
    VideoOpened,
)

ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
VIDEO = VideoAdded(id=5, video_id="W421vNri5hw", title=None)
SUMMARY = SummaryWritten(video_id=VIDEO.video_id, summary="short")
WRITE = WriteSummary(VIDEO.video_id, "short")
ANSWER = VideoShape(VIDEO.video_id)
STORED = StoredTranscript("transcripts/W421vNri5hw.json", "ab" * 32, 3)
BRING = BringVideo(
    user_id=1,
    video_id=VIDEO.video_id,
    title="Apollo 13",
    transcript=STORED,
    metadata={"channel": "NASA"},
    summary="short",
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
OPEN = OpenVideo(VIDEO.video_id, NOW)
ADD = AddTranscript(VIDEO.video_id, STORED)
READY = TranscriptReady(
    video_id=VIDEO.video_id,
    object_key="transcripts/W421vNri5hw.json",
    sha256="ab" * 32,
    segment_count=3,
    origin="admin",
)
FETCHED = MetadataFetched(video_id=VIDEO.video_id, metadata={})
REQUESTED = SummaryRequested(video_id=VIDEO.video_id)
FETCH_TRANSCRIPT = TaskQueued(task_id=7, task_type=TaskType.TRANSCRIPT, video_id=VIDEO.video_id)
FETCH_METADATA = TaskQueued(task_id=8, task_type=TaskType.METADATA, video_id=VIDEO.video_id)
CLAIMED = TaskClaimed(task_id=7, worker="w", attempt=1)
NEW_TRANSCRIPT_TASK = FETCH_TRANSCRIPT.model_copy(update={"task_id": NEXT_TRANSCRIPT_TASK})
NEW_METADATA_TASK = FETCH_METADATA.model_copy(update={"task_id": NEXT_METADATA_TASK})


def test_a_new_video_is_added_untitled_and_all_of_it_is_asked_for() -> None:
    given().when(OPEN).then(
        VideoAdded(id=NEXT_VIDEO, video_id=VIDEO.video_id, title=None),
        NEW_TRANSCRIPT_TASK,
        NEW_METADATA_TASK,
        REQUESTED,
        result=Opened(is_new=True, missing=("transcript", "metadata", "summary")),
    )


def test_what_is_missing_of_a_known_video_is_asked_for() -> None:
    given(VIDEO).when(OPEN).then(
        NEW_TRANSCRIPT_TASK,
        NEW_METADATA_TASK,
        REQUESTED,
        result=Opened(is_new=False, missing=("transcript", "metadata", "summary")),
    )
    told = given(VIDEO, READY).when(OPEN)
    told.then(NEW_METADATA_TASK, REQUESTED, result=Opened(False, ("metadata", "summary")))
    told = given(VIDEO, FETCHED, SUMMARY).when(OPEN)
    told.then(NEW_TRANSCRIPT_TASK, result=Opened(False, ("transcript",)))


def test_an_opening_that_may_ask_for_nothing_is_refused_where_it_would() -> None:
    quiet = OpenVideo(VIDEO.video_id, NOW, user_id=1, may_ask=False)
    for past in ((), (VIDEO,), (VIDEO, READY, SUMMARY), (VIDEO, READY, FETCHED)):
        given(ANN, *past).when(quiet).refused(NewWorkRefused)
    opened = VideoOpened(opening_id=NEXT_OPENING, user_id=1, video_id=VIDEO.video_id)
    given(ANN, VIDEO, READY, FETCHED, SUMMARY).when(quiet).then(opened, result=Opened(False, ()))


def test_a_persons_first_opening_of_a_video_is_recorded_once() -> None:
    video_id = VIDEO.video_id
    mine = OpenVideo(video_id, NOW, user_id=1)
    complete = (VIDEO, READY, FETCHED, SUMMARY)
    opened = VideoOpened(opening_id=NEXT_OPENING, user_id=1, video_id=video_id)
    nothing = Opened(False, ())
    given(ANN, *complete).when(mine).then(opened, result=nothing)
    given(ANN, *complete, opened).when(mine).then(result=nothing)
    of_another = opened.model_copy(update={"user_id": 2})
    given(ANN, *complete, of_another).when(mine).then(opened, result=nothing)
    given(*complete).when(mine).then(result=nothing)  # they are gone
    given(ANN, *complete).when(OPEN).then(result=nothing)  # a guest


def test_a_summary_for_one_person_is_never_written_for_everybody() -> None:
    for_one = TaskQueued(
        task_id=7, task_type=TaskType.SUMMARY, video_id=VIDEO.video_id, user_id=ANN.user_id
    )
    write = replace(WRITE, task_id=7)
    for past in ((VIDEO, for_one), (VIDEO, for_one, CLAIMED), (for_one,)):
        given(*past).when(write).then(result=SummaryOfOne(ANN.user_id))
        given(*past).when(replace(write, summary=None)).then(result=SummaryOfOne(ANN.user_id))
    for_all = for_one.model_copy(update={"user_id": None})
    given(VIDEO, for_all).when(write).then(SUMMARY, answer=ANSWER)


def test_nothing_is_missing_of_a_video_that_has_everything() -> None:
    given(VIDEO, READY, FETCHED, SUMMARY).when(OPEN).then(result=Opened(False, ()))


@pytest.mark.parametrize(
    "events",
    [
        (),
        (CLAIMED,),
        (CLAIMED, TaskAttemptFailed(task_id=7, attempt=1, error="no")),
        (CLAIMED, TaskCompleted(task_id=7, attempt=1), READY),
    ],
    ids=["pending", "running", "waiting for another attempt", "done"],
)
def test_what_is_on_its_way_is_not_queued_again(events: tuple[Event, ...]) -> None:
    told = given(VIDEO, FETCH_TRANSCRIPT, FETCH_METADATA, SUMMARY, *events).when(OPEN)
    told.then(result=Opened(False, ()))


@pytest.mark.parametrize(
    "end", [TaskFailed(task_id=7, attempt=3, error="no"), TaskCancelled(task_id=7)]
)
def test_what_will_not_come_is_queued_anew(end: Event) -> None:
    told = given(VIDEO, FETCH_TRANSCRIPT, CLAIMED, end, FETCHED, SUMMARY).when(OPEN)
    told.then(NEW_TRANSCRIPT_TASK, result=Opened(False, ("transcript",)))


def test_a_new_task_beside_one_that_failed_is_enough() -> None:
    failed = TaskFailed(task_id=7, attempt=3, error="no")
    again = FETCH_TRANSCRIPT.model_copy(update={"task_id": 9})
    told = given(VIDEO, FETCH_TRANSCRIPT, CLAIMED, failed, again, FETCHED, SUMMARY).when(OPEN)
    told.then(result=Opened(False, ()))


def test_requests_for_a_summary_coalesce_but_it_is_named_as_long_as_there_is_none() -> None:
    past, its = (VIDEO, READY, FETCHED, REQUESTED), Opened(False, ("summary",))
    lately = NOW - SUMMARY_REQUEST_LASTS + timedelta(microseconds=1)
    given(*past, requested_at=NOW).when(OPEN).then(result=its)
    given(*past, requested_at=lately).when(OPEN).then(result=its)
    given(*past, requested_at=NOW - SUMMARY_REQUEST_LASTS).when(OPEN).then(REQUESTED, result=its)


def test_a_transcript_that_somebody_brings_is_the_videos() -> None:
    given(VIDEO).when(ADD).then(READY)


def test_nobody_needs_to_fetch_a_transcript_that_was_brought() -> None:
    given(VIDEO, FETCH_TRANSCRIPT, FETCH_METADATA).when(ADD).then(TaskCancelled(task_id=7), READY)
    told = given(VIDEO, FETCH_TRANSCRIPT, CLAIMED).when(ADD)
    told.then(TaskCancelled(task_id=7), READY)


def test_a_task_that_has_ended_is_not_cancelled() -> None:
    failed = TaskFailed(task_id=7, attempt=3, error="no")
    given(VIDEO, FETCH_TRANSCRIPT, CLAIMED, failed).when(ADD).then(READY)


def test_an_admin_replaces_the_shared_transcript() -> None:
    given(VIDEO, READY).when(ADD).then(READY)
    given().when(ADD).refused(VideoNotFound)


def test_there_is_no_transcript_of_a_video_that_nobody_mentioned() -> None:
    given().when(ADD).refused(VideoNotFound)


def test_a_video_is_summarised() -> None:
    given(VIDEO).when(WRITE).then(SUMMARY, answer=ANSWER)


def test_a_summary_is_replaced() -> None:
    longer = SummaryWritten(video_id=VIDEO.video_id, summary="longer")
    given(VIDEO, SUMMARY).when(replace(WRITE, summary="longer")).then(longer, answer=ANSWER)


def test_the_first_summary_may_be_written_again_after_another() -> None:
    longer = SummaryWritten(video_id=VIDEO.video_id, summary="longer")
    given(VIDEO, SUMMARY, longer).when(WRITE).then(SUMMARY, answer=ANSWER)


def test_the_same_summary_again_is_no_event() -> None:
    given(VIDEO, SUMMARY).when(WRITE).then(answer=ANSWER)


def test_no_summary_changes_nothing() -> None:
    given(VIDEO).when(replace(WRITE, summary=None)).then(answer=ANSWER)
    given(VIDEO, SUMMARY).when(replace(WRITE, summary=None)).then(answer=ANSWER)


def test_a_video_that_nobody_mentioned_is_not_summarised() -> None:
    given().when(WRITE).refused(VideoNotFound)
    given().when(replace(WRITE, summary=None)).refused(VideoNotFound)


def test_a_video_that_is_brought_has_everything_and_queues_nothing() -> None:
    video_id = VIDEO.video_id
    given(ANN).when(BRING).then(
        VideoAdded(id=NEXT_VIDEO, video_id=video_id, title="Apollo 13"),
        READY,
        MetadataFetched(video_id=video_id, metadata={"channel": "NASA"}),
        SUMMARY,
    )


def test_a_video_that_is_known_stays_as_it_is() -> None:
    given(ANN, VIDEO).when(BRING).then()


def test_somebody_without_an_account_brings_no_video() -> None:
    given().when(BRING).refused(UserNotFound)
