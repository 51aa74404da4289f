"""Which object store belongs to a database: a mark lies in the one and is known to the other.

Where it is not the one (a folder of another host, a volume that was not mounted, another bucket),
an object that is not there is not lost, and must not be reported as lost.
"""

import time
from secrets import token_hex

import structlog
from sqlalchemy import Text, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from vidwiz.adapters.object_store import ObjectStore, ObjectStoreError
from vidwiz.postgres.pool import Connection, Database, fetch_all
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import object_stores

MARK = "vidwiz/mark"
"""Key of the object that holds the mark."""
LOCK = "object store"
LOOK_AGAIN_S = 60.0

_known = Statement(select(object_stores.c.mark, object_stores.c.description))
_adopted = insert(object_stores).from_select(
    ["id", "mark", "description", "adopted_at"],
    select(
        literal(1),
        parameter("mark", Text),
        parameter("description", Text),
        func.clock_timestamp(),
    ),
)
_adopt = Statement(
    _adopted.on_conflict_do_update(
        index_elements=[object_stores.c.id],
        set_={
            "mark": _adopted.excluded.mark,
            "description": _adopted.excluded.description,
            "adopted_at": _adopted.excluded.adopted_at,
        },
    )
)

log = structlog.get_logger(__name__)


class StoreMark:
    """Whether the objects of this process are those of its database; the first store becomes it."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self.objects = objects
        self._is_ours: bool | None = None
        self._looked_at = 0.0

    async def require(self) -> None:
        """Raise ``ObjectStoreError`` where the objects are not the database's."""
        if not await self.is_ours():
            raise ObjectStoreError(f"{self.objects.description} is not the one of this database")

    async def is_ours(self) -> bool:
        """Look, once if it is, and at most once a minute if it is not; raises
        ``ObjectStoreError``, ``DatabaseUnavailable``.
        """
        is_old = time.monotonic() - self._looked_at > LOOK_AGAIN_S
        if self._is_ours is None or (not self._is_ours and is_old):
            async with self._database.exclusively(LOCK) as connection:
                self._is_ours = await _is_ours(connection, self.objects)
            self._looked_at = time.monotonic()
            if not self._is_ours:
                log.error(
                    "not the object store of this database: several hosts need a bucket",
                    store=self.objects.description,
                )
        return self._is_ours


async def adopt(database: Database, objects: ObjectStore) -> None:
    """From now on these are the database's; what is not among them is lost.

    Raises ``ObjectStoreError``, ``DatabaseUnavailable``.
    """
    async with database.exclusively(LOCK) as connection:
        await _make_known(connection, objects, await _marked(objects))


async def known_store(database: Database) -> tuple[str, str] | None:
    """The mark of the database's store and what it was called; None before there was one."""
    row = await database.one(_known)
    return None if row is None else (row[0], row[1])


async def mark_of(objects: ObjectStore) -> str | None:
    """The mark that lies in a store; raises ``ObjectStoreError``."""
    content = await objects.get(MARK)
    return None if content is None else content.decode("ascii", "replace")


async def _is_ours(connection: Connection, objects: ObjectStore) -> bool:
    known = await fetch_all(connection, _known, {})
    if known:
        ((mark, _),) = known
        return await mark_of(objects) == str(mark)
    await _make_known(connection, objects, await _marked(objects))
    return True


async def _marked(objects: ObjectStore) -> str:
    """The store's mark, which is made if there is none."""
    mark = await mark_of(objects)
    if mark is None:
        mark = token_hex(16)
        await objects.put(MARK, mark.encode(), "text/plain")
    return mark


async def _make_known(connection: Connection, objects: ObjectStore, mark: str) -> None:
    values = {"mark": mark, "description": objects.description}
    await connection.execute(_adopt.sql, values)
