"""Seals personal fields with their person's key, so that a key that is gone takes the words along.

In the log a sealed field is the object ``{"sealed": "<base64>"}``: a nonce of 12 bytes, then what
AES-256-GCM made of the text, or of an object's JSON. It opens only where it was sealed: the stream,
the version in it, the topic and the field's name are its associated data.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vidwiz.events.base import Event, event_types, object_fields, person_of


class LostKey:
    """Stands for the key of a person whom nobody erased, which is gone or corrupt."""

    __slots__ = ()


LOST_KEY = LostKey()
Keys = Mapping[str, AESGCM | LostKey | None]
"""The keys of persons, by the names that the log has for them; None when it was shredded."""

NONCE_BYTES = 12
ERASED = "[erased]"
"""What a sealed field reads without its key."""
LOST = "[key lost]"
"""What it reads when its key ought to be there, and is not."""
SEALED = b'{"sealed":"'
"""How a sealed field begins, and no text in a state does: there the quotes would be escaped."""


class SealBroken(Exception):
    """A sealed field was changed, or stands where it was not sealed."""


@dataclass(frozen=True, slots=True)
class EventAddress:
    """Where in the log an event lies."""

    stream: UUID
    version: int
    topic: str

    def of(self, field: str) -> bytes:
        """The place of one of its fields, in bytes that are no other's."""
        topic = self.topic.encode()
        place = self.stream.bytes + self.version.to_bytes(8, "big")
        return place + len(topic).to_bytes(2, "big") + topic + field.encode()


def seal(kind: type[Event], state: bytes, place: EventAddress, keys: Keys) -> bytes:
    """``state`` with what is personal sealed; what is null or empty stays as it is.

    Raises ``KeyError`` without the person's key.
    """
    names = kind.personal_fields()
    if not names:
        return state
    fields = orjson.loads(state)
    texts = [name for name in names if fields[name]]
    if not texts:
        return state
    key = _key_of(person_of(fields), keys)
    for name in texts:
        fields[name] = _sealed(key, fields[name], place.of(name))
    return orjson.dumps(fields)


def _key_of(person: str | None, keys: Keys) -> AESGCM:
    key = None if person is None else keys[person]
    if not isinstance(key, AESGCM):
        raise KeyError(person)
    return key


def _sealed(key: AESGCM, value: object, place: bytes) -> dict[str, str]:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    nonce = os.urandom(NONCE_BYTES)
    return {"sealed": b64encode(nonce + key.encrypt(nonce, text.encode(), place)).decode()}


def persons_of_sealed(states: Iterable[bytes]) -> set[str]:
    """Whose keys it takes to open these states."""
    sealed = (person_of(orjson.loads(state)) for state in states if SEALED in state)
    return {person for person in sealed if person is not None}


def words_in_the_clear(kind: type[Event], fields: Mapping[str, Any]) -> Iterator[str]:
    """Names of the fields with a person's words that no seal covers, as older versions wrote."""
    for name in kind.personal_fields():
        if fields.get(name) and not _is_sealed(fields[name]):
            yield name
    for name, form in kind.FORMS.items():
        if isinstance(fields.get(name), str) and not form.fullmatch(fields[name]):
            yield name


def persons_in_the_clear(events: Iterable[tuple[str, bytes]]) -> set[str]:
    """Whose words can be read in these events, by topic and state, without any key."""
    types, persons = event_types(), set[str]()
    for topic, state in events:
        kind = types.get(topic)
        if kind is None or not (kind.personal_fields() or kind.FORMS):
            continue
        fields = orjson.loads(state)
        person = person_of(fields)
        if person is not None and any(words_in_the_clear(kind, fields)):
            persons.add(person)
    return persons


def forget(kind: type[Event], fields: dict[str, Any]) -> None:
    """Have what is in the clear read as if it had been sealed, and its key were shredded."""
    person = person_of(fields)
    for name in [*words_in_the_clear(kind, fields)]:
        fields[name] = _instead(kind, name, f"{person}", ERASED)


def unseal(kind: type[Event], fields: dict[str, Any], place: EventAddress, keys: Keys) -> None:
    """Open the sealed ones of the fields that ``place`` was sealed with, whatever their version.

    Without its key a text reads ``[erased]`` or ``[key lost]``, made unique where that of a person
    has to be, and an object null. Raises ``SealBroken``.
    """
    person = person_of(fields)
    key = None if person is None else keys.get(person)
    for name, value in fields.items():
        if not _is_sealed(value):
            continue
        if isinstance(key, AESGCM):
            opened = _opened(key, value["sealed"], place.of(name))
            fields[name] = orjson.loads(opened) if name in object_fields(kind) else opened
        else:
            instead = ERASED if key is None else LOST
            fields[name] = _instead(kind, name, f"{person}", instead)


def _instead(kind: type[Event], name: str, person: str, instead: str) -> str | None:
    if name in object_fields(kind):
        return None
    return f"{instead} {person}" if name in kind.unique_fields() else instead


def _is_sealed(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"sealed"}


def _opened(key: AESGCM, sealed: str, place: bytes) -> str:
    try:
        raw = b64decode(sealed, validate=True)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place).decode()
    except (InvalidTag, ValueError, TypeError) as error:
        raise SealBroken("a sealed field was changed, or moved from where it was sealed") from error
