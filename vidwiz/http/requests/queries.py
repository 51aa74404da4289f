"""Query strings: parsed into a model, every bad or unknown field named in a 422."""

from typing import Any, TypeVar, get_origin

from pydantic import BaseModel, Field, ValidationError
from quart import request

from vidwiz.http.errors import invalid
from vidwiz.postgres.statement import MAX_BIGINT

Query = TypeVar("Query", bound=BaseModel)


def read_query(model: type[Query]) -> Query:
    """The request's query string as ``model``; raises ``ApiError`` 422.

    A field that is a list takes every value of its name; of others the last one counts.
    """
    given: dict[str, Any] = {}
    for name, values in request.args.lists():
        field = model.model_fields.get(name)
        repeatable = field is not None and get_origin(field.annotation) is list
        given[name] = values if repeatable else values[-1]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise invalid(error) from None


class ForTask(BaseModel):
    """The task that something is written for, so that the log shows what it followed from."""

    task_id: int | None = Field(None, ge=1, le=MAX_BIGINT)
