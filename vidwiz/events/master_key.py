"""The key that wraps the keys of persons, which lie in the database beside the log."""

import os
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vidwiz.events.sealing import NONCE_BYTES, Keys

KEY_BYTES = 32
MOST_UNWRAPPED = 4096


class WrongMasterKey(Exception):
    """The database's keys were wrapped with another master key."""

    def __init__(self) -> None:
        super().__init__(
            "this is not the master key of the database: set VIDWIZ_MASTER_KEY to the one that it"
            " was first used with, or put the file master_key back into the data folder"
        )


class MasterKey:
    """Makes, wraps and unwraps persons' keys, 256 bits each, with a master key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self.check_value = digest(key, b"vidwiz master key", sha256)
        """What a database remembers it by; it says nothing of the key."""
        # By what is wrapped, so that nothing in it is ever out of date.
        self._unwrap = lru_cache(MOST_UNWRAPPED)(self._unwrapped)

    def new_key(self, person: str) -> bytes:
        """A new key of this person, wrapped."""
        return self.wrapped(person, os.urandom(KEY_BYTES))

    def wrapped(self, person: str, key: bytes) -> bytes:
        """This key of this person, wrapped; raises ``ValueError`` unless it has 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of {person} has not {KEY_BYTES} bytes")
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, person.encode())

    def bare(self, person: str, wrapped: bytes) -> bytes:
        """The key of this person itself; raises ``WrongMasterKey``."""
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, sealed, person.encode())
        except InvalidTag as error:
            raise WrongMasterKey from error

    def keys(self, wrapped: Iterable[tuple[str, bytes | None]]) -> Keys:
        """The keys of these persons; raises ``WrongMasterKey``."""
        return {
            person: None if its is None else self._unwrap(person, its) for person, its in wrapped
        }

    def _unwrapped(self, person: str, wrapped: bytes) -> AESGCM:
        return AESGCM(self.bare(person, wrapped))
