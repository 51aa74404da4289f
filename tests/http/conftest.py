"""Whatever a module sent over the wire, in the end every table equals its replay."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support import MASTER, Api, Person
from vidwiz.replay.verification import verify

ORPHANS = """
SELECT (SELECT count(*) FROM credentials LEFT JOIN users ON users.id = user_id
        WHERE users.id IS NULL),
       (SELECT count(*) FROM notes LEFT JOIN users ON users.id = user_id WHERE users.id IS NULL),
       (SELECT count(*) FROM notes LEFT JOIN videos USING (video_id) WHERE videos.id IS NULL)
"""


@pytest.fixture(scope="module", autouse=True)
def nothing_is_half_written(module_dsn: str) -> Iterator[None]:
    yield
    _, differences = verify(module_dsn, MASTER)
    assert list(differences) == []
    with psycopg.connect(module_dsn) as connection:
        assert connection.execute(ORPHANS).fetchone() == (0, 0, 0)


@pytest.fixture(scope="module")
async def ann(api: Api) -> Person:
    """A person that the tests of one module share."""
    return await api.sign_up("Ann Example")


@pytest.fixture(scope="module")
async def bob(api: Api) -> Person:
    """Somebody else."""
    return await api.sign_up("Bob Example")
