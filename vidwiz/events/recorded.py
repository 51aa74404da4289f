"""The envelope in which an event lies in the log, and how it is written down and read back."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from vidwiz.events.base import Event, event_types, person_of, stream_id
from vidwiz.events.chain import Proof
from vidwiz.events.sealing import SEALED, EventAddress, Keys, forget, seal, unseal


class UnknownEvent(Exception):
    """The log holds a topic, or a version of one, that this program cannot read."""


class Actor(str):
    """Who did it: ``user:<id>``, ``guest:<digest>``, ``anonymous``, ``admin`` or ``system``."""

    __slots__ = ()

    @classmethod
    def user(cls, user_id: int) -> "Actor":
        """The person with this account."""
        return cls(f"user:{user_id}")

    @classmethod
    def guest(cls, guest_id: str) -> "Actor":
        """The visitor with this digest of a session id."""
        return cls(f"guest:{guest_id}")


ADMIN = Actor("admin")
ANONYMOUS = Actor("anonymous")
SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class EventMetadata:
    """Why an event came to be.

    ``correlation_id`` is the id of the request that began it, shared by everything that followed;
    ``causation_id`` names what directly caused this: ``event:<position>`` or ``request:<id>``.
    ``request_id`` is there when another request than the first one carried it on.
    """

    actor: Actor
    correlation_id: str | None = None
    causation_id: str | None = None
    request_id: str | None = None

    def following(self, position: int, correlation_id: str | None) -> "EventMetadata":
        """This origin, for what follows from the event at a position, with that correlation."""
        if correlation_id is None or correlation_id == self.correlation_id:
            return replace(self, causation_id=f"event:{position}")
        return replace(
            self,
            correlation_id=correlation_id,
            causation_id=f"event:{position}",
            request_id=self.correlation_id,
        )


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """An event with its place in its stream and, once it was appended, in the log.

    ``proof`` is there when the event was read from the log itself.
    """

    event: Event
    originator_version: int
    recorded_at: datetime
    origin: EventMetadata
    position: int | None = None
    proof: Proof | None = None

    @property
    def originator_id(self) -> UUID:
        """The stream's id, as the ``eventsourcing`` library names it."""
        return stream_id(self.event.stream)


class EventMapper(Mapper[UUID]):
    """The library's mapper for our pydantic events: explicit topics, upcast by class version.

    With the ``keys`` of persons it seals and opens what is personal. Without them it writes all
    fields in the clear, and a sealed one reads ``[erased]``. Of the ``erased`` persons that also
    holds for what older versions wrote in the clear. The library's envelope has no time
    or metadata, so events that come through its own interfaces have the epoch as their time.
    """

    def __init__(self, keys: Keys | None = None, erased: AbstractSet[str] = frozenset()) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._types = event_types()
        self._keys = keys
        self._erased = erased

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Write the event down; raises ``PydanticSerializationError`` on text that is not UTF-8."""
        event: Event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.TOPIC,
            state=self.sealed(event, self.encode(event), domain_event.originator_version),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Read the event back, whatever version it was written in.

        Raises ``UnknownEvent`` and ``SealBroken``.
        """
        stream, version = stored_event.originator_id, stored_event.originator_version
        place = EventAddress(UUID(f"{stream}"), version, stored_event.topic)
        return RecordedEvent(
            event=self.decode(place, stored_event.state),
            originator_version=stored_event.originator_version,
            recorded_at=datetime.fromtimestamp(0, UTC),
            origin=EventMetadata(SYSTEM),
        )

    def encode(self, event: Event) -> bytes:
        """A JSON object of the event's fields, its version in front, as projectors read it."""
        state = event.__pydantic_serializer__.to_json(event)
        if event.class_version == 1:
            return state
        return b'{"class_version":%d,' % event.class_version + state[1:]

    def sealed(self, event: Event, state: bytes, version: int) -> bytes:
        """The ``state`` that ``encode`` made, as the log keeps it; raises ``KeyError``."""
        if self._keys is None:
            return state
        place = EventAddress(stream_id(event.stream), version, event.TOPIC)
        return seal(type(event), state, place, self._keys)

    def decode(self, place: EventAddress, state: bytes) -> Event:
        """The event that was written to this place, now or in an older version."""
        kind = self._class_of(place.topic)
        return kind.model_validate_json(self._current(kind, place, state))

    def current_state(self, place: EventAddress, state: bytes) -> bytes:
        """``state`` opened, as the newest version of its class has it, without the version."""
        return self._current(self._class_of(place.topic), place, state)

    def person(self, topic: str, state: bytes) -> str | None:
        """Whom a stored event is about, if its class knows of persons; raises ``UnknownEvent``."""
        if "user_id" not in self._class_of(topic).model_fields:
            return None
        return person_of(orjson.loads(state))

    def _class_of(self, topic: str) -> type[Event]:
        try:
            return self._types[topic]
        except KeyError:
            raise UnknownEvent(f"no event class has the topic {topic!r}") from None

    def _current(self, kind: type[Event], place: EventAddress, state: bytes) -> bytes:
        versioned = state.startswith(b'{"class_version":')
        is_sealed = SEALED in state and bool(kind.personal_fields())
        may_forget = bool(self._erased and (kind.personal_fields() or kind.FORMS))
        if kind.class_version == 1 and not (versioned or is_sealed or may_forget):
            return state
        fields = orjson.loads(state)
        if not isinstance(fields, dict):
            raise UnknownEvent(f"the state of {kind.TOPIC} in stream {place.stream} is no object")
        written = fields.pop("class_version", 1)
        if written > kind.class_version:
            raise UnknownEvent(f"{kind.TOPIC} version {written} is newer than this program")
        if is_sealed:
            unseal(kind, fields, place, self._keys or {})
        if may_forget and person_of(fields) in self._erased:
            forget(kind, fields)
        for version in range(written, kind.class_version):
            getattr(kind, f"upcast_v{version}_v{version + 1}")(fields)
        return orjson.dumps(fields)


def with_envelope(
    state: bytes, version: int, recorded_at: datetime, position: int | None = None
) -> bytes:
    """The JSON object ``state`` with ``at`` and ``version`` in front; ``log_position`` if known."""
    head = b'{"at":"%s","version":%d' % (recorded_at.isoformat().encode(), version)
    if position is not None:
        head += b',"log_position":%d' % position
    return head + b"}" if state == b"{}" else head + b"," + state[1:]
