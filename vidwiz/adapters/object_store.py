"""Where transcripts lie as whole objects: what a store is, and a folder on disk as one."""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar
from urllib.parse import quote
from uuid import uuid4

P = ParamSpec("P")
R = TypeVar("R")

_KEY = re.compile(r"[A-Za-z0-9._%-]{1,255}(/[A-Za-z0-9._%-]{1,255})*")
_MAX_KEY_LENGTH = 512
# No key may hold a "~", so a temporary file left by a crash is no object.
_TEMPORARY = "~"


def transcript_key(video_id: str) -> str:
    """Where a video's transcript lies; ids of YouTube stand as they are, others are escaped."""
    return f"transcripts/{quote(video_id, safe='').replace('~', '%7E')}.json"


def personal_transcripts_folder(user_id: int) -> str:
    """Where the transcripts lie that a person brought; apart from those that workers watch."""
    return f"personal/transcripts/{user_id}"


def personal_transcript_key(user_id: int, video_id: str, sha256: str) -> str:
    """Where this transcript of a person lies; another one of theirs has another key."""
    return f"{personal_transcripts_folder(user_id)}/{quote(video_id, safe='')}.{sha256}.json"


class ObjectStoreError(Exception):
    """The store could not do what was asked; the message may be shown to an operator."""


class ObjectStore(Protocol):
    """Whole objects by key, such as ``transcripts/dQw4w9WgXcQ.json``.

    A key is segments of ``[A-Za-z0-9._-]`` joined by ``/``, none of them ``.`` or ``..``, at most
    512 characters in all; any other is a ValueError. Every failure is an ObjectStoreError.
    """

    @property
    def description(self) -> str:
        """What and where the store is, for an operator."""

    async def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store the object whole, in place of any there was."""

    async def get(self, key: str) -> bytes | None:
        """The object, or None if there is none."""

    async def delete(self, key: str) -> None:
        """Remove the object, if there is one."""

    def keys(self, folder: str) -> AsyncIterator[str]:
        """The keys of the objects in ``folder``, but not below it, in their order."""

    async def check(self) -> None:
        """Prove that objects can be written, read and deleted, by doing so once."""

    async def aclose(self) -> None:
        """Let go of connections; the store is not used afterwards."""


class FolderStore:
    """Objects as files under a folder, which is created when first written to.

    Only this user can read them. A key cannot also be another key's folder (``a`` and ``a/b``).
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def description(self) -> str:
        """What and where the store is, for an operator."""
        return f"folder {self._root}"

    async def put(
        self,
        key: str,
        body: bytes,
        content_type: str = "application/json",  # noqa: ARG002 - files have no media type
    ) -> None:
        """Store the object whole: a crash leaves the old one or the new one."""
        await self._run(f"write {key}", _write_file, self._path(key), body)

    async def get(self, key: str) -> bytes | None:
        """The object, or None if there is none."""
        return await self._run(f"read {key}", _read_file, self._path(key))

    async def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        await self._run(f"delete {key}", self._path(key).unlink, missing_ok=True)

    async def keys(self, folder: str) -> AsyncIterator[str]:
        """The keys of the objects in ``folder``, but not below it, in their order."""
        for name in await self._run(f"list {folder}", _names, self._path(folder)):
            yield f"{folder}/{name}"

    async def check(self) -> None:
        """Prove that objects can be written, read and deleted, by doing so once."""
        await try_out(self)

    async def aclose(self) -> None:
        """Nothing is held open between calls."""

    def _path(self, key: str) -> Path:
        return self._root / valid_key(key)

    async def _run(self, doing: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ObjectStoreError(f"{self.description}: cannot {doing} ({reason})") from error


def valid_key(key: str) -> str:
    """The key, if it is a relative path of plain segments; raises ``ValueError``."""
    if (
        len(key) > _MAX_KEY_LENGTH
        or not _KEY.fullmatch(key)
        or not {".", ".."}.isdisjoint(key.split("/"))
    ):
        raise ValueError(f"not an object key: {key[:_MAX_KEY_LENGTH]!r}")
    return key


async def try_out(store: ObjectStore) -> None:
    """Prove that the store writes, reads and deletes; raises ``ObjectStoreError``."""
    # A key of its own, so that two checks at once do not delete each other's object.
    key = f"vidwiz-check-{uuid4().hex}"
    await store.put(key, b"{}")
    try:
        found = await store.get(key)
    finally:
        await store.delete(key)
    if found != b"{}":
        raise ObjectStoreError(f"{store.description}: does not give back what was written")


def _read_file(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _names(folder: Path) -> list[str]:
    try:
        files = (path for path in folder.iterdir() if path.is_file())
        return sorted(path.name for path in files if not path.name.startswith(_TEMPORARY))
    except FileNotFoundError:
        return []


def _write_file(path: Path, body: bytes) -> None:
    """Replace the file in one step; mkstemp makes it readable by this user only."""
    _make_folder(path.parent)
    descriptor, name = tempfile.mkstemp(prefix=_TEMPORARY, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    # Level by level: mkdir's ``parents`` would leave those between open to everybody.
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
