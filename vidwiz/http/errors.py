"""Every error in the contract's envelope: ``{"error": {"code", "message"[, "details"]}}``."""

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from pydantic import BaseModel, ValidationError
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from vidwiz.adapters.google_sign_in import CertificatesUnavailable, InvalidCredential
from vidwiz.adapters.object_store import ObjectStoreError
from vidwiz.audit.streams import TooManyStreams
from vidwiz.commands import conversations, notes, tasks, transcripts, users, videos
from vidwiz.commands.base import DomainError
from vidwiz.event_store.command_queue import Conflict, Overloaded
from vidwiz.event_store.person_storage import NoRoom
from vidwiz.events.master_key import KeyUnusable, WrongMasterKey
from vidwiz.events.recorded import UnknownEvent
from vidwiz.events.sealing import SealBroken
from vidwiz.http.access.passwords import TooManyPasswords
from vidwiz.http.requests.context import REQUEST_ID, scope
from vidwiz.http.responses.answers import json_answer
from vidwiz.postgres.pool import DatabaseUnavailable, means_unavailable
from vidwiz.replay.as_of import Busy, NoSuchPosition
from vidwiz.replay.time_travel import ReplayTooLong

log = structlog.get_logger(__name__)

CODES: Mapping[int, str] = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_EXCEEDED",
    431: "REQUEST_HEADER_FIELDS_TOO_LARGE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}

STATUSES: Mapping[type[DomainError], int] = {
    conversations.ConversationNotFound: 404,
    conversations.TurnNotFound: 404,
    conversations.TranscriptUnavailable: 400,
    conversations.TranscriptProcessing: 202,
    conversations.UserQuotaExceeded: 429,
    conversations.GuestQuotaExceeded: 429,
    notes.NoteNotFound: 404,
    notes.NoteVersionNotFound: 404,
    notes.VideoTitleRequired: 400,
    notes.IdempotencyKeyReused: 422,
    tasks.NewWorkRefused: 429,
    tasks.TaskNotFound: 404,
    tasks.TaskVideoMismatch: 400,
    tasks.TaskNotInProgress: 400,
    tasks.TaskOfOtherWorker: 403,
    users.EmailTaken: 409,
    users.UserNotFound: 404,
    users.GuestNotFound: 404,
    users.LongTermTokenExists: 400,
    users.LongTermTokenNotFound: 404,
    users.EmailNotVerified: 401,
    users.AccountDisabled: 401,
    users.SignUpClosed: 403,
    users.OtherGoogleAccountLinked: 409,
    videos.VideoNotFound: 404,
    transcripts.TranscriptNotFound: 404,
}

UNAVAILABLE: tuple[type[Exception], ...] = (
    DatabaseUnavailable,
    Overloaded,
    ObjectStoreError,
    CertificatesUnavailable,
    TooManyPasswords,
    UnknownEvent,
    KeyUnusable,
    WrongMasterKey,
)
"""What is over when the service has again what it needs."""


ASK_AGAIN = frozenset((429, 503))
"""Statuses whose answers have a ``Retry-After``."""


class ApiError(Exception):
    """An answer that is an error; ``details`` stays out of the envelope when it is None."""

    def __init__(
        self,
        status: int,
        message: str,
        details: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.headers = headers


class ErrorBody(BaseModel):
    """What went wrong."""

    code: str
    message: str
    details: Any = None


class ErrorEnvelope(BaseModel):
    """The form of every error."""

    error: ErrorBody


def envelope(
    status: int, message: str, details: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for an error; 429 and 503 always say when to ask again."""
    headers = dict(headers or {})
    if status in ASK_AGAIN:
        headers.setdefault("Retry-After", str(_seconds_to_wait(details)))
    return json_answer(envelope_body(status, message, details), status, headers)


def _seconds_to_wait(details: Any) -> int:
    seconds = details.get("reset_in_seconds", 1) if isinstance(details, Mapping) else 1
    return max(1, math.ceil(seconds))


def envelope_body(status: int, message: str, details: Any = None) -> dict[str, dict[str, Any]]:
    """What the answer for an error holds."""
    error = {"code": CODES.get(status) or HTTPStatus(status).name, "message": message}
    if details is not None:
        error["details"] = details
    return {"error": error}


def invalid(error: ValidationError) -> ApiError:
    """A 422 that names every bad field, in Pydantic's words."""
    details = [
        {
            "field": ".".join(str(part) for part in problem["loc"]),
            "message": problem["msg"],
            "type": problem["type"],
        }
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ApiError(422, "Request validation failed", details)


def register_error_handlers(app: Quart) -> None:
    """Turn everything that handlers raise into the envelope."""
    app.register_error_handler(ApiError, _api_error)
    app.register_error_handler(DomainError, _domain_error)
    app.register_error_handler(InvalidCredential, _invalid_credential)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Conflict, _conflict)
    app.register_error_handler(ReplayTooLong, _still_replaying)
    app.register_error_handler(Busy, _busy)
    app.register_error_handler(TooManyStreams, _busy)
    app.register_error_handler(UnknownEvent, _unreadable)
    app.register_error_handler(SealBroken, _unreadable)
    app.register_error_handler(NoSuchPosition, _no_such_position)
    app.register_error_handler(NoRoom, _no_room)
    for kind in UNAVAILABLE:
        app.register_error_handler(kind, _unavailable)
    app.register_error_handler(Exception, _unexpected)


async def _api_error(error: ApiError) -> Response:
    return envelope(error.status, error.message, error.details, error.headers)


async def _domain_error(error: DomainError) -> Response:
    return envelope(STATUSES[type(error)], error.message)


async def _invalid_credential(_: InvalidCredential) -> Response:
    return envelope(401, "Invalid Google credential")


async def _conflict(_: Conflict) -> Response:
    return envelope(409, "Others changed the same thing at the same time; please try again")


async def _unavailable(error: Exception) -> Response:
    log.error(
        "something the service needs is unavailable", kind=type(error).__name__, error=str(error)
    )
    return envelope(503, "Service temporarily unavailable", headers={"Retry-After": "1"})


async def _still_replaying(error: ReplayTooLong) -> Response:
    """The client that asks again gets further."""
    details = {"reached": error.position}
    return envelope(503, f"Not there yet: {error}", details, {"Retry-After": "1"})


async def _busy(_: Exception) -> Response:
    message = "Too many auditors at once; please try again later"
    return envelope(429, message, headers={"Retry-After": "1"})


async def _unreadable(error: UnknownEvent | SealBroken) -> Response:
    log.error("the log holds what this program cannot read", error=str(error))
    return envelope(503, f"The log holds what this program cannot read: {error}")


async def _no_such_position(error: NoSuchPosition) -> Response:
    return envelope(404, str(error).capitalize())


async def _no_room(error: NoRoom) -> Response:
    return envelope(413, str(error))


async def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    headers = {}
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if status < HTTPStatus.BAD_REQUEST:  # a redirect to the path's one spelling
        return envelope(404, "Not found")
    return envelope(status, HTTPStatus(status).phrase, headers=headers)


async def _unexpected(error: Exception) -> Response:
    if means_unavailable(error):
        return await _unavailable(error)
    log.error(
        "unexpected error",
        path=request.path,
        method=request.method,
        request_id=scope().get(REQUEST_ID),
        exc_info=error,
    )
    return envelope(500, "Internal server error")
