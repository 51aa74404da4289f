"""Request bodies: bounded, parsed once, and free of what no table can hold."""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, TypeVar, cast

import orjson
from pydantic import BaseModel, StringConstraints, ValidationError
from pydantic_core import from_json
from quart import Request, request
from werkzeug.exceptions import RequestEntityTooLarge

from vidwiz.adapters import youtube_links
from vidwiz.http.errors import ApiError, invalid
from vidwiz.http.limits.daily import count_body

SMALL_BODY = 1024 * 1024
"""Bytes of the largest body that most routes take."""
RESULT_BODY = 4 * 1024 * 1024
"""Bytes of the largest body that holds a transcript."""
LARGE = 128 * 1024
"""A body of more bytes is parsed in a thread, one at a time: parsed, it takes far more room."""
MOST_MEMBERS = 100
"""Members of the largest body: every unknown one costs an entry of the 422."""

TRANSCRIPTS = re.compile(r"/api/tasks/transcript|/api/videos/[^/]+/transcript")

NOT_JSON = "Request body must be JSON"

Body = TypeVar("Body", bound=BaseModel)

_large = ThreadPoolExecutor(1, thread_name_prefix="large-body")


is_video_id = youtube_links.is_video_id
NoteText = Annotated[str, StringConstraints(max_length=100_000)]


def _most(method: str, path: str) -> int:
    is_transcript = method == "POST" and TRANSCRIPTS.fullmatch(path) is not None
    return RESULT_BODY if is_transcript else SMALL_BODY


class BoundedRequest(Request):
    """A request of whose body no more is kept than its route takes."""

    def __init__(self, method: str, scheme: str, path: str, *others: Any, **options: Any) -> None:
        most = _most(method, path)
        super().__init__(method, scheme, path, *others, **{**options, "max_content_length": most})


async def read_raw() -> bytes:
    """The request's body as it came; raises ``ApiError``: 413 over what ``BoundedRequest``
    keeps, 429 over what a day allows.
    """
    try:
        raw = cast("bytes", await request.get_data(cache=False))
    except RequestEntityTooLarge:
        most = _most(request.method, request.path)
        raise ApiError(413, f"Request body must be at most {most} bytes") from None
    await count_body(len(raw))
    return raw


async def read(model: type[Body]) -> Body:
    """The request's body as ``model``.

    Raises ``ApiError``: 413 over what ``BoundedRequest`` keeps, 400 for what is not JSON or is
    empty, 422 with every bad field.
    """
    raw = await read_raw()
    if not request.is_json:
        raise ApiError(400, NOT_JSON)
    if len(raw) > LARGE:
        return await asyncio.get_running_loop().run_in_executor(_large, parse, model, raw)
    return parse(model, raw)


def parse(model: type[Body], raw: bytes) -> Body:
    """``raw`` as ``model``; raises ``ApiError`` as ``read`` does."""
    try:
        orjson.loads(raw)  # refuses numbers beyond a double, which the next one lets through
        value = from_json(raw, allow_inf_nan=False)  # keeps integers of any size
    except ValueError:
        raise ApiError(400, NOT_JSON) from None
    if not value:
        raise ApiError(400, NOT_JSON)
    if isinstance(value, dict) and len(value) > MOST_MEMBERS:
        raise ApiError(400, f"Request body must have at most {MOST_MEMBERS} members")
    if b"\\u0000" in raw and _holds_nul(value):
        raise ApiError(400, "Request body holds a NUL character")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error) from None


def _holds_nul(value: Any) -> bool:
    """Whether a string in the value holds what PostgreSQL cannot; the parser bounded its depth."""
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(_holds_nul(k) or _holds_nul(v) for k, v in value.items())
    if isinstance(value, list):
        return any(map(_holds_nul, value))
    return False
