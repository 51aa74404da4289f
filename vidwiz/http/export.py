"""A person's own data, to take along."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import IO, Any

import orjson
from quart import Blueprint, Response

from vidwiz.commands.users import UserNotFound
from vidwiz.export.archive import Archive
from vidwiz.export.markdown import ExportedVideo
from vidwiz.export.queries import EXPORT
from vidwiz.http.access.guards import User, user_only
from vidwiz.http.documented import documented
from vidwiz.http.limits.requests import limited
from vidwiz.http.responses import models
from vidwiz.http.services import services
from vidwiz.postgres.pool import Database
from vidwiz.projections import queries

export = Blueprint("export", __name__)

CHUNK = 64 * 1024
VIDEOS_AT_ONCE = 4
"""Rows that are fetched at once: one may have a hundred thousand characters a note."""

_at_once = asyncio.Semaphore(2)


@export.get("/user/export")
@documented("users", models.ArchiveResponse, 401, 404, 429, 503)
@user_only
@limited("export")
async def get_export(caller: User) -> Response:
    """Everything of the caller as a ZIP file: Markdown for each video, JSON and CSV."""
    row = await services().database.one(queries.PROFILE, user_id=caller.user_id)
    if row is None:
        raise UserNotFound
    now = datetime.now(UTC).replace(microsecond=0)
    async with _at_once:
        file = await _written(services().database, _profile(row), now)
    name = f"vidwiz-{now:%Y-%m-%d}.zip"
    answer = Response(_chunks(file), content_type="application/zip")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    answer.timeout = None  # a slow client may take its time
    return answer


def _profile(row: tuple[Any, ...]) -> dict[str, Any]:
    user_id, email, name, picture, ai_notes, created_at, token_id, *_ = row
    return {
        "id": user_id,
        "email": email,
        "name": name,
        "profile_image_url": picture,
        "ai_notes_enabled": ai_notes,
        "token_exists": token_id is not None,
        "created_at": created_at,
    }


async def _written(database: Database, profile: dict[str, Any], now: datetime) -> IO[bytes]:
    """The whole archive, which is on disk if it is large."""
    archive = await asyncio.to_thread(Archive, now.isoformat())
    try:
        async with aclosing(database.each(EXPORT, VIDEOS_AT_ONCE, user_id=profile["id"])) as rows:
            async for row in rows:
                *its, object_key, sha256 = row
                brought = None
                if object_key is not None:
                    brought = await services().library.content(object_key, sha256)
                await asyncio.to_thread(_add, archive, its, brought)
        return await asyncio.to_thread(archive.finish, profile)
    except BaseException:
        archive.discard()
        raise


def _add(archive: Archive, its: list[Any], brought: bytes | None) -> None:
    video_id, title, channel, summary, notes, conversations = its
    video = ExportedVideo(
        video_id, title, channel, summary, orjson.loads(notes), orjson.loads(conversations)
    )
    archive.add(video, brought)


async def _chunks(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()
