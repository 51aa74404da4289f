"""The contract's objects as OpenAPI shows them. PostgreSQL builds the JSON that goes out."""

from datetime import datetime
from typing import Any, Literal

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


class Note(BaseModel):
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
    notes: list[Note]
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


class Message(BaseModel):
    """It worked."""

    message: str


class Token(BaseModel):
    """A JWT."""

    token: str


class LongTermToken(Message):
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


class Ready(BaseModel):
    """Whether requests can be served; only the first two when the database does not answer."""

    status: Literal["ok", "unavailable"]
    database: Literal["ok", "unavailable"]
    migrations: Migrations | None = None
    log: LogState | None = None


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
    """What the task is about."""

    video_id: str


class ClaimedTask(BaseModel):
    """A task in the caller's hands."""

    task_id: int
    task_type: Literal["fetch_transcript", "fetch_metadata"]
    task_details: TaskDetails
    retry_count: int = Field(description="1 on the first claim")
    message: str


class SubmittedTask(BaseModel):
    """What became of the task."""

    message: str
    task_id: int
    status: Literal["completed", "pending", "failed"]
