"""Fetches the keys of persons, to read what is sealed or to write while nobody erases them."""

from collections.abc import Set as AbstractSet

from vidwiz.database import Connection, fetch_all
from vidwiz.events.master_key import MasterKey
from vidwiz.events.sealing import Keys
from vidwiz.projections.personal_keys import ADD_KEYS, KEYS, LOCKED_KEYS


async def keys_of(connection: Connection, master: MasterKey, persons: AbstractSet[str]) -> Keys:
    """The keys of these persons as they are now, in one statement; raises ``WrongMasterKey``."""
    if not persons:
        return {}
    return master.keys(await fetch_all(connection, KEYS, {"persons": [*persons]}))


async def locked_keys(connection: Connection, master: MasterKey, persons: AbstractSet[str]) -> Keys:
    """The keys of these persons, of whom none is erased before this transaction has ended.

    Who has no key is given one. Raises ``WrongMasterKey``.
    """
    if not persons:
        return {}
    wrapped = dict(await fetch_all(connection, LOCKED_KEYS, {"persons": [*persons]}))
    new = [*(persons - wrapped.keys())]
    if new:
        keys = [master.new_key(person) for person in new]
        await connection.execute(ADD_KEYS.sql, {"persons": new, "keys": keys})
        # Somebody else may have been faster, to give a key or to erase for ever.
        wrapped |= dict(await fetch_all(connection, LOCKED_KEYS, {"persons": new}))
    return master.keys(wrapped.items())
