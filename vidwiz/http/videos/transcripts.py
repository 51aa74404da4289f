"""Transcripts of videos: read, brought along by a user, and how far workers have come."""

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field
from quart import Blueprint, Response, request
from quart_schema import document_querystring

from vidwiz.adapters.language_model import ModelError
from vidwiz.adapters.youtube import MESSAGES
from vidwiz.commands.transcripts import ChooseTranscript, DropTranscript
from vidwiz.commands.videos import VideoNotFound
from vidwiz.http.access.guards import (
    Admin,
    Caller,
    User,
    Visitor,
    admin_only,
    public,
    reader_of_public_route,
    user_only,
    user_or_admin,
    visitor_or_admin,
)
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.requests import limited
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import read_query
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.http.videos.transcript_store import (
    TranscriptAsRead,
    add_shared,
    bring,
    brought_transcript,
    report_lost,
    share,
    transcript_as_read,
)
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.projections import queries
from vidwiz.projections.transcript_queries import BROUGHT, OWN, UNSHARED
from vidwiz.wiz.captions_formats import ReadTranscript, UnreadableTranscript, read_transcript
from vidwiz.wiz.transcripts import readable

transcripts = Blueprint("transcripts", __name__)

DAY_IS_FULL = "day_is_full"
REASONS = {
    DAY_IS_FULL: "No more summaries are written today. Open the video again tomorrow.",
    **MESSAGES,
    **{kind.code: kind.message for kind in ModelError.__subclasses__()},
    "timed_out": "It took too long.",
    "interrupted": "It was interrupted.",
    "transcript_missing": "There is no transcript to write from.",
    "nothing_said": "The transcript has no words.",
    "unknown_video": "The video is not known any more.",
    "result_refused": "What was found could not be stored.",
    "api_refused": "What was found could not be stored.",
    "unexpected": "Something unexpected went wrong.",
}
"""What people are told, by the reason that a worker gave; its own words may be for operators."""
AI_NOTES_PUT_OFF = "Today's AI notes are used up. AI writes this note on another day."
BEGINNING = 20
"""Items that are shown of a transcript that was brought."""
SMALL = 1024
"""Bytes that are not worth compressing."""
UNKNOWN_REASON = "The reason is not known."


Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class AsUser(BaseModel):
    """For workers, who present the admin token: whose transcript is read.

    With ``sha256`` the admin reads the transcript with this digest that the user brought, whether
    or not the user reads it.
    """

    model_config = ConfigDict(extra="ignore")

    user_id: int | None = Field(None, ge=1, le=MAX_BIGINT)
    sha256: Digest | None = None


class Preview(BaseModel):
    """With ``preview`` a transcript is read and shown, and nothing is kept."""

    model_config = ConfigDict(extra="ignore")

    preview: bool = False


class TranscriptChoice(BaseModel):
    """Which transcript of the video the caller reads."""

    model_config = ConfigDict(extra="forbid")

    use: Literal["own", "shared"]


class Confirmation(BaseModel):
    """Whose transcript becomes the shared one; with ``sha256`` only if it has this digest."""

    model_config = ConfigDict(extra="forbid")

    user_id: int = Field(ge=1, le=MAX_BIGINT)
    sha256: Digest | None = None


class UnsharedPage(BaseModel):
    """How many transcripts, and before which one."""

    model_config = ConfigDict(extra="ignore")

    before: int = Field(MAX_BIGINT, ge=1, le=MAX_BIGINT)
    limit: int = Field(50, ge=1, le=100)


@transcripts.get("/videos/<video_id>/transcript")
@documented("videos", list[models.TranscriptItem], 401, 404, 429, 503, empty=304)
@document_querystring(AsUser)
@visitor_or_admin
@limited("wiz_read")
async def get_transcript(caller: Visitor | Admin, video_id: str) -> Response:
    """The transcript that the caller reads: their own, or the one that all share.

    ``X-Transcript-Origin`` says whose it is; 304 for a client that names its ``ETag``.
    """
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    read = await _asked_for(caller, video_id)
    if read.sha256 is None:
        raise ApiError(404, "Transcript not found")
    if request.if_none_match.contains_weak(read.sha256):
        return _cached(Response(b"", 304), read)
    content = await services().library.content(read.object_key, read.sha256)
    if content is None:
        await services().shielded.run(report_lost(read))
        raise ApiError(404, "Transcript not found")
    content = await asyncio.to_thread(readable, content)
    return await _compressed(_cached(json_answer(content), read), content)


@transcripts.post("/videos/<video_id>/transcript")
@documented("videos", models.AddedTranscript, 400, 401, 404, 413, 422, 429, 503)
@document_querystring(Preview)
@user_or_admin
async def post_transcript(caller: Caller, video_id: str) -> Response:
    """Bring a transcript: VTT, SRT, JSON, or plain text with times; the body is the file as it is.

    What a user brings is theirs alone, in place of what they brought before; what an admin brings
    is for all. ``skipped`` counts the malformed cues that were left out, and names the first of
    them. With ``preview`` nothing is kept.
    """
    content = await bodies.read_raw()
    if not content.strip():
        raise ApiError(400, "Request body must be a transcript")
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    preview = read_query(Preview).preview
    read = await asyncio.to_thread(_parsed, content)
    shared = False
    if not preview:
        shared = await services().shielded.run(_keep(caller, video_id, read.items))
    return json_answer(
        {
            "message": "Nothing was kept" if preview else "Transcript added successfully",
            "video_id": video_id,
            "segments": len(read.items),
            "skipped": _skipped(read),
            "shared": shared,
            "beginning": read.items[:BEGINNING],
        }
    )


@transcripts.delete("/videos/<video_id>/transcript")
@documented("videos", models.MessageResponse, 401, 404, 429)
@user_only
async def delete_transcript(caller: User, video_id: str) -> Response:
    """Drop the transcript that the caller brought; the shared one is not touched."""
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    await services().store.execute(DropTranscript(caller.user_id, video_id), origin(caller.actor))
    return json_answer({"message": "Transcript deleted successfully"})


@transcripts.get("/videos/<video_id>/transcripts")
@documented("videos", models.TranscriptsOfVideo, 401, 404)
@user_or_admin
async def get_transcripts(caller: Caller, video_id: str) -> Response:
    """Whose transcripts there are: the caller's own and the shared one; for admins, everybody's."""
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    database = services().database
    shared = await transcript_as_read(video_id, None)
    own = None
    if isinstance(caller, User):
        own = await database.one(OWN, video_id=video_id, user_id=caller.user_id)
    brought = "[]"
    if isinstance(caller, Admin):
        ((brought,),) = await database.all(BROUGHT, video_id=video_id)
    reads_own = own is not None and own[3]
    return json_answer(
        {
            "video_id": video_id,
            "reads": "own" if reads_own else "shared" if shared.sha256 is not None else None,
            "own": own and {"segments": own[2], "source": own[4]},
            "shared": None if shared.sha256 is None else {"origin": shared.origin},
            "brought": orjson.Fragment(brought),
        }
    )


@transcripts.get("/transcripts/unshared")
@documented("videos", models.UnsharedTranscripts, 401, 403, 422)
@document_querystring(UnsharedPage)
@admin_only
async def get_unshared_transcripts(_: Admin) -> Response:
    """Transcripts that users brought of videos without a shared one, newest first."""
    page = read_query(UnsharedPage)
    ((listed,),) = await services().database.all(UNSHARED, before=page.before, limit=page.limit)
    found = orjson.loads(listed)
    more = len(found) == page.limit
    return json_answer({"transcripts": found, "next": found[-1]["transcript_id"] if more else None})


@transcripts.patch("/videos/<video_id>/transcript")
@documented("videos", models.MessageResponse, 400, 401, 404, 413, 422, 429, body=TranscriptChoice)
@user_only
async def patch_transcript(caller: User, video_id: str) -> Response:
    """Read the transcript that one brought oneself, or the shared one."""
    body = await bodies.read(TranscriptChoice)
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    command = ChooseTranscript(caller.user_id, video_id, body.use == "own")
    await services().store.execute(command, origin(caller.actor))
    return json_answer({"message": "Transcript chosen successfully"})


@transcripts.post("/videos/<video_id>/transcript/share")
@documented("videos", models.MessageResponse, 400, 401, 403, 404, 413, 422, 503, body=Confirmation)
@admin_only
async def post_transcript_share(caller: Admin, video_id: str) -> Response:
    """Confirm the transcript that a user brought: it becomes the one that all share.

    ``sha256`` names the one that was read before; another one, brought meanwhile, is a 404.
    """
    body = await bodies.read(Confirmation)
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    await services().shielded.run(share(video_id, body.user_id, body.sha256, origin(caller.actor)))
    return json_answer({"message": "Transcript shared successfully"})


@transcripts.get("/videos/<video_id>/progress")
@documented("videos", models.Progress, 404)
@public
async def get_progress(video_id: str) -> Response:
    """How far transcript, metadata and summary have come, and why one of them failed."""
    row = user_id = None
    if bodies.is_video_id(video_id):
        user_id = await reader_of_public_route()
        row = await services().database.one(
            queries.VIDEO_PROGRESS, video_id=video_id, user_id=user_id
        )
    if row is None:
        raise VideoNotFound
    transcript, metadata, summary, tasks = row
    newest = {task["task_type"]: task for task in orjson.loads(tasks)}
    of_summary = _progress(summary, newest.get("write_summary"))
    if of_summary["state"] == "missing" and await _no_more_summaries():
        of_summary |= {"reason": DAY_IS_FULL, "message": REASONS[DAY_IS_FULL]}
    return json_answer(
        {
            "video_id": video_id,
            "transcript": _progress(transcript, newest.get("fetch_transcript")),
            "metadata": _progress(metadata, newest.get("fetch_metadata")),
            "summary": of_summary,
            "ai_notes": await _put_off_notes(user_id, video_id),
        }
    )


async def _put_off_notes(user_id: int | None, video_id: str) -> dict[str, Any]:
    """The user's notes that AI writes on another day, and why."""
    found = []
    if user_id is not None:
        its = {"user_id": user_id, "video_id": video_id}
        found = await services().database.all(queries.PUT_OFF_NOTES, **its)
    return {
        "put_off": [note_id for note_id, _ in found],
        "next_try_at": min((at for _, at in found), default=None),
        "message": AI_NOTES_PUT_OFF if found else None,
    }


async def _no_more_summaries() -> bool:
    """Whether the day allows none; one that was left is asked for when the video is opened."""
    return await services().quotas.full(services().quotas.of_summary(None)) is not None


def _cached(answer: Response, read: TranscriptAsRead) -> Response:
    """A client that keeps the answer asks whether it is the newest."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Accept-Encoding, Authorization"
    answer.headers["X-Transcript-Origin"] = read.origin or "unknown"
    answer.set_etag(read.sha256 or "", weak=True)  # compressed or not
    return answer


async def _compressed(answer: Response, content: bytes) -> Response:
    """The answer in a fifth of its size, for clients that take it so."""
    if request.accept_encodings.quality("gzip") > 0 and len(content) > SMALL:
        answer.set_data(await asyncio.to_thread(gzip.compress, content, 5))
        answer.headers["Content-Encoding"] = "gzip"
    return answer


async def _keep(caller: Caller, video_id: str, items: Sequence[Any]) -> bool:
    """Whether all share it now."""
    if isinstance(caller, User):
        return await bring(caller, video_id, items, "upload")
    await add_shared(video_id, items, origin(caller.actor))
    return True


async def _asked_for(caller: Visitor | Admin, video_id: str) -> TranscriptAsRead:
    """The transcript that the caller reads; for an admin, that of the user whom they name."""
    if not isinstance(caller, Admin):
        user_id = caller.user_id if isinstance(caller, User) else None
        return await transcript_as_read(video_id, user_id)
    asked = read_query(AsUser)
    if asked.user_id is None or asked.sha256 is None:
        return await transcript_as_read(video_id, asked.user_id)
    return await brought_transcript(video_id, asked.user_id, asked.sha256)


def _skipped(read: ReadTranscript) -> dict[str, Any]:
    return {"count": read.skipped, "first": [asdict(one) for one in read.reasons]}


def _parsed(content: bytes) -> ReadTranscript:
    try:
        return read_transcript(content)
    except UnreadableTranscript as error:
        problem = {"field": "transcript", "message": str(error), "type": "value_error"}
        raise ApiError(422, "Request validation failed", [problem]) from None


def _progress(available: bool, task: Mapping[str, Any] | None) -> dict[str, Any]:
    if available:
        return {"state": "ready", "attempts": 0, "reason": None, "message": None}
    if task is None or task["status"] in ("completed", "cancelled"):
        return {"state": "missing", "attempts": 0, "reason": None, "message": None}
    reason = task["reason"]
    failed = task["status"] == "failed" or reason is not None
    return {
        "state": task["status"],
        "attempts": task["attempts"],
        "reason": reason,
        "message": REASONS.get(reason, UNKNOWN_REASON) if failed else None,
    }
