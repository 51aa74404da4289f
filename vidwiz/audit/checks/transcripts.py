"""Compares the object store's transcripts with the digests that the log has of them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from sqlalchemy import exists, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.audit.checks.problems import MOST_OF_A_KIND, Problem
from vidwiz.events import PersonalTranscriptRemoved, TranscriptLost, event_types
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement
from vidwiz.projections.tables import ERASURES, stored_events

VERDICT = "the objects do not fit the log"
FOLDER = "transcripts"
AT_ONCE = 8
"""Objects in memory, each of a few MB at most."""

_TOPICS = [
    kind.TOPIC
    for kind in event_types().values()
    if {"object_key", "sha256"} <= kind.model_fields.keys()
]
_ENDINGS = [TranscriptLost.TOPIC, PersonalTranscriptRemoved.TOPIC]
"""After which there need be no object."""
_key = func.event_field(stored_events.c.state, "object_key")
_last_words = (
    select(
        stored_events.c.topic,
        _key.label("object_key"),
        func.event_field(stored_events.c.state, "sha256").label("sha256"),
        func.event_person(stored_events.c.state).label("owner"),
        stored_events.c.notification_id.label("position"),
    )
    .ext(distinct_on(stored_events.c.originator_id))
    .where(stored_events.c.topic.in_([*_TOPICS, *_ENDINGS]))
    .order_by(stored_events.c.originator_id, stored_events.c.notification_id.desc())
    .subquery("last_words")
)
_erased = stored_events.alias("erased")
_newest = (
    select(_last_words.c.object_key, _last_words.c.sha256, _last_words.c.position)
    .ext(distinct_on(_last_words.c.object_key))
    .where(
        _last_words.c.topic.in_(_TOPICS),
        ~exists().where(
            _erased.c.topic.in_(ERASURES),
            func.event_person(_erased.c.state) == _last_words.c.owner,
        ),
    )
    .order_by(_last_words.c.object_key, _last_words.c.position.desc())
    .subquery("newest")
)
_expected = Statement(
    select(_newest.c.object_key, _newest.c.sha256, _newest.c.position).order_by(
        _newest.c.object_key.collate("C")
    )
)
Expected = tuple[str, str, int]


async def verify_objects(database: Database, objects: ObjectStore) -> tuple[int, list[Problem]]:
    """How many transcripts there ought to be, and what is wrong with them.

    The last event of a video or of a person's transcript says what lies there, if it is not that
    it was lost or removed, or its owner erased. Raises ``ObjectStoreError``,
    ``DatabaseUnavailable``.
    """
    problems: list[Problem] = []
    count, batch = 0, list[Expected]()
    there = objects.keys(FOLDER)
    async with aclosing(database.each(_expected, 500)) as expected:
        listed = _Listed(there)
        async for key, sha256, position in expected:
            count += 1
            problems += [_nobodys(one) async for one in listed.before(key)]
            batch.append((key, sha256, position))
            if len(batch) == AT_ONCE:
                problems += await _compared(objects, batch)
                batch = []
            problems = problems[:MOST_OF_A_KIND]
    problems += await _compared(objects, batch)
    problems += [_nobodys(one) async for one in listed.before(None)]
    return count, problems[:MOST_OF_A_KIND]


class _Listed:
    """The keys that there are, which come in their order as those that are expected do."""

    def __init__(self, keys: AsyncIterator[str]) -> None:
        self._keys = keys
        self._next: str | None = None

    async def before(self, key: str | None) -> AsyncGenerator[str, None]:
        """Those up to one that is expected, which is left out; None for all the rest."""
        while (coming := await self._coming()) is not None and (key is None or coming <= key):
            self._next = None
            if coming != key:
                yield coming

    async def _coming(self) -> str | None:
        if self._next is None:
            self._next = await anext(self._keys, None)
        return self._next


def _nobodys(key: str) -> Problem:
    return Problem(None, f"{key} is an object that no event speaks of", VERDICT)


async def _compared(objects: ObjectStore, batch: list[Expected]) -> list[Problem]:
    bodies = await asyncio.gather(*(objects.get(key) for key, *_ in batch))
    problems = []
    for (key, sha256, position), body in zip(batch, bodies, strict=True):
        if body is None:
            problems.append(Problem(position, f"tells of {key}, which is missing", VERDICT))
        elif hashlib.sha256(body).hexdigest() != sha256:
            problems.append(Problem(position, f"tells of {key}, which was changed", VERDICT))
    return problems
