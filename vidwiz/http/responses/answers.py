"""Answers in JSON, whole or line by line."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
from pydantic_core import to_json
from quart import Response

JSON_TYPE = "application/json"
NDJSON_TYPE = "application/x-ndjson"


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``value`` as JSON; bytes are JSON already."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Response(body, status, headers=dict(headers) if headers else None, mimetype=JSON_TYPE)


def big_json(value: Any, status: int = 200) -> Response:
    """The same for what may hold integers of any size, as the metadata of a video may."""
    return json_answer(to_json(value), status)


def ndjson(lines: AsyncGenerator[bytes, None]) -> Response:
    """An answer that ends with the lines, however long they take."""
    answer = Response(
        lines,
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        content_type=NDJSON_TYPE,
    )
    answer.timeout = None  # Quart would cut the answer after a minute
    return answer
