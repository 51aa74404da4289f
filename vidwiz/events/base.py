"""What every event is: a frozen fact with a stable topic, a schema version and a stream."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Any, ClassVar, TypeVar, get_args, get_origin
from uuid import UUID, uuid5

from eventsourcing.utils import register_topic
from pydantic import BaseModel, ConfigDict

STREAM_NAMESPACE = UUID("6f1f7a53-2b0e-5b52-9d5c-0c8a1f3f7e11")
"""Stream ids are uuid5 of the stream's name in this namespace; it never changes."""


@dataclass(frozen=True, slots=True)
class PersonalData:
    """Marks a text, or an object with some, that belongs to a person and must be forgettable.

    ``unique``: no two persons may have the same, not even once they are forgotten.
    """

    unique: bool = False


T = TypeVar("T")
Personal = Annotated[T, PersonalData()]
"""``Personal[str]`` is a str that belongs to the person whom the event is about."""
PersonalUnique = Annotated[T, PersonalData(unique=True)]

_types: dict[str, type["Event"]] = {}


class Event(BaseModel):
    """A fact in the past tense.

    The topic is the class's name, written down as ``TOPIC`` so that renaming the class does not
    rename history. Changing the fields of a released event means raising ``class_version`` and
    adding ``upcast_v{n}_v{n+1}(state)``, which changes the decoded state in place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    TOPIC: ClassVar[str]
    NOUN: ClassVar[str]
    KEY: ClassVar[str]
    class_version: ClassVar[int] = 1
    FORMS: ClassVar[Mapping[str, re.Pattern[str]]] = {}
    """The forms of fields that are not sealed because they say no word. Events of before a form
    was asked for may have other text there, which belongs to the person."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Register a concrete event under its topic, once its fields are known."""
        super().__pydantic_init_subclass__(**kwargs)
        if "TOPIC" not in cls.__dict__:
            return
        if cls.TOPIC in _types:
            raise TypeError(f"two events claim the topic {cls.TOPIC}")
        missing = [
            v for v in range(1, cls.class_version) if not hasattr(cls, f"upcast_v{v}_v{v + 1}")
        ]
        if missing:
            raise TypeError(f"{cls.TOPIC} cannot read its version {missing[0]}: no upcaster")
        _types[cls.TOPIC] = cls
        register_topic(cls.TOPIC, cls)

    @property
    def stream(self) -> str:
        """The stream's readable name, such as ``note:17`` or ``video:dQw4w9WgXcQ``."""
        return f"{self.NOUN}:{getattr(self, self.KEY)}"

    @property
    def person(self) -> str | None:
        """Whom the event is about: ``user:<id>`` or ``guest:<digest>``; None for nobody."""
        return person_of(self.__dict__)

    @classmethod
    def personal_fields(cls) -> frozenset[str]:
        """Names of the fields that belong to the person."""
        return _marked(cls, unique=False)

    @classmethod
    def unique_fields(cls) -> frozenset[str]:
        """Names of those of them that no two persons have the same of."""
        return _marked(cls, unique=True)


@cache
def object_fields(kind: type[Event]) -> frozenset[str]:
    """Names of the personal fields that are JSON objects."""
    return frozenset(
        name
        for name in kind.personal_fields()
        if any(get_origin(its) is dict for its in get_args(kind.model_fields[name].annotation))
    )


def person_of(fields: Mapping[str, Any]) -> str | None:
    """Whom an event with these fields is about."""
    if fields.get("user_id") is not None:
        return f"user:{fields['user_id']}"
    guest_id = fields.get("guest_id")
    return None if guest_id is None else f"guest:{guest_id}"


@cache
def _marked(kind: type[Event], *, unique: bool) -> frozenset[str]:
    return frozenset(
        name
        for name, field in kind.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, PersonalData) and mark.unique >= unique
    )


def event_types() -> dict[str, type[Event]]:
    """Every event class by its topic."""
    return dict(_types)


@lru_cache(maxsize=4096)
def stream_id(name: str) -> UUID:
    """The log's ``originator_id`` of the stream with this readable name."""
    return uuid5(STREAM_NAMESPACE, name)
