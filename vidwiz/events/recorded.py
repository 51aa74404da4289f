"""The envelope in which an event lies in the log, and how it is written down and read back."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import JSONTranscoder, Mapper, StoredEvent

from vidwiz.events.base import Event, event_types, stream_id
from vidwiz.events.chain import Proof


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
class Origin:
    """Why an event came to be.

    ``correlation_id`` is the id of the request that began it, shared by everything that followed;
    ``causation_id`` names what directly caused this: ``event:<position>`` or ``request:<id>``.
    ``request_id`` is there when another request than the first one carried it on.
    """

    actor: Actor
    correlation_id: str | None = None
    causation_id: str | None = None
    request_id: str | None = None

    def following(self, position: int, correlation_id: str | None) -> "Origin":
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
class Recorded:
    """An event with its place in its stream and, once it was appended, in the log.

    ``proof`` is there when the event was read from the log itself.
    """

    event: Event
    originator_version: int
    recorded_at: datetime
    origin: Origin
    position: int | None = None
    proof: Proof | None = None

    @property
    def originator_id(self) -> UUID:
        """The stream's id, as the ``eventsourcing`` library names it."""
        return stream_id(self.event.stream)


class EventMapper(Mapper[UUID]):
    """The library's mapper for our pydantic events: explicit topics, upcast by class version.

    The library's envelope has no time or metadata, so events that come through its own
    interfaces have the epoch as their time.
    """

    def __init__(self) -> None:
        super().__init__(transcoder=JSONTranscoder())
        self._types = event_types()

    def to_stored_event(self, domain_event: Any) -> StoredEvent:
        """Write the event down; raises ``PydanticSerializationError`` on text that is not UTF-8."""
        event: Event = domain_event.event
        return StoredEvent(
            originator_id=domain_event.originator_id,
            originator_version=domain_event.originator_version,
            topic=event.TOPIC,
            state=self.encode(event),
        )

    def to_domain_event(self, stored_event: StoredEvent) -> Any:
        """Read the event back, whatever version it was written in; raises ``UnknownEvent``."""
        return Recorded(
            event=self.decode(stored_event.topic, stored_event.state),
            originator_version=stored_event.originator_version,
            recorded_at=datetime.fromtimestamp(0, UTC),
            origin=Origin(SYSTEM),
        )

    def encode(self, event: Event) -> bytes:
        """The event's ``state`` column: a JSON object of its fields, its version in front."""
        state = event.__pydantic_serializer__.to_json(event)
        if event.class_version == 1:
            return state
        return b'{"class_version":%d,' % event.class_version + state[1:]

    def decode(self, topic: str, state: bytes) -> Event:
        """The event that ``encode`` wrote, now or in an older version."""
        kind = self._class_of(topic)
        return kind.model_validate_json(self._current(kind, state))

    def current_state(self, topic: str, state: bytes) -> bytes:
        """``state`` as the newest version of its class would have it, without the version."""
        return self._current(self._class_of(topic), state)

    def _class_of(self, topic: str) -> type[Event]:
        try:
            return self._types[topic]
        except KeyError:
            raise UnknownEvent(f"no event class has the topic {topic!r}") from None

    @staticmethod
    def _current(kind: type[Event], state: bytes) -> bytes:
        versioned = state.startswith(b'{"class_version":')
        if kind.class_version == 1 and not versioned:
            return state
        fields = orjson.loads(state)
        written = fields.pop("class_version", 1)
        if written > kind.class_version:
            raise UnknownEvent(f"{kind.TOPIC} version {written} is newer than this program")
        for version in range(written, kind.class_version):
            getattr(kind, f"upcast_v{version}_v{version + 1}")(fields)
        return orjson.dumps(fields)


def with_envelope(state: bytes, version: int, recorded_at: datetime) -> bytes:
    """The JSON object ``state`` with ``at`` and ``version`` in front."""
    head = b'{"at":"%s","version":%d' % (recorded_at.isoformat().encode(), version)
    return head + b"}" if state == b"{}" else head + b"," + state[1:]
