"""Where transcripts lie as whole objects: a folder on disk or an S3 bucket."""

import asyncio
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar
from uuid import uuid4

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

P = ParamSpec("P")
R = TypeVar("R")

_KEY = re.compile(r"[A-Za-z0-9._-]{1,255}(/[A-Za-z0-9._-]{1,255})*")
_MAX_KEY_LENGTH = 512
# No key may hold a "~", so a temporary file left by a crash is no object.
_TEMPORARY = "~"
_S3_FAILURES = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,
    ValueError,  # botocore's word for an endpoint_url that is no URL
    RecursionError,  # aiobotocore's, for an endpoint that redirects without naming a region
)
# NoSuchBucket is a 404 too, but a missing bucket is a failure, not an absent object.
_ABSENT = frozenset({"NoSuchKey", "404"})


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

    async def check(self) -> None:
        """Prove that objects can be written, read and deleted, by doing so once."""
        await _try_out(self)

    async def aclose(self) -> None:
        """Nothing is held open between calls."""

    def _path(self, key: str) -> Path:
        return self._root / _valid(key)

    async def _run(self, doing: str, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return await asyncio.to_thread(work, *args, **kwargs)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise ObjectStoreError(f"{self.description}: cannot {doing} ({reason})") from error


class S3Store:
    """Objects in a bucket of S3, or of anything that speaks its protocol at ``endpoint_url``.

    Without explicit credentials, AWS's own chain (environment, configuration files, instance role)
    finds them. They must allow getting, putting and deleting objects, and listing the bucket:
    without the last S3 calls an absent object forbidden (403).
    """

    def __init__(
        self,
        bucket: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        connect_timeout_s: float = 5.0,
        read_timeout_s: float = 20.0,
    ) -> None:
        self._bucket = bucket
        self._client_options = {
            "region_name": region,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "config": AioConfig(
                connect_timeout=connect_timeout_s,
                read_timeout=read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": 3},
                max_pool_connections=32,
                # Other servers seldom have a host name for every bucket.
                s3={"addressing_style": "path"} if endpoint_url else None,
            ),
        }
        self._opening = asyncio.Lock()
        self._resources = AsyncExitStack()
        self._client: Any = None

    @property
    def description(self) -> str:
        """What and where the store is, for an operator."""
        return f"S3 bucket {self._bucket}"

    async def put(self, key: str, body: bytes, content_type: str = "application/json") -> None:
        """Store the object whole, in place of any there was."""
        where = self._where(key)
        with self._failing(f"write {key}"):
            client = await self._open()
            await client.put_object(**where, Body=body, ContentType=content_type)

    async def get(self, key: str) -> bytes | None:
        """The object, or None if there is none."""
        where = self._where(key)
        with self._failing(f"read {key}"):
            client = await self._open()
            try:
                answer = await client.get_object(**where)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            return await _read_body(answer["Body"])

    async def delete(self, key: str) -> None:
        """Remove the object, if there is one."""
        where = self._where(key)
        with self._failing(f"delete {key}"):
            client = await self._open()
            await client.delete_object(**where)

    async def check(self) -> None:
        """Prove that objects can be written, read and deleted, by doing so once."""
        await _try_out(self)

    async def aclose(self) -> None:
        """Close the client and its connections."""
        async with self._opening:
            self._client = None
            await self._resources.aclose()

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": _valid(key)}

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                opened = aioboto3.Session().client("s3", **self._client_options)
                self._client = await self._resources.enter_async_context(opened)
            return self._client

    @contextmanager
    def _failing(self, doing: str) -> Iterator[None]:
        try:
            yield
        except _S3_FAILURES as error:
            # Only the kind of failure: texts may quote URLs and parameters that hold secrets.
            reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
            raise ObjectStoreError(f"{self.description}: cannot {doing} ({reason})") from error


def _valid(key: str) -> str:
    if (
        len(key) > _MAX_KEY_LENGTH
        or not _KEY.fullmatch(key)
        or not {".", ".."}.isdisjoint(key.split("/"))
    ):
        raise ValueError(f"not an object key: {key[:_MAX_KEY_LENGTH]!r}")
    return key


async def _try_out(store: ObjectStore) -> None:
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


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "Unknown")
    return code


async def _read_body(body: Any) -> bytes:
    # ``async with body as stream`` would give the bare response, whose length and checksum
    # nobody verifies.
    async with body:
        content: bytes = await body.read()
        return content
