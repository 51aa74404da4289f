"""What the routes of auditors answer, as OpenAPI shows it."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from vidwiz.http.responses.models import Checkpoints


class LoggedEventResponse(BaseModel):
    """An event with its place in the log and in its stream, its origin and its links."""

    position: int
    stream: str = Field(examples=["note:17"])
    version: int
    topic: str
    data: dict[str, Any] = Field(description="its fields, as of the newest version of its class")
    recorded_at: datetime
    actor: str = Field(examples=["user:5"])
    correlation_id: str | None = Field(description="the request that it all began with")
    causation_id: str | None = Field(examples=["request:abc", "event:17"])
    request_id: str | None = Field(description="the request that carried it on, if another one")
    previous_hash: str
    hash: str


class LoggedEvents(BaseModel):
    """Some events; with ``next`` as ``after`` (``before`` in descending order) come more."""

    events: list[LoggedEventResponse]
    next: int | None


class FieldChangeResponse(BaseModel):
    """A field's value before an event, and since."""

    before: Any
    after: Any


class EventStream(LoggedEventResponse):
    """The data of the stream's events."""

    MEDIA_TYPE: ClassVar[str] = "text/event-stream"


class EventInItsStream(BaseModel):
    """An event, its neighbours, and what it changed."""

    event: LoggedEventResponse
    previous: LoggedEventResponse | None
    next: LoggedEventResponse | None
    changes: dict[str, FieldChangeResponse]


class EffectResponse(LoggedEventResponse):
    """An event and what followed from it."""

    effects: list["EffectResponse"]


class CauseResponse(BaseModel):
    """A request, or an event of another correlation, and what followed from it."""

    cause: str | None
    effects: list[EffectResponse]


class Causation(BaseModel):
    """What followed from a request; ``next`` is a position when there is more of it."""

    correlation_id: str
    events: int
    next: int | None
    causes: list[CauseResponse]


class LogHead(BaseModel):
    """The newest event."""

    position: int
    hash: str
    recorded_at: datetime


class Lag(BaseModel):
    """How far a follower is, and how many events it is behind."""

    position: int
    lag: int


class ParkedEventResponse(BaseModel):
    """An event that could not be handled, and why."""

    position: int
    attempts: int
    error: str
    parked_at: datetime
    try_at: datetime | None


class ReactionResponse(BaseModel):
    """How a reaction stands.

    ``oldest`` is the first event that failed by itself, ``held`` says what it waits before,
    ``put_off`` counts the notes that are asked for when another day begins.
    """

    reaction: str
    checkpoint: int
    lag: int
    parked: int
    oldest: ParkedEventResponse | None
    held: str | None
    put_off: int


class MaintenanceResponse(BaseModel):
    """A replay that is under way in any process."""

    kind: Literal["rebuild", "verify"]
    position: int | None
    of: int | None


class LogHealth(BaseModel):
    """How the log, those who follow it, and its replays stand."""

    head: LogHead | None
    signals: Lag
    reactions: list[ReactionResponse]
    maintenance: MaintenanceResponse | None
    checkpoints: Checkpoints


class RebuildResponse(BaseModel):
    """The last rebuild that was begun here, and what replay is under way anywhere."""

    state: Literal["none", "running", "done", "failed"]
    tables: list[str]
    started_at: datetime | None
    ended_at: datetime | None
    result: dict[str, Any] | None
    error: str | None
    maintenance: MaintenanceResponse | None


class PastState(BaseModel):
    """The tables as of a position: how many rows each has, some rows of one, or one row."""

    position: int
    tables: dict[str, int] | None = None
    table: str | None = None
    rows: list[dict[str, Any]] | None = None
    row: dict[str, Any] | None = None
    next: int | None = None


class NoteVersion(BaseModel):
    """What a note was from one event on; its ``text`` is null where there is none."""

    version: int
    position: int
    what: Literal["added", "edited", "deleted", "restored"]
    text: str | None
    generated_by_ai: bool
    at: datetime
    by: Literal["you", "AI", "admin"]


class NoteHistoryResponse(BaseModel):
    """A note's versions, newest first; with ``next`` as ``before`` come older ones."""

    note_id: int
    deleted: bool
    versions: list[NoteVersion]
    next: int | None


class ShownCheckpointResponse(BaseModel):
    """A checkpoint, as docs/audit-format.md spells it."""

    position: int
    hash: str
    events: int
    made_at: str
    public_key: str
    previous: str
    signature: str


class Receipt(BaseModel):
    """The witness's signature that it was shown the checkpoint then."""

    witness: str
    received_at: str
    signature: str


class WitnessedCheckpoint(BaseModel):
    """A checkpoint that a witness was shown; it ``contradicts`` the one with this id, if any."""

    id: int
    checkpoint: ShownCheckpointResponse
    contradicts: int | None
    receipt: Receipt


class WitnessedCheckpoints(BaseModel):
    """Some of them; with ``next`` as ``after`` come more."""

    checkpoints: list[WitnessedCheckpoint]
    next: int | None
