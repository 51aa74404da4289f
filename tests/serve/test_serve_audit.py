"""Streams of the log on real sockets: live, gone on with, bounded, and ended by a shutdown."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.http.audit.test_audit_large import FILL
from tests.support import Server, eventually, serving
from tests.wiz_support import RawStream
from tests.workers import ADMIN
from vidwiz.audit.streams import MOST_STREAMS

STREAM = "/api/audit/events/stream"


@pytest.fixture
def server(tmp_path: Path, dsn: str) -> Iterator[Server]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(FILL, (3000,))
    with serving(tmp_path / "data", dsn) as its:
        yield its


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=server.url, headers=ADMIN) as its:
        yield its


async def happen(client: httpx.AsyncClient, video_id: str) -> None:
    """A new video: three events."""
    answer = await client.post("/api/wiz/init", json={"video_id": video_id})
    answer.raise_for_status()


async def next_event(stream: RawStream) -> dict[str, Any]:
    while (chunk := await stream.chunk()).startswith(b":"):
        pass
    its_id, kind, data = chunk.decode().removesuffix("\n\n").split("\n")
    event: dict[str, Any] = json.loads(data.removeprefix("data: "))
    assert its_id == f"id: {event['position']}"
    assert kind == f"event: {event['topic']}"
    return event


async def test_the_log_is_followed_gone_on_with_and_left_by_a_shutdown(
    server: Server, client: httpx.AsyncClient
) -> None:
    async with RawStream.opened(server.url, "GET", f"{STREAM}?type=VideoAdded", ADMIN) as live:
        assert live.status == 200
        assert live.headers["content-type"] == "text/event-stream"
        assert (await live.chunk()).startswith(b":")
        await happen(client, "aaaaaaaaaaa")
        first = await next_event(live)
        await happen(client, "bbbbbbbbbbb")
        second = await next_event(live)
    assert [one["data"]["video_id"] for one in (first, second)] == ["aaaaaaaaaaa", "bbbbbbbbbbb"]

    headers = {**ADMIN, "Last-Event-ID": str(first["position"])}
    async with RawStream.opened(server.url, "GET", STREAM, headers) as resumed:
        seen = [await next_event(resumed) for _ in range(4)]
        missed = await client.get("/api/audit/events", params={"after": first["position"]})
        assert seen == missed.json()["events"][:4]

    last = second["position"]
    bounded = await client.get(STREAM, params={"after": last - 2, "before": last + 1})
    assert [one.split("\n")[0] for one in bounded.text.split("\n\n")[1:-1]] == [
        f"id: {last - 1}",
        f"id: {last}",
    ]
    done = await client.get(STREAM, params={"before": 10}, headers={"Last-Event-ID": "9"})
    assert done.status_code == 204
    assert (await client.head(STREAM)).status_code == 405
    for odd in ("x", "-1", "999999999", "9" * 30):
        headers = {**ADMIN, "Last-Event-ID": odd}
        begun = await client.get(STREAM, params={"after": 3, "before": 5}, headers=headers)
        assert 'id: 3\nevent: reset\ndata: {"after":3}\n\nid: 4\n' in begun.text

    async with RawStream.opened(server.url, "GET", STREAM, ADMIN) as live:
        await live.chunk()
        assert await asyncio.to_thread(server.stop) == 0
        assert all(chunk.startswith(b":") for chunk in await live.rest())


async def test_only_so_many_streams_are_open_and_those_left_are_closed(
    server: Server, client: httpx.AsyncClient
) -> None:
    opened = [RawStream.opened(server.url, "GET", STREAM, ADMIN) for _ in range(MOST_STREAMS)]
    for one in opened:
        assert (await (await one.__aenter__()).chunk()).startswith(b":")
    lines = {"Accept": "application/x-ndjson"}
    refused = await client.get("/api/audit/events", headers=lines)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    for one in opened:
        await one.__aexit__(None, None, None)

    async def there_is_room() -> bool:
        return (await client.get("/api/audit/events", headers=lines)).status_code == 200

    await eventually(there_is_room)


async def test_a_slow_reader_of_the_whole_log_holds_nothing_up_and_gets_all_of_it(
    server: Server, client: httpx.AsyncClient
) -> None:
    headers = {**ADMIN, "Accept": "application/x-ndjson"}
    async with RawStream.opened(server.url, "GET", "/api/audit/events", headers) as slow:
        head = await slow.chunk()
        await happen(client, "ccccccccccc")
        lines = b"".join([head, *await slow.rest()]).splitlines()
    positions = [json.loads(line)["position"] for line in lines]
    assert positions == [*range(1, len(positions) + 1)]
    assert len(positions) >= 3000
