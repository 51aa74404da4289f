"""What becomes known of a video. Videos are shared by all users."""

from typing import Any, ClassVar, Literal

from vidwiz.events.base import Event


class VideoEvent(Event):
    """A fact about one video, in the stream ``video:<video_id>``."""

    NOUN: ClassVar[str] = "video"
    KEY: ClassVar[str] = "video_id"

    video_id: str


class VideoAdded(VideoEvent):
    """Somebody mentioned the video for the first time; ``id`` is its public number."""

    TOPIC: ClassVar[str] = "VideoAdded"

    id: int
    title: str | None


class VideoTitled(VideoEvent):
    """Somebody named a video that had been opened without a title."""

    TOPIC: ClassVar[str] = "VideoTitled"

    title: str


class VideoOpened(Event):
    """A signed-in person opened the video for the first time; their library has it now."""

    TOPIC: ClassVar[str] = "VideoOpened"
    NOUN: ClassVar[str] = "opening"
    KEY: ClassVar[str] = "opening_id"

    opening_id: int
    user_id: int
    video_id: str


Origin = Literal["workers", "admin", "readers", "unknown"]
"""Whose a shared transcript is; ``readers``: two persons brought the same words."""


class TranscriptReady(VideoEvent):
    """The transcript that all share lies in the object store under ``object_key``."""

    TOPIC: ClassVar[str] = "TranscriptReady"
    class_version: ClassVar[int] = 2

    object_key: str
    sha256: str
    segment_count: int
    origin: Origin = "unknown"

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        """Nobody wrote down who brought it."""
        state["origin"] = "unknown"


class TranscriptLost(VideoEvent):
    """The object store has not, or not unchanged, what the last ``TranscriptReady`` told of."""

    TOPIC: ClassVar[str] = "TranscriptLost"

    sha256: str


class MetadataFetched(VideoEvent):
    """A worker described the video; the object is kept as it was sent."""

    TOPIC: ClassVar[str] = "MetadataFetched"

    metadata: dict[str, Any]


class SummaryRequested(VideoEvent):
    """Somebody opened the video, which has no summary yet."""

    TOPIC: ClassVar[str] = "SummaryRequested"


class SummaryWritten(VideoEvent):
    """The video was summarised."""

    TOPIC: ClassVar[str] = "SummaryWritten"

    summary: str
