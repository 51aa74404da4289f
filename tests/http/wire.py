"""What the tests of the wire share: the envelope, exact shapes, tokens made elsewhere, tasks."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx
from pydantic import TypeAdapter

from tests.support import SECRET_KEY, Api, served, test_settings
from vidwiz.server.composition import create_service
from vidwiz.server.serve import framed

CODES = {
    400: "BAD_REQUEST",
    401: "UNAUTHORIZED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    422: "VALIDATION_ERROR",
    429: "RATE_LIMIT_EXCEEDED",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
NOT_JSON = "Request body must be JSON"
INVALID = "Request validation failed"

Shape = TypeVar("Shape")


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer that must be in the envelope, and nothing but it."""
    assert answer.headers["content-type"] == "application/json", answer.text
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    body = answer.json()
    assert body.keys() == {"error"}
    error = cast("dict[str, Any]", body["error"])
    assert error.keys() - {"details"} == {"code", "message"}
    assert error["code"] == CODES[answer.status_code]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert error.get("details", "absent") is not None
    return error


def refused(answer: httpx.Response, status: int, message: str | None = None) -> None:
    """The answer is this error, without details."""
    error = error_of(answer)
    assert answer.status_code == status, answer.text
    assert "details" not in error
    if message is not None:
        assert error["message"] == message


def problems(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """The bad fields of a 422, sorted: field, type, message."""
    error = error_of(answer)
    assert answer.status_code == 422, answer.text
    assert error["message"] == INVALID
    for detail in error["details"]:
        assert detail.keys() == {"field", "message", "type"}
        assert all(isinstance(value, str) for value in detail.values())
    return sorted((one["field"], one["type"], one["message"]) for one in error["details"])


def rule(field: str, text: str) -> tuple[str, str, str]:
    """A broken rule of ours, as ``problems`` gives it."""
    return field, "value_error", f"Value error, {text}"


def missing(field: str) -> tuple[str, str, str]:
    return field, "missing", "Field required"


def not_a_string(field: str) -> tuple[str, str, str]:
    return field, "string_type", "Input should be a valid string"


def unknown(field: str) -> tuple[str, str, str]:
    return field, "extra_forbidden", "Extra inputs are not permitted"


def shaped(kind: type[Shape], answer: httpx.Response, status: int = 200) -> Any:
    """The answer's JSON, which must have exactly the keys and types of ``kind``."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    TypeAdapter(kind).validate_json(answer.content, strict=True, extra="forbid")
    return answer.json()


def claims(user_id: object, **changes: object) -> dict[str, object]:
    """Exactly the contract's claims, but for the changes; ``...`` takes a claim away."""
    its = {
        "user_id": user_id,
        "email": "ann@example.org",
        "name": "Ann",
        "profile_image_url": None,
        "exp": int(time.time()) + 60,
    }
    return {name: value for name, value in {**its, **changes}.items() if value is not ...}


def signed(
    payload: object, secret: str = SECRET_KEY, algorithm: str = "HS256", digest: str = "sha256"
) -> str:
    """A JWT as any other program would make it."""
    parts = [segment({"alg": algorithm, "typ": "JWT"}), segment(payload)]
    signature = hmac.new(secret.encode(), ".".join(parts).encode(), getattr(hashlib, digest))
    return ".".join([*parts, encoded(signature.digest())])


def segment(value: object) -> str:
    return encoded(json.dumps(value).encode())


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def payload_of(token: str) -> dict[str, Any]:
    """What a client reads in a JWT without verifying it."""
    part = token.split(".")[1]
    return cast(
        "dict[str, Any]", json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    )


async def long_term_token(api: Api, headers: dict[str, str]) -> str:
    answer = await api.client.post("/api/user/token", headers=headers)
    return cast("str", answer.raise_for_status().json()["token"])


async def user_id_of(api: Api, headers: dict[str, str]) -> int:
    answer = await api.client.get("/api/user/profile", headers=headers)
    return int(answer.raise_for_status().json()["id"])


async def finish_tasks(api: Api, kind: str, result: Any) -> None:
    """Do every open task of this kind with the same result."""
    path = f"/api/tasks/{kind}"
    while True:
        claimed = await api.client.get(f"{path}?timeout=0", headers=api.admin)
        if claimed.status_code == 204:
            return
        task = claimed.raise_for_status().json()
        done = {
            "task_id": task["task_id"],
            "video_id": task["task_details"]["video_id"],
            "success": True,
            kind: result,
        }
        (await api.client.post(path, json=done, headers=api.admin)).raise_for_status()


@asynccontextmanager
async def app_at(dsn: str, data_dir: Path, **settings: Any) -> AsyncIterator[Any]:
    """A function that gives a client of the same app at this network address."""
    chosen = test_settings(data_dir, **settings)
    app = create_service(chosen, dsn)
    asgi = cast("Any", framed(app, chosen))
    async with served(app):
        yield lambda address: httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi, client=(address, 1)), base_url="http://test"
        )
