"""Brings an exported log into an empty database: all of it, verified, or nothing."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
import psycopg
from pydantic import ValidationError
from sqlalchemy import BigInteger, Text, case, exists, func, literal, select, union_all
from sqlalchemy import Sequence as SqlSequence
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert

from vidwiz.audit.checkpoints.keys import genuine
from vidwiz.audit.checkpoints.records import HEAD, INSERT, values_of
from vidwiz.audit.checks.person_keys import forget_the_rest, keep_keys
from vidwiz.audit.snapshot import CHUNK, Connection
from vidwiz.events import (
    CheckpointContradicted,
    CheckpointWitnessed,
    ConversationStarted,
    Event,
    MessageSent,
    NoteAdded,
    PersonalTranscriptAdded,
    TaskQueued,
    UserSignedUp,
    VideoAdded,
    VideoOpened,
)
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import MasterKey
from vidwiz.events.recorded import EventMapper
from vidwiz.events.sealing import EventAddress
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections import tables
from vidwiz.projections.tables import stored_events
from vidwiz.replay import engine
from vidwiz.verify_export import Checkpoint, Export, Header, Key
from vidwiz.verify_export import ExportedEvent as Link

_MUST_BE_EMPTY = (
    stored_events,
    tables.log_checkpoints,
    tables.personal_keys,
    tables.credentials,
    tables.idempotency_keys,
    tables.quotas,
    *tables.PROJECTED,
)
_NUMBERED: Sequence[tuple[SqlSequence, type[Event], str]] = (
    (tables.user_ids, UserSignedUp, "user_id"),
    (tables.video_ids, VideoAdded, "id"),
    (tables.transcript_ids, PersonalTranscriptAdded, "transcript_id"),
    (tables.note_ids, NoteAdded, "note_id"),
    (tables.task_ids, TaskQueued, "task_id"),
    (tables.conversation_ids, ConversationStarted, "conversation_id"),
    (tables.opening_ids, VideoOpened, "opening_id"),
    (tables.message_ids, MessageSent, "message_id"),
    (tables.witnessed_checkpoint_ids, CheckpointWitnessed, "checkpoint_id"),
    (tables.witnessed_checkpoint_ids, CheckpointContradicted, "checkpoint_id"),
)
"""Where each event's number comes from."""

_occupied = Statement(
    union_all(
        *(
            select(literal(str(table.name), Text)).where(exists(select(1).select_from(table)))
            for table in _MUST_BE_EMPTY
        )
    )
)
_data = func.convert_from(stored_events.c.state, "UTF8").cast(JSONB)
_numbers = case(
    *(
        (stored_events.c.topic == event.TOPIC, _data[field].astext.cast(BigInteger))
        for _, event, field in _NUMBERED
    )
)
_highest = Statement(
    select(stored_events.c.topic, func.max(_numbers))
    .where(stored_events.c.topic.in_([event.TOPIC for _, event, _ in _NUMBERED]))
    .group_by(stored_events.c.topic)
)
_caught_up = Statement(
    insert(tables.reaction_checkpoints).from_select(
        ["reaction", "position"],
        select(func.unnest(parameter("reactions", ARRAY(Text))), parameter("position", BigInteger)),
    )
)
_COPY = (
    "COPY stored_events (notification_id, originator_id, originator_version, topic, recorded_at,"
    " metadata, state) FROM STDIN"
)


_unkeyed = EventMapper()


class ImportRefused(Exception):
    """The database has something in it, or the export cannot be this program's log."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What was brought in: events up to ``position``, and the rows that they make.

    ``signers`` are the public keys of its checkpoints.
    """

    position: int
    head: str
    checkpoints: int
    keys: int
    rows: dict[str, int]
    seconds: float
    signers: Sequence[str]


def import_log(
    dsn: str,
    master: MasterKey,
    lines: Iterable[bytes],
    trusted: Collection[str] = (),
    *,
    reactions: Sequence[str] = (),
    progress: engine.Progress = lambda _at, _of: None,
) -> Imported:
    """Verify, append, project and commit, in one transaction.

    What is personal can be read if its keys came along; ``master`` wraps them. ``reactions`` count
    as having seen everything: nothing is delivered a second time. Raises ``ChainBroken``,
    ``ImportRefused``, ``UnknownEvent``, ``ProjectionFailed``, ``SealBroken``.
    """
    export = Export(lines, trusted, genuine=genuine)
    settings = "-c timezone=UTC -c datestyle=ISO"
    with (
        psycopg.connect(
            dsn, autocommit=True, options=settings, application_name="vidwiz import"
        ) as connection,
        _as_refusals(),
        connection.transaction(),
    ):
        connection.execute(engine.APPEND_LOCK)
        _refuse_unless_empty(connection)
        checkpoints, keys = _append(connection, master, export)
        _confirm_head(connection, export.header)
        forget_the_rest(connection)
        result = engine.load(connection, master, progress)
        _advance_sequences(connection)
        caught_up = {"reactions": [*reactions], "position": result.position}
        connection.execute(_caught_up.sql, caught_up)
    return Imported(
        position=result.position,
        head=export.header.hash,
        checkpoints=checkpoints,
        keys=keys,
        rows=result.rows,
        seconds=result.seconds,
        signers=export.header.public_keys,
    )


@contextmanager
def _as_refusals() -> Iterator[None]:
    """What PostgreSQL cannot store was never in a log of ours."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError, ValueError) as error:
        raise ImportRefused(f"this cannot have been a log of ours: {error}") from error


def _refuse_unless_empty(connection: Connection) -> None:
    occupied = [name for (name,) in connection.execute(_occupied.sql)]
    if occupied:
        names = ", ".join(occupied)
        raise ImportRefused(f"the database is not empty: there are rows in {names}")


def _append(connection: Connection, master: MasterKey, export: Export) -> tuple[int, int]:
    """Append what the export holds, chunk by chunk; how many checkpoints and keys there were."""
    checkpoints = keys = 0
    records = iter(export)
    while chunk := list(islice(records, CHUNK)):
        brought = [one for one in chunk if isinstance(one, Key)]
        keep_keys(connection, master, brought)
        keys += len(brought)
        events = [one for one in chunk if isinstance(one, Link)]
        _copy(connection, events)
        for event in events:
            _require_ours(event)
        pins = [values_of(one) for one in chunk if isinstance(one, Checkpoint)]
        connection.cursor().executemany(INSERT.sql, pins)
        checkpoints += len(pins)
    return checkpoints, keys


def _copy(connection: Connection, events: Sequence[Link]) -> None:
    """The table's trigger computes the hashes anew, from what arrived."""
    with connection.cursor().copy(_COPY) as rows:
        for event in events:
            rows.write_row(event[:7])


def _require_ours(event: Link) -> None:
    """The projectors would take less: what they ignore, whoever reads the log could not read.

    Raises ``ImportRefused``, ``UnknownEvent``.
    """
    place = EventAddress(UUID(event.stream_id), event.version, event.topic)
    try:
        name = _unkeyed.decode(place, event.state).stream
    except ValidationError as error:
        raise ImportRefused(f"position {event.position} is no {event.topic} of ours") from error
    if str(stream_id(name)) != event.stream_id:
        raise ImportRefused(f"position {event.position} stands in another stream than {name}")
    if not isinstance(orjson.loads(event.metadata), dict):
        raise ImportRefused(f"position {event.position} does not say where it comes from")


def _confirm_head(connection: Connection, header: Header) -> None:
    """The last hash covers them all: each came out as it was exported, to the letter."""
    row = connection.execute(HEAD.sql).fetchone()
    if row is not None and row[1].hex() != header.hash:
        raise ImportRefused("the log came out otherwise than it was exported; nothing is kept")


def _advance_sequences(connection: Connection) -> None:
    """No id is given twice, not even one whose row was deleted."""
    highest: dict[str, Any] = dict(connection.execute(_highest.sql).fetchall())
    for sequence, event, _ in _NUMBERED:
        if event.TOPIC in highest:
            advance = (
                f"SELECT setval('{sequence.name}', greatest(%s, last_value)) FROM {sequence.name}"
            )
            connection.execute(advance.encode(), (highest[event.TOPIC],))
