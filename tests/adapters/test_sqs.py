"""Messages into SQS, against a real local server, and what goes wrong there."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from secrets import token_hex
from typing import Any

import aioboto3
import pytest
from moto.server import ThreadedMotoServer

from tests.support import free_port
from vidwiz.adapters.queue import MessageRefused, QueueUnavailable
from vidwiz.adapters.sqs import SqsQueue

ACCESS = {
    "region_name": "us-east-1",
    "aws_access_key_id": "key-id",
    "aws_secret_access_key": "very-secret",
}


@pytest.fixture(scope="module")
def sqs_url() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def client(sqs_url: str) -> AsyncIterator[Any]:
    async with aioboto3.Session().client("sqs", endpoint_url=sqs_url, **ACCESS) as its:
        yield its


@asynccontextmanager
async def queue_at(url: str, endpoint_url: str, **options: float) -> AsyncIterator[SqsQueue]:
    queue = SqsQueue(
        url,
        region="us-east-1",
        endpoint_url=endpoint_url,
        access_key_id="key-id",
        secret_access_key="very-secret",
        **options,
    )
    try:
        yield queue
    finally:
        await queue.aclose()


async def make_queue(client: Any, suffix: str = "", **attributes: str) -> str:
    made = await client.create_queue(QueueName=token_hex(6) + suffix, Attributes=attributes)
    return str(made["QueueUrl"])


async def messages(client: Any, url: str) -> list[dict[str, Any]]:
    answer = await client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    return list(answer.get("Messages", []))


async def test_a_message_arrives_as_it_was_sent(client: Any, sqs_url: str) -> None:
    url = await make_queue(client)
    async with queue_at(url, sqs_url) as queue:
        await queue.send('{"text": "é \\u0001"}'.encode(), group="note:1", key="7")
    (message,) = await messages(client, url)
    assert message["Body"] == '{"text": "é \\u0001"}'


async def test_a_fifo_queue_keeps_the_group_and_drops_a_repetition(
    client: Any, sqs_url: str
) -> None:
    url = await make_queue(client, ".fifo", FifoQueue="true")
    async with queue_at(url, sqs_url) as queue:
        for key in ("7", "7", "8"):
            await queue.send(b"{}", group="note:1", key=key)
    attributes = [message["Attributes"] for message in await messages(client, url)]
    assert [one["MessageDeduplicationId"] for one in attributes] == ["7", "8"]
    assert {one["MessageGroupId"] for one in attributes} == {"note:1"}


async def test_parallel_messages_share_a_client_and_all_arrive(client: Any, sqs_url: str) -> None:
    url = await make_queue(client)
    async with queue_at(url, sqs_url) as queue:
        await asyncio.gather(*(queue.send(b"{}", group="g", key=f"{n}") for n in range(8)))
    assert len(await messages(client, url)) == 8


async def test_a_message_that_is_too_long_is_refused(client: Any, sqs_url: str) -> None:
    url = await make_queue(client, MaximumMessageSize="1024")
    async with queue_at(url, sqs_url) as queue:
        with pytest.raises(MessageRefused, match="2000 bytes"):
            await queue.send(b"x" * 2000, group="g", key="1")


async def test_a_queue_that_does_not_exist_is_unavailable_rather_than_the_message_wrong(
    sqs_url: str,
) -> None:
    async with queue_at(f"{sqs_url}/123456789012/none", sqs_url) as queue:
        with pytest.raises(QueueUnavailable, match="none"):
            await queue.send(b"{}", group="g", key="1")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "nonsense"])
async def test_a_server_that_is_not_there_is_unavailable(endpoint: str) -> None:
    async with queue_at("http://127.0.0.1:1/1/q", endpoint, connect_timeout_s=0.5) as queue:
        with pytest.raises(QueueUnavailable) as caught:
            await queue.send(b"{}", group="g", key="1")
    assert "very-secret" not in str(caught.value)


async def test_a_server_that_says_nothing_is_unavailable_in_time() -> None:
    hung_up = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung_up.wait()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        url = f"http://{host}:{port}"
        async with queue_at(f"{url}/1/q", url, read_timeout_s=0.2) as queue:
            with pytest.raises(QueueUnavailable):
                await queue.send(b"{}", group="g", key="1")
        hung_up.set()


async def test_a_queue_that_was_never_used_closes() -> None:
    async with queue_at("http://127.0.0.1:1/1/q", "http://127.0.0.1:1"):
        pass
