"""A real SQS server, and queues in it."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.reactions.parts import Box, SqsServer, new_box
from vidwiz.reactions import follower


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Followers look for what they did not hear of more often than in life."""
    monkeypatch.setattr(follower, "POLL_S", 0.05)


@pytest.fixture(scope="module")
def sqs() -> Iterator[SqsServer]:
    server = SqsServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def box(sqs: SqsServer) -> AsyncIterator[Box]:
    async with new_box(sqs) as its:
        yield its


@pytest.fixture
async def other_box(sqs: SqsServer) -> AsyncIterator[Box]:
    async with new_box(sqs) as its:
        yield its
