"""Videos and the search among them."""

import re
from math import ceil
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field
from quart import Blueprint, Response, request
from quart_schema import document_querystring

from vidwiz.commands.transcripts import WriteOwnSummary
from vidwiz.commands.videos import SummaryOfOne, VideoNotFound, WriteSummary
from vidwiz.http.access.guards import Admin, User, admin_only, user_only
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import ForTask, read_query
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.projections import queries

videos = Blueprint("videos", __name__)

LONGEST_SUMMARY = 10_000
LONGEST_QUERY = 1000
PER_PAGE = 10
MOST_PER_PAGE = 50
LAST_PAGE = 10**15
"""The offset of a page beyond would be no bigint."""

_integer = re.compile(r"\s*[+-]?[0-9]{1,1000}\s*", re.ASCII)


def _bounded(summary: str) -> str:
    if len(summary) > LONGEST_SUMMARY:
        raise ValueError("summary must be less than 10000 characters")
    return summary


class VideoEdit(BaseModel):
    """A summary to write; null changes nothing."""

    model_config = ConfigDict(extra="forbid")

    summary: Annotated[str, CheckedAs(_bounded, maxLength=LONGEST_SUMMARY)] | None = None


class PageQuery(BaseModel):
    """Which page, and how many videos are on one."""

    page: int = Field(1, description="below 1 is 1")
    per_page: int = Field(PER_PAGE, description=f"below 1 is {PER_PAGE}, at most {MOST_PER_PAGE}")


class SearchQuery(PageQuery):
    """What to search for."""

    query: str = Field("", max_length=LONGEST_QUERY)


@videos.get("/videos/<video_id>")
@documented("videos", models.Video, 401, 404)
@user_only
async def get_video(caller: User, video_id: str) -> Response:
    """Any user may read any video; whether there is a transcript depends on whose they read."""
    return json_answer(await _video(video_id, caller.user_id))


@videos.patch("/videos/<video_id>")
@documented("videos", models.Video, 400, 401, 403, 404, 413, 422, body=VideoEdit)
@document_querystring(ForTask)
@admin_only
async def patch_video(caller: Admin, video_id: str) -> Response:
    """Write the summary; ``task_id`` names the task that it was written for.

    Where that is the summary of a transcript that a user brought, it is theirs alone.
    """
    body = await bodies.read(VideoEdit)
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    task_id = read_query(ForTask).task_id
    command = WriteSummary(video_id, body.summary, task_id)
    written = await services().store.execute(command, origin(caller.actor))
    if task_id is None or not isinstance(written, SummaryOfOne):
        return json_answer(written)
    if body.summary is not None:
        own = WriteOwnSummary(written.user_id, video_id, body.summary, task_id)
        await services().store.execute(own, origin(caller.actor))
    return json_answer(await _video(video_id, written.user_id))


@videos.get("/videos/<video_id>/notes/ai-note-task")
@documented("videos", models.Notes, 401, 403, 404)
@admin_only
async def get_ai_note_task(_: Admin, video_id: str) -> Response:
    """Notes without words whose owners want an AI to write them."""
    await _video(video_id)
    row = await services().database.one(queries.NOTES_FOR_AI, video_id=video_id)
    notes = row[0] if row else "[]"
    if notes == "[]":
        raise ApiError(404, "No notes found for users with AI notes enabled")
    return json_answer(
        {
            "video_id": video_id,
            "notes": orjson.Fragment(notes),
            "message": "Notes retrieved successfully",
        }
    )


@videos.get("/library")
@documented("videos", models.LibraryResponse, 400, 401)
@document_querystring(PageQuery)
@user_only
async def get_library(caller: User) -> Response:
    """Videos that the caller opened or noted, the latest first."""
    page, per_page = _paging()
    row = await services().database.one(
        queries.LIBRARY, user_id=caller.user_id, at_most=per_page, skip=(page - 1) * per_page
    )
    total, found = row or (0, "[]")
    return json_answer(_page(found, total, page, per_page))


@videos.get("/search")
@documented("videos", models.SearchResult, 400, 401)
@document_querystring(SearchQuery)
@user_only
async def get_search(caller: User) -> Response:
    """Videos with notes of the caller whose title holds the query, newest first."""
    query = request.args.get("query", "")
    page, per_page = _paging()
    if len(query) > LONGEST_QUERY:
        raise ApiError(400, f"query must be at most {LONGEST_QUERY} characters")
    total, found = await _matches(caller.user_id, query, page, per_page)
    return json_answer(_page(found, total, page, per_page))


def _paging() -> tuple[int, int]:
    """The page that is asked for, from 1, and its size."""
    page = min(max(1, _number("page", 1)), LAST_PAGE)
    per_page = _number("per_page", PER_PAGE)
    return page, PER_PAGE if per_page < 1 else min(per_page, MOST_PER_PAGE)


def _page(found: str, total: int, page: int, per_page: int) -> dict[str, Any]:
    return {
        "videos": orjson.Fragment(found.encode()),
        "total": total,
        "page": page,
        "per_page": per_page,
        "total_pages": ceil(total / per_page),
    }


async def _matches(user_id: int, query: str, page: int, per_page: int) -> tuple[int, str]:
    if "\0" in query:
        return 0, "[]"  # no title holds a NUL
    row = await services().database.one(
        queries.SEARCH,
        user_id=user_id,
        query=query,
        at_most=per_page,
        skip=(page - 1) * per_page,
    )
    return (row[0], row[1]) if row else (0, "[]")


def _number(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if _integer.fullmatch(text) is None:
        raise ApiError(400, "Invalid pagination parameters")
    return int(text)


async def _video(video_id: str, user_id: int | None = None) -> bytes:
    if not bodies.is_video_id(video_id):
        raise VideoNotFound
    row = await services().database.one(queries.VIDEO, video_id=video_id, user_id=user_id)
    if row is None:
        raise VideoNotFound
    shape: str = row[0]
    return shape.encode()
