"""This server as a witness: it keeps the checkpoints of servers whose keys it was told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from quart import Blueprint, Response
from quart_schema import document_querystring

from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.audit.witnesses.receipts import shown
from vidwiz.commands.witness import WitnessCheckpoint, Witnessed
from vidwiz.events.recorded import SYSTEM
from vidwiz.http.access.guards import public
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.requests import limited
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.requests.queries import read_query
from vidwiz.http.responses import audit_models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.projections.witness import BY_ID, WITNESSED
from vidwiz.verify_export import Checkpoint

witness = Blueprint("witness", __name__, url_prefix="/audit")

PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class WitnessDesk:
    """Whose checkpoints are kept, by their public keys in hex, and who signs for it."""

    keys: frozenset[str]
    signer: SigningKey


def _time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _hex(digits: int) -> StringConstraints:
    return StringConstraints(pattern=f"^[0-9a-f]{{{digits}}}$")


Hex64 = Annotated[str, _hex(64)]
Hex128 = Annotated[str, _hex(128)]
Number = Annotated[int, Field(ge=1, le=MAX_BIGINT)]
MadeAt = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
    ),
    CheckedAs(_time),
]


class SignedCheckpoint(BaseModel):
    """A checkpoint, with the members and spellings of docs/audit-format.md."""

    model_config = ConfigDict(extra="forbid")

    position: Number
    hash: Hex64
    events: Number
    made_at: MadeAt
    public_key: Hex64
    previous: Hex64
    signature: Hex128


class WitnessedQuery(BaseModel):
    """Whose checkpoints, behind which ``id``."""

    model_config = ConfigDict(extra="forbid")

    public_key: Hex64
    after: Annotated[int, Field(ge=0, le=MAX_BIGINT)] = 0
    limit: Annotated[int, Field(ge=1, le=PER_PAGE)] = PER_PAGE


@witness.post("/witness")
@documented("audit", audit_models.WitnessedCheckpoint, 400, 403, 409, 413, 422, 429, 503,
            body=SignedCheckpoint)  # fmt: skip
@public
@limited("witness")
async def post_witness() -> Response:
    """Show a checkpoint to this witness; the signed receipt is the answer. Again is no news.

    A 403 for a key that this server is no witness for, a 422 for a signature that is not the
    key's. One that cannot be true beside another of the same key is kept as evidence: a 409,
    whose details have the other one.
    """
    body = await bodies.read(SignedCheckpoint)
    it = Checkpoint(**body.model_dump())
    if it.public_key not in services().witness.keys:
        raise ApiError(403, "This server is no witness for that key")
    signature = bytes.fromhex(it.signature)
    if not genuine(bytes.fromhex(it.public_key), it.signed(), signature):
        raise ApiError(422, "The signature is not the key's")
    command = WitnessCheckpoint(**body.model_dump())
    done: Witnessed = await services().store.execute(command, origin(SYSTEM))
    if done.contradicts is not None:
        details = {"kept_as": done.checkpoint_id, "contradicts": await _one(done.contradicts)}
        raise ApiError(409, "Another checkpoint of this key says otherwise; both are kept", details)
    return json_answer(await _one(done.checkpoint_id))


@witness.get("/witness")
@documented("audit", audit_models.WitnessedCheckpoints, 422, 429, 503)
@document_querystring(WitnessedQuery)
@public
@limited("witness")
async def get_witness() -> Response:
    """The checkpoints that this witness was shown of a key, in their order, with its receipts."""
    query = read_query(WitnessedQuery)
    rows = await services().database.all(
        WITNESSED, public_key=query.public_key, after=query.after, at_most=query.limit + 1
    )
    found = [shown(row, services().witness.signer) for row in rows[: query.limit]]
    more = len(rows) > query.limit
    return json_answer({"checkpoints": found, "next": found[-1]["id"] if more else None})


async def _one(checkpoint_id: int) -> dict[str, object]:
    row = await services().database.one(BY_ID, id=checkpoint_id)
    if row is None:
        raise ApiError(503, "The checkpoint cannot be read just now")
    return shown(row, services().witness.signer)
