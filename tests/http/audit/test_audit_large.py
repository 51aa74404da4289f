"""A log of 20,000 events: read by its indexes, streamed whole in bounded memory."""

import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from tests.conftest import fresh_database
from tests.support import Api, running_api
from vidwiz.audit import reading
from vidwiz.audit.filters import Filter, page_of
from vidwiz.audit.times import instant_of
from vidwiz.event_store.statements import CAUSES, POSITION_AT
from vidwiz.events.base import stream_id
from vidwiz.postgres.statement import MAX_BIGINT

COUNT = 20_000
FILL = """
INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, metadata)
SELECT gen_random_uuid(), 1, 'NoteAdded',
       convert_to(json_build_object('note_id', n, 'user_id', n %% 400 + 1,
                                    'video_id', 'video-' || n %% 900, 'timestamp', '1:23',
                                    'text', repeat('x', 200))::text, 'UTF8'),
       timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second',
       json_build_object('actor', 'user:' || n %% 400 + 1, 'correlation_id', 'request-' || n)
FROM generate_series(1, %s) AS n
"""
FILTERS: dict[str, Filter] = {
    "stream": Filter(stream="note:1"),
    "actor": Filter(actor="user:7"),
    "correlation": Filter(correlation_id="request-777"),
    "type": Filter(topics=("NoteDeleted",)),
    "video": Filter(video_id="video-7"),
    "user": Filter(user_id=7),
    "since": Filter(since=instant_of("2026-01-01T05:30:00")),
    "until": Filter(until=instant_of("2026-01-01T00:00:10")),
    "nothing": Filter(),
}


@pytest.fixture(scope="module")
def large_dsn(server_dsn: str) -> Iterator[str]:
    with fresh_database(server_dsn) as its:
        with psycopg.connect(its, autocommit=True) as connection:
            connection.execute(FILL, (COUNT,))
            connection.execute("ANALYZE stored_events")
        yield its


@pytest.fixture(scope="module")
async def large(large_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("data")
    async with running_api(large_dsn, data, VIDWIZ_ROW_HISTORY="off") as its:
        yield its


def scans(plan: dict[str, Any]) -> Iterator[str]:
    """The kinds of scans of the log in a plan."""
    if plan.get("Relation Name") == "stored_events":
        yield plan["Node Type"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


def explained(dsn: str, statement: str, values: dict[str, Any]) -> tuple[list[str], int]:
    """The scans of the log, and how many of its pages were read."""
    with psycopg.connect(dsn) as connection:
        explaining = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        ((((only,)),),) = connection.execute(explaining, values).fetchall()
        plan = only["Plan"]
        return [*scans(plan)], plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("name", FILTERS)
def test_no_filter_reads_the_whole_log(large_dsn: str, name: str, newest_first: bool) -> None:
    wanted = FILTERS[name]
    values = {
        **wanted.values,
        "after": 0,
        "before": MAX_BIGINT,
        "at_most": 20,
        "at_most_bytes": reading.PAGE_BYTES,
    }
    statement = page_of(wanted.names, newest_first=newest_first).sql
    kinds, pages = explained(large_dsn, statement, values)
    assert "Seq Scan" not in kinds
    assert pages < 600  # the log has several thousand with its indexes


def test_a_time_and_a_cause_are_found_without_reading_the_whole_log(large_dsn: str) -> None:
    at = {"time": instant_of("2026-01-01T02:46:40")}
    kinds, pages = explained(large_dsn, POSITION_AT.sql, at)
    assert "Seq Scan" not in kinds
    assert pages < 100
    causes = {"streams": [stream_id("note:1")], "versions": [1]}
    assert "Seq Scan" not in explained(large_dsn, CAUSES.sql, causes)[0]
    with psycopg.connect(large_dsn) as connection:
        found = connection.execute(POSITION_AT.sql, at).fetchone()
    assert found == (10_000,)


async def test_the_whole_log_streams_in_bounded_memory(large: Api) -> None:
    app_lines, most = 0, 0
    wanted = reading.pages(large.services.desk.log, Filter(), reading.Range())
    tracemalloc.start()
    try:
        async for page in wanted:
            app_lines += len(page.events)
            assert len(page.events) <= reading.CHUNK
            most = max(most, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert app_lines == COUNT
    assert most < 8 * 1024 * 1024  # all of them together take some 40 MB


async def test_every_line_arrives_once_and_in_order(large: Api) -> None:
    headers = {**large.admin, "Accept": "application/x-ndjson"}
    positions, hashes = [], []
    answer = await large.client.get("/api/audit/events", headers=headers)
    for line in answer.text.splitlines():
        event = json.loads(line)
        positions.append(event["position"])
        hashes.append((event["previous_hash"], event["hash"]))
    assert positions == [*range(1, COUNT + 1)]
    assert all(one[1] == other[0] for one, other in pairwise(hashes))
