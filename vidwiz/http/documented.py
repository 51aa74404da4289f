"""Documents a route for OpenAPI: what it answers, and the errors it may answer."""

from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel
from quart_schema import document_request, document_response, tag

from vidwiz.http.errors import ErrorEnvelope

Handler = TypeVar("Handler", bound=Callable[..., Any])


class Nothing(BaseModel):
    """No content."""


def documented(
    noun: str,
    answer: Any,
    *errors: int,
    status: int = 200,
    body: type[BaseModel] | None = None,
    empty: int | None = None,
) -> Callable[[Handler], Handler]:
    """``answer`` comes with ``status``; ``empty`` is a second, empty success."""

    def decorate(handler: Handler) -> Handler:
        handler = tag([noun])(document_response(answer, status)(handler))
        if body is not None:
            handler = document_request(body)(handler)
        if empty is not None:
            handler = document_response(Nothing, empty)(handler)
        for error in errors:
            handler = document_response(ErrorEnvelope, error)(handler)
        return handler

    return decorate
