"""What a history has made so far, in plain Python: every row that the tables are to have.

Fields are named as columns are, so that a row and its model are compared as dictionaries.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from secrets import token_hex
from typing import Any

from vidwiz.events import TaskType


@dataclass(kw_only=True)
class Row:
    """A row that follows a stream."""

    created_at: datetime
    updated_at: datetime
    version: int = 1

    def happened(self, at: datetime) -> None:
        """One more event of the stream."""
        self.updated_at = at
        self.version += 1


@dataclass
class User(Row):
    id: int
    email: str
    name: str
    google_id: str | None = None
    profile_image_url: str | None = None
    ai_notes_enabled: bool = False
    long_term_token_id: str | None = None
    long_term_token_issued_at: datetime | None = None
    tokens_valid_from: datetime | None = None
    disabled_at: datetime | None = None


@dataclass
class Video(Row):
    id: int
    video_id: str
    title: str | None
    metadata: dict[str, Any] | None = None
    transcript_available: bool = False
    transcript_sha256: str | None = None
    transcript_segments: int | None = None
    transcript_origin: str | None = None
    summary: str | None = None
    summary_requested_at: datetime | None = None


@dataclass
class Opening:
    id: int
    user_id: int
    video_id: str
    created_at: datetime


@dataclass
class PersonalTranscript(Row):
    id: int
    user_id: int
    video_id: str
    object_key: str | None = None
    sha256: str | None = None
    words_sha256: str | None = None
    segment_count: int | None = None
    source: str | None = None
    chosen: bool = False
    summary: str | None = None


@dataclass
class Note(Row):
    id: int
    user_id: int
    video_id: str
    timestamp: str
    text: str | None
    generated_by_ai: bool = False


@dataclass
class NotePast:
    """All that a note ever was; its versions are text and flag, or None where it was deleted."""

    user_id: int
    video_id: str
    timestamp: str
    created_at: datetime
    versions: list[tuple[str | None, bool] | None]


@dataclass
class Task(Row):
    id: int
    task_type: TaskType
    task_details: dict[str, Any]
    status: str = "pending"
    worker_details: dict[str, Any] | None = None
    retry_count: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in ("pending", "in_progress")

    @property
    def video_id(self) -> str:
        return str(self.task_details["video_id"])

    @property
    def user_id(self) -> int | None:
        """Whom alone the result is for."""
        return self.task_details.get("user_id")

    def is_claimable(self, stale_before: datetime) -> bool:
        if self.status == "in_progress":
            assert self.started_at is not None
            return self.started_at < stale_before
        return self.status == "pending"

    def claimed(self, worker: str, at: datetime) -> None:
        self.status, self.started_at = "in_progress", at
        self.worker_details = {"worker": worker}
        self.retry_count += 1
        self.happened(at)

    @property
    def worker(self) -> str | None:
        return None if self.worker_details is None else self.worker_details["worker"]

    def ended(self, status: str, at: datetime) -> None:
        """It is never offered again."""
        self.status, self.completed_at = status, at
        self.happened(at)


@dataclass
class Conversation(Row):
    id: int
    user_id: int | None
    guest_id: str | None
    video_id: str


@dataclass
class Message:
    id: int
    conversation_id: int
    role: str
    content: str
    metadata: dict[str, Any] | None
    user_id: int | None
    guest_id: str | None
    created_at: datetime


@dataclass
class Turn(Row):
    id: int
    conversation_id: int
    server: int
    user_id: int | None
    guest_id: str | None
    status: str = "answering"
    answer_id: int | None = None
    reason: str | None = None
    partial: str | None = None


@dataclass
class WitnessedCheckpoint:
    id: int
    public_key: str
    position: int
    hash: str
    events: int
    made_at: str
    previous: str
    signature: str
    contradicts: int | None
    received_at: datetime
    version: int


@dataclass
class World:
    """The rows, the names that this history's commands may use, and all ids that ever were."""

    now: datetime
    token: str = field(default_factory=lambda: token_hex(4))
    users: dict[int, User] = field(default_factory=dict)
    videos: dict[str, Video] = field(default_factory=dict)
    openings: dict[tuple[int, str], Opening] = field(default_factory=dict)
    personal_transcripts: dict[int, PersonalTranscript] = field(default_factory=dict)
    notes: dict[int, Note] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    conversations: dict[int, Conversation] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    turns: dict[int, Turn] = field(default_factory=dict)
    witnessed_checkpoints: dict[int, WitnessedCheckpoint] = field(default_factory=dict)
    credentials: dict[int, str] = field(default_factory=dict)
    idempotency_keys: dict[tuple[int, str], tuple[str, int]] = field(default_factory=dict)
    quotas: dict[tuple[str, date], int] = field(default_factory=dict)
    persons: dict[str, datetime | None] = field(default_factory=dict)  # when they were erased
    note_pasts: dict[int, NotePast] = field(default_factory=dict)
    users_ever: list[int] = field(default_factory=list)
    notes_ever: list[int] = field(default_factory=list)
    conversations_ever: list[int] = field(default_factory=list)
    turns_ever: list[int] = field(default_factory=list)

    @property
    def emails(self) -> Sequence[str]:
        return [f"{name}-{self.token}@example.org" for name in ("ann", "bob")]

    @property
    def google_ids(self) -> Sequence[str]:
        return [f"google-{number}-{self.token}" for number in (1, 2)]

    @property
    def video_ids(self) -> Sequence[str]:
        return [f"{letter}-{self.token}" for letter in "VW"]

    @property
    def guest_ids(self) -> Sequence[str]:
        return [f"guest-{number}-{self.token}" for number in (1, 2)]

    @property
    def signer(self) -> str:
        """The public key of a server whose log this one witnesses."""
        return f"{self.token:064}"

    @property
    def new(self) -> dict[str, Any]:
        """The times of a row that is made now."""
        return {"created_at": self.now, "updated_at": self.now}

    def open_tasks(self, task_type: TaskType, video_id: str) -> list[Task]:
        return [task for task in self.tasks_on(task_type, video_id) if task.is_open]

    def tasks_on(self, task_type: TaskType, video_id: str) -> Iterable[Task]:
        whole = (task for _, task in sorted(self.tasks.items()))
        wanted = (task_type, video_id, None)
        return [it for it in whole if (it.task_type, it.video_id, it.user_id) == wanted]

    def on_its_way(self, task_type: TaskType, video_id: str) -> bool:
        """Whether a task for it is open or was completed; a lost transcript's does not count."""
        video = self.videos.get(video_id)
        lost = task_type is TaskType.TRANSCRIPT and video and not video.transcript_available
        return any(
            task.is_open or (task.status == "completed" and not lost)
            for task in self.tasks_on(task_type, video_id)
        )
