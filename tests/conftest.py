"""What tests stand on: real PostgreSQL, a database of their own, and the real app."""

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

import psycopg
import pytest
from psycopg import sql

from tests.support import Api, running_api
from vidwiz.postgres import embedded as embedded_postgres
from vidwiz.postgres.embedded import EmbeddedPostgres, start_embedded_postgres
from vidwiz.postgres.migrate import migrate

TEMPLATE = "vidwiz_template"
SHARED_FOLDER = "VIDWIZ_TESTS_SHARED_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """One folder for all test processes. Not pytest's own, which is closed to other accounts."""
    # A shell without job control starts what runs in its background with SIGINT ignored, and every
    # child inherits that: a command that Ctrl-C ends would go on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        os.environ[SHARED_FOLDER] = tempfile.mkdtemp(prefix="vidwiz-tests-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ[SHARED_FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """One PostgreSQL for all test processes: the last of them stops it."""
    shared = Path(os.environ[SHARED_FOLDER])
    with start_without_flushing(shared / "postgres") as embedded:
        with locked(shared / "template.lock"):
            make_template(embedded.dsn)
        yield embedded.dsn


@pytest.fixture
def dsn(server_dsn: str) -> Iterator[str]:
    """A migrated, empty database for one test."""
    with fresh_database(server_dsn) as its:
        yield its


@pytest.fixture(scope="module")
def module_dsn(server_dsn: str) -> Iterator[str]:
    """A migrated database that the tests of one module share."""
    with fresh_database(server_dsn) as its:
        yield its


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The real app, spoken to over ASGI, on a database that the module's tests share."""
    async with running_api(module_dsn, tmp_path_factory.mktemp("data")) as its:
        yield its


def start_without_flushing(data_dir: Path) -> EmbeddedPostgres:
    """A cluster that does not wait for the disk.

    Tests of what survives a crash have clusters of their own, with the settings of the service.
    """
    with pytest.MonkeyPatch.context() as patch:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            patch.setitem(embedded_postgres._SETTINGS, setting, "off")
        return start_embedded_postgres(data_dir)


def make_template(server: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,))
        if known.fetchone() is not None:
            return
        connection.execute(f"CREATE DATABASE {TEMPLATE}")
    migrate(with_database(server, TEMPLATE))


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    name = f"test_{token_hex(8)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(TEMPLATE)
            )
        )
        yield with_database(server, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def with_database(server: str, name: str) -> str:
    head, _, tail = server.rpartition("/vidwiz?")
    return f"{head}/{name}?{tail}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
