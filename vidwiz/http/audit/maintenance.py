"""How the log and its followers stand, rebuilds on request, and the tables as of then."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from quart import Blueprint, Response
from quart_schema import document_querystring

from vidwiz.audit import health
from vidwiz.audit.times import moment_of
from vidwiz.http.access.guards import Admin, admin_only
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.health import checkpoints
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.queries import read_query
from vidwiz.http.requests.youtube_ids import LoggedId
from vidwiz.http.responses import audit_models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.reactions.health import health as reactions_health
from vidwiz.replay.as_of import position_at
from vidwiz.replay.time_travel import TABLES, State, narrowing

maintenance = Blueprint("maintenance", __name__, url_prefix="/audit")

ROWS_PER_PAGE = 100
MOST_PER_PAGE = 1000


def _table(name: str) -> str:
    if name not in TABLES:
        raise ValueError(f"a table is one of {', '.join(TABLES)}")
    return name


TableName = Annotated[str, CheckedAs(_table, enum=[*TABLES])]
Id = Annotated[int, Field(ge=0, le=MAX_BIGINT)]


class RebuildQuery(BaseModel):
    """Which tables; all without any."""

    model_config = ConfigDict(extra="forbid")

    table: list[TableName] = Field([], max_length=len(TABLES))


class StateQuery(BaseModel):
    """As of when, a position or a time in ISO 8601, and of what: by ``id`` one row of a table."""

    model_config = ConfigDict(extra="forbid")

    at: Annotated[int | datetime, BeforeValidator(moment_of)]
    table: TableName | None = None
    id: Id | None = None
    user_id: Id | None = None
    video_id: LoggedId | None = None
    conversation_id: Id | None = None
    after: Id | None = None
    limit: Annotated[int, Field(ge=1, le=MOST_PER_PAGE)] = ROWS_PER_PAGE

    @property
    def where(self) -> dict[str, Any]:
        """The columns that are to have a value."""
        columns = ("user_id", "video_id", "conversation_id")
        return {name: value for name in columns if (value := getattr(self, name)) is not None}


@maintenance.get("/health")
@documented("audit", audit_models.LogHealth, 401, 403, 503)
@admin_only
async def get_health(_: Admin) -> Response:
    """The log's head, how far its followers are behind it, and what replay is under way."""
    database, signals = services().database, services().signals
    head = await health.head(database)
    position = 0 if head is None else head.position
    return json_answer(
        {
            "head": head and asdict(head),
            "signals": {"position": signals.head, "lag": max(0, position - signals.head)},
            "reactions": [asdict(one) for one in await reactions_health(database)],
            "maintenance": await _under_way(),
            "checkpoints": checkpoints(),
        }
    )


@maintenance.post("/rebuild")
@documented("audit", audit_models.RebuildResponse, 401, 403, 409, 422, 503, status=202)
@document_querystring(RebuildQuery)
@admin_only
async def post_rebuild(_: Admin) -> Response:
    """Begin to make the tables again from the log, while the service runs; one at a time."""
    query = read_query(RebuildQuery)
    under_way = await _under_way()
    if under_way is not None or services().desk.rebuilding.start(tuple(query.table)) is None:
        raise ApiError(409, "A rebuild or a verification is under way", under_way)
    return json_answer(await _last_rebuild(), 202)


@maintenance.get("/rebuild")
@documented("audit", audit_models.RebuildResponse, 401, 403, 503)
@admin_only
async def get_rebuild(_: Admin) -> Response:
    """The last rebuild that this process was asked for, and how far a replay anywhere is."""
    return json_answer(await _last_rebuild())


@maintenance.get("/state")
@documented("audit", audit_models.PastState, 401, 403, 404, 422, 429, 503)
@document_querystring(StateQuery)
@admin_only
async def get_state(_: Admin) -> Response:
    """The tables as of a position or a time: counts, the rows of one table, or one row of it.

    A 503 whose details say how far it got is gone on with when it is asked again.
    """
    query = read_query(StateQuery)
    _require_sense(query)
    position = await position_at(services().database, query.at)
    return json_answer(await services().desk.states.at(position, lambda state: _seen(state, query)))


def _require_sense(query: StateQuery) -> None:
    """Refuse what the tables do not have."""
    if query.table is None:
        if query.id is not None or query.where or query.after is not None:
            raise ApiError(422, "A row or a list is of a table: name it")
    elif query.where.keys() - narrowing(query.table):
        has = ", ".join(narrowing(query.table)) or "no such column"
        raise ApiError(422, f"Lists of {query.table} can be narrowed by: {has}")


def _seen(state: State, query: StateQuery) -> bytes:
    """The answer, made in the traveller's thread."""
    head = b'{"position":%d' % state.position
    if query.table is None:
        counts = ",".join(f'"{name}":{count}' for name, count in state.counts().items())
        return head + b',"tables":{%b}}' % counts.encode()
    head += b',"table":"%b"' % query.table.encode()
    if query.id is not None:
        row = state.row(query.table, query.id)
        if row is None:
            raise ApiError(404, "There was no such row then")
        return head + b',"row":%b}' % row.encode()
    after = -1 if query.after is None else query.after
    found = state.rows(query.table, query.where, after, query.limit)
    end = b"null" if found.next is None else b"%d" % found.next
    return head + b',"rows":[%b],"next":%b}' % (",".join(found.rows).encode(), end)


async def _under_way() -> dict[str, Any] | None:
    found = await health.maintenance(services().database)
    return None if found is None else asdict(found)


async def _last_rebuild() -> dict[str, Any]:
    last = services().desk.rebuilding.last
    under_way = await _under_way()
    if last is None:
        nothing = dict.fromkeys(("started_at", "ended_at", "result", "error"))
        return {"state": "none", "tables": [], **nothing, "maintenance": under_way}
    return {"state": last.state, **asdict(last), "maintenance": under_way}
