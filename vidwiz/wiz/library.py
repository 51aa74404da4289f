"""The transcripts that are being asked about, read from the object store and kept for a while."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

import orjson

from vidwiz.adapters.object_store import ObjectStore
from vidwiz.supervision import Tasks
from vidwiz.wiz.passages import Index
from vidwiz.wiz.transcripts import Segment, segments_of

MOST_BYTES = 8 * 1024 * 1024
"""Size of all transcripts that are kept; with their words they take some thirty times as much."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """A transcript, the index of its words, and its size in bytes; never changed, so shared."""

    segments: tuple[Segment, ...]
    index: Index
    size: int


class Library:
    """Reads each transcript once, however many ask for it at the same time.

    A transcript is known by its object's key and digest; bytes of another digest are never given
    out.
    """

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._kept: OrderedDict[tuple[str, str], Transcript] = OrderedDict()
        self._tasks = Tasks("transcripts")
        self._coming: dict[tuple[str, str], asyncio.Task[Transcript | None]] = {}

    async def content(self, object_key: str, sha256: str) -> bytes | None:
        """The object's bytes; None if the store has it not, or not unchanged.

        Raises ``ObjectStoreError``.
        """
        content = await self._objects.get(object_key)
        if content is None or await asyncio.to_thread(_digest, content) != sha256:
            return None
        return content

    async def transcript(self, object_key: str, sha256: str) -> Transcript | None:
        """The transcript; None if the store has it not, or not unchanged.

        Raises ``ObjectStoreError``.
        """
        key = (object_key, sha256)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        coming = self._coming.get(key)
        if coming is None:
            coming = self._coming[key] = self._tasks.begin(self._read(key), heard=True)
            coming.add_done_callback(lambda done: self._came(key, done))
        return await asyncio.shield(coming)  # others may wait for it too

    def _came(self, key: tuple[str, str], done: "asyncio.Task[Transcript | None]") -> None:
        del self._coming[key]
        if not done.cancelled():
            done.exception()  # whoever still waits for it raises it

    async def _read(self, key: tuple[str, str]) -> Transcript | None:
        content = await self.content(*key)
        if content is None:
            return None
        transcript = await asyncio.to_thread(_parsed, content)
        if transcript is None:
            return None
        self._kept[key] = transcript
        while len(self._kept) > 1 and self._size() > MOST_BYTES:
            self._kept.popitem(last=False)
        return transcript

    def _size(self) -> int:
        return sum(transcript.size for transcript in self._kept.values())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _parsed(content: bytes) -> Transcript | None:
    try:
        items = orjson.loads(content)
    except ValueError:
        return None
    if not isinstance(items, list):
        return None
    index = Index(segments_of(items))
    return Transcript(index.segments, index, len(content))
