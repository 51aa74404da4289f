"""Workers whose jobs come from SQS, which moto stands in for."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any

import aioboto3
import pytest
from moto.server import ThreadedMotoServer

from tests.adapters.fake_gemini import Answer, fake_gemini
from tests.support import Server, eventually, new_video_id, serving
from tests.workers_.working import QUICK, Service, Working, service_of, working
from vidwiz.adapters.gemini import Gemini
from vidwiz.workers.jobs import Kind

SPOKEN = [{"text": f"At step {n} the crew reads its list aloud.", "offset": n} for n in range(90)]
REGION = "eu-central-1"


@pytest.fixture(scope="module")
async def service(server: Server) -> AsyncIterator[Service]:
    async with service_of(server) as its:
        await its.enable_ai_notes()
        yield its


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


KEYS = {"AWS_ACCESS_KEY_ID": "key-id", "AWS_SECRET_ACCESS_KEY": "very-secret"}


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory, aws: str) -> Iterator[Server]:
    """It asks for what all share by a queue that nobody reads; tests send their own messages."""
    url = f"{aws}/123456789012/unread"
    queues = {"SQS_SUMMARY_QUEUE_URL": url, "SQS_AI_NOTE_QUEUE_URL": url}
    where = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": aws, **KEYS}
    data = tmp_path_factory.mktemp("served") / "data"
    with serving(data, module_dsn, **queues, **where) as its:
        yield its


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@dataclass
class Queue:
    """A queue, and the one for what nobody can do."""

    sqs: Any
    url: str
    dead_url: str

    async def send(self, *bodies: Any) -> None:
        for body in bodies:
            text = body if isinstance(body, str) else json.dumps(body)
            await self.sqs.send_message(QueueUrl=self.url, MessageBody=text)

    async def count(self, url: str) -> int:
        """Messages in a queue, hidden ones too."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = await self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)
        return sum(int(number) for number in found["Attributes"].values())

    async def is_empty(self) -> bool:
        return await self.count(self.url) == 0


@pytest.fixture
async def queue(aws: str) -> AsyncIterator[Queue]:
    async with aioboto3.Session().client("sqs", region_name=REGION, endpoint_url=aws) as sqs:
        name = token_hex(6)
        dead = (await sqs.create_queue(QueueName=f"{name}-dead"))["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:123456789012:{name}-dead"
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
        made = await sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})
        yield Queue(sqs, made["QueueUrl"], dead)


@asynccontextmanager
async def receiving(
    service: Service, queue: Queue, aws: str, kind: Kind, **config: Any
) -> AsyncIterator[Working]:
    config = {"pace": replace(QUICK, hidden_s=1), **config}
    async with working(
        service.url,
        kind,
        summary_queue_url=queue.url,
        ai_note_queue_url=queue.url,
        aws_region=REGION,
        aws_endpoint_url=aws,
        **config,
    ) as workers:
        yield workers


async def spoken_video(service: Service) -> dict[str, Any]:
    """A note without words, on a video with a transcript."""
    note = await service.note(text=None)
    await service.bring(note["video_id"], SPOKEN)
    return note


async def summary_of(service: Service, video_id: str) -> str | None:
    return (await service.get(f"videos/{video_id}"))["summary"]  # type: ignore[no-any-return]


async def test_a_message_asks_for_a_summary_and_leaves_the_queue(
    service: Service, queue: Queue, aws: str
) -> None:
    video_id = (await spoken_video(service))["video_id"]
    await queue.send({"video_id": video_id})
    async with receiving(service, queue, aws, Kind.SUMMARY) as workers:
        line = await workers.job(video_id)
        await eventually(queue.is_empty)
    assert (line["outcome"], line["attempts"]) == ("done", 1)
    assert line["message_id"]
    assert await summary_of(service, video_id)


async def test_a_note_as_a_message_gets_its_words(service: Service, queue: Queue, aws: str) -> None:
    note = await spoken_video(service)
    await queue.send(note)
    async with receiving(service, queue, aws, Kind.AI_NOTE) as workers:
        line = await workers.job(note["video_id"])
        await eventually(queue.is_empty)
    assert (line["outcome"], line["note_id"]) == ("done", note["id"])
    (written,) = await service.get(f"notes/{note['video_id']}")
    assert written["text"]
    assert written["generated_by_ai"]


async def test_what_is_delivered_twice_is_done_once(
    service: Service, queue: Queue, aws: str
) -> None:
    note = await spoken_video(service)
    video_id = note["video_id"]
    await queue.send({"video_id": video_id}, {"video_id": video_id})
    async with receiving(service, queue, aws, Kind.SUMMARY) as workers:
        await workers.job(video_id, "done")
        await workers.job(video_id, "skipped")
        await eventually(queue.is_empty)
    await queue.send(note, note)
    async with receiving(
        service, queue, aws, Kind.AI_NOTE, concurrency={Kind.AI_NOTE: 1}
    ) as workers:
        await workers.job(video_id, "done")
        await workers.job(video_id, "skipped")
        await eventually(queue.is_empty)


async def test_a_deleted_note_is_nobodys_job(service: Service, queue: Queue, aws: str) -> None:
    note = await spoken_video(service)
    await service.client.delete(f"/api/notes/{note['id']}", headers=service.user)
    await queue.send(note)
    async with receiving(service, queue, aws, Kind.AI_NOTE) as workers:
        assert (await workers.job(note["video_id"]))["outcome"] == "skipped"
        await eventually(queue.is_empty)


@pytest.mark.parametrize("kind", [Kind.SUMMARY, Kind.AI_NOTE])
async def test_malformed_messages_are_put_aside_by_the_queue(
    service: Service, queue: Queue, aws: str, kind: Kind
) -> None:
    bodies = ["no JSON", "[]", "null", {"video_id": 5}, {"id": 1}]
    odd = [*bodies, {"video_id": "x", "id": "y"}] if kind is Kind.AI_NOTE else bodies
    await queue.send(*odd)
    async with receiving(service, queue, aws, kind) as workers:

        async def put_aside() -> bool:
            return await queue.is_empty() and await queue.count(queue.dead_url) == len(odd)

        await eventually(put_aside, 20)
        note = await spoken_video(service)
        await queue.send(note)
        assert (await workers.job(note["video_id"]))["outcome"] == "done"
    malformed = [line for line in workers.lines if line["event"] == "message malformed"]
    assert len(malformed) == 2 * len(odd)
    assert len(workers.jobs) == 1


async def test_a_summary_that_is_asked_for_too_early_comes_later(
    service: Service, queue: Queue, aws: str
) -> None:
    video_id = await service.new_video()
    await queue.send({"video_id": video_id})
    async with receiving(service, queue, aws, Kind.SUMMARY) as workers:
        early = await workers.job(video_id, "failed")
        await eventually(queue.is_empty)
        await service.bring(video_id, SPOKEN)
        await queue.send({"video_id": video_id})  # as the service does then
        late = await workers.job(video_id, "done")
        await eventually(queue.is_empty)
    assert (early["error_code"], early["attempts"]) == ("transcript_missing", 1)
    assert late["attempts"] == 1


async def test_what_nobody_can_do_leaves_the_queue_after_one_try(
    service: Service, queue: Queue, aws: str
) -> None:
    video_id = f"../{new_video_id()}"
    await queue.send({"video_id": video_id})
    async with receiving(service, queue, aws, Kind.SUMMARY) as workers:

        async def tried() -> bool:
            return len(workers.jobs) > 0

        await eventually(tried, 20)
    assert [(line["error_code"], line["attempts"]) for line in workers.jobs] == [
        ("unknown_video", 1)
    ]
    assert await queue.is_empty()
    assert await queue.count(queue.dead_url) == 0


async def test_what_is_written_for_one_person_is_a_task_beside_the_queue(
    service: Service, queue: Queue, aws: str
) -> None:
    video_id = await service.new_video()
    async with receiving(service, queue, aws, Kind.SUMMARY) as workers:
        path = f"/api/videos/{video_id}/transcript"
        brought = await service.client.post(path, json=SPOKEN, headers=service.user)
        brought.raise_for_status()
        line = await workers.job(video_id)
    assert (line["outcome"], "task_id" in line) == ("done", True)
    assert await summary_of(service, video_id)
    assert (await service.client.get(f"/api/wiz/video/{video_id}")).json()["summary"] is None


async def test_a_message_stays_hidden_while_its_job_lasts(
    service: Service, queue: Queue, aws: str
) -> None:
    video_id = (await spoken_video(service))["video_id"]
    await queue.send({"video_id": video_id})
    async with (
        fake_gemini(Answer(("A summary.",), interval_s=2.5)) as gemini,
        receiving(
            service,
            queue,
            aws,
            Kind.SUMMARY,
            model=lambda: Gemini("key", base_url=gemini.url),
            concurrency={Kind.SUMMARY: 2},
        ) as workers,
    ):
        await workers.job(video_id)
        await eventually(queue.is_empty)
    assert [(line["outcome"], line["attempts"]) for line in workers.jobs] == [("done", 1)]
    assert await summary_of(service, video_id) == "A summary."


async def test_a_queue_that_is_away_is_waited_for(service: Service, queue: Queue, aws: str) -> None:
    video_id = (await spoken_video(service))["video_id"]
    later = replace(queue, url=f"{queue.url}-later")
    async with receiving(service, later, aws, Kind.SUMMARY) as workers:

        async def away() -> bool:
            return any(line["event"] == "queue away" for line in workers.lines)

        await eventually(away)
        made = await queue.sqs.create_queue(QueueName=later.url.rpartition("/")[2])
        assert made["QueueUrl"] == later.url
        await later.send({"video_id": video_id})
        assert (await workers.job(video_id))["outcome"] == "done"


async def test_a_queue_without_a_region_stops_nobody(
    service: Service, aws: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    async with working(
        service.url, Kind.SUMMARY, summary_queue_url=f"{aws}/0/queue", aws_endpoint_url=aws
    ) as workers:

        async def told_twice() -> bool:
            return [line.get("reason") for line in workers.lines].count("NoRegionError") > 1

        await eventually(told_twice)
