"""However long the notes are, the log is read in pieces that fit into memory."""

from collections.abc import Iterator
from contextlib import aclosing

import psycopg
import pytest

from tests.conftest import fresh_database
from tests.event_store.parts import running
from tests.support import MASTER
from vidwiz.event_store import subscription
from vidwiz.replay import engine

COUNT = 40
FILL = """
INSERT INTO stored_events (originator_id, originator_version, topic, state)
SELECT gen_random_uuid(), 1, 'NoteAdded',
       convert_to(json_build_object('note_id', n, 'user_id', 1, 'video_id', 'video-1',
                                    'timestamp', '1:23',
                                    'text', repeat('x', 1000000))::text, 'UTF8')
FROM generate_series(1, %s) AS n
"""


@pytest.fixture(scope="module")
def long_dsn(server_dsn: str) -> Iterator[str]:
    with fresh_database(server_dsn) as its:
        with psycopg.connect(its, autocommit=True) as connection:
            connection.execute(FILL, (COUNT,))
        yield its


def test_a_replay_takes_few_of_them_at_once(long_dsn: str) -> None:
    reached: list[int] = []
    result = engine.rebuild(long_dsn, MASTER, (), lambda at, _: reached.append(at))
    assert result.rows["notes"] == COUNT
    steps = [after - before for before, after in zip([0, *reached], reached, strict=False)]
    assert 1 < max(steps) <= engine.CHUNK_BYTES // 1_000_000


async def test_who_follows_the_log_is_given_few_of_them_at_once(long_dsn: str) -> None:
    sizes: list[int] = []
    async with (
        running(long_dsn) as parts,
        aclosing(subscription.follow_chunks(parts.database, parts.signals, 0)) as chunks,
    ):
        async for chunk in chunks:
            sizes.append(len(chunk))
            if chunk[-1].position == COUNT:
                break
    assert sum(sizes) == COUNT
    assert max(sizes) <= subscription.CHUNK_BYTES // 1_000_000
