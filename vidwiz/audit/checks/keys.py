"""Compares the keys of persons with the log, which alone says who was erased."""

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import func, select

from vidwiz.audit.checks.problems import MOST_OF_A_KIND, Problem
from vidwiz.audit.snapshot import Connection
from vidwiz.event_store.startup_checks import REMEMBERED, require_known
from vidwiz.events import ConversationStarted, UserSignedUp
from vidwiz.events.base import event_types, person_of
from vidwiz.events.master_key import KeyUnusable, MasterKey, WrongMasterKey
from vidwiz.events.sealing import LOST_KEY, SEALED, EventAddress, Keys, SealBroken, unseal
from vidwiz.postgres.statement import Statement
from vidwiz.projections.personal_keys import KEYS
from vidwiz.projections.tables import ERASURES, personal_keys, stored_events
from vidwiz.verify_export import ExportedEvent

VERDICT = "the keys do not fit the log"
OTHER_CHECK_VALUE = "master_keys has the check value of another master key"
CHUNK = 500

_person = func.event_person(stored_events.c.state)
_erased_at = (
    select(func.min(stored_events.c.notification_id))
    .where(stored_events.c.topic.in_(ERASURES), _person == personal_keys.c.person)
    .scalar_subquery()
)
_table = Statement(
    select(
        personal_keys.c.person, personal_keys.c.wrapped_key, personal_keys.c.withheld, _erased_at
    ).order_by(personal_keys.c.person)
)
_of_nobody = Statement(
    select(personal_keys.c.person)
    .except_(
        select(_person).where(
            stored_events.c.topic.in_((UserSignedUp.TOPIC, ConversationStarted.TOPIC))
        )
    )
    .limit(MOST_OF_A_KIND)
)


class KeyAudit:
    """Opens what is sealed in the log, then looks through the table of keys.

    Of each kind of fault ``MOST_OF_A_KIND`` persons are named at most.
    """

    def __init__(self, connection: Connection, master: MasterKey) -> None:
        self._connection = connection
        self._master = master
        self._coming: list[ExportedEvent] = []
        self._problems: dict[str, Problem] = {}
        self._opened = 0
        self._corrupt: dict[str, bytes] = {}
        self._types = event_types()
        self.withheld = 0
        """Persons whose keys did not come along when the log was imported."""

    def event(self, event: ExportedEvent) -> None:
        """Take the next event of the log."""
        if SEALED in event.state and event.topic in self._types:
            self._coming.append(event)
            if len(self._coming) == CHUNK:
                self._open()

    def end(self) -> list[Problem]:
        """What is wrong, once the log is at its end."""
        self._open()
        self._look_through()
        is_ours = self._is_remembered()
        if not is_ours and self._corrupt and not self._opened:
            return [Problem(None, "this is not the master key: it opens none of them", VERDICT)]
        for person in self._corrupt:
            self._problems[person] = Problem(None, self._how_corrupt(person), VERDICT)
        nobodies = self._connection.execute(_of_nobody.sql).fetchall()
        other = [] if is_ours is not False else [Problem(None, OTHER_CHECK_VALUE, VERDICT)]
        return [
            *other,
            *self._problems.values(),
            *(Problem(None, f"there is a key of {one}, whom the log does not know", VERDICT)
              for (one,) in nobodies),
        ]  # fmt: skip

    def _is_remembered(self) -> bool | None:
        """Whether the database has the master key's check value; None if it has none at all."""
        remembered = self._connection.execute(REMEMBERED.sql).fetchone()
        if remembered is None:
            return None
        try:
            require_known(self._master, remembered)
        except WrongMasterKey:
            return False
        return True

    def _open(self) -> None:
        events, self._coming = self._coming, []
        states = [orjson.loads(event.state) for event in events]
        persons = {person for state in states if (person := person_of(state)) is not None}
        rows = self._connection.execute(KEYS.sql, {"persons": [*persons]}).fetchall()
        keys = self._master.keys(rows)
        gone = {person for person, wrapped, _ in rows if wrapped is None}
        for event, state in zip(events, states, strict=True):
            self._try(event, state, keys, gone)

    def _try(self, event: ExportedEvent, state: dict[str, Any], keys: Keys, gone: set[str]) -> None:
        person = person_of(state)
        if person is None or person in self._problems:
            return
        if keys[person] is LOST_KEY:
            if person in gone:  # of one that is corrupt its own row tells
                self._add(person, f"is sealed for {person}, whose key is gone", event.position)
            return
        place = EventAddress(UUID(event.stream_id), event.version, event.topic)
        try:
            unseal(self._types[event.topic], state, place, keys)
        except SealBroken:
            other = f"does not open with the key of {person}, which is another one than before"
            self._add(person, other, event.position)

    def _look_through(self) -> None:
        with self._connection.cursor(name="keys", binary=True) as rows:
            rows.itersize = CHUNK
            for person, wrapped, withheld, erased_at in rows.execute(_table.sql):
                if erased_at is not None:
                    if wrapped is not None:
                        self._add(person, f"erased {person}, but a key is there again", erased_at)
                elif wrapped is None:
                    self.withheld += withheld
                    if not withheld:
                        self._add(person, f"the key of {person} is gone, though nobody erased them")
                else:
                    self._unwrap(person, wrapped)

    def _unwrap(self, person: str, wrapped: bytes) -> None:
        try:
            self._master.bare(person, wrapped)
        except KeyUnusable:
            if len(self._corrupt) < MOST_OF_A_KIND:
                self._corrupt[person] = wrapped
        else:
            self._opened += 1

    def _how_corrupt(self, person: str) -> str:
        """Whether what lies there is the key of another whose own is not in its place either."""
        for other in self._corrupt:
            try:
                self._master.bare(other, self._corrupt[person])
            except KeyUnusable:
                continue
            return f"the key of {person} was exchanged: it is that of {other}"
        return f"the key of {person} is corrupt"

    def _add(self, person: str, what: str, position: int | None = None) -> None:
        if len(self._problems) < MOST_OF_A_KIND:
            self._problems.setdefault(person, Problem(position, what, VERDICT))
