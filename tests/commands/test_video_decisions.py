"""What becomes of commands about videos."""

from dataclasses import replace

from tests.commands.given import NEXT_VIDEO, given
from vidwiz.commands.base import VideoShape
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import BringVideo, VideoNotFound, WriteSummary
from vidwiz.events import (
    MetadataFetched,
    SummaryWritten,
    TranscriptReady,
    UserSignedUp,
    VideoAdded,
)

ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
VIDEO = VideoAdded(id=5, video_id="W421vNri5hw", title=None)
SUMMARY = SummaryWritten(video_id=VIDEO.video_id, summary="short")
WRITE = WriteSummary(VIDEO.video_id, "short")
ANSWER = VideoShape(VIDEO.video_id)
BRING = BringVideo(
    user_id=1,
    video_id=VIDEO.video_id,
    title="Apollo 13",
    transcript=StoredTranscript("transcripts/W421vNri5hw.json", "ab" * 32, 3),
    metadata={"channel": "NASA"},
    summary="short",
)


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
        TranscriptReady(
            video_id=video_id,
            object_key="transcripts/W421vNri5hw.json",
            sha256="ab" * 32,
            segment_count=3,
        ),
        MetadataFetched(video_id=video_id, metadata={"channel": "NASA"}),
        SUMMARY,
    )


def test_a_video_that_is_known_stays_as_it_is() -> None:
    given(ANN, VIDEO).when(BRING).then()


def test_somebody_without_an_account_brings_no_video() -> None:
    given().when(BRING).refused(UserNotFound)
