"""Copies of the checkpoints in the object store, out of the database's reach."""

import asyncio
from collections.abc import AsyncIterator

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.audit.checkpoints.records import BETWEEN, checkpoint_of
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import MAX_BIGINT
from vidwiz.verify_export import Checkpoint, checkpoint_line, read_line

FOLDER = "audit/checkpoints"
CHUNK = 100


class CopyDiffers(Exception):
    """A copy is kept that is not the database's: of this log as it was, or of another one."""

    def __init__(self, position: int, objects: ObjectStore) -> None:
        super().__init__(
            f"{objects.description} keeps another checkpoint {position} than the database has:"
            " the log was written anew, or the copies are those of another database"
        )


def key_of(position: int) -> str:
    """Where the copy of the checkpoint at this position lies; keys sort as positions do."""
    return f"{FOLDER}/{position:012}.json"


class Copies:
    """Keeps the object store's copies up with the table."""

    def __init__(self, database: Database, objects: ObjectStore) -> None:
        self._database = database
        self._objects = objects
        self._copied: int | None = None

    async def catch_up(self, newest: Checkpoint) -> None:
        """Copy what is not copied yet, oldest first.

        A copy is evidence: one that is there is never written over. Raises ``CopyDiffers``,
        ``ObjectStoreError``, ``DatabaseUnavailable``.
        """
        if self._copied is None:
            last = await _last_kept(self._objects)
            if last and not await self._between(last - 1, last):
                raise CopyDiffers(last, self._objects)
            self._copied = max(0, last - 1)  # the last one is compared with the table's
        while rows := await self._between(self._copied, newest.position):
            for it in rows:
                await keep(self._objects, it)
                self._copied = it.position

    async def is_kept(self, it: Checkpoint) -> bool:
        """Whether its copy is there; raises ``CopyDiffers`` where another is."""
        found = await self._objects.get(key_of(it.position))
        if found not in (None, checkpoint_line(it)):
            raise CopyDiffers(it.position, self._objects)
        return found is not None

    async def count(self) -> tuple[int, int]:
        """How many copies there are, and how many checkpoints have none."""
        count = gone = after = 0
        positions = _positions(self._objects)
        copied = await anext(positions, None)
        while rows := await self._between(after, MAX_BIGINT):
            for it in rows:
                while copied is not None and copied < it.position:
                    count, copied = count + 1, await anext(positions, None)
                if copied == it.position:
                    count, copied = count + 1, await anext(positions, None)
                else:
                    gone += 1
            after = rows[-1].position
        while copied is not None:
            count, copied = count + 1, await anext(positions, None)
        return count, gone

    async def _between(self, after: int, up_to: int) -> list[Checkpoint]:
        rows = await self._database.all(BETWEEN, after=after, up_to=up_to, at_most=CHUNK)
        return [checkpoint_of(row) for row in rows]


async def keep(objects: ObjectStore, it: Checkpoint) -> None:
    """Put the copy where none is; raises ``CopyDiffers`` where another is, ``ObjectStoreError``."""
    key, line = key_of(it.position), checkpoint_line(it)
    found = await objects.get(key)
    if found is None:
        await objects.put(key, line)
    elif found != line:
        raise CopyDiffers(it.position, objects)


async def kept(objects: ObjectStore) -> AsyncIterator[dict[int, Checkpoint | None]]:
    """The copies by the positions that their keys name, in order, some at a time.

    None stands for one that cannot be read. Raises ``ObjectStoreError``.
    """
    positions: list[int] = []
    async for position in _positions(objects):
        positions.append(position)
        if len(positions) == CHUNK:
            yield await _fetched(objects, positions)
            positions = []
    if positions:
        yield await _fetched(objects, positions)


async def _fetched(objects: ObjectStore, positions: list[int]) -> dict[int, Checkpoint | None]:
    bodies = await asyncio.gather(*(objects.get(key_of(position)) for position in positions))
    records = (read_line(body or b"") for body in bodies)
    copies = (it if isinstance(it, Checkpoint) else None for it in records)
    return dict(zip(positions, copies, strict=True))


async def _last_kept(objects: ObjectStore) -> int:
    last = 0
    async for position in _positions(objects):
        last = position
    return last


async def _positions(objects: ObjectStore) -> AsyncIterator[int]:
    async for key in objects.keys(FOLDER):
        digits = key.removeprefix(f"{FOLDER}/").removesuffix(".json")
        if digits.isdecimal() and key_of(int(digits)) == key:
            yield int(digits)
