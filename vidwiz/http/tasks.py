"""Worker tasks: long poll for one, submit its result."""

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from quart import Blueprint, Response, request
from quart.wrappers.response import DataBody
from quart_schema import document_querystring
from werkzeug.exceptions import MethodNotAllowed

from vidwiz.commands.tasks import (
    Claim,
    ClaimOwnTask,
    Expired,
    ExpireTask,
    SubmitResult,
    TaskNotFound,
    require_claim,
    state_of,
)
from vidwiz.events import TaskType
from vidwiz.events.metadata_bounds import kept
from vidwiz.events.recorded import EventMetadata
from vidwiz.http.access.guards import Admin, Caller, User, admin_only, user_or_admin
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.requests import too_many
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import OwnWork, services
from vidwiz.http.videos.transcript_store import locked, prepared, stored_transcript
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.tasks.dispatcher import Doubt, TooManyPolls

tasks = Blueprint("tasks", __name__)

DEFAULT_WAIT_S = 30.0
LONGEST_WAIT_S = 60.0
OWN_LOOK_S = 1.0
"""Seconds between two looks for work of one's own."""
POLLS_OF_ONE, POLLS_OF_ADMINS = 16, 10_000
"""Long polls at a time, in each process: of one user, and of all who hold the admin token."""
LONGEST_ERROR = 2000
TURNS = 6
"""Turns of the event loop from a disconnect that has happened to Quart's cancellation, on uvloop.

Fewer would miss it; more would take a worker that read its answer and hung up for one that left.
"""


class Poll(BaseModel):
    """How long to wait for a task: at most 60 seconds, and not at all for 0 or less."""

    timeout: float = DEFAULT_WAIT_S


class Result(BaseModel):
    """A worker's report; ``error_message`` is cut to a readable length, and kept of admins only.

    A user's own words would stay in the log after an erasure; ``error_code`` says enough.
    A worker that wrote a summary or a note has sent it before; it reports no more than this.
    """

    model_config = ConfigDict(extra="ignore")

    task_id: int
    video_id: str
    success: bool
    error_message: Annotated[str, CheckedAs(lambda message: message[:LONGEST_ERROR])] | None = None
    error_code: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,64}$")] | None = Field(
        None, examples=["blocked"]
    )
    permanent: bool = Field(default=False, description="another attempt would be in vain")
    model_calls: int | None = Field(
        None, ge=0, le=100, description="how often a language model was asked in this attempt"
    )
    attempt: int | None = Field(
        None, ge=1, le=MAX_BIGINT, description="the `retry_count` that came with the task"
    )


def _required_on_success(value: Any, info: ValidationInfo) -> Any:
    if value in (None, []) and info.data.get("success"):
        raise ValueError(f"{info.field_name} is required when success is true")
    return value


def _segments(segments: list[Any]) -> list[Any]:
    for number, segment in enumerate(segments, 1):
        if not isinstance(segment, dict):
            raise ValueError("transcript items must be dictionaries")  # noqa: TRY004  a 422
        if "text" not in segment:
            raise ValueError("transcript items must contain 'text' field")
        if not isinstance(segment["text"], str):
            raise ValueError(f"'text' of transcript item {number} must be a string")  # noqa: TRY004
        for name in ("offset", "duration"):
            if not _is_seconds(segment.get(name)):
                raise ValueError(
                    f"'{name}' of transcript item {number} must be a finite number of seconds"
                )
    return segments


def _is_seconds(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


_SECONDS = {"anyOf": [{"type": "number"}, {"type": "null"}]}
Segments = CheckedAs(
    _segments,
    items={
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string"}, "offset": _SECONDS, "duration": _SECONDS},
    },
)


class TranscriptResult(Result):
    """A transcript as a list of segments: ``text``, and ``offset`` and ``duration`` in seconds."""

    transcript: Annotated[list[Any], Segments] | None = Field(None, validate_default=True)

    _on_success = field_validator("transcript")(_required_on_success)


class MetadataResult(Result):
    """What the video is: title, channel, duration and so on, kept as it comes.

    Of more than 16 KiB the fields that clients know are kept, the description cut.
    """

    metadata: Annotated[dict[str, Any], CheckedAs(kept)] | None = Field(None, validate_default=True)

    _on_success = field_validator("metadata")(_required_on_success)


@tasks.get("/tasks/transcript")
@documented("tasks", models.ClaimedTask, 400, 401, 429, empty=204)
@document_querystring(Poll)
@user_or_admin
async def get_transcript_task(caller: Caller) -> Response:
    """Wait for a video whose transcript is to be fetched; 204 when there is none in time."""
    return await _poll(caller, TaskType.TRANSCRIPT, "Transcript")


@tasks.get("/tasks/metadata")
@documented("tasks", models.ClaimedTask, 400, 401, 429, empty=204)
@document_querystring(Poll)
@user_or_admin
async def get_metadata_task(caller: Caller) -> Response:
    """Wait for a video whose metadata is to be fetched; 204 when there is none in time."""
    return await _poll(caller, TaskType.METADATA, "Metadata")


@tasks.post("/tasks/transcript")
@documented(
    "tasks", models.SubmittedTask, 400, 401, 403, 404, 413, 422, 429, 503, body=TranscriptResult
)
@user_or_admin
async def post_transcript_task(caller: Caller) -> Response:
    """Report on a claimed transcript task."""
    body = await bodies.read(TranscriptResult)
    status = await services().shielded.run(_submit_transcript(caller, body))
    return _submitted("Transcript", body, status)


@tasks.post("/tasks/metadata")
@documented("tasks", models.SubmittedTask, 400, 401, 403, 404, 413, 422, 429, body=MetadataResult)
@user_or_admin
async def post_metadata_task(caller: Caller) -> Response:
    """Report on a claimed metadata task."""
    body = await bodies.read(MetadataResult)
    fruit = body.metadata if body.success else None
    status = await _submit(caller, TaskType.METADATA, body, metadata=fruit)
    return _submitted("Metadata", body, status)


@tasks.get("/tasks/summary")
@documented("tasks", models.ClaimedTask, 400, 401, 403, 429, empty=204)
@document_querystring(Poll)
@admin_only
async def get_summary_task(caller: Admin) -> Response:
    """Wait for a video that is to be summarised, by ``PATCH /api/videos/{video_id}``."""
    return await _poll(caller, TaskType.SUMMARY, "Summary")


@tasks.post("/tasks/summary")
@documented("tasks", models.SubmittedTask, 400, 401, 403, 404, 413, 422, body=Result)
@admin_only
async def post_summary_task(caller: Admin) -> Response:
    """Report that the summary is written, or why not."""
    body = await bodies.read(Result)
    status = await _submit_writing(caller, TaskType.SUMMARY, body)
    return _submitted("Summary", body, status)


@tasks.get("/tasks/ai-note")
@documented("tasks", models.ClaimedTask, 400, 401, 403, 429, empty=204)
@document_querystring(Poll)
@admin_only
async def get_note_task(caller: Admin) -> Response:
    """Wait for a note that is to be written, by ``PATCH /api/notes/{note_id}``."""
    return await _poll(caller, TaskType.AI_NOTE, "AI note")


@tasks.post("/tasks/ai-note")
@documented("tasks", models.SubmittedTask, 400, 401, 403, 404, 413, 422, body=Result)
@admin_only
async def post_note_task(caller: Admin) -> Response:
    """Report that the note is written, or why not."""
    body = await bodies.read(Result)
    status = await _submit_writing(caller, TaskType.AI_NOTE, body)
    return _submitted("AI note", body, status)


async def _poll(caller: Caller, task_type: TaskType, noun: str) -> Response:
    if request.method == "HEAD":  # which Quart adds to every GET; it would claim and tell nobody
        raise MethodNotAllowed(["GET", "POST"])
    dispatcher = services().dispatchers[task_type]
    asked_by = origin(caller.actor)
    claim = await _claim_while_trusted(caller, task_type, asked_by)
    if claim is None:
        return _nothing()
    try:
        await services().guard.again(caller)  # the token may have been revoked meanwhile
        await _meet_a_disconnect()
    except BaseException:
        dispatcher.give_back(claim, asked_by)
        raise
    named = {"note_id": claim.note_id, "user_id": claim.user_id}
    details = {name: value for name, value in named.items() if value is not None}
    body = orjson.dumps(
        {
            "task_id": claim.task_id,
            "task_type": claim.task_type.value,
            "task_details": {"video_id": claim.video_id, **details},
            "retry_count": claim.attempt,
            "message": f"{noun} task retrieved successfully",
        }
    )
    answer = json_answer(body)
    answer.response = _Delivered(body, lambda: dispatcher.give_back(claim, asked_by))
    return answer


async def _claim_while_trusted(
    caller: Caller, task_type: TaskType, asked_by: EventMetadata
) -> Claim | None:
    """A claim, or None when the time is over; a 401 as soon as the caller's token has died."""
    most = POLLS_OF_ADMINS if isinstance(caller, Admin) else POLLS_OF_ONE
    deadline = time.monotonic() + _timeout()
    while True:
        left = deadline - time.monotonic()
        try:
            with services().polls.one_more(caller.worker, most) as doubt:
                claim = await _claim(caller, task_type, asked_by, left, doubt)
        except TooManyPolls:
            raise too_many(1, f"At most {most} requests for a task at a time") from None
        if claim is not None or not doubt.done():
            return claim
        await services().guard.again(caller)  # perhaps another token of theirs has died


async def _claim(
    caller: Caller, task_type: TaskType, asked_by: EventMetadata, timeout: float, doubt: Doubt
) -> Claim | None:
    own_work = services().own_work
    if isinstance(caller, User) and own_work is not None:
        return await _own_claim(caller, own_work, task_type, timeout, doubt)
    dispatcher = services().dispatchers[task_type]
    return await dispatcher.claim(caller.worker, timeout, asked_by, doubt)


async def _own_claim(
    user: User, work: OwnWork, task_type: TaskType, timeout: float, doubt: Doubt
) -> Claim | None:
    """A transcript to fetch for oneself, of a video that one uses; looks once a second.

    The metadata of a video are for all, so the workers alone fetch them.
    """
    dispatcher = services().dispatchers[task_type]
    deadline = time.monotonic() + timeout
    while True:
        claim = None
        if task_type is TaskType.TRANSCRIPT:
            claim = await services().shielded.run(_claimed_own(user, work))
        left = deadline - time.monotonic()
        if claim is not None or left <= 0 or dispatcher.is_closing or doubt.done():
            return claim
        await asyncio.wait((doubt,), timeout=min(OWN_LOOK_S, left))
        if doubt.done():
            return None


async def _claimed_own(user: User, work: OwnWork) -> Claim | None:
    command = ClaimOwnTask(user.user_id, user.worker, datetime.now(UTC) - work.stale_after)
    asked_by = origin(user.actor)
    while True:
        claim: Claim | Expired | None = await services().store.execute(command, asked_by)
        if not isinstance(claim, Expired):
            return claim
        await services().store.execute(ExpireTask(claim.task_id, claim.attempt), asked_by)


def _nothing() -> Response:
    answer = Response(b"", 204)
    del answer.headers["Content-Length"]  # RFC 9110, section 8.6: not in a 204
    del answer.headers["Content-Type"]
    return answer


async def _meet_a_disconnect() -> None:
    """Quart cancels the request here if its client has gone away by now.

    After the answer is written a disconnect says nothing: a worker may read it and hang up.
    """
    for _ in range(TURNS):
        await asyncio.sleep(0)


class _Delivered(DataBody):
    """An answer that gives the claim back when the client is gone before it is written."""

    def __init__(self, data: bytes, give_back: Callable[[], None]) -> None:
        super().__init__(data)
        self._give_back = give_back
        self._delivered = False
        # Quart may cancel the request's task before it enters this body to write it.
        if (request_task := asyncio.current_task()) is not None:
            request_task.add_done_callback(self._settle)

    async def __aenter__(self) -> DataBody:
        self._delivered = True
        return self

    def _settle(self, _: "asyncio.Task[object]") -> None:
        if not self._delivered:
            self._give_back()


def _timeout() -> float:
    text = request.args.get("timeout")
    if text is None:
        return DEFAULT_WAIT_S
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if math.isnan(seconds):
        raise ApiError(400, "timeout must be a number of seconds")
    return min(seconds, LONGEST_WAIT_S)


def _task_id(body: Result) -> int:
    if not 0 < body.task_id <= MAX_BIGINT:
        raise TaskNotFound
    return body.task_id


async def _submit(caller: Caller, task_type: TaskType, body: Result, **fruit: Any) -> str:
    is_admin = isinstance(caller, Admin)
    command = SubmitResult(
        task_id=_task_id(body),
        task_type=task_type,
        video_id=body.video_id,
        worker=caller.worker,
        error=body.error_message if is_admin else None,
        reason=body.error_code,
        permanent=body.permanent and is_admin,
        attempt=body.attempt,
        **fruit,
    )
    status: str = await services().store.execute(command, origin(caller.actor))
    return status


async def _submit_transcript(caller: Caller, body: TranscriptResult) -> str:
    """Object store first, then the event, one transcript of a video at a time."""
    stream = f"task:{_task_id(body)}"
    async with locked(body.video_id) as connection:
        task = require_claim(
            state_of(await services().store.past_on(connection, stream)),
            task_type=TaskType.TRANSCRIPT,
            video_id=body.video_id,
            worker=caller.worker,
        )
        if not body.success:
            return await _submit(caller, TaskType.TRANSCRIPT, body)
        if task.user_id is None:
            stored = await stored_transcript(body.video_id, body.transcript)
            return await _submit(caller, TaskType.TRANSCRIPT, body, transcript=stored)
        user, items = User(task.user_id), body.transcript or []
        command, _ = await prepared(connection, user, body.video_id, items, "worker")
        await services().store.execute(command, origin(caller.actor))
        return await _submit(caller, TaskType.TRANSCRIPT, body, done=True)


async def _submit_writing(caller: Admin, task_type: TaskType, body: Result) -> str:
    """The ceiling of model calls learns how many there were."""
    status = await _submit(caller, task_type, body, done=body.success)
    if body.model_calls is not None:
        await services().quotas.correct_model_calls(body.model_calls, body.attempt or 1)
    return status


def _submitted(noun: str, body: Result, status: str) -> Response:
    return json_answer(
        {
            "message": f"{noun} result submitted successfully",
            "task_id": body.task_id,
            "status": status,
        }
    )
