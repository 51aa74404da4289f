"""Objects in S3, or in anything that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from vidwiz.adapters.object_store import ObjectStoreError, try_out, valid_key

_FAILURES = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,  # TimeoutError is one
    ValueError,  # botocore's word for an endpoint_url that is no URL
    RecursionError,  # aiobotocore's, for an endpoint that redirects without naming a region
)
# NoSuchBucket is a 404 too, but a missing bucket is a failure, not an absent object.
_ABSENT = frozenset({"NoSuchKey", "404"})
PATIENCE_S = 8.0
"""Seconds that one call may take in all."""


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
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._bucket = bucket
        self._patience_s = patience_s
        self._client_options = {
            "region_name": region,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "config": AioConfig(
                connect_timeout=connect_timeout_s,
                read_timeout=read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": 2},
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
        async with self._failing(f"write {key}"):
            client = await self._open()
            await client.put_object(**where, Body=body, ContentType=content_type)

    async def get(self, key: str) -> bytes | None:
        """The object, or None if there is none."""
        where = self._where(key)
        async with self._failing(f"read {key}"):
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
        async with self._failing(f"delete {key}"):
            client = await self._open()
            await client.delete_object(**where)

    async def keys(self, folder: str) -> AsyncIterator[str]:
        """The keys of the objects in ``folder``, but not below it, in their order."""
        listing = {"Bucket": self._bucket, "Prefix": f"{valid_key(folder)}/", "Delimiter": "/"}
        more = True
        while more:
            async with self._failing(f"list {folder}"):
                client = await self._open()
                page = await client.list_objects_v2(**listing)
            for found in page.get("Contents", ()):
                yield found["Key"]
            more = bool(page.get("IsTruncated")) and "NextContinuationToken" in page
            listing["ContinuationToken"] = page.get("NextContinuationToken", "")

    async def check(self) -> None:
        """Prove that objects can be written, read and deleted, by doing so once."""
        await try_out(self)

    async def aclose(self) -> None:
        """Close the client and its connections."""
        async with self._opening:
            self._client = None
            await self._resources.aclose()

    def _where(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": valid_key(key)}

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                opened = aioboto3.Session().client("s3", **self._client_options)
                self._client = await self._resources.enter_async_context(opened)
            return self._client

    @asynccontextmanager
    async def _failing(self, doing: str) -> AsyncIterator[None]:
        """Whatever it is, it has ``patience_s``, attempts and all; a person may be waiting."""
        try:
            async with asyncio.timeout(self._patience_s):
                yield
        except _FAILURES as error:
            # Only the kind of failure: texts may quote URLs and parameters that hold secrets.
            reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
            raise ObjectStoreError(f"{self.description}: cannot {doing} ({reason})") from error


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "Unknown")
    return code


async def _read_body(body: Any) -> bytes:
    # ``async with body as stream`` would give the bare response, whose length and checksum
    # nobody verifies.
    async with body:
        content: bytes = await body.read()
        return content
