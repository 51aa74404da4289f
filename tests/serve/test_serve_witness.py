"""Two real services: one witnesses the log of the other, which is cut with all its copies."""

import asyncio
import shutil
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.audit.exports import KEY
from tests.audit.live import events, hands
from tests.cli.command import Vidwiz
from tests.event_store.parts import empty_database, value
from tests.support import eventually, free_port, serving, serving_on
from vidwiz.adapters.witness import Witness, WitnessRefuses, WitnessUnavailable
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.checkpoints.records import signed
from vidwiz.audit.witnesses.posting import show
from vidwiz.postgres import migrate
from vidwiz.verify_export import Checkpoint

SEED = b64encode(bytes(range(32))).decode()  # of KEY


@pytest.fixture
def witness_dsn(server_dsn: str) -> Iterator[str]:
    with empty_database(server_dsn) as its:
        migrate.migrate(its)
        yield its


async def witnesses_of(url: str) -> Any:
    async with httpx.AsyncClient(base_url=url) as client:
        ready = (await client.get("/api/health/ready")).raise_for_status().json()
        return ready["checkpoints"]["witnesses"]


async def kept_by(url: str, key: SigningKey = KEY) -> list[Checkpoint]:
    its = Witness(url)
    try:
        return [Checkpoint(**one["checkpoint"]) async for one in its.kept(key.public_key)]
    finally:
        await its.aclose()


def open_video(url: str, video_id: str) -> None:
    httpx.post(f"{url}/api/wiz/init", json={"video_id": video_id}).raise_for_status()


async def test_a_log_that_was_cut_with_all_its_copies_is_found_by_a_witness(
    tmp_path: Path, dsn: str, witness_dsn: str
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    ours = {"VIDWIZ_SIGNING_KEY": SEED, "VIDWIZ_WITNESSES": f"{url}/"}
    vidwiz = Vidwiz(tmp_path / "ours", dsn)
    with serving(tmp_path / "ours", dsn, **ours) as server:
        for number in range(4):
            open_video(server.url, f"{number:011}")
    with serving(tmp_path / "ours", dsn, **ours) as server:  # it was pinned when that one ended

        async def misses() -> bool:
            (its,) = await witnesses_of(server.url)
            return its["position"] == 0 and "does not answer" in (its["problem"] or "")

        await eventually(misses)
        there = {"VIDWIZ_WITNESS_FOR": KEY.public_key}
        with serving_on(port, tmp_path / "witness", witness_dsn, "--no-workers", **there):

            async def is_kept() -> bool:
                return [its["problem"] for its in await witnesses_of(server.url)] == [None]

            await eventually(is_kept)
            head = value(dsn, "SELECT max(notification_id) FROM stored_events")
            assert [it.position for it in await kept_by(url)] == [head]
            async with httpx.AsyncClient() as client:
                scraped = (await client.get(f"{server.url}/metrics")).text
            assert f'vidwiz_witness_position{{witness="{url}"}} {head:.1f}' in scraped
            assert f"keeps checkpoints up to {head}" in vidwiz.run("doctor", **ours).out
            verify = ("audit", "verify", "--witness", url)
            assert "The log is whole" in vidwiz.ok(*verify, **ours)
            kept = vidwiz.ok("audit", "witness", url, **ours)
            assert f"{url} keeps position {head} since" in kept
            server.stop()
            cut(dsn, head - 3)
            shutil.rmtree(tmp_path / "ours" / "objects")
            vidwiz.ok("audit", "checkpoint", **ours)  # signed and copied anew
            assert "The log is whole" in vidwiz.ok("audit", "verify", **ours)
            found = vidwiz.run(*verify, **ours)
            assert found.code == 1
            assert f"position {head - 2} is missing, but {head} was kept" in found.out
            its = Witness(url)
            with pytest.raises(WitnessRefuses, match="says otherwise; both are kept"):
                await show(its, later(dsn))
            await its.aclose()
            assert "contradicts an earlier one" in vidwiz.run(*verify, **ours).out
            stranger = vidwiz.run(*verify, "--public-key", "0" * 64, **ours)
            assert f"{url} was never shown" in stranger.out
    gone = vidwiz.run(*verify, **ours)
    assert gone.code == 1
    assert "does not answer" in gone.err
    assert "does not answer" in vidwiz.run("audit", "witness", url, **ours).err


def later(dsn: str) -> Checkpoint:
    """The cut log's head, signed in a while."""
    head = events(dsn)[-1]
    return signed(KEY, head.position, head.hash, datetime.now(UTC) + timedelta(minutes=2), None)


def cut(dsn: str, head: int) -> None:
    """Take the log's end away, and every checkpoint."""
    with hands(dsn) as connection:
        connection.execute("DELETE FROM stored_events WHERE notification_id > %s", (head,))
        connection.execute("DELETE FROM log_checkpoints")


@asynccontextmanager
async def answering(status: int, body: bytes) -> AsyncIterator[str]:
    """A server that gives every request this answer; its URL."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1")
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, b"{}", WitnessUnavailable),
        (429, b"{}", WitnessUnavailable),
        (403, b"not JSON", WitnessRefuses),
        (302, b"", WitnessUnavailable),
        (200, b"[]", WitnessUnavailable),
        (200, b"[" * 100_000, WitnessUnavailable),
        (200, b'{"receipt": {"witness": "zz"}}', WitnessUnavailable),
        (200, b"{}" + b" " * 9 * 2**20, WitnessUnavailable),
    ],
)
async def test_what_a_witness_should_not_answer_is_told_apart(
    status: int, body: bytes, error: type[Exception]
) -> None:
    async with answering(status, body) as url:
        its = Witness(url)
        with pytest.raises(error):
            await show(its, Checkpoint(1, "0" * 64, 1, "x", KEY.public_key, "0" * 64, "0" * 128))
        await its.aclose()
