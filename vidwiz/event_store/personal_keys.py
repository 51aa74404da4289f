"""Fetches the keys of persons, to read what is sealed or to write while nobody erases them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from vidwiz.events.master_key import MasterKey, require_all
from vidwiz.events.recorded import EventMapper
from vidwiz.events.sealing import Keys, persons_in_the_clear, persons_of_sealed
from vidwiz.postgres.pool import Connection, fetch_all
from vidwiz.projections.personal_keys import ADD_KEYS, CURRENT_MASTER, ERASED_OF, KEYS, LOCKED_KEYS


async def keys_of(connection: Connection, master: MasterKey, persons: AbstractSet[str]) -> Keys:
    """The keys of these persons as they are now, in one statement."""
    if not persons:
        return {}
    return master.keys(await fetch_all(connection, KEYS, {"persons": [*persons]}))


async def mapper_of(
    connection: Connection, master: MasterKey, events: Sequence[tuple[str, bytes]]
) -> EventMapper:
    """Reads these events, by topic and state, as they may be read now.

    It takes one statement, and one more where older versions wrote words in the clear.
    """
    keys = await keys_of(connection, master, persons_of_sealed(state for _, state in events))
    persons = persons_in_the_clear(events)
    if not persons:
        return EventMapper(keys)
    rows = await fetch_all(connection, ERASED_OF, {"persons": [*persons]})
    return EventMapper(keys, {person for (person,) in rows})


async def locked_keys(connection: Connection, master: MasterKey, persons: AbstractSet[str]) -> Keys:
    """The keys of these persons, of whom none is erased before this transaction has ended.

    Who has no key is given one. Raises ``WrongMasterKey``, and ``KeyUnusable`` for who had one
    that is gone or corrupt.
    """
    if not persons:
        return {}
    found = await _locked(connection, persons)
    new = [*(persons - found.keys())]
    if new:
        remembered = await fetch_all(connection, CURRENT_MASTER, {})
        current = remembered[0][0] if remembered else None
        wrapped = [master.new_key(person, current) for person in new]
        await connection.execute(ADD_KEYS.sql, {"persons": new, "keys": wrapped})
        # Somebody else may have been faster, to give a key or to erase for ever.
        found |= await _locked(connection, set(new))
    return require_all(master.keys(found.values()))


async def _locked(
    connection: Connection, persons: AbstractSet[str]
) -> dict[str, tuple[str, bytes | None, bool]]:
    rows = await fetch_all(connection, LOCKED_KEYS, {"persons": [*persons]})
    return {person: (person, key, lawful) for person, key, lawful in rows}
