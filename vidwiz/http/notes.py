"""Notes: add, list, edit, delete."""

import hashlib
import re
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from quart import Blueprint, Response, request
from quart_schema import document_headers, document_querystring

from vidwiz.commands.notes import AddNote, DeleteNote, EditNote, NoteNotFound
from vidwiz.http.access.guards import Caller, User, user_only, user_or_admin
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.bodies import NoteText
from vidwiz.http.limits.daily import asked_within_day
from vidwiz.http.limits.requests import too_many
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import ForTask, read_query
from vidwiz.http.requests.youtube_ids import YouTubeId
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.projections import queries
from vidwiz.wiz.note_times import PATTERN, require_time

notes = Blueprint("notes", __name__)

_key = re.compile(r"[\x21-\x7e]{1,255}")
_note_id = re.compile(r"[0-9]{1,18}")

Timestamp = CheckedAs(require_time, pattern=PATTERN, maxLength=100, examples=["12:34"])


class NewNote(BaseModel):
    """A note to add. The title is needed once, when nobody has noted the video before."""

    model_config = ConfigDict(extra="ignore")

    video_id: YouTubeId
    video_title: Annotated[str, StringConstraints(max_length=1000)] | None = None
    timestamp: Annotated[str, StringConstraints(max_length=100), Timestamp]
    text: NoteText | None = None


class NoteEdit(BaseModel):
    """New words for a note. Without the flag the words count as the person's own."""

    model_config = ConfigDict(extra="forbid")

    text: NoteText
    generated_by_ai: bool | None = None


class Idempotent(BaseModel):
    """What makes a request one, however often it is sent."""

    idempotency_key: str | None = Field(None, pattern=r"^[\x21-\x7e]{1,255}$")


class NoteEditing(ForTask):
    """How to edit."""

    only_if_empty: bool = False


@notes.post("/notes")
@documented(
    "notes", models.NoteResponse, 400, 401, 404, 409, 413, 422, 429, status=201, body=NewNote
)
@document_headers(Idempotent)
@user_only
async def post_note(caller: User) -> Response:
    """Add a note; the first one on a video queues its transcript and metadata.

    With an ``Idempotency-Key`` the same request makes one note however often it is sent. A 429
    where an AI was to write the note, and wrote as many today as it may.
    """
    key = _idempotency_key()
    body = await bodies.read(NewNote)
    if not body.text:
        await _require_ai_note(caller, key)
    command = AddNote(
        user_id=caller.user_id,
        video_id=body.video_id,
        video_title=body.video_title,
        timestamp=body.timestamp,
        text=body.text,
        idempotency_key=key,
        fingerprint=_fingerprint(body) if key else "",
    )
    await services().room.require(caller.user_id, _length(body.text))
    note = await asked_within_day(command, caller.user_id, origin(caller.actor))
    if note is None:
        raise ApiError(409, "The note of this Idempotency-Key was deleted")
    return json_answer(note, 201)


async def _require_ai_note(caller: User, key: str | None) -> None:
    """Refuse a new note for an AI to write when there are no more today; nothing is counted yet."""
    full = await services().quotas.full(services().quotas.of_ai_note(caller.user_id))
    if full is None:
        return
    wanted = await services().database.one(queries.WANTS_AI_NOTE, user_id=caller.user_id, key=key)
    if wanted is not None:
        message = "Daily limit of AI notes reached; a note with words can be added"
        raise too_many(full.reset_in_seconds, message)


@notes.get("/notes/<video_id>")
@documented("notes", list[models.NoteResponse], 401)
@user_only
async def get_notes(caller: User, video_id: str) -> Response:
    """The caller's notes on a video, oldest first."""
    if not bodies.is_video_id(video_id):
        return json_answer(b"[]")
    row = await services().database.one(
        queries.NOTES_OF_VIDEO, user_id=caller.user_id, video_id=video_id
    )
    return json_answer(row[0].encode() if row else b"[]")


@notes.patch("/notes/<note_id>")
@documented("notes", models.NoteResponse, 400, 401, 404, 413, 422, 429, body=NoteEdit)
@document_querystring(NoteEditing)
@user_or_admin
async def patch_note(caller: Caller, note_id: str) -> Response:
    """Change a note's words: an own note, or as an admin any note.

    With ``only_if_empty=true`` words that somebody wrote meanwhile stay, and are answered. An
    admin's ``task_id`` names the task that the words were written for.
    """
    body = await bodies.read(NoteEdit)
    how = read_query(NoteEditing)
    if isinstance(caller, User):
        await services().room.require(caller.user_id, _length(body.text))
    command = EditNote(
        note_id=as_id(note_id),
        user_id=caller.user_id if isinstance(caller, User) else None,
        text=body.text,
        generated_by_ai=body.generated_by_ai or False,
        only_if_empty=how.only_if_empty,
        task_id=None if isinstance(caller, User) else how.task_id,
    )
    return json_answer(await services().store.execute(command, origin(caller.actor)))


@notes.delete("/notes/<note_id>")
@documented("notes", models.MessageResponse, 401, 404, 429)
@user_only
async def delete_note(caller: User, note_id: str) -> Response:
    """Delete an own note; the video remains."""
    command = DeleteNote(as_id(note_id), caller.user_id)
    await services().store.execute(command, origin(caller.actor))
    return json_answer({"message": "Note deleted successfully"})


def _length(text: str | None) -> int:
    return len((text or "").encode())


def as_id(text: str) -> int:
    """The note that a path names; raises ``NoteNotFound``."""
    if _note_id.fullmatch(text) is None:
        raise NoteNotFound
    return int(text)


def _idempotency_key() -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and _key.fullmatch(key) is None:
        raise ApiError(400, "Idempotency-Key must be 1 to 255 visible ASCII characters")
    return key


def _fingerprint(body: NewNote) -> str:
    fields = orjson.dumps(body.model_dump(), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(fields).hexdigest()
