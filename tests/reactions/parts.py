"""What the tests of reactions share: queues to look into, and what makes reactions act."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import aioboto3
import orjson
from moto.server import ThreadedMotoServer

from tests.event_store.parts import ORIGIN, Parts, note, rows
from tests.reactions.queues import ACCESS, sqs_queue
from tests.support import eventually, free_port, new_video_id
from vidwiz.adapters.object_store import FolderStore
from vidwiz.adapters.queue import Queue
from vidwiz.adapters.sqs import SqsQueue
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.users import ChangeProfile
from vidwiz.commands.videos import AddTranscript, OpenVideo
from vidwiz.event_store.counts import Counts
from vidwiz.event_store.quotas import Quotas
from vidwiz.reactions.health import ReactionHealth, health
from vidwiz.reactions.indexing import Passages
from vidwiz.reactions.running import Reactions
from vidwiz.settings.daily import MOST, DailySettings

SUMMARIES, AI_NOTES = "summaries", "ai-notes"
NOTHING_SAID = b"[]"


class SilentTranscripts(FolderStore):
    """Has every transcript that ``bring_transcript`` tells of."""

    async def get(self, _: str) -> bytes | None:
        return NOTHING_SAID


class SqsServer:
    """Speaks SQS on one port, whenever it is started; what it holds outlives a stop."""

    def __init__(self) -> None:
        self._port = free_port()
        self._server: ThreadedMotoServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self._port, verbose=False)
        self._server.start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()


@dataclass(frozen=True)
class Box:
    """A queue, and a look into it."""

    client: Any
    url: str
    queue: SqsQueue

    async def take(self) -> list[dict[str, Any]]:
        """Every message that is there, with its attributes; they are gone afterwards."""
        taken: list[dict[str, Any]] = []
        while messages := (await self._receive()).get("Messages"):
            taken += messages
            for message in messages:
                handle = message["ReceiptHandle"]
                await self.client.delete_message(QueueUrl=self.url, ReceiptHandle=handle)
        return taken

    async def bodies(self) -> list[Any]:
        """What the messages say; they are gone afterwards."""
        return [orjson.loads(message["Body"]) for message in await self.take()]

    async def allow(self, size: int) -> None:
        """Take messages of at most so many bytes."""
        attributes = {"MaximumMessageSize": str(size)}
        await self.client.set_queue_attributes(QueueUrl=self.url, Attributes=attributes)

    async def _receive(self) -> Any:
        return await self.client.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
        )


@asynccontextmanager
async def new_box(server: SqsServer, *, fifo: bool = False) -> AsyncIterator[Box]:
    async with aioboto3.Session().client("sqs", endpoint_url=server.url, **ACCESS) as client:
        name = token_hex(6) + (".fifo" if fifo else "")
        attributes = {"FifoQueue": "true"} if fifo else {}
        made = await client.create_queue(QueueName=name, Attributes=attributes)
        queue = sqs_queue(made["QueueUrl"], server.url)
        yield Box(client, made["QueueUrl"], queue)
        await queue.aclose()


def quotas_of(parts: Parts, days: int = 0, **limits: Any) -> Quotas:
    """Those of a service with a language model, so many days from now."""
    counts = Counts(parts.database, b"secret", lambda: datetime.now(UTC) + timedelta(days))
    return Quotas(counts, DailySettings(**limits), of_persons=True, has_model=True)


def plenty(parts: Parts) -> Quotas:
    """Quotas that nobody reaches."""
    names = ("AI_NOTES", "OWN_SUMMARIES", "SUMMARIES", "MODEL_CALLS")
    return quotas_of(parts, **{f"VIDWIZ_{name}_A_DAY": MOST for name in names})


@asynccontextmanager
async def reacting(
    parts: Parts,
    *,
    summaries: Queue | None = None,
    ai_notes: Queue | None = None,
    quotas: Quotas | None = None,
) -> AsyncIterator[None]:
    """The reactions at work; nothing is said in any transcript."""
    reactions = Reactions(
        parts.database,
        parts.signals,
        parts.store,
        SilentTranscripts(Path()),
        quotas or plenty(parts),
        summaries=summaries,
        ai_notes=ai_notes,
    )
    reactions.start()
    try:
        yield
    finally:
        await reactions.close()


async def ai_user(parts: Parts) -> int:
    """Somebody who wants AI notes."""
    user_id = await parts.sign_up()
    await parts.store.execute(ChangeProfile(user_id, ai_notes_enabled=True), ORIGIN)
    return user_id


async def add_note(parts: Parts, user_id: int, video_id: str, text: str | None = None) -> int:
    """A note, without words unless some are given; its id."""
    shape = await parts.store.execute(note(user_id, video_id, text=text), ORIGIN)
    return int(orjson.loads(shape)["id"])


async def bring_transcript(parts: Parts, video_id: str) -> None:
    digest = hashlib.sha256(NOTHING_SAID).hexdigest()
    transcript = StoredTranscript(f"transcripts/{video_id}.json", digest, 3)
    await parts.store.execute(AddTranscript(video_id, transcript), ORIGIN)


async def open_video(parts: Parts, video_id: str | None = None, *, minutes: int = 0) -> str:
    """Somebody opens a video, so many minutes from now, and asks for its summary thereby."""
    video_id = video_id or new_video_id()
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    await parts.store.execute(OpenVideo(video_id, at), ORIGIN)
    return video_id


async def ready_video(parts: Parts) -> str:
    """A video with a transcript."""
    video_id = await parts.add_video(await parts.sign_up())
    await bring_transcript(parts, video_id)
    return video_id


async def state_of(parts: Parts, reaction: str) -> ReactionHealth:
    (its,) = [one for one in await health(parts.database) if one.reaction == reaction]
    return its


async def caught_up(parts: Parts, seconds: float = 10) -> None:
    """Wait until both reactions have looked at every event."""

    async def without_lag() -> bool:
        its = [one for one in await health(parts.database) if one.reaction != Passages.name]
        return all(one.lag == 0 for one in its)

    await eventually(without_lag, seconds)


def open_tasks(dsn: str, task_type: str, video_id: str) -> list[int | None]:
    """The notes (None: the video) that a task is open for."""
    found = rows(
        dsn,
        "SELECT (task_details ->> 'note_id')::int FROM tasks WHERE task_type = %(task_type)s"
        " AND task_details ->> 'video_id' = %(video_id)s"
        " AND status IN ('pending', 'in_progress') ORDER BY 1",
        task_type=task_type,
        video_id=video_id,
    )
    return [note_id for (note_id,) in found]
