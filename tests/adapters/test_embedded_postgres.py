"""The embedded database, on the real PostgreSQL of the wheel."""

import contextlib
import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from vidwiz.postgres import embedded, embedded_keeper
from vidwiz.postgres import embedded as embedded_postgres
from vidwiz.postgres.embedded import EmbeddedPostgresError, start_embedded_postgres
from vidwiz.postgres.embedded_keeper import EmbeddedKeeper
from vidwiz.supervision import process_end

AS_ROOT = os.geteuid() == 0
REPOSITORY = Path(__file__).parents[2]

START = """
import os, sys
from pathlib import Path
from vidwiz.postgres.embedded import start_embedded_postgres
embedded = start_embedded_postgres(Path(sys.argv[1]))
"""
HOLD = "print('started', flush=True); sys.stdin.read(); embedded.close()"
FORK = """
if (child := os.fork()) == 0:
    embedded.close()
    sys.stdin.read()
    os._exit(0)
import psycopg
psycopg.connect(embedded.dsn).close()
embedded.close()
start_embedded_postgres(Path(sys.argv[1])).close()
print('started', flush=True)
sys.stdin.read()
os.waitpid(child, 0)
"""


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder yet to be made, with a path short enough for a socket and none of pytest's modes."""
    base = Path(tempfile.mkdtemp(prefix="vidwiz-test-", dir="/tmp"))
    data_dir = base / "data"
    yield data_dir
    if pid_file(data_dir).exists():
        with contextlib.suppress(EmbeddedPostgresError):
            start_embedded_postgres(data_dir).close()
    shutil.rmtree(base)


def pid_file(data_dir: Path) -> Path:
    return data_dir / "postgres" / "postmaster.pid"


def postmaster(data_dir: Path) -> int:
    return int(pid_file(data_dir).read_text().splitlines()[0])


def query(dsn: str, statement: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row and row[0]


def remember(dsn: str, word: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE words (word text UNIQUE)")
        connection.execute("INSERT INTO words VALUES (%s)", [word])


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@contextlib.contextmanager
def process(data_dir: Path, then: str = HOLD) -> Iterator["subprocess.Popen[str]"]:
    """Another process that started the database, and leaves when its standard input ends."""
    command = [sys.executable, "-c", START + then, str(data_dir)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=pipe, stdout=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.kill()


def wait_until_started(child: "subprocess.Popen[str]") -> None:
    assert child.stdout is not None
    assert child.stdout.readline() == "started\n"


def test_a_first_start_creates_a_database(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT current_user || '@' || current_database()") == (
            "vidwiz@vidwiz"
        )
        assert query(embedded.dsn, "SHOW server_encoding") == "UTF8"
        assert query(embedded.dsn, "SHOW data_checksums") == "on"
        assert query(embedded.dsn, "SELECT datlocale FROM pg_database LIMIT 1") == "C.UTF-8"
    assert not pid_file(data_dir).exists()


def test_full_text_search_knows_letters_from_punctuation(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded:
        lexemes = query(embedded.dsn, "SELECT to_tsvector('simple', 'café — «Тест»')::text")
    assert lexemes == "'café':1 'тест':2"


def test_only_its_owner_can_reach_the_server(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SHOW listen_addresses") == ""
        assert mode(data_dir / "postgres") == 0o700
        assert mode(data_dir / "postgres" / ".s.PGSQL.5432") == 0o700
        assert mode(data_dir) == (0o711 if AS_ROOT else 0o700)
        private = ("embedded.lock", "embedded.users", "postgres.log")
        assert {mode(data_dir / name) for name in private} == {0o600}


def test_a_second_start_joins_the_running_server(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir):
        first = postmaster(data_dir)
        with start_embedded_postgres(data_dir) as embedded:
            assert postmaster(data_dir) == first
            assert query(embedded.dsn, "SELECT 1") == 1


def test_the_last_to_close_stops_the_server(data_dir: Path) -> None:
    first, second = start_embedded_postgres(data_dir), start_embedded_postgres(data_dir)
    first.close()
    first.close()
    assert query(second.dsn, "SELECT 1") == 1
    second.close()
    assert not pid_file(data_dir).exists()


def test_a_killed_process_leaves_a_server_that_the_next_one_joins_and_stops(data_dir: Path) -> None:
    with process(data_dir) as child:
        wait_until_started(child)
        running = postmaster(data_dir)
        with start_embedded_postgres(data_dir) as embedded:
            remember(embedded.dsn, "kept")
        child.kill()
        child.wait()
    assert postmaster(data_dir) == running
    with start_embedded_postgres(data_dir) as embedded:
        assert postmaster(data_dir) == running
        assert query(embedded.dsn, "SELECT word FROM words") == "kept"
    assert not pid_file(data_dir).exists()


def test_a_killed_server_recovers_at_the_next_start(data_dir: Path) -> None:
    embedded = start_embedded_postgres(data_dir)
    remember(embedded.dsn, "kept")
    os.kill(postmaster(data_dir), signal.SIGKILL)
    embedded.close()
    assert pid_file(data_dir).exists()
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT word FROM words") == "kept"


def test_an_unrelated_process_with_the_servers_old_pid_does_no_harm(data_dir: Path) -> None:
    stale = stale_pid_file(data_dir)
    owner = (data_dir / "postgres").stat().st_uid if AS_ROOT else None
    with subprocess.Popen(["sleep", "60"], user=owner) as stranger:
        try:
            pid_file(data_dir).write_text(stale.format(pid=stranger.pid))
            socket_lock = data_dir / "postgres" / ".s.PGSQL.5432.lock"
            socket_lock.write_text(stale.format(pid=stranger.pid))
            with start_embedded_postgres(data_dir) as embedded:
                assert query(embedded.dsn, "SELECT 1") == 1
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_our_own_pid_in_the_servers_stale_pid_file_does_no_harm(data_dir: Path) -> None:
    pid_file(data_dir).write_text(stale_pid_file(data_dir).format(pid=os.getpid()))
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT 1") == 1


def test_a_server_nobody_reaped_is_not_mistaken_for_a_living_one(data_dir: Path) -> None:
    stale = stale_pid_file(data_dir)
    owner = (data_dir / "postgres").stat().st_uid if AS_ROOT else None
    with subprocess.Popen(["true"], user=owner) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        pid_file(data_dir).write_text(stale.format(pid=zombie.pid))
        with start_embedded_postgres(data_dir) as embedded:
            assert query(embedded.dsn, "SELECT 1") == 1


@pytest.mark.parametrize("content", ["", "garbled"])
def test_a_half_written_pid_file_is_ignored(data_dir: Path, content: str) -> None:
    start_embedded_postgres(data_dir).close()
    pid_file(data_dir).write_text(content)
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT 1") == 1


def stale_pid_file(data_dir: Path) -> str:
    """What a stopped server's pid file said, with a place for another pid."""
    with start_embedded_postgres(data_dir):
        content = pid_file(data_dir).read_text()
    return "\n".join(["{pid}", *content.splitlines()[1:], ""])


def test_processes_that_start_at_once_share_one_cluster(data_dir: Path) -> None:
    with contextlib.ExitStack() as stack:
        children = [stack.enter_context(process(data_dir)) for _ in range(4)]
        for child in children:
            wait_until_started(child)
        running = postmaster(data_dir)
        for child in children:
            assert postmaster(data_dir) == running
            child.communicate(timeout=30)
            assert child.returncode == 0
    assert not pid_file(data_dir).exists()


def test_a_forked_child_neither_stops_the_server_nor_keeps_its_locks(data_dir: Path) -> None:
    with process(data_dir, then=FORK) as child:
        wait_until_started(child)
        assert not pid_file(data_dir).exists()
        child.communicate(timeout=30)
        assert child.returncode == 0


def test_the_server_outlives_the_terminal_and_holds_no_output_open(data_dir: Path) -> None:
    command = [sys.executable, "-c", START + "os._exit(0)", str(data_dir)]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=60, check=True)
    assert os.getsid(postmaster(data_dir)) == postmaster(data_dir)
    start_embedded_postgres(data_dir).close()
    assert not pid_file(data_dir).exists()


def test_a_long_path_listens_in_a_short_private_folder(data_dir: Path) -> None:
    data_dir = data_dir.joinpath(*["a" * 60] * 3)
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT 1") == 1
        folder = socket_dir(embedded.dsn)
        assert mode(folder) == 0o700
        assert folder.stat().st_uid == (data_dir / "postgres").stat().st_uid
    assert not folder.exists()


def test_a_short_folder_that_is_a_link_is_refused(data_dir: Path) -> None:
    data_dir = data_dir.joinpath(*["a" * 60] * 3)
    with start_embedded_postgres(data_dir) as embedded:
        folder = socket_dir(embedded.dsn)
    folder.symlink_to(data_dir / "postgres")
    try:
        with pytest.raises(EmbeddedPostgresError, match="made by somebody else"):
            start_embedded_postgres(data_dir)
    finally:
        folder.unlink()


@pytest.mark.skipif(not AS_ROOT, reason="only root can give a folder to somebody else")
def test_a_short_folder_of_somebody_else_is_refused(data_dir: Path) -> None:
    data_dir = data_dir.joinpath(*["a" * 60] * 3)
    with start_embedded_postgres(data_dir) as embedded:
        folder = socket_dir(embedded.dsn)
    folder.mkdir(mode=0o700)
    os.chown(folder, 65534, 65534)
    try:
        with pytest.raises(EmbeddedPostgresError, match="made by somebody else"):
            start_embedded_postgres(data_dir)
    finally:
        folder.rmdir()


def socket_dir(dsn: str) -> Path:
    return Path(str(psycopg.conninfo.conninfo_to_dict(dsn)["host"]))


@pytest.mark.parametrize("name", ["a b 'c' $HOME `id` %41 é", 'comma, "quote"'])
def test_a_path_may_hold_any_character(data_dir: Path, name: str) -> None:
    with start_embedded_postgres(data_dir / name) as embedded:
        assert query(embedded.dsn, "SHOW data_directory") == str(data_dir / name / "postgres")


def test_settings_reach_an_existing_cluster(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_embedded_postgres(data_dir).close()
    monkeypatch.setitem(embedded_postgres._SETTINGS, "max_connections", "77")
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SHOW max_connections") == "77"
        assert query(embedded.dsn, "SHOW synchronous_commit") == "on"


def test_the_log_keeps_what_people_wrote_to_itself(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded:
        remember(embedded.dsn, "secret")
        with pytest.raises(psycopg.errors.UniqueViolation), psycopg.connect(embedded.dsn) as again:
            again.execute("INSERT INTO words VALUES (%s)", ["secret"])
    log = (data_dir / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "secret" not in log


def test_a_full_log_is_set_aside(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start_embedded_postgres(data_dir).close()
    monkeypatch.setattr(embedded, "_LOG_BYTES", 10)
    old = (data_dir / "postgres.log").read_text()
    start_embedded_postgres(data_dir).close()
    assert (data_dir / "postgres.log.1").read_text() == old


def test_a_kill_before_the_database_was_created_is_made_good(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded:
        maintenance = embedded.dsn.replace("/vidwiz?", "/postgres?")
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute("DROP DATABASE vidwiz")
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT 1") == 1


def test_what_a_killed_initdb_left_is_removed(data_dir: Path) -> None:
    leftover = data_dir / "postgres.new-abc"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    (data_dir / "postgres").mkdir()
    with start_embedded_postgres(data_dir) as embedded:
        assert query(embedded.dsn, "SELECT 1") == 1
    assert not list(data_dir.glob("postgres.new-*"))


def test_a_server_that_cannot_start_tells_why(data_dir: Path) -> None:
    start_embedded_postgres(data_dir).close()
    (data_dir / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match="pg_control"):
        start_embedded_postgres(data_dir)


def test_a_full_disk_is_named(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(embedded, "_initdb", fail)
    with pytest.raises(EmbeddedPostgresError, match="disk is full"):
        start_embedded_postgres(data_dir)
    assert not list(data_dir.glob("postgres*"))


@pytest.mark.parametrize("name", ["data", "data/postgres"])
def test_a_file_in_place_of_a_folder_is_refused(data_dir: Path, name: str) -> None:
    file = data_dir.parent / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="is a file"):
        start_embedded_postgres(data_dir)
    assert file.read_text() == "mine"


@pytest.mark.skipif(AS_ROOT, reason="root may write anywhere")
def test_an_unwritable_folder_is_refused(data_dir: Path) -> None:
    data_dir.mkdir(mode=0o500)
    with pytest.raises(EmbeddedPostgresError, match="may not write"):
        start_embedded_postgres(data_dir)


@pytest.mark.skipif(AS_ROOT, reason="root may write anywhere")
def test_a_folder_that_cannot_be_created_is_refused() -> None:
    with pytest.raises(EmbeddedPostgresError, match="may not write"):
        start_embedded_postgres(Path("/usr/vidwiz-test"))


def test_a_cluster_of_another_version_is_refused(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="made by PostgreSQL 16"):
        start_embedded_postgres(data_dir)


def test_a_folder_of_other_files_is_refused_and_kept(data_dir: Path) -> None:
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "thesis.txt").write_text("mine")
    with pytest.raises(EmbeddedPostgresError, match="no database"):
        start_embedded_postgres(data_dir)
    assert (data_dir / "postgres" / "thesis.txt").read_text() == "mine"


@pytest.mark.skipif(not AS_ROOT, reason="only root runs PostgreSQL as another account")
def test_root_lets_the_account_through_a_private_parent_and_no_more(
    data_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    parent = data_dir.parent
    open_folder = parent / "open"
    open_folder.mkdir(mode=0o755)
    start_embedded_postgres(open_folder / "data").close()
    assert mode(parent) == 0o701
    assert mode(open_folder) == 0o755
    assert [message for message in caplog.messages if str(parent) in message] == [
        f"let account vidwiz pass through {parent} (chmod o+x)"
    ]


@pytest.mark.skipif(not AS_ROOT, reason="only root can give the cluster to root")
def test_a_cluster_that_belongs_to_root_is_refused(data_dir: Path) -> None:
    start_embedded_postgres(data_dir).close()
    os.chown(data_dir / "postgres", 0, 0)
    with pytest.raises(EmbeddedPostgresError, match="chown -R vidwiz"):
        start_embedded_postgres(data_dir)


def test_a_killed_server_is_revived_while_its_share_is_held(data_dir: Path) -> None:
    with start_embedded_postgres(data_dir) as embedded, EmbeddedKeeper(embedded):
        remember(embedded.dsn, "kept")
        before = postmaster(data_dir)
        os.kill(before, signal.SIGKILL)
        until(lambda: embedded.lives and postmaster(data_dir) != before)
        until(lambda: answers(embedded.dsn))
        embedded.revive()  # which changes nothing for one that lives
        assert query(embedded.dsn, "SELECT word FROM words") == "kept"
    assert not embedded.lives


@pytest.mark.parametrize("gone", ["the folder", "the disk"])
def test_a_server_that_cannot_be_revived_ends_the_process_and_says_why(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    reasons: list[str] = []
    monkeypatch.setattr(process_end, "begin", reasons.append)
    monkeypatch.setattr(embedded_keeper, "FIRST_PAUSE_S", 0.01)
    with start_embedded_postgres(data_dir) as embedded, EmbeddedKeeper(embedded):
        if gone == "the folder":
            moved = data_dir.with_name("moved")
            data_dir.rename(moved)
        else:
            (data_dir / "postgres" / "global" / "pg_control").unlink()
            moved = data_dir
        os.kill(int((moved / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        until(lambda: bool(reasons))
        if gone == "the folder":
            moved.rename(data_dir)
    (reason,) = reasons
    assert "the embedded database cannot be kept alive" in reason


def until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def answers(dsn: str) -> bool:
    try:
        return query(dsn, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False
