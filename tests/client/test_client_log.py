"""The client module against a real service: pages, the live stream, outages, refusals."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.projections.histories import beginnings, happen
from tests.support import ADMIN_TOKEN, Server, free_port, serving, serving_on
from vidwiz.client import (
    AsyncEventLog,
    EventLog,
    EventLogError,
    FileCheckpoint,
    LoggedEvent,
    LogReset,
    MemoryCheckpoint,
    Projector,
    on,
)


class Topics(Projector):
    """Remembers what it handled."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self.positions: list[int] = []

    @on("UserSignedUp", "VideoAdded")
    def handle_it(self, event: LoggedEvent) -> None:
        self.positions.append(event.position)
        if event.position == self.last:
            raise EndOfTestError


class AsyncTopics(Topics):
    @on("NoteAdded")
    async def note_added(self, event: LoggedEvent) -> None:
        await asyncio.sleep(0)
        self.positions.append(event.position)


class EndOfTestError(Exception):
    """Ends a projector that would run for ever."""


@pytest.fixture(scope="module")
def service(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("client") / "data", module_dsn) as server:
        begin(module_dsn, 60)
        yield server


@pytest.fixture
def log(service: Server) -> Iterator[EventLog]:
    with EventLog(service.url, ADMIN_TOKEN, give_up_after_s=5) as log:
        yield log


def begin(dsn: str, count: int) -> None:
    """Record some history; ids that the service gives from now on are others."""
    happen(dsn, *beginnings(count))
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT setval('user_ids', 1000)")


def positions_of(dsn: str, topics: tuple[str, ...]) -> list[int]:
    query = "SELECT notification_id FROM stored_events WHERE topic = ANY(%s) ORDER BY 1"
    with psycopg.connect(dsn) as connection:
        return [position for (position,) in connection.execute(query, ([*topics],)).fetchall()]


def sign_up(url: str, dsn: str) -> int:
    """Let somebody sign up; the position of the event."""
    account = {"email": f"{uuid4()}@example.com", "password": "a long secret", "name": "Late"}
    httpx.post(f"{url}/api/user/signup", json=account).raise_for_status()
    return positions_of(dsn, ("UserSignedUp",))[-1]


def test_every_event_is_read_as_the_log_has_it(log: EventLog, module_dsn: str) -> None:
    head = log.head()
    events = list(log.read(before=head + 1))
    assert [event.position for event in events] == list(range(1, head + 1))
    added = next(event for event in events if event.topic == "NoteAdded")
    assert (added.stream, added.version, added.data["video_id"]) == ("note:1", 1, "video-1")
    assert added.recorded_at.tzinfo is not None
    assert len(added.hash) == 64


def test_filters_and_bounds_are_those_of_the_service(log: EventLog) -> None:
    events = list(log.read(2, 200, type=["NoteAdded", "VideoAdded"], video_id="video-3"))
    assert [event.topic for event in events] == ["VideoAdded", "NoteAdded"]
    assert (
        list(
            log.read(events[0].position, events[1].position, video_id="video-3", type=["NoteAdded"])
        )
        == []
    )
    assert list(log.read(since=datetime(2100, 1, 1, tzinfo=UTC))) == []


def test_a_projector_catches_up_once_and_goes_on_behind_its_checkpoint(
    log: EventLog, service: Server, module_dsn: str, tmp_path: Path
) -> None:
    projector, checkpoint = Topics(), FileCheckpoint(tmp_path / "position")
    head = log.catch_up(projector, checkpoint)
    assert projector.positions == positions_of(module_dsn, projector.topics)
    assert FileCheckpoint(tmp_path / "position").load() == head
    later = sign_up(service.url, module_dsn)
    again = Topics()
    log.catch_up(again, checkpoint)
    assert again.positions == [later]


def test_a_follower_reads_the_past_and_then_what_happens(
    log: EventLog, service: Server, module_dsn: str
) -> None:
    newest = positions_of(module_dsn, ("UserSignedUp",))[-1]
    events = log.follow(newest - 1, type=["UserSignedUp"])
    assert next(events).position == newest
    later = sign_up(service.url, module_dsn)
    assert next(events).position == later
    events.close()


def test_nothing_is_missed_or_doubled_over_a_kill_of_the_service(dsn: str, tmp_path: Path) -> None:
    port = free_port()
    with serving_on(port, tmp_path / "data", dsn, "--no-workers") as first:
        begin(dsn, 5)
        with EventLog(first.url, ADMIN_TOKEN) as log:
            events = log.follow()
            before = [next(events).position for _ in range(20)]
            first.kill()
            with serving_on(port, tmp_path / "data", dsn, "--no-workers") as second:
                wanted = sign_up(second.url, dsn)
                after = list(itertools.takewhile(lambda at: at < wanted, _positions(events)))
                events.close()
    assert before + after == list(range(1, wanted))


def _positions(events: Iterator[LoggedEvent]) -> Iterator[int]:
    return (event.position for event in events)


def test_a_projector_runs_until_it_fails_and_no_event_behind_the_failure_counts(
    log: EventLog, module_dsn: str
) -> None:
    wanted = positions_of(module_dsn, ("UserSignedUp", "VideoAdded"))
    projector, checkpoint = Topics(last=wanted[9]), MemoryCheckpoint()
    with pytest.raises(EndOfTestError):
        log.run(projector, checkpoint)
    assert projector.positions == wanted[:10]
    assert checkpoint.position == wanted[8]


async def test_the_async_client_does_the_same(service: Server, module_dsn: str) -> None:
    async with AsyncEventLog(service.url, ADMIN_TOKEN, give_up_after_s=5) as log:
        projector, checkpoint = AsyncTopics(), MemoryCheckpoint()
        head = await log.catch_up(projector, checkpoint)
        assert projector.positions == positions_of(module_dsn, projector.topics)
        assert checkpoint.position == head
        last = positions_of(module_dsn, ("UserSignedUp",))[-1]
        running = AsyncTopics(last=last)
        with pytest.raises(EndOfTestError):
            await log.run(running, MemoryCheckpoint(last - 1))
        assert running.positions == [last]


@pytest.mark.parametrize("read", [EventLog.read, EventLog.follow])
def test_a_wrong_token_is_refused_in_words(service: Server, read: object) -> None:
    with (
        EventLog(service.url, "wrong", give_up_after_s=5) as log,
        pytest.raises(EventLogError) as refused,
    ):
        next(log.read() if read is EventLog.read else log.follow())
    assert refused.value.status == 403
    assert refused.value.message


def test_an_unknown_topic_is_refused_at_once(log: EventLog) -> None:
    with pytest.raises(EventLogError) as refused:
        list(log.read(type=["NoSuchTopic"]))
    assert refused.value.status == 422


def test_a_service_that_is_away_is_given_up_in_time() -> None:
    with (
        EventLog(f"http://127.0.0.1:{free_port()}", "any", give_up_after_s=0.2) as log,
        pytest.raises(EventLogError, match="refused"),
    ):
        log.head()


def test_a_checkpoint_behind_the_end_of_the_log_is_no_silence(log: EventLog) -> None:
    beyond = log.head() + 1000
    with pytest.raises(LogReset) as reset:
        next(log.follow(beyond))
    assert reset.value.position < beyond
    with pytest.raises(LogReset):
        log.catch_up(Topics(), MemoryCheckpoint(beyond))


def test_a_coroutine_is_no_method_for_the_client_without_a_loop(log: EventLog) -> None:
    with pytest.raises(TypeError, match="AsyncEventLog"):
        log.catch_up(AsyncTopics(), MemoryCheckpoint())


async def test_a_broken_answer_is_gone_on_with_behind_the_last_event() -> None:
    """A proxy cuts the answer in the middle of a line."""
    texts = [_line(n) for n in range(1, 6)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        after = int(httpx.URL(head.split()[1]).params["after"])
        body = "".join(texts[after : after + 2]).encode()
        end = b"" if after + 2 < len(texts) else b"0\r\n\r\n"
        cut = body if end else body + b'{"posi'
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-ndjson\r\n\r\n"
            + f"{len(cut):x}\r\n".encode()
            + cut
            + b"\r\n"
            + end
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with EventLog(f"http://127.0.0.1:{port}", "any", give_up_after_s=5) as log:
            positions = await asyncio.to_thread(lambda: [event.position for event in log.read()])
    assert positions == [1, 2, 3, 4, 5]


def _line(position: int) -> str:
    return (
        f'{{"position":{position},"stream":"note:1","version":{position},"topic":"NoteEdited",'
        f'"data":{{}},"recorded_at":"2026-01-31T00:00:00.000000Z","actor":"user:1","new":1}}\n'
    )


def test_a_follower_in_a_thread_ends_with_its_connections(service: Server) -> None:
    log = EventLog(service.url, ADMIN_TOKEN)
    events = log.follow()
    next(events)
    thread = threading.Thread(target=events.close)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    log.close()
