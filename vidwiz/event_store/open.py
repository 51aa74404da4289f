"""Opens a store that executes commands, and closes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vidwiz.commands import DECISIONS
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.startup_checks import SameDatabase
from vidwiz.events.master_key import MasterKey
from vidwiz.postgres.pool import DEFAULT, Database, Patience


@asynccontextmanager
async def open_store(
    dsn: str, pool_size: int, master: MasterKey, patience: Patience = DEFAULT
) -> AsyncIterator[tuple[Database, Signals, Store]]:
    """A store, and what it stands on."""
    required = SameDatabase(master)
    database = Database(dsn, pool_size=pool_size, patience=patience, required=required)
    signals = Signals(database)
    store = Store(database, signals, master, DECISIONS)
    try:
        await database.open()
        await signals.start()
        await store.start()
        yield database, signals, store
    finally:
        database.hurry()
        await store.close()
        await signals.close()
        await database.close()
