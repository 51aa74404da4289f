"""Who listens, and to what: kept in memory, and kept up by the log itself."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from vidwiz.events import ConversationStarted, Event, NoteAdded, VideoOpened
from vidwiz.live.changes import LiveChange
from vidwiz.live.stream import Stream

T = TypeVar("T")


@dataclass(slots=True)
class _Person:
    """A user with open streams, and the videos of their notes and conversations."""

    streams: set[Stream] = field(default_factory=set)
    videos: set[str] = field(default_factory=set)


class Subscribers:
    """The open streams, found by user and by video.

    A video stays of interest for as long as its user listens, also when their last note on it
    is gone: what is told of a video is nobody's secret.
    """

    def __init__(self) -> None:
        self._people: dict[int, _Person] = {}
        self._interested: defaultdict[str, set[int]] = defaultdict(set)
        self._watching: defaultdict[str, set[Stream]] = defaultdict(set)
        self.size = 0

    def __iter__(self) -> Iterator[Stream]:
        for person in self._people.values():
            yield from person.streams

    def enter(self, stream: Stream) -> None:
        """The stream is open."""
        self._people.setdefault(stream.user_id, _Person()).streams.add(stream)
        for video_id in stream.named:
            self._watching[video_id].add(stream)
        self.size += 1

    def leave(self, stream: Stream) -> None:
        """The stream has ended."""
        person = self._people[stream.user_id]
        person.streams.discard(stream)
        for video_id in stream.named:
            _discard(self._watching, video_id, stream)
        if not person.streams:
            del self._people[stream.user_id]
            for video_id in person.videos:
                _discard(self._interested, video_id, stream.user_id)
        self.size -= 1

    def interest(self, user_id: int, videos: Iterable[str]) -> None:
        """A user who listens has notes or conversations on these videos."""
        person = self._people[user_id]
        for video_id in videos:
            person.videos.add(video_id)
            self._interested[video_id].add(user_id)

    def learn(self, event: Event) -> None:
        """Somebody who listens may have become interested in another video."""
        match event:
            case (
                NoteAdded(user_id=int(user_id), video_id=video_id)
                | ConversationStarted(user_id=int(user_id), video_id=video_id)
                | VideoOpened(user_id=int(user_id), video_id=video_id)
            ) if user_id in self._people:
                self.interest(user_id, (video_id,))

    def streams_of(self, user_id: int | None) -> Iterable[Stream]:
        """The open streams of a user."""
        person = None if user_id is None else self._people.get(user_id)
        return () if person is None else person.streams

    def concerned(self, change: LiveChange) -> Iterable[Stream]:
        """The streams that are to be told."""
        if change.video_id is None:
            return self.streams_of(change.user_id)
        streams = set(self._watching.get(change.video_id, ()))
        for user_id in self._interested.get(change.video_id, ()):
            streams.update(self._people[user_id].streams)
        return streams

    def is_concerned(self, stream: Stream, change: LiveChange) -> bool:
        """Whether this stream is to be told."""
        if change.video_id is None:
            return change.user_id == stream.user_id
        videos = self._people[stream.user_id].videos
        return change.video_id in videos or change.video_id in stream.named


def _discard(sets: dict[str, set[T]], key: str, value: T) -> None:
    sets[key].discard(value)
    if not sets[key]:
        del sets[key]
