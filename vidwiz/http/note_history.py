"""What a note was before, and back to it."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from quart import Blueprint, Response
from quart_schema import document_querystring

from vidwiz.audit.notes import history_of
from vidwiz.commands.notes import NoteNotFound, RevertNote
from vidwiz.http.access.guards import User, user_only
from vidwiz.http.documented import documented
from vidwiz.http.limits import bodies
from vidwiz.http.notes import as_id
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import read_query
from vidwiz.http.responses import audit_models, models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.postgres.statement import MAX_BIGINT

note_history = Blueprint("note_history", __name__)

VERSIONS_PER_PAGE = 100

Place = Annotated[int, Field(ge=1, le=MAX_BIGINT, strict=True)]


class HistoryQuery(BaseModel):
    """Which versions: those before a position that was read."""

    before: Annotated[int, Field(ge=1, le=MAX_BIGINT)] = MAX_BIGINT
    limit: Annotated[int, Field(ge=1, le=VERSIONS_PER_PAGE)] = VERSIONS_PER_PAGE


class NoteRevert(BaseModel):
    """The version to go back to, by its number or by its position in the log."""

    model_config = ConfigDict(extra="forbid")

    version: Place | None = None
    position: Place | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.version is None) == (self.position is None):
            raise ValueError("give either version or position")
        return self


@note_history.get("/notes/<note_id>/history")
@documented("notes", audit_models.NoteHistoryResponse, 401, 404, 422, 503)
@document_querystring(HistoryQuery)
@user_only
async def get_note_history(caller: User, note_id: str) -> Response:
    """What an own note was, also a deleted one: every version, newest first."""
    query = read_query(HistoryQuery)
    its_id = as_id(note_id)
    found = await history_of(services().desk.log, its_id, caller.user_id, query.before, query.limit)
    if found is None:
        raise NoteNotFound
    return json_answer(
        {
            "note_id": its_id,
            "deleted": found.deleted,
            "versions": found.versions,
            "next": found.next,
        }
    )


@note_history.post("/notes/<note_id>/revert")
@documented("notes", models.NoteResponse, 400, 401, 404, 409, 413, 422, 429, body=NoteRevert)
@user_only
async def post_note_revert(caller: User, note_id: str) -> Response:
    """Go back to an earlier version of an own note, which undoes edits or a deletion."""
    body = await bodies.read(NoteRevert)
    command = RevertNote(as_id(note_id), caller.user_id, body.version, body.position)
    return json_answer(await services().store.execute(command, origin(caller.actor)))
