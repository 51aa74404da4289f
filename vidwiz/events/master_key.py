"""The key that wraps the keys of persons, which lie in the database beside the log."""

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vidwiz.events.sealing import LOST_KEY, NONCE_BYTES, Keys, LostKey

KEY_BYTES = 32
MOST_UNWRAPPED = 4096


class WrongMasterKey(Exception):
    """The database's keys were wrapped with another master key."""

    def __init__(self, said: str | None = None) -> None:
        super().__init__(
            said
            or "this is not the master key of the database: set VIDWIZ_MASTER_KEY to the one that"
            " it was first used with, or put the file master_key back into the data folder"
        )


class KeyUnusable(Exception):
    """The key of somebody whom nobody erased is gone, corrupt or another one's."""

    def __init__(self, persons: Iterable[str]) -> None:
        self.persons = sorted(persons)
        named = ", ".join(self.persons[:5]) + (", ..." if len(self.persons) > 5 else "")  # noqa: PLR2004
        super().__init__(
            f"the key of {named} is gone or corrupt, though nobody erased them: bring the table"
            " personal_keys back from a backup; `vidwiz audit verify` names every such key"
        )


class MasterKey:
    """Makes, wraps and unwraps persons' keys, 256 bits each, with a master key of 32 bytes.

    While it is changed there are two: ``others`` gives what else may have wrapped a key, and is
    asked again whenever a key opens with none of those that are known.
    """

    def __init__(self, key: bytes, others: Callable[[], Sequence[bytes]] = lambda: ()) -> None:
        self._bytes, self._others = key, others
        self._ciphers = {check_value(key): AESGCM(key)}
        self.check_value = check_value(key)
        """What a database remembers it by; it says nothing of the key."""
        # By what is wrapped, so that nothing in it is ever out of date.
        self._unwrap = lru_cache(MOST_UNWRAPPED)(self._unwrapped)

    def known(self) -> list[bytes]:
        """Every master key itself that is known by now, this one first."""
        return [self._bytes, *self._others()]

    @property
    def check_values(self) -> set[bytes]:
        """Those of every master key that is known by now."""
        for key in self._others():
            self._ciphers.setdefault(check_value(key), AESGCM(key))
        return set(self._ciphers)

    def new_key(self, person: str, current: bytes | None = None) -> bytes:
        """A new key of this person, wrapped."""
        return self.wrapped(person, os.urandom(KEY_BYTES), current)

    def wrapped(self, person: str, key: bytes, current: bytes | None = None) -> bytes:
        """This key of this person, wrapped by the master key with the check value ``current``.

        Raises ``ValueError`` unless it has 32 bytes, and ``WrongMasterKey``.
        """
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of {person} has not {KEY_BYTES} bytes")
        its = self.check_value if current is None else current
        if its not in self._ciphers and its not in self.check_values:
            raise WrongMasterKey
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._ciphers[its].encrypt(nonce, key, person.encode())

    def bare(self, person: str, wrapped: bytes) -> bytes:
        """The key of this person itself; raises ``KeyUnusable``."""
        key = self._opened(person, wrapped)
        if key is None and len(self.check_values) > 1:
            key = self._opened(person, wrapped)
        if key is None:
            raise KeyUnusable([person])
        return key

    def is_wrapped_by(self, current: bytes, person: str, wrapped: bytes) -> bool:
        """Whether the master key with this check value wrapped it."""
        return _decrypted(self._ciphers[current], person, wrapped) is not None

    def keys(self, found: Iterable[Sequence[Any]]) -> Keys:
        """The keys of these persons, each given wrapped and with whether it may be missing."""
        return {person: self._key(person, its, lawful) for person, its, lawful in found}

    def _key(
        self, person: str, wrapped: bytes | None, may_be_missing: bool
    ) -> AESGCM | LostKey | None:
        if wrapped is None:
            return None if may_be_missing else LOST_KEY
        try:
            return self._unwrap(person, wrapped)
        except KeyUnusable:
            return LOST_KEY

    def _unwrapped(self, person: str, wrapped: bytes) -> AESGCM:
        return AESGCM(self.bare(person, wrapped))

    def _opened(self, person: str, wrapped: bytes) -> bytes | None:
        tried = (_decrypted(cipher, person, wrapped) for cipher in self._ciphers.values())
        return next((key for key in tried if key is not None), None)


def check_value(key: bytes) -> bytes:
    """What a database remembers this master key by."""
    return digest(key, b"vidwiz master key", sha256)


def _decrypted(cipher: AESGCM, person: str, wrapped: bytes) -> bytes | None:
    try:
        key = cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())
    except (InvalidTag, ValueError):  # a nonce or a tag that is too short
        return None
    return key if len(key) == KEY_BYTES else None


def require_all(keys: Keys) -> Keys:
    """The keys, if none of them is lost; raises ``KeyUnusable``."""
    lost = [person for person, key in keys.items() if key is LOST_KEY]
    if lost:
        raise KeyUnusable(lost)
    return keys
