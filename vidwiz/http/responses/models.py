"""The contract's objects as OpenAPI shows them. PostgreSQL builds the JSON that goes out."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field


class Video(BaseModel):
    """A video, shared by all users."""

    id: int
    video_id: str
    title: str | None
    metadata: dict[str, Any] | None
    transcript_available: bool
    summary: str | None
    created_at: datetime
    updated_at: datetime


class NoteResponse(BaseModel):
    """A note of one user, with the video it is on."""

    id: int
    video_id: str
    timestamp: str = Field(examples=["12:34"])
    text: str | None
    generated_by_ai: bool
    created_at: datetime
    updated_at: datetime
    video: Video | None
    user_id: int


class Notes(BaseModel):
    """Notes that an AI should write."""

    video_id: str
    notes: list[NoteResponse]
    message: str


class Profile(BaseModel):
    """The caller's account."""

    id: int
    email: str
    name: str
    profile_image_url: str | None
    ai_notes_enabled: bool
    token_exists: bool
    long_term_token: str | None
    created_at: datetime


class MessageResponse(BaseModel):
    """It worked."""

    message: str


class Token(BaseModel):
    """A JWT."""

    token: str


class LongTermToken(MessageResponse):
    """A token that lives until it is revoked."""

    token: str


class Live(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Migrations(BaseModel):
    """The database's schema, and the one that this program needs."""

    at: str | None
    head: str


class LogState(BaseModel):
    """The newest event, and how many events the signals are behind it."""

    position: int
    follower_lag: int


class WitnessStateResponse(BaseModel):
    """How a witness stands: it keeps the checkpoint at ``position`` since ``at``."""

    url: str
    position: int
    at: datetime | None
    problem: str | None


class Checkpoints(BaseModel):
    """How the log's signed checkpoints stand; ``problem`` says what is wrong with their copies."""

    pinned: int
    copied: int
    copied_at: datetime | None
    copies: int
    problem: str | None
    witnesses: list[WitnessStateResponse]


class Ready(BaseModel):
    """Whether requests can be served; only the first two when the database does not answer."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "incomplete", "read-only", "unavailable"]
    writer: Literal["ok", "restarting"] | None = None
    migrations: Migrations | None = None
    log: LogState | None = None
    checkpoints: Checkpoints | None = None


class FoundVideo(BaseModel):
    """A video with notes of the caller."""

    video_id: str
    video_title: str | None
    metadata: dict[str, Any] | None


class SearchResult(BaseModel):
    """One page of videos, newest first."""

    videos: list[FoundVideo]
    total: int
    page: int
    per_page: int
    total_pages: int


class TaskDetails(BaseModel):
    """What the task is about; ``note_id`` is there when it is about one note."""

    video_id: str
    note_id: int | None = None


class ClaimedTask(BaseModel):
    """A task in the caller's hands."""

    task_id: int
    task_type: Literal["fetch_transcript", "fetch_metadata", "write_summary", "write_ai_note"]
    task_details: TaskDetails
    retry_count: int = Field(description="1 on the first claim")
    message: str


class SubmittedTask(BaseModel):
    """What became of the task."""

    message: str
    task_id: int
    status: Literal["completed", "pending", "failed"]


class OpenedVideo(BaseModel):
    """What was done to get a video ready."""

    message: str
    video_id: str
    is_new: bool
    tasks_queued: list[Literal["transcript", "metadata", "summary"]] | None


class WizVideo(BaseModel):
    """What Wiz has of a video so far."""

    video_id: str
    title: str | None
    transcript_available: bool
    metadata: dict[str, Any] | None
    summary: str | None


class StartedConversation(BaseModel):
    """A new conversation."""

    conversation_id: int
    video_id: str


class Processing(BaseModel):
    """There is no transcript yet to answer from."""

    status: Literal["processing"]
    message: str


class Quota(BaseModel):
    """Questions of one day (UTC)."""

    limit: int
    used: int
    remaining: int
    reset_in_seconds: int
    service_limit_reached: bool = Field(description="whatever is remaining, asking gives 429 today")


class ListedConversation(BaseModel):
    """A conversation in a list."""

    conversation_id: int
    video_id: str
    first_question: str | None
    created_at: datetime
    updated_at: datetime


class Conversations(BaseModel):
    """Conversations, newest first."""

    conversations: list[ListedConversation]


class CitationResponse(BaseModel):
    """A time in an answer that the transcript has; ``at`` counts characters of the answer.

    ``at_utf16`` counts as JavaScript does; answers that were stored long ago do not have it.
    """

    marker: str = Field(examples=["[7:55:35]"])
    at: int
    at_utf16: int | None = None
    start: float = Field(description="seconds")
    end: float = Field(description="seconds")
    quote: str


class ChatTurnMessage(BaseModel):
    """A question or an answer."""

    id: int
    role: Literal["user", "assistant"]
    content: str
    citations: list[CitationResponse]
    cut: bool = Field(False, description="a limit ended the answer; its last words say so")
    created_at: datetime


class ConversationTurn(BaseModel):
    """How a question, the message ``turn_id``, was answered; ``partial`` is of a failed answer."""

    turn_id: int
    status: Literal["answering", "completed", "stopped", "failed"]
    answer_id: int | None
    reason: str | None
    partial: str | None


class Conversation(BaseModel):
    """A conversation, oldest message first."""

    conversation_id: int
    video_id: str
    created_at: datetime
    updated_at: datetime
    messages: list[ChatTurnMessage]
    turns: list[ConversationTurn]


class TurnStream(BaseModel):
    """What the data of the stream's events may hold."""

    MEDIA_TYPE: ClassVar[str] = "text/event-stream"

    content: str | None = None
    marker: str | None = None
    message_id: int | None = None
    code: str | None = None
    message: str | None = None


class StoppedTurn(BaseModel):
    """How the turn ended."""

    turn_id: int
    status: Literal["completed", "stopped", "failed"]


class TranscriptItem(BaseModel):
    """A segment; workers may have submitted more."""

    text: str
    offset: float | None = Field(None, description="seconds")
    duration: float | None = Field(None, description="seconds")


class SkippedCue(BaseModel):
    """A cue that was left out: its line in the file, or its item in a list of JSON, and why."""

    line: int
    reason: str


class SkippedCues(BaseModel):
    """How many malformed cues were left out, and the first few of them."""

    count: int
    first: list[SkippedCue]


class AddedTranscript(BaseModel):
    """How much of a transcript was understood."""

    message: str
    video_id: str
    segments: int
    skipped: SkippedCues
    shared: bool
    beginning: list[TranscriptItem]


class OwnTranscriptResponse(BaseModel):
    """The transcript that the caller brought."""

    segments: int
    source: Literal["upload", "worker"]


class SharedTranscript(BaseModel):
    """The transcript that all share."""

    origin: Literal["workers", "admin", "readers", "unknown"]


class BroughtTranscript(BaseModel):
    """A transcript that a user brought, for an admin to confirm; the same digest: same words."""

    user_id: int
    segments: int
    words_sha256: str
    sha256: str
    source: Literal["upload", "worker"]
    created_at: str


class UnsharedTranscript(BroughtTranscript):
    """The same, with its video, which has no shared transcript."""

    transcript_id: int
    video_id: str
    title: str | None


class UnsharedTranscripts(BaseModel):
    """Newest first; with ``next`` as ``before`` come older ones."""

    transcripts: list[UnsharedTranscript]
    next: int | None


class TranscriptsOfVideo(BaseModel):
    """Whose transcripts there are, and which of them the caller reads."""

    video_id: str
    reads: Literal["own", "shared"] | None
    own: OwnTranscriptResponse | None
    shared: SharedTranscript | None
    brought: list[BroughtTranscript]


class ProgressOf(BaseModel):
    """How one thing stands; ``reason`` is a stable code, ``message`` is for people."""

    state: Literal["ready", "pending", "in_progress", "failed", "missing"]
    attempts: int
    reason: str | None
    message: str | None


class PutOffNotes(BaseModel):
    """The first 100 notes of the user that AI writes on another day, by their ids, and why."""

    put_off: list[int]
    next_try_at: datetime | None
    message: str | None


class Progress(BaseModel):
    """How far a video has come."""

    video_id: str
    transcript: ProgressOf
    metadata: ProgressOf
    summary: ProgressOf
    ai_notes: PutOffNotes


class LiveStream(BaseModel):
    """What the data of the stream's events may hold. Ids are positions in the log.

    A ``note`` has ``type``, ``note_id``, ``video_id``; a ``video`` ``video_id``, ``what``;
    a ``task`` ``video_id``, ``task_type``, ``status``, ``reason``; a ``turn`` ``turn_id``,
    ``conversation_id``, ``video_id``, ``status``; the others have nothing.
    """

    MEDIA_TYPE: ClassVar[str] = "text/event-stream"

    type: Literal["added", "edited", "deleted", "restored"] | None = None
    what: Literal["added", "transcript", "metadata", "summary"] | None = None
    task_type: Literal["fetch_transcript", "fetch_metadata", "write_summary"] | None = None
    status: str | None = None
    reason: str | None = None
    note_id: int | None = None
    turn_id: int | None = None
    conversation_id: int | None = None
    video_id: str | None = None


class SearchHit(BaseModel):
    """Where the words stand; ``seconds`` and ``timestamp`` are of a note or a transcript."""

    kind: Literal["title", "note", "transcript"]
    note_id: int | None
    seconds: float | None
    timestamp: str | None = Field(examples=["12:34"])
    snippet: str = Field(description="plain text")
    highlights: list[tuple[int, int]] = Field(description="UTF-16 code units of the snippet")


class SearchMetadata(BaseModel):
    """What a list shows of a video."""

    thumbnail: Any
    channel: Any
    duration_string: Any


class LibraryVideo(BaseModel):
    """A video that the caller opened or noted."""

    video_id: str
    title: str | None
    metadata: SearchMetadata | None
    note_count: int = Field(description="the caller's notes on it")
    last_used_at: datetime = Field(description="when it was first opened, or last noted if later")


class LibraryResponse(BaseModel):
    """One page of videos, the one that was opened or noted last first."""

    videos: list[LibraryVideo]
    total: int
    page: int
    per_page: int
    total_pages: int


class VideoWithHits(BaseModel):
    """A video with its best hits, and how many there are."""

    video_id: str
    title: str | None
    metadata: SearchMetadata | None
    hits: list[SearchHit]
    hit_count: int


class Everything(BaseModel):
    """One page of videos with hits, best first."""

    query: str
    total: int
    videos: list[VideoWithHits]


class Config(BaseModel):
    """What the web app has to know; ``google_client_id`` is null where Google sign-in is off.

    Where ``sign_up`` is closed only the operator opens accounts. Without a ``language_model``
    answers, summaries and AI notes are quotes.
    """

    google_client_id: str | None
    guest_daily_limit: int
    user_daily_limit: int
    version: str
    player_api_url: str
    sign_up: Literal["open", "closed"]
    language_model: bool


class ArchiveResponse(BaseModel):
    """Markdown for each video, notes as JSON and CSV, the profile."""

    MEDIA_TYPE: ClassVar[str] = "application/zip"
