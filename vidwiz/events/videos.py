"""What becomes known of a video. Videos are shared by all users."""

from typing import Any, ClassVar

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


class VideoOpened(Event):
    """A signed-in person opened the video for the first time; their library has it now."""

    TOPIC: ClassVar[str] = "VideoOpened"
    NOUN: ClassVar[str] = "opening"
    KEY: ClassVar[str] = "opening_id"

    opening_id: int
    user_id: int
    video_id: str


class TranscriptReady(VideoEvent):
    """The transcript lies in the object store under ``object_key``, with this digest."""

    TOPIC: ClassVar[str] = "TranscriptReady"

    object_key: str
    sha256: str
    segment_count: int


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
