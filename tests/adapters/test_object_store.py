"""One contract for every object store, and what is particular to folders and to S3."""

import asyncio
import gc
import itertools
import signal
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aioboto3
import httpx
import pytest
from aiobotocore.client import AioBaseClient
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from vidwiz.adapters.object_store import FolderStore, ObjectStore, ObjectStoreError
from vidwiz.adapters.s3_store import PATIENCE_S, S3Store

KEY = "transcripts/dQw4w9WgXcQ.json"
BUCKETS = itertools.count()
BAD_KEYS = [
    "",
    "/etc/passwd",
    "..",
    "../secret",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "a b",
    "a\\b",
    "a\n",
    "a\0b",
    "transcripts/é.json",
    "~leftover",
    "x" * 256,
    "/".join(["x" * 200] * 3),
]

# Writes more than the process may, of which the system kills it.
CRASH = """
import asyncio, pathlib, resource, signal, sys
from vidwiz.adapters.object_store import FolderStore
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
asyncio.run(FolderStore(pathlib.Path(sys.argv[1])).put(sys.argv[2], bytes(1000)))
"""


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def s3_clients() -> int:
    gc.collect()
    return sum(AioBaseClient in type(thing).__mro__ for thing in gc.get_objects())


def credential_process(folder: Path) -> str:
    """An AWS configuration whose credentials take their time: a program prints them."""
    printed, config = folder / "credentials.json", folder / "config"
    printed.write_text('{"Version": 1, "AccessKeyId": "key-id", "SecretAccessKey": "very-secret"}')
    config.write_text(f"[default]\ncredential_process = cat {printed}\n")
    return str(config)


def named(url: str) -> str:
    """The same address by name: a number cannot have a host name for each bucket anyway."""
    return url.replace("127.0.0.1", "localhost")


def modes_in(folder: Path) -> dict[Path, int]:
    return {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}


async def media_type(url: str, bucket: str, key: str) -> str:
    credentials = {"aws_access_key_id": "key-id", "aws_secret_access_key": "very-secret"}
    async with aioboto3.Session(**credentials).client("s3", endpoint_url=url) as s3:
        head = await s3.head_object(Bucket=bucket, Key=key)
    return str(head["ContentType"])


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_url: str) -> str:
    name = f"vidwiz-{next(BUCKETS)}"
    httpx.put(f"{s3_url}/{name}", timeout=30).raise_for_status()
    return name


@pytest.fixture
def no_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


@asynccontextmanager
async def s3_store(bucket: str, url: str, **options: float) -> AsyncIterator[S3Store]:
    store = S3Store(
        bucket,
        region="us-east-1",
        endpoint_url=url,
        access_key_id="key-id",
        secret_access_key="very-secret",
        **options,
    )
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def answering(answer: bytes | None, asked: list[bytes] | None = None) -> AsyncIterator[str]:
    """A server that gives every request this raw answer and hangs up, or never says a word."""
    requests = [] if asked is None else asked
    conversations: list[asyncio.Task[None] | None] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(asyncio.current_task())
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server:
        yield f"http://{host}:{port}"
    await asyncio.gather(*filter(None, conversations))


@pytest.fixture(params=["folder", "s3"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ObjectStore]:
    if request.param == "folder":
        yield FolderStore(tmp_path / "objects")
        return
    url, bucket = request.getfixturevalue("s3_url"), request.getfixturevalue("bucket")
    async with s3_store(bucket, url) as s3:
        yield s3


async def test_an_object_comes_back_as_it_was_put(store: ObjectStore) -> None:
    body = bytes(range(256)) * 1000
    await store.put(KEY, body)
    assert await store.get(KEY) == body


async def test_an_empty_object_is_not_an_absent_one(store: ObjectStore) -> None:
    await store.put(KEY, b"")
    assert await store.get(KEY) == b""


async def test_an_absent_object_is_none(store: ObjectStore) -> None:
    assert await store.get(KEY) is None
    await store.put(KEY, b"{}")
    assert await store.get("transcripts/other.json") is None


async def test_putting_again_replaces_the_object(store: ObjectStore) -> None:
    await store.put(KEY, b"a long first version")
    await store.put(KEY, b"second")
    assert await store.get(KEY) == b"second"


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(store: ObjectStore) -> None:
    await store.delete(KEY)
    await store.put(KEY, b"{}")
    await store.delete(KEY)
    assert await store.get(KEY) is None
    await store.delete(KEY)


async def test_the_keys_of_a_folder_come_in_order_without_those_below_or_beside_it(
    store: ObjectStore,
) -> None:
    assert [key async for key in store.keys("audit/kept")] == []
    inside = [f"audit/kept/{number:04}.json" for number in range(12)]
    for key in [*reversed(inside), "audit/kept/below/1.json", "audit/kepter/1.json", KEY]:
        await store.put(key, b"{}")
    assert [key async for key in store.keys("audit/kept")] == inside


async def test_parallel_puts_leave_one_of_them_whole(store: ObjectStore) -> None:
    bodies = [bytes([65 + n]) * 100_000 for n in range(20)]
    await asyncio.gather(*(store.put(KEY, body) for body in bodies))
    assert await store.get(KEY) in bodies


async def test_a_reader_never_sees_half_an_object(store: ObjectStore) -> None:
    bodies = [bytes([65 + n]) * 100_000 for n in range(10)]
    await store.put(KEY, bodies[0])

    async def read() -> None:
        for _ in range(10):
            assert await store.get(KEY) in bodies

    await asyncio.gather(read(), read(), *(store.put(KEY, body) for body in bodies))


async def test_a_healthy_store_passes_its_check_and_keeps_nothing_of_it(
    store: ObjectStore, tmp_path: Path
) -> None:
    await asyncio.gather(store.check(), store.check())
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_what_is_no_key_is_refused(store: ObjectStore, key: str) -> None:
    with pytest.raises(ValueError, match="not an object key"):
        await store.put(key, b"{}")
    with pytest.raises(ValueError, match="not an object key"):
        await store.get(key)
    with pytest.raises(ValueError, match="not an object key"):
        await store.delete(key)
    with pytest.raises(ValueError, match="not an object key"):
        await anext(store.keys(key))


async def test_a_folder_says_where_it_is(tmp_path: Path) -> None:
    assert FolderStore(tmp_path).description == f"folder {tmp_path}"


async def test_only_this_user_can_read_files_and_the_folders_made_for_them(tmp_path: Path) -> None:
    root = tmp_path / "made" / "here"
    await FolderStore(root).put(KEY, b"{}")
    assert modes_in(tmp_path) == {
        tmp_path / "made": 0o700,
        root: 0o700,
        root / "transcripts": 0o700,
        root / KEY: 0o600,
    }


async def test_a_folder_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    root = tmp_path / "file"
    root.write_bytes(b"in the way")  # stops root too, whom a read-only folder would not
    store = FolderStore(root)
    with pytest.raises(ObjectStoreError, match="cannot write") as failure:
        await store.put(KEY, b"{}")
    assert isinstance(failure.value.__cause__, OSError)
    with pytest.raises(ObjectStoreError, match="cannot read"):
        await store.get(KEY)
    with pytest.raises(ObjectStoreError, match="cannot delete"):
        await store.delete(KEY)
    with pytest.raises(ObjectStoreError, match=str(root)):
        await store.check()


async def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / KEY).mkdir(parents=True)
    with pytest.raises(ObjectStoreError):
        await FolderStore(tmp_path).put(KEY, b"{}")
    assert files_in(tmp_path) == []


async def test_what_a_crash_leaves_behind_is_no_object(tmp_path: Path) -> None:
    crash = await asyncio.create_subprocess_exec(sys.executable, "-c", CRASH, tmp_path, KEY)
    assert await crash.wait() == -signal.SIGXFSZ
    (leftover,) = files_in(tmp_path)
    store = FolderStore(tmp_path)
    assert await store.get(KEY) is None
    with pytest.raises(ValueError, match="not an object key"):
        await store.get(str(leftover.relative_to(tmp_path)))
    await store.put(KEY, b"{}")
    assert await store.get(KEY) == b"{}"


async def test_a_bucket_says_its_name() -> None:
    assert S3Store("transcripts").description == "S3 bucket transcripts"


async def test_an_object_carries_its_content_type(s3_url: str, bucket: str) -> None:
    async with s3_store(bucket, s3_url) as store:
        await store.put("a.json", b"{}")
        await store.put("a.txt", b"hello", "text/plain")
    assert await media_type(s3_url, bucket, "a.json") == "application/json"
    assert await media_type(s3_url, bucket, "a.txt") == "text/plain"


async def test_credentials_come_from_the_environment_when_not_given(
    s3_url: str, bucket: str, no_credentials: pytest.MonkeyPatch
) -> None:
    no_credentials.setenv("AWS_ACCESS_KEY_ID", "key-id")
    no_credentials.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    no_credentials.setenv("AWS_DEFAULT_REGION", "us-east-1")
    store = S3Store(bucket, endpoint_url=s3_url)
    await store.put(KEY, b"{}")
    assert await store.get(KEY) == b"{}"
    await store.aclose()


async def test_without_any_credentials_s3_cannot_be_used(
    s3_url: str, bucket: str, no_credentials: pytest.MonkeyPatch
) -> None:
    store = S3Store(bucket, region="us-east-1", endpoint_url=s3_url)
    with pytest.raises(ObjectStoreError, match="NoCredentialsError"):
        await store.check()
    await store.aclose()


async def test_half_a_credential_is_an_error(s3_url: str, bucket: str) -> None:
    store = S3Store(bucket, region="us-east-1", endpoint_url=s3_url, access_key_id="key-id")
    with pytest.raises(ObjectStoreError, match="PartialCredentialsError"):
        await store.get(KEY)
    await store.aclose()


async def test_a_missing_bucket_is_an_error_and_not_an_absent_object(s3_url: str) -> None:
    async with s3_store("no-such-bucket", s3_url) as store:
        with pytest.raises(ObjectStoreError, match=r"cannot read .*NoSuchBucket") as failure:
            await store.get(KEY)
        assert isinstance(failure.value.__cause__, ClientError)
        with pytest.raises(ObjectStoreError, match=r"cannot write .*NoSuchBucket"):
            await store.put(KEY, b"{}")
        with pytest.raises(ObjectStoreError, match=r"cannot delete .*NoSuchBucket"):
            await store.delete(KEY)
        with pytest.raises(ObjectStoreError, match="NoSuchBucket"):
            await store.check()


async def test_parallel_first_uses_open_one_client(
    s3_url: str, bucket: str, tmp_path: Path, no_credentials: pytest.MonkeyPatch
) -> None:
    no_credentials.setenv("AWS_CONFIG_FILE", credential_process(tmp_path))
    before = s3_clients()
    store = S3Store(bucket, region="us-east-1", endpoint_url=s3_url)
    await asyncio.gather(*(store.get(KEY) for _ in range(10)))
    await store.put(KEY, b"{}")
    assert s3_clients() == before + 1
    await store.aclose()


async def test_a_server_of_ones_own_needs_no_host_name_for_each_bucket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    (tmp_path / "config").write_text("[default]\ns3 =\n  addressing_style = virtual\n")
    asked: list[bytes] = []
    absent = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with answering(absent, asked) as url, s3_store("bucket", named(url)) as store:
        assert await store.get(KEY) is None
    assert [request.split()[:2] for request in asked] == [[b"GET", f"/bucket/{KEY}".encode()]]


async def test_a_store_that_was_never_used_can_be_closed() -> None:
    await S3Store("transcripts").aclose()


async def test_an_endpoint_that_is_down_is_an_error(unused_tcp_port: int) -> None:
    async with s3_store("b", f"http://127.0.0.1:{unused_tcp_port}") as store:
        with pytest.raises(ObjectStoreError, match="EndpointConnectionError"):
            await store.get(KEY)


async def test_an_endpoint_that_never_answers_is_given_up_within_the_time_outs() -> None:
    async with answering(None) as url, s3_store("b", url, read_timeout_s=0.1) as store:
        started = time.monotonic()
        with pytest.raises(ObjectStoreError, match="ReadTimeoutError"):
            await store.get(KEY)
        # Three attempts, and at most 1 s and 2 s between them.
        assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nx-amz-checksum-crc32: AAAAAA==\r\n\r\n{}",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 14\r\n\r\n<html>no</html",
        b"HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n",
        b"not HTTP at all\r\n\r\n",
    ],
)
async def test_an_endpoint_that_talks_nonsense_is_an_error(answer: bytes) -> None:
    async with answering(answer) as url, s3_store("b", url) as store:
        with pytest.raises(ObjectStoreError):
            await store.get(KEY)


@pytest.mark.parametrize("url", ["nonsense", "http://user:very-secret@", "http://[::1"])
async def test_an_endpoint_that_is_no_address_is_an_error_that_quotes_nothing(url: str) -> None:
    async with s3_store("b", url) as store:
        with pytest.raises(ObjectStoreError) as failure:
            await store.get(KEY)
    assert str(failure.value).startswith(f"S3 bucket b: cannot read {KEY} (")
    assert "very-secret" not in str(failure.value)


async def test_a_store_that_takes_connections_and_says_nothing_is_given_up() -> None:
    """Within ``patience_s``, all attempts and reading of the body included."""
    said: list[bytes] = []

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.read(100))
        await reader.read()
        writer.close()

    assert PATIENCE_S <= 10
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        store = S3Store(
            "bucket",
            region="eu-central-1",
            endpoint_url=f"http://{host}:{port}",
            access_key_id="id",
            secret_access_key="key",
            patience_s=0.3,
        )
        for act in (
            store.get("a/b"),
            store.put("a/b", b"x"),
            store.delete("a/b"),
            anext(store.keys("a")),
        ):
            with pytest.raises(ObjectStoreError, match=r"TimeoutError|CancelledError"):
                await act
        await store.aclose()
    assert len(said) >= 4
