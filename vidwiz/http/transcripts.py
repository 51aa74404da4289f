"""Transcripts of videos: read, brought along by a user, and how far workers have come."""

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import orjson
from quart import Blueprint, Response, request

from vidwiz.adapters.language_model import ModelError
from vidwiz.adapters.object_store import transcript_key
from vidwiz.adapters.youtube import MESSAGES
from vidwiz.commands.videos import (
    AddTranscript,
    TranscriptGround,
    TranscriptGroundFor,
    VideoNotFound,
    require_no_transcript,
)
from vidwiz.http import bodies, shapes
from vidwiz.http.answers import json_answer
from vidwiz.http.context import origin
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.guards import (
    Admin,
    Caller,
    Visitor,
    public,
    user_or_admin,
    visitor_or_admin,
)
from vidwiz.http.limits import limited
from vidwiz.http.services import services
from vidwiz.http.tasks import stored_transcript
from vidwiz.lookups.videos import transcript_grounds
from vidwiz.projections import queries
from vidwiz.projections.wiz_queries import TRANSCRIPT
from vidwiz.wiz.captions_formats import ReadTranscript, UnreadableTranscript, read_transcript
from vidwiz.wiz.transcripts import readable

transcripts = Blueprint("transcripts", __name__)

REASONS = {
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
SMALL = 1024
"""Bytes that are not worth compressing."""
UNKNOWN_REASON = "The reason is not known."


@transcripts.get("/videos/<video_id>/transcript")
@documented("videos", list[shapes.TranscriptItem], 401, 404, 429, empty=304)
@visitor_or_admin
@limited("wiz_read")
async def get_transcript(_: Visitor | Admin, video_id: str) -> Response:
    """The transcript, as it was submitted; 304 for a client that names its ``ETag``."""
    row = None
    if bodies.is_video_id(video_id):
        row = await services().database.one(TRANSCRIPT, video_id=video_id)
    if row is None:
        raise VideoNotFound
    sha256: str | None = row[0]
    if sha256 is not None and request.if_none_match.contains_weak(sha256):
        return _cached(Response(b"", 304), sha256)
    content = await services().objects.get(transcript_key(video_id))
    if content is None:
        raise ApiError(404, "Transcript not found")
    content = await asyncio.to_thread(readable, content)
    return await _compressed(_cached(json_answer(content), sha256), content)


@transcripts.post("/videos/<video_id>/transcript")
@documented("videos", shapes.AddedTranscript, 400, 401, 404, 409, 413, 422, 503)
@user_or_admin
async def post_transcript(caller: Caller, video_id: str) -> Response:
    """Bring a transcript where there is none: VTT, SRT, JSON, or plain text with times.

    The body is the file as it is. Only an admin replaces a transcript that is there. ``skipped``
    counts the malformed cues that were left out, and names the first of them.
    """
    content = await bodies.read_raw()
    if not content.strip():
        raise ApiError(400, "Request body must be a transcript")
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    read = await services().shielded.run(_bring(caller, video_id, content))
    return json_answer(
        {
            "message": "Transcript added successfully",
            "video_id": video_id,
            "segments": len(read.items),
            "skipped": {"count": read.skipped, "first": [asdict(one) for one in read.reasons]},
        }
    )


@transcripts.get("/videos/<video_id>/progress")
@documented("videos", shapes.Progress, 404)
@public
async def get_progress(video_id: str) -> Response:
    """How far transcript, metadata and summary have come, and why one of them failed."""
    row = None
    if bodies.is_video_id(video_id):
        row = await services().database.one(queries.VIDEO_PROGRESS, video_id=video_id)
    if row is None:
        raise VideoNotFound
    transcript, metadata, summary, tasks = row
    newest = {task["task_type"]: task for task in orjson.loads(tasks)}
    return json_answer(
        {
            "video_id": video_id,
            "transcript": _progress(transcript, newest.get("fetch_transcript")),
            "metadata": _progress(metadata, newest.get("fetch_metadata")),
            "summary": _progress(summary, newest.get("write_summary")),
        }
    )


def _cached(answer: Response, sha256: str | None) -> Response:
    """Whoever keeps the answer asks whether it is the newest."""
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["Vary"] = "Accept-Encoding"
    if sha256 is not None:
        answer.set_etag(sha256, weak=True)  # compressed or not
    return answer


async def _compressed(answer: Response, content: bytes) -> Response:
    """The answer in a fifth of its size, for clients that take it so."""
    if request.accept_encodings.quality("gzip") > 0 and len(content) > SMALL:
        answer.set_data(await asyncio.to_thread(gzip.compress, content, 5))
        answer.headers["Content-Encoding"] = "gzip"
    return answer


async def _bring(caller: Caller, video_id: str, content: bytes) -> ReadTranscript:
    """Object store first, then the event, one transcript of a video at a time."""
    replace = isinstance(caller, Admin)
    read = await asyncio.to_thread(_parsed, content)
    async with services().database.exclusively(f"transcript:{video_id}") as connection:
        ground: TranscriptGround
        (ground,) = await transcript_grounds(connection, [TranscriptGroundFor(video_id)])
        require_no_transcript(ground, replace=replace)
        command = AddTranscript(video_id, await stored_transcript(video_id, read.items), replace)
        await services().store.execute(command, origin(caller.actor))
    return read


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
