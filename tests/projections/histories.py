"""Histories to project: a full one, written by hand, and any that Hypothesis can think of."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

from vidwiz.event_store import statements
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    CheckpointContradicted,
    CheckpointWitnessed,
    ConversationStarted,
    Event,
    GoogleAccountLinked,
    GuestErased,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    MessageSent,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    NoteRestored,
    PasswordChanged,
    PasswordRemoved,
    PersonalSummaryWritten,
    PersonalTranscriptAdded,
    PersonalTranscriptChosen,
    PersonalTranscriptRemoved,
    PersonalTranscriptReplaced,
    ProfilePictureChanged,
    SessionsEnded,
    SummaryRequested,
    SummaryWritten,
    TaskAttemptFailed,
    TaskCancelled,
    TaskClaimed,
    TaskCompleted,
    TaskFailed,
    TaskGivenBack,
    TaskQueued,
    TaskType,
    TranscriptLost,
    TranscriptReady,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
    VideoTitled,
)
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper, with_envelope
from vidwiz.events.sealing import EventAddress
from vidwiz.projections.projector import ProjectableEvent, as_array, expect_rows, in_waves, plan
from vidwiz.projections.projectors import PROJECTORS

Connection = psycopg.Connection[tuple[Any, ...]]
START = datetime(2026, 1, 1, tzinfo=UTC)
mapper = EventMapper()
planned = plan(PROJECTORS)


@dataclass(frozen=True)
class Numbered:
    """An event with its place in its stream and its time."""

    event: Event
    version: int
    at: datetime

    @property
    def fact(self) -> ProjectableEvent:
        return self.fact_by(mapper)

    def fact_by(self, reader: EventMapper) -> ProjectableEvent:
        """As it is projected by who reads it so."""
        stream, topic = stream_id(self.event.stream), self.event.TOPIC
        place = EventAddress(stream, self.version, topic)
        state = reader.current_state(place, mapper.encode(self.event))
        return ProjectableEvent(topic, stream, with_envelope(state, self.version, self.at))


def numbered(events: Iterable[Event]) -> list[Numbered]:
    """The events as they would be recorded, a second and a microsecond apart."""
    versions: dict[str, int] = defaultdict(int)
    result = []
    for index, event in enumerate(events):
        versions[event.stream] += 1
        at = START + timedelta(seconds=index, microseconds=index)
        result.append(Numbered(event, versions[event.stream], at))
    return result


def project(connection: Connection, facts: Sequence[ProjectableEvent]) -> None:
    """Project the facts together, as a batch of the store or a replay does."""
    for topic, states in in_waves(facts):
        for statement in planned[topic]:
            cursor = connection.execute(statement.sql, {"events": as_array(states)})
            expect_rows(statement, topic, len(states), cursor.rowcount)


def append(connection: Connection, events: Sequence[Numbered]) -> None:
    """Add the events to the log."""
    for its in events:
        state = mapper.encode(its.event)
        append_state(connection, its.event.stream, its.version, its.event.TOPIC, state, its.at)


def append_state(
    connection: Connection, stream: str, version: int, topic: str, state: bytes, at: datetime
) -> None:
    """Add an event to the log as it is written down, in whatever version of its class."""
    connection.execute(
        statements.APPEND.sql,
        {
            "streams": [stream_id(stream)],
            "versions": [version],
            "topics": [topic],
            "states": [state],
            "metadata": ['{"actor": "system"}'],
            "recorded_at": at,
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
            VideoOpened(opening_id=n, user_id=n, video_id=video_id),
            brought(n, video_id),
            TaskQueued(task_id=n, task_type=TaskType.TRANSCRIPT, video_id=video_id),
            other_task(n, video_id),
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
            TurnStarted(conversation_id=n, user_id=n, guest_id=None, turn_id=n, server=1000 + n),
        ]
    return events + [witnessed(n) for n in range(1, count + 1)]


def brought(n: int, video_id: str) -> PersonalTranscriptAdded:
    """The ``n``-th person's own transcript."""
    return PersonalTranscriptAdded(
        transcript_id=n,
        user_id=n,
        video_id=video_id,
        object_key=f"personal/{n}",
        sha256="cd",
        words_sha256="ef",
        segment_count=2,
        source="upload",
    )


def other_task(n: int, video_id: str) -> TaskQueued:
    """A task on the ``n``-th video beside that for its transcript, of each type in turn."""
    task_type = (TaskType.METADATA, TaskType.SUMMARY, TaskType.AI_NOTE)[n % 3]
    note_id = n if task_type is TaskType.AI_NOTE else None
    return TaskQueued(task_id=100 + n, task_type=task_type, video_id=video_id, note_id=note_id)


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
        PasswordChanged(user_id=1),
        PasswordRemoved(user_id=2),
        SessionsEnded(user_id=1, before=START),
        UserDisabled(user_id=1),
        UserEnabled(user_id=1),
        UserDisabled(user_id=2),
        TaskClaimed(task_id=1, worker="admin", attempt=1),
        TaskCompleted(task_id=1, attempt=1),
        TranscriptReady(video_id="video-1", object_key="k", sha256="ab", segment_count=3),
        TaskClaimed(task_id=2, worker="admin", attempt=1),
        TaskAttemptFailed(task_id=2, attempt=1, error="no"),
        TaskClaimed(task_id=3, worker="admin", attempt=3),
        TaskFailed(task_id=3, attempt=3, error=None, reason="blocked"),
        TaskClaimed(task_id=4, worker="admin", attempt=1),
        TaskGivenBack(task_id=4, attempt=1),
        TaskClaimed(task_id=5, worker="admin", attempt=1),
        TaskCancelled(task_id=5),
        MetadataFetched(video_id="video-1", metadata={"duration": 1.5}),
        SummaryRequested(video_id="video-1"),
        SummaryWritten(video_id="video-1", summary="short"),
        VideoTitled(video_id="video-3", title="Named at last"),
        TranscriptReady(video_id="video-4", object_key="k", sha256="ab", segment_count=3),
        TranscriptLost(video_id="video-4", sha256="ab"),
        PersonalTranscriptChosen(transcript_id=1, user_id=1, own=False),
        PersonalTranscriptRemoved(transcript_id=2, user_id=2),
        PersonalTranscriptReplaced(**brought(2, "video-2").model_dump()),
        PersonalSummaryWritten(transcript_id=2, user_id=2, summary="mine"),
        PersonalTranscriptRemoved(transcript_id=3, user_id=3),
        NoteEdited(note_id=1, user_id=1, text="words", generated_by_ai=True),
        NoteAdded(note_id=99, user_id=1, video_id="video-1", timestamp="0:01", text="x"),
        NoteDeleted(note_id=99, user_id=1),
        NoteRestored(
            note_id=99,
            user_id=1,
            video_id="video-1",
            timestamp="0:01",
            text="x",
            generated_by_ai=False,
            created_at=START,
        ),
        NoteDeleted(note_id=99, user_id=1),
        TurnCompleted(conversation_id=1, user_id=1, guest_id=None, turn_id=1, answer_id=101),
        TurnStopped(conversation_id=3, user_id=3, guest_id=None, turn_id=3, answer_id=None),
        TurnFailed(
            conversation_id=4, user_id=4, guest_id=None, turn_id=4, reason="refused", partial="Th"
        ),
        *come_and_gone(98),
        *guest_come_and_gone(97),
        CheckpointContradicted(**{**vars(witnessed(99)), "hash": "cd" * 32}, contradicts=1),
    ]


def witnessed(n: int) -> CheckpointWitnessed:
    """A checkpoint of another server."""
    return CheckpointWitnessed(
        checkpoint_id=n,
        public_key="ab" * 32,
        position=7,
        hash="ef" * 32,
        events=7,
        made_at="2026-01-01T00:00:00.000000Z",
        previous="00" * 32,
        signature=f"{n:0128}",
    )


def guest_come_and_gone(n: int) -> list[Event]:
    """A guest with a row in every table that has rows of guests, erased in the end."""
    its: dict[str, Any] = {"conversation_id": n, "user_id": None, "guest_id": f"g-{n}"}
    return [
        ConversationStarted(**its, video_id="video-1"),
        MessageSent(**its, message_id=n, role="user", content="Who?", details=None),
        TurnStarted(**its, turn_id=n, server=1),
        GuestErased(guest_id=f"g-{n}"),
    ]


def come_and_gone(n: int) -> list[Event]:
    """A person with a row in every table that has rows of persons, all erased in the end."""
    its: dict[str, Any] = {"conversation_id": n, "user_id": n, "guest_id": None}
    return [
        UserSignedUp(user_id=n, email=f"{n}@example.org", name="Gone", google_id=f"g-{n}"),
        VideoOpened(opening_id=n, user_id=n, video_id="video-1"),
        brought(n, "video-1"),
        NoteAdded(note_id=n, user_id=n, video_id="video-1", timestamp="0:02", text="mine"),
        ConversationStarted(**its, video_id="video-1"),
        MessageSent(**its, message_id=n, role="user", content="Who?", details=None),
        TurnStarted(**its, turn_id=n, server=1),
        UserErased(user_id=n),
    ]


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
Move = tuple[int, int, str]


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Any order of events that could have happened."""
    moves = draw(
        st.lists(st.tuples(st.integers(0, 14), st.integers(0, 20), TEXT), min_size=1, max_size=50)
    )
    world = World()
    for move in moves:
        world.move(move)
    return world.past


@dataclass
class World:
    """What there is so far, so that the next event is about something."""

    past: list[Event] = field(default_factory=list)
    users: list[int] = field(default_factory=list)
    users_ever: int = 0
    videos: int = 0
    messages: int = 0
    tasks: list[list[Any]] = field(default_factory=list)
    notes: list[tuple[int, int]] = field(default_factory=list)
    notes_ever: int = 0
    openings: set[tuple[int, str]] = field(default_factory=set)
    openings_ever: int = 0
    conversations_ever: int = 0
    deleted: list[tuple[int, int]] = field(default_factory=list)
    conversations: list[dict[str, Any]] = field(default_factory=list)
    answering: list[tuple[int, dict[str, Any]]] = field(default_factory=list)

    def move(self, move: Move) -> None:
        """Let something happen; nothing does if there is nothing it could be about."""
        kind, pick, text = move
        kinds: list[Callable[[int, str], Iterable[Event]]] = [
            self.newcomer,
            self.video,
            self.note,
            self.note_edited,
            self.note_deleted,
            self.note_restored,
            self.account_changed,
            self.video_described,
            self.task_moved,
            self.conversation,
            self.message,
            self.turn,
            self.turn_ended,
            self.erased,
            self.opened,
        ]
        self.past += kinds[kind](pick, text)

    def newcomer(self, pick: int, text: str) -> Iterable[Event]:
        self.users_ever += 1
        self.users.append(self.users_ever)
        google_id = f"g-{self.users_ever}" if pick % 2 else None
        email = f"{self.users_ever}@example.org"
        yield UserSignedUp(user_id=self.users_ever, email=email, name=text, google_id=google_id)

    def erased(self, pick: int, _: str) -> Iterable[Event]:
        if self.users:
            user_id = self.users.pop(pick % len(self.users))
            self.notes = [its for its in self.notes if its[1] != user_id]
            self.conversations = [its for its in self.conversations if its["user_id"] != user_id]
            self.answering = [its for its in self.answering if its[1]["user_id"] != user_id]
            yield UserErased(user_id=user_id)

    def video(self, pick: int, text: str) -> Iterable[Event]:
        self.videos += 1
        title = text if pick % 2 else None
        yield VideoAdded(id=self.videos, video_id=f"v{self.videos}", title=title)
        for task_type in (TaskType.TRANSCRIPT, TaskType.METADATA, TaskType.SUMMARY):
            yield self.queued(task_type, f"v{self.videos}")

    def opened(self, pick: int, _: str) -> Iterable[Event]:
        if self.users and self.videos:
            self.openings_ever += 1
            owner, video_id = self.users[pick % len(self.users)], f"v{pick % self.videos + 1}"
            if (owner, video_id) not in self.openings:
                self.openings.add((owner, video_id))
                yield VideoOpened(opening_id=self.openings_ever, user_id=owner, video_id=video_id)

    def queued(self, task_type: TaskType, video_id: str, note_id: int | None = None) -> TaskQueued:
        self.tasks.append(["pending", 0])
        return TaskQueued(
            task_id=len(self.tasks), task_type=task_type, video_id=video_id, note_id=note_id
        )

    def note(self, pick: int, text: str) -> Iterable[Event]:
        if self.users and self.videos:
            self.notes_ever += 1
            owner, video_id = self.users[pick % len(self.users)], f"v{pick % self.videos + 1}"
            self.notes.append((self.notes_ever, owner))
            yield NoteAdded(
                note_id=self.notes_ever,
                user_id=owner,
                video_id=video_id,
                timestamp="0:01",
                text=text or None,
            )
            if not text:
                yield self.queued(TaskType.AI_NOTE, video_id, self.notes_ever)

    def note_edited(self, pick: int, text: str) -> Iterable[Event]:
        if self.notes:
            note_id, owner = self.notes[pick % len(self.notes)]
            by_ai = pick % 2 == 0
            yield NoteEdited(note_id=note_id, user_id=owner, text=text, generated_by_ai=by_ai)

    def note_deleted(self, pick: int, _: str) -> Iterable[Event]:
        if self.notes:
            note_id, owner = self.notes.pop(pick % len(self.notes))
            self.deleted.append((note_id, owner))
            yield NoteDeleted(note_id=note_id, user_id=owner)

    def note_restored(self, pick: int, text: str) -> Iterable[Event]:
        if self.deleted:
            note_id, owner = self.deleted.pop(pick % len(self.deleted))
            self.notes.append((note_id, owner))
            yield NoteRestored(
                note_id=note_id,
                user_id=owner,
                video_id=f"v{pick % self.videos + 1}",
                timestamp="0:01",
                text=text or None,
                generated_by_ai=pick % 2 == 0,
                created_at=START,
            )

    def account_changed(self, pick: int, text: str) -> Iterable[Event]:
        if self.users:
            user_id = self.users[pick % len(self.users)]
            yield (
                UserRenamed(user_id=user_id, name=text),
                AiNotesEnabled(user_id=user_id),
                AiNotesDisabled(user_id=user_id),
                ProfilePictureChanged(user_id=user_id, profile_image_url=text),
                GoogleAccountLinked(user_id=user_id, google_id=f"h-{user_id}"),
                LongTermTokenIssued(user_id=user_id, token_id=text, issued_at=START),
                LongTermTokenRevoked(user_id=user_id, token_id=text),
                PasswordChanged(user_id=user_id),
                PasswordRemoved(user_id=user_id),
                SessionsEnded(user_id=user_id, before=START),
                UserDisabled(user_id=user_id),
                UserEnabled(user_id=user_id),
            )[pick % 12]

    def video_described(self, pick: int, text: str) -> Iterable[Event]:
        if self.videos:
            video_id = f"v{pick % self.videos + 1}"
            yield (
                MetadataFetched(video_id=video_id, metadata={"text": text, "pick": pick / 2}),
                SummaryWritten(video_id=video_id, summary=text),
                TranscriptReady(video_id=video_id, object_key="k", sha256=text, segment_count=pick),
                SummaryRequested(video_id=video_id),
            )[pick % 4]

    def task_moved(self, pick: int, text: str) -> Iterable[Event]:
        if self.tasks:
            task_id = pick % len(self.tasks) + 1
            state, attempt = its = self.tasks[task_id - 1]
            if state == "pending":
                its[:] = ["in_progress", attempt + 1]
                yield TaskClaimed(task_id=task_id, worker=text, attempt=attempt + 1)
            elif state == "in_progress":
                failure = {"task_id": task_id, "attempt": attempt, "error": text or None}
                reason = text if pick % 2 else None
                its[:], event = (
                    (["pending", attempt], TaskAttemptFailed(**failure, reason=reason)),
                    (["ended", attempt], TaskFailed(**failure, reason=reason)),
                    (["ended", attempt], TaskCompleted(task_id=task_id, attempt=attempt)),
                    (["pending", attempt - 1], TaskGivenBack(task_id=task_id, attempt=attempt)),
                    (["ended", attempt], TaskCancelled(task_id=task_id)),
                )[pick % 5]
                yield event

    def conversation(self, pick: int, text: str) -> Iterable[Event]:
        if self.users and self.videos:
            self.conversations_ever += 1
            its = {
                "conversation_id": self.conversations_ever,
                "user_id": self.users[pick % len(self.users)] if pick % 3 else None,
                "guest_id": None if pick % 3 else text,
            }
            self.conversations.append(its)
            yield ConversationStarted(**its, video_id=f"v{pick % self.videos + 1}")

    def message(self, pick: int, text: str) -> Iterable[Event]:
        if self.conversations:
            its = self.conversations[pick % len(self.conversations)]
            yield self.sent(its, "assistant" if pick % 2 else "user", text, pick)

    def sent(self, its: dict[str, Any], role: Any, text: str, pick: int) -> MessageSent:
        self.messages += 1
        details = {"pick": pick} if pick % 3 else None
        return MessageSent(
            **its, message_id=self.messages, role=role, content=text, details=details
        )

    def turn(self, pick: int, text: str) -> Iterable[Event]:
        if self.conversations:
            its = self.conversations[pick % len(self.conversations)]
            yield self.sent(its, "user", text, pick)
            self.answering.append((self.messages, its))
            yield TurnStarted(**its, turn_id=self.messages, server=pick)

    def turn_ended(self, pick: int, text: str) -> Iterable[Event]:
        if self.answering:
            turn_id, its = self.answering.pop(pick % len(self.answering))
            if pick % 4 < 2:
                yield self.sent(its, "assistant", text, pick)
            turn: dict[str, Any] = {**its, "turn_id": turn_id}
            yield (
                TurnCompleted(**turn, answer_id=self.messages),
                TurnStopped(**turn, answer_id=self.messages),
                TurnStopped(**turn, answer_id=None),
                TurnFailed(**turn, reason=text, partial=text),
            )[pick % 4]
