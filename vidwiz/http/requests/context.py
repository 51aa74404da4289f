"""The request's id, and where its events say they come from."""

import re
from secrets import token_hex
from typing import Any, cast

from quart import request

from vidwiz.events.recorded import Actor, EventMetadata

REQUEST_ID = "vidwiz.request_id"
ROUTE = "vidwiz.route"

_acceptable = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_from(header: str | None) -> str:
    """The client's own ``X-Request-ID`` if it is one, else a new one."""
    if header is not None and _acceptable.fullmatch(header):
        return header
    return token_hex(12)


def scope() -> dict[str, Any]:
    """The ASGI scope of the request, with what the middleware has added."""
    return cast("dict[str, Any]", request.scope)


def origin(actor: Actor) -> EventMetadata:
    """The origin of events that this request causes."""
    correlation_id: str = scope()[REQUEST_ID]
    return EventMetadata(
        actor, correlation_id=correlation_id, causation_id=f"request:{correlation_id}"
    )
