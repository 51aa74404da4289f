"""Jobs that come as messages of a queue in SQS, or in anything that speaks its protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self

import aioboto3
import orjson
import structlog
from aiobotocore.config import AioConfig
from aiohttp import ClientError as AiohttpError
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from vidwiz.supervision import Loop, pauses
from vidwiz.workers.config import WorkerConfig
from vidwiz.workers.jobs import Fruit, Job, JobFailed, Kind
from vidwiz.workers.pauses import Stop

log = structlog.get_logger(__name__)

LONGEST_RECEIVE_S = 20  # of SQS
LONGEST_DELAY_S = 900
_FAILURES = (BotoCoreError, ClientError, ResponseParserError, AiohttpError, OSError, ValueError)


class SqsSource:
    """Messages of a queue.

    One leaves the queue when its job is done, or cannot be. One that fails otherwise, or that is
    no job, stays: after so many attempts the queue's redrive policy puts it aside.
    """

    def __init__(self, kind: Kind, url: str, config: WorkerConfig, stop: Stop) -> None:
        self._kind = kind
        self._url = url
        self._pace = config.pace
        self._stop = stop
        self._resources = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: Any = None
        self._options = {
            "region_name": config.aws_region,
            "endpoint_url": config.aws_endpoint_url,
            "config": AioConfig(
                connect_timeout=5,
                read_timeout=LONGEST_RECEIVE_S + 10,
                retries={"mode": "standard", "total_max_attempts": 2},
                max_pool_connections=32,
            ),
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._resources.aclose()

    async def next(self) -> Job | None:
        """The next message that is a job."""
        for pause_s in pauses(self._pace.first_pause_s, self._pace.longest_pause_s):
            try:
                client = await self._open()
                answer = await client.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=1,
                    WaitTimeSeconds=min(LONGEST_RECEIVE_S, int(self._pace.poll_s)),
                    VisibilityTimeout=self._pace.hidden_s,
                    AttributeNames=["ApproximateReceiveCount"],
                )
            except _FAILURES as error:
                log.warning("queue away", queue=self._url, reason=_reason(error))
                if await self._stop.pause(pause_s):
                    break
            else:
                messages = answer.get("Messages", [])
                return self._job(messages[0]) if messages else None
        return None

    async def _open(self) -> Any:
        async with self._opening:
            if self._client is None:
                opened = aioboto3.Session().client("sqs", **self._options)
                self._client = await self._resources.enter_async_context(opened)
            return self._client

    @asynccontextmanager
    async def holding(self, job: Job) -> AsyncIterator[None]:
        """Hide the message for as long as it takes."""
        hiding = Loop("hiding a message", lambda: self._hide(job))
        hiding.start()
        try:
            yield
        finally:
            await hiding.stop()

    async def done(self, job: Job, _: Fruit) -> None:
        """Delete the message; if that fails it comes again, and is not needed any more."""
        try:
            await self._client.delete_message(QueueUrl=self._url, ReceiptHandle=job.receipt)
        except _FAILURES as error:
            log.warning("message left", message_id=job.message_id, reason=_reason(error))

    async def failed(self, job: Job, failure: JobFailed) -> None:
        """Leave the message, to be seen again a while later; at once when nobody is to blame.

        Where another attempt would be in vain it goes, and where another message will come: the
        service asks again for a summary when the transcript arrives.
        """
        is_asked_again = self._kind is Kind.SUMMARY and failure.code == "transcript_missing"
        if failure.is_permanent or is_asked_again:
            await self.done(job, {})
            return
        delay_s = min(self._pace.hidden_s * 2 ** min(job.attempt - 1, 10), LONGEST_DELAY_S)
        await self._hide_for(job, 0 if failure.code == "interrupted" else delay_s)

    async def _hide(self, job: Job) -> None:
        while True:
            await asyncio.sleep(self._pace.hidden_s / 3)
            await self._hide_for(job, self._pace.hidden_s)

    async def _hide_for(self, job: Job, seconds: int) -> None:
        try:
            await self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=job.receipt, VisibilityTimeout=seconds
            )
        except _FAILURES as error:
            log.warning("message not hidden", message_id=job.message_id, reason=_reason(error))

    def _job(self, message: dict[str, Any]) -> Job | None:
        try:
            video_id, note_id = _understood(self._kind, message["Body"])
        except (ValueError, KeyError, TypeError) as error:
            log.warning(
                "message malformed",
                kind=self._kind,
                message_id=message["MessageId"],
                reason=type(error).__name__,
            )
            return None
        return Job(
            self._kind,
            video_id,
            attempt=int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            note_id=note_id,
            message_id=message["MessageId"],
            receipt=message["ReceiptHandle"],
        )


def _understood(kind: Kind, body: str) -> tuple[str, int | None]:
    """The video and note of ``{"video_id"}`` or a Note; raises ValueError, KeyError, TypeError."""
    message = orjson.loads(body)
    video_id = message["video_id"]
    if not isinstance(video_id, str) or not video_id:
        raise ValueError("video_id is no text")
    if kind is not Kind.AI_NOTE:
        return video_id, None
    note_id = message["id"]
    if type(note_id) is not int or note_id <= 0:
        raise ValueError("id is no number")
    return video_id, note_id


def _reason(error: Exception) -> str:
    """Only the kind of failure: texts may quote URLs and parameters that hold secrets."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "Unknown"))
    return type(error).__name__
