"""What the service needs from outside, on this machine: S3 and SQS (moto) and a Gemini."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from secrets import token_hex

import aioboto3
from moto.server import ThreadedMotoServer

from bench.chaos.proxy import Proxy, proxy
from tests.adapters.fake_gemini import Answer, fake_gemini

REGION = "eu-central-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "chaos", "AWS_SECRET_ACCESS_KEY": "chaos"}


@dataclass(frozen=True)
class Outside:
    """The proxies before AWS and Gemini, and the settings that lead through them."""

    aws: Proxy
    gemini: Proxy
    settings: dict[str, str]


@asynccontextmanager
async def outside() -> AsyncIterator[Outside]:
    """A bucket, two queues and a model, each behind a proxy."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line for every request
    bucket = f"vidwiz-chaos-{token_hex(4)}"  # moto's memory is the process's
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    await asyncio.to_thread(moto.start)
    _, port = moto.get_host_and_port()
    try:
        async with AsyncExitStack() as ending:
            model = await ending.enter_async_context(fake_gemini(Answer()))
            aws = await ending.enter_async_context(proxy(port))
            gemini = await ending.enter_async_context(proxy(int(model.url.rpartition(":")[2])))
            summaries, ai_notes = await _made(f"http://127.0.0.1:{port}", bucket)
            settings = {
                **CREDENTIALS,
                "AWS_REGION": REGION,
                "AWS_ENDPOINT_URL": aws.url,
                "S3_BUCKET_NAME": bucket,
                "SQS_SUMMARY_QUEUE_URL": summaries.replace(str(port), str(aws.port)),
                "SQS_AI_NOTE_QUEUE_URL": ai_notes.replace(str(port), str(aws.port)),
                "GEMINI_API_KEY": "chaos",
                "GOOGLE_GEMINI_BASE_URL": gemini.url,
            }
            yield Outside(aws, gemini, settings)
    finally:
        await asyncio.to_thread(moto.stop)


async def _made(url: str, bucket: str) -> tuple[str, str]:
    """The bucket and the URLs of the two queues."""
    options = {
        "region_name": REGION,
        "endpoint_url": url,
        **{name.lower(): value for name, value in CREDENTIALS.items()},
    }
    session = aioboto3.Session()
    async with session.client("s3", **options) as s3:
        await s3.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
    async with session.client("sqs", **options) as sqs:
        summaries = await sqs.create_queue(QueueName=f"{bucket}-summaries")
        ai_notes = await sqs.create_queue(QueueName=f"{bucket}-ai-notes")
    return summaries["QueueUrl"], ai_notes["QueueUrl"]
