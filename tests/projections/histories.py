"""Histories to project: a full one, written by hand, and any that Hypothesis can think of."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

from vidwiz import event_log
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    ConversationStarted,
    Event,
    GoogleAccountLinked,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MessageSent,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    ProfilePictureChanged,
    SummaryWritten,
    TaskAttemptFailed,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
    TranscriptReady,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
)
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper, with_envelope
from vidwiz.projections.projector import Fact, as_array, expect_rows, in_waves, plan
from vidwiz.projections.projectors import PROJECTORS

Connection = psycopg.Connection[tuple[Any, ...]]
START = datetime(2026, 1, 1, tzinfo=UTC)
mapper = EventMapper()
statements = plan(PROJECTORS)


@dataclass(frozen=True)
class Numbered:
    """An event with its place in its stream and its time."""

    event: Event
    version: int
    at: datetime

    @property
    def fact(self) -> Fact:
        state = with_envelope(mapper.encode(self.event), self.version, self.at)
        return Fact(self.event.TOPIC, stream_id(self.event.stream), state)


def numbered(events: Iterable[Event]) -> list[Numbered]:
    """The events as they would be recorded, a second and a microsecond apart."""
    versions: dict[str, int] = defaultdict(int)
    result = []
    for index, event in enumerate(events):
        versions[event.stream] += 1
        at = START + timedelta(seconds=index, microseconds=index)
        result.append(Numbered(event, versions[event.stream], at))
    return result


def project(connection: Connection, facts: Sequence[Fact]) -> None:
    """Project the facts together, as a batch of the store or a replay does."""
    for topic, states in in_waves(facts):
        for statement in statements[topic]:
            cursor = connection.execute(statement.sql, {"events": as_array(states)})
            expect_rows(topic, len(states), cursor.rowcount)


def append(connection: Connection, events: Sequence[Numbered]) -> None:
    """Add the events to the log."""
    for its in events:
        connection.execute(
            event_log.APPEND.sql,
            {
                "streams": [stream_id(its.event.stream)],
                "versions": [its.version],
                "topics": [its.event.TOPIC],
                "states": [mapper.encode(its.event)],
                "metadata": ['{"actor": "system"}'],
                "recorded_at": its.at,
            },
        )


def happen(dsn: str, *events: Event) -> None:
    """Record and project the events, one by one."""
    with psycopg.connect(dsn) as connection:
        for its in numbered(events):
            project(connection, [its.fact])
            append(connection, [its])


def full_history() -> list[Event]:
    """Rows in every table, and every event class at least once."""
    return beginnings(15) + rest_of_history()


def beginnings(count: int) -> list[Event]:
    """``count`` rows for every table, and twice as many tasks."""
    events: list[Event] = []
    for n in range(1, count + 1):
        video_id = f"video-{n}"
        events += [
            UserSignedUp(user_id=n, email=f"{n}@example.org", name=f"User {n}"),
            VideoAdded(id=n, video_id=video_id, title=f"Title {n}"),
            TaskQueued(task_id=n, task_type=TaskType.TRANSCRIPT, video_id=video_id),
            TaskQueued(task_id=100 + n, task_type=TaskType.METADATA, video_id=video_id),
            NoteAdded(note_id=n, user_id=n, video_id=video_id, timestamp="1:23", text=None),
            ConversationStarted(conversation_id=n, user_id=n, guest_id=None, video_id=video_id),
            MessageSent(
                conversation_id=n,
                user_id=n,
                guest_id=None,
                message_id=n,
                role="user",
                content="What?",
                details=None,
            ),
        ]
    return events


def rest_of_history() -> list[Event]:
    """The events that no row begins with, on rows of ``full_history``."""
    return [
        GoogleAccountLinked(user_id=1, google_id="g-1"),
        ProfilePictureChanged(user_id=1, profile_image_url="https://p/1"),
        UserRenamed(user_id=1, name="Ann"),
        AiNotesEnabled(user_id=1),
        AiNotesEnabled(user_id=2),
        AiNotesDisabled(user_id=2),
        LongTermTokenIssued(user_id=1, token_id="t-1", issued_at=START),
        LongTermTokenIssued(user_id=2, token_id="t-2", issued_at=START),
        LongTermTokenRevoked(user_id=2, token_id="t-2"),
        TaskClaimed(task_id=1, worker="admin", attempt=1),
        TaskCompleted(task_id=1, attempt=1),
        TranscriptReady(video_id="video-1", object_key="k", sha256="ab", segment_count=3),
        TaskClaimed(task_id=2, worker="admin", attempt=1),
        TaskAttemptFailed(task_id=2, attempt=1, error="no"),
        TaskClaimed(task_id=3, worker="admin", attempt=3),
        TaskFailed(task_id=3, attempt=3, error=None),
        TaskClaimed(task_id=4, worker="admin", attempt=1),
        TaskGivenBack(task_id=4, attempt=1),
        MetadataFetched(video_id="video-1", metadata={"duration": 1.5}),
        SummaryWritten(video_id="video-1", summary="short"),
        NoteEdited(note_id=1, user_id=1, text="words", generated_by_ai=True),
        NoteAdded(note_id=99, user_id=1, video_id="video-1", timestamp="0:01", text="x"),
        NoteDeleted(note_id=99, user_id=1),
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
Move = tuple[int, int, str]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Any order of events that could have happened."""
    moves = draw(
        st.lists(st.tuples(st.integers(0, 9), st.integers(0, 20), TEXT), min_size=1, max_size=50)
    )
    world = World()
    for move in moves:
        world.move(move)
    return world.past


@dataclass
class World:
    """What there is so far, so that the next event is about something."""

    past: list[Event] = field(default_factory=list)
    users: int = 0
    videos: int = 0
    messages: int = 0
    tasks: list[list[Any]] = field(default_factory=list)
    notes: list[tuple[int, int]] = field(default_factory=list)
    notes_ever: int = 0
    conversations: list[tuple[int, int]] = field(default_factory=list)

    def move(self, move: Move) -> None:
        """Let something happen; nothing does if there is nothing it could be about."""
        kind, pick, text = move
        kinds: list[Callable[[int, str], Iterable[Event]]] = [
            self.newcomer,
            self.video,
            self.note,
            self.note_edited,
            self.note_deleted,
            self.account_changed,
            self.video_described,
            self.task_moved,
            self.conversation,
            self.message,
        ]
        self.past += kinds[kind](pick, text)

    def newcomer(self, pick: int, text: str) -> Iterable[Event]:
        self.users += 1
        google_id = f"g-{self.users}" if pick % 2 else None
        email = f"{self.users}@example.org"
        yield UserSignedUp(user_id=self.users, email=email, name=text, google_id=google_id)

    def video(self, pick: int, text: str) -> Iterable[Event]:
        self.videos += 1
        title = text if pick % 2 else None
        yield VideoAdded(id=self.videos, video_id=f"v{self.videos}", title=title)
        for task_type in TaskType:
            self.tasks.append(["pending", 0])
            yield TaskQueued(
                task_id=len(self.tasks), task_type=task_type, video_id=f"v{self.videos}"
            )

    def note(self, pick: int, text: str) -> Iterable[Event]:
        if self.users and self.videos:
            self.notes_ever += 1
            owner, video_id = pick % self.users + 1, f"v{pick % self.videos + 1}"
            self.notes.append((self.notes_ever, owner))
            yield NoteAdded(
                note_id=self.notes_ever,
                user_id=owner,
                video_id=video_id,
                timestamp="0:01",
                text=text or None,
            )

    def note_edited(self, pick: int, text: str) -> Iterable[Event]:
        if self.notes:
            note_id, owner = self.notes[pick % len(self.notes)]
            by_ai = pick % 2 == 0
            yield NoteEdited(note_id=note_id, user_id=owner, text=text, generated_by_ai=by_ai)

    def note_deleted(self, pick: int, _: str) -> Iterable[Event]:
        if self.notes:
            note_id, owner = self.notes.pop(pick % len(self.notes))
            yield NoteDeleted(note_id=note_id, user_id=owner)

    def account_changed(self, pick: int, text: str) -> Iterable[Event]:
        if self.users:
            user_id = pick % self.users + 1
            yield (
                UserRenamed(user_id=user_id, name=text),
                AiNotesEnabled(user_id=user_id),
                AiNotesDisabled(user_id=user_id),
                ProfilePictureChanged(user_id=user_id, profile_image_url=text),
                GoogleAccountLinked(user_id=user_id, google_id=f"h-{user_id}"),
                LongTermTokenIssued(user_id=user_id, token_id=text, issued_at=START),
                LongTermTokenRevoked(user_id=user_id, token_id=text),
            )[pick % 7]

    def video_described(self, pick: int, text: str) -> Iterable[Event]:
        if self.videos:
            video_id = f"v{pick % self.videos + 1}"
            yield (
                MetadataFetched(video_id=video_id, metadata={"text": text, "pick": pick / 2}),
                SummaryWritten(video_id=video_id, summary=text),
                TranscriptReady(video_id=video_id, object_key="k", sha256=text, segment_count=pick),
            )[pick % 3]

    def task_moved(self, pick: int, text: str) -> Iterable[Event]:
        if self.tasks:
            task_id = pick % len(self.tasks) + 1
            state, attempt = its = self.tasks[task_id - 1]
            if state == "pending":
                its[:] = ["in_progress", attempt + 1]
                yield TaskClaimed(task_id=task_id, worker=text, attempt=attempt + 1)
            elif state == "in_progress":
                its[:] = (
                    ["pending", attempt],
                    ["ended", attempt],
                    ["ended", attempt],
                    ["pending", attempt - 1],
                )[pick % 4]
                yield (
                    TaskAttemptFailed(task_id=task_id, attempt=attempt, error=text or None),
                    TaskFailed(task_id=task_id, attempt=attempt, error=text or None),
                    TaskCompleted(task_id=task_id, attempt=attempt),
                    TaskGivenBack(task_id=task_id, attempt=attempt),
                )[pick % 4]

    def conversation(self, pick: int, _: str) -> Iterable[Event]:
        if self.users and self.videos:
            owner = pick % self.users + 1
            self.conversations.append((len(self.conversations) + 1, owner))
            yield ConversationStarted(
                conversation_id=len(self.conversations),
                user_id=owner,
                guest_id=None,
                video_id=f"v{pick % self.videos + 1}",
            )

    def message(self, pick: int, text: str) -> Iterable[Event]:
        if self.conversations:
            self.messages += 1
            conversation_id, owner = self.conversations[pick % len(self.conversations)]
            yield MessageSent(
                conversation_id=conversation_id,
                user_id=owner,
                guest_id=None,
                message_id=self.messages,
                role="assistant" if pick % 2 else "user",
                content=text,
                details={"pick": pick} if pick % 3 else None,
            )
