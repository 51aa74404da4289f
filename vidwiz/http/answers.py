"""Answers in JSON."""

from collections.abc import Mapping
from typing import Any

import orjson
from quart import Response

JSON_TYPE = "application/json"


def json_answer(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """``value`` as JSON; bytes are JSON already."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Response(body, status, headers=dict(headers) if headers else None, mimetype=JSON_TYPE)
