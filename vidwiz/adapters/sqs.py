"""A queue in SQS, or in anything that speaks its protocol."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from vidwiz.adapters.queue import MessageRefused, QueueUnavailable

_FAILURES = (
    BotoCoreError,
    ClientError,
    ResponseParserError,
    AiohttpError,
    OSError,
    ValueError,  # botocore's word for an endpoint_url that is no URL
)
# Too long, or characters that XML does not have. All else is about the queue, not the message.
_REFUSALS = frozenset({"InvalidMessageContents", "InvalidParameterValue"})


class SqsQueue:
    """The queue at ``url``; one whose name ends in ``.fifo`` keeps order and drops repetitions.

    Without explicit credentials, AWS's own chain (environment, configuration files, instance role)
    finds them. They must allow ``sqs:SendMessage``.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
    ) -> None:
        self._url = url
        self._keeps_order = url.endswith(".fifo")
        self._client_options = {
            "region_name": region,
            "endpoint_url": endpoint_url,
            "aws_access_key_id": access_key_id,
            "aws_secret_access_key": secret_access_key,
            "config": AioConfig(
                connect_timeout=connect_timeout_s,
                read_timeout=read_timeout_s,
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        }
        self._opening = asyncio.Lock()
        self._resources = AsyncExitStack()
        self._client: Any = None

    @property
    def description(self) -> str:
        """What and where the queue is, for an operator."""
        return f"SQS queue {self._url}"

    async def send(self, body: bytes, *, group: str, key: str) -> None:
        """Put a message (UTF-8) on the queue; raises ``QueueUnavailable``, ``MessageRefused``."""
        place = {"MessageGroupId": group, "MessageDeduplicationId": key}
        try:
            client = await self._open()
            await client.send_message(
                QueueUrl=self._url,
                MessageBody=body.decode(),
                **(place if self._keeps_order else {}),
            )
        except _FAILURES as error:
            # Only the kind of failure: texts may quote URLs and parameters that hold secrets.
            reason = _code(error) if isinstance(error, ClientError) else type(error).__name__
            if reason in _REFUSALS:
                raise MessageRefused(
                    f"{self.description} refuses a message of {len(body)} bytes ({reason})"
                ) from error
            raise QueueUnavailable(f"{self.description}: cannot send ({reason})") from error

    async def aclose(self) -> None:
        """Close the client and its connections."""
        async with self._opening:
            self._client = None
            await self._resources.aclose()

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                opened = aioboto3.Session().client("sqs", **self._client_options)
                self._client = await self._resources.enter_async_context(opened)
            return self._client


def _code(error: ClientError) -> str:
    code: str = error.response.get("Error", {}).get("Code", "Unknown")
    return code
