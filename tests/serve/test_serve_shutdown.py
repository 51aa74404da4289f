"""``vidwiz serve`` ends in order: whoever waits is sent home, whoever is served is answered."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from secrets import token_hex

import httpx
import psycopg
import pytest

from tests.support import (
    Server,
    eventually,
    free_port,
    server_environment,
    serving,
    serving_on,
    wait_until_ready,
)
from tests.workers import ADMIN, RawPoll, claimed, queue, sign_up, success, waiting

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
PROCESSES = pytest.mark.parametrize("processes", ["1", "2"])


def end(server: Server, number: signal.Signals) -> None:
    server.process.send_signal(number)


async def exit_code(server: Server) -> int:
    return await asyncio.to_thread(server.process.wait, 40)


@SIGNALS
@PROCESSES
async def test_long_polls_are_sent_home_and_the_exit_is_clean(
    dsn: str, tmp_path: Path, number: signal.Signals, processes: str
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", processes) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            url = "/api/tasks/transcript?timeout=60"
            polls = [asyncio.create_task(client.get(url, headers=ADMIN)) for _ in range(5)]
            await waiting(client, 5)
            end(server, number)
            done, _ = await asyncio.wait(polls, timeout=20)  # of the minute that they would wait
            assert [(one.result().status_code, one.result().content) for one in done] == [
                (204, b"")
            ] * 5
            assert await exit_code(server) == 0


@SIGNALS
@PROCESSES
async def test_a_submit_in_flight_is_finished_and_answered(
    dsn: str, tmp_path: Path, number: signal.Signals, processes: str
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", processes) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            video_id = await queue(client, await sign_up(client))
            task = await claimed(client)
        body = json.dumps(success(task)).encode()
        reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(server.url).port)
        writer.write(
            b"POST /api/tasks/transcript HTTP/1.1\r\nHost: test\r\n"
            b"Content-Type: application/json\r\n"
            b"Authorization: %b\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n"
            % (ADMIN["Authorization"].encode(), len(body))
        )
        assert await reader.readline() == b"HTTP/1.1 100 Continue\r\n"  # the handler reads
        writer.write(body[:10])
        end(server, number)
        await eventually(partial(refuses_connections, server))
        writer.write(body[10:])
        head, _, answer = (await reader.read()).lstrip().partition(b"\r\n\r\n")
        writer.close()
        assert head.startswith(b"HTTP/1.1 200 OK")
        assert json.loads(answer)["status"] == "completed"
        assert await exit_code(server) == 0
    stored = tmp_path / "data" / "objects" / "transcripts" / f"{video_id}.json"
    assert json.loads(stored.read_bytes()) == success(task)["transcript"]
    assert {"TaskCompleted", "TranscriptReady"} <= {*topics(dsn)}


async def refuses_connections(server: Server) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", httpx.URL(server.url).port)) != 0


def topics(dsn: str) -> list[str]:
    with psycopg.connect(dsn) as connection:
        query = "SELECT topic FROM stored_events ORDER BY notification_id"
        return [topic for (topic,) in connection.execute(query).fetchall()]


@SIGNALS
async def test_no_process_is_left_when_several_end(
    dsn: str, tmp_path: Path, number: signal.Signals
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2") as server:
        children = children_of(server.process.pid)
        assert len(children) >= 2
        end(server, number)
        assert await exit_code(server) == 0
        await eventually(partial(none_lives, children))  # Python's resource tracker ends last


async def test_the_others_end_by_themselves_when_their_parent_is_killed(
    dsn: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2") as server:
        children = children_of(server.process.pid)
        assert len(children) >= 2
        server.kill()

        await eventually(partial(none_lives, children), 20)
        assert await refuses_connections(server)


async def test_a_killed_process_of_several_is_replaced(dsn: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2") as server:
        servers = serving_children(server.process.pid)
        assert len(servers) == 2
        os.kill(servers[0], signal.SIGKILL)

        async def replaced() -> bool:
            now = serving_children(server.process.pid)
            return len(now) == 2 and servers[0] not in now

        await eventually(replaced, 60)
        assert server.stop() == 0


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def serving_children(pid: int) -> list[int]:
    return [one for one in children_of(pid) if b"spawn_main" in command_of(one)]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


async def none_lives(pids: list[int]) -> bool:
    return not any(lives(pid) for pid in pids)


def lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@PROCESSES
async def test_the_embedded_database_stops_with_the_service(tmp_path: Path, processes: str) -> None:
    data = tmp_path / "data"
    with serving(data, None, "--processes", processes) as server:
        pid = postmaster(data)
        assert lives(pid)
        assert server.stop() == 0
    assert not lives(pid)


@PROCESSES
async def test_the_embedded_database_survives_a_kill_and_is_joined_again(
    tmp_path: Path, processes: str
) -> None:
    data = tmp_path / "data"
    with serving(data, None, "--processes", processes) as server:
        pid = postmaster(data)
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            user = await sign_up(client)
            video_id = await queue(client, user)
        server.kill()
    assert lives(pid)
    with serving(data, None, "--processes", processes) as server:
        assert postmaster(data) == pid
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            answer = await client.get(f"/api/videos/{video_id}", headers=user)
            assert answer.json()["video_id"] == video_id
        assert server.stop() == 0
    assert not lives(pid)


def postmaster(data: Path) -> int:
    (pid_file,) = data.glob("postgres/postmaster.pid")
    return int(pid_file.read_text().split()[0])


async def test_a_service_of_several_processes_that_was_killed_starts_again_at_once(
    dsn: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2") as server:
        port = httpx.URL(server.url).port or 0
        children = children_of(server.process.pid)
        server.kill()
        with serving_on(port, tmp_path / "data", dsn, "--processes", "2", "--no-workers") as again:
            await eventually(partial(none_lives, children), 20)
            wait_until_ready(again)  # before, those who were left behind may have answered
            assert again.stop() == 0


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_a_killed_postmaster_is_started_again_under_the_service(
    tmp_path: Path, processes: str
) -> None:
    data = tmp_path / "data"
    with serving(data, None, "--processes", processes) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            user = await sign_up(client)
            before = postmaster(data)
            os.kill(before, signal.SIGKILL)

            async def works() -> bool:
                answer = await client.get("/api/notes/aaaaaaaaaaa", headers=user)
                assert answer.status_code in (200, 404, 503)
                return answer.status_code != 503 and is_replaced(data, before)

            await eventually(works, 60)
            await queue(client, user)
        assert "the embedded database ended; it is started again" in server.log.read_text()
        assert server.stop() == 0


def is_replaced(data: Path, before: int) -> bool:
    try:
        return postmaster(data) != before
    except (ValueError, IndexError):  # it is starting
        return False


def test_a_port_in_use_is_a_clear_error(dsn: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "vidwiz", "serve", "--port", port],
            env=server_environment(tmp_path / "data", dsn),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode != 0
    assert "address already in use" in done.stderr.lower()
    assert "Traceback" not in done.stderr


@PROCESSES
def test_a_service_that_cannot_start_says_so_and_fails(
    dsn: str, tmp_path: Path, processes: str
) -> None:
    port = str(free_port())
    with narrow_role(dsn) as narrow:
        done = subprocess.run(
            [sys.executable, "-m", "vidwiz", "serve", "--port", port, "--processes", processes],
            env=server_environment(tmp_path / "data", narrow),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode not in (0, None)
    # Which of its connections finds no room depends on how soon PostgreSQL forgets the last one.
    assert re.search("PostgreSQL does not answer|too many connections for role", done.stderr)


@contextmanager
def narrow_role(dsn: str) -> Iterator[str]:
    """A role that may migrate, on one connection, but whose pool finds no room for a second."""
    role = f"narrow_{token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1")
        connection.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
        yield dsn.replace("vidwiz@", f"{role}@")
        connection.execute(f"DROP OWNED BY {role}")
        connection.execute(f"DROP ROLE {role}")


async def test_logs_are_json_lines_without_secrets_when_nobody_watches(
    dsn: str, tmp_path: Path
) -> None:
    with serving(tmp_path / "data", dsn) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            user = await sign_up(client)
            await queue(client, user)
            await client.get("/api/notes/x?secret=hidden", headers={"X-Request-ID": "known-id"})
            raw = await RawPoll.begin(server.url)
            raw.reset()
        assert server.stop() == 0
    text = server.log.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"event", "level", "timestamp"} <= set.intersection(*map(set, lines))
    (known,) = [line for line in lines if line.get("request_id") == "known-id"]
    ms = known.pop("ms")
    assert ms >= 0
    assert {**known, "timestamp": ""} == {
        "event": "request",
        "level": "info",
        "timestamp": "",
        "method": "GET",
        "path": "/api/notes/x",
        "status": 401,
        "request_id": "known-id",
        "client": "127.0.0.1",
    }
    token = user["Authorization"].removeprefix("Bearer ")
    for secret in (token, ADMIN["Authorization"], "correct horse", "hidden", "@example.org"):
        assert secret not in text


@PROCESSES
async def test_metrics_count_the_requests_of_all_processes(
    dsn: str, tmp_path: Path, processes: str
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", processes) as server:
        for _ in range(20):  # each on a connection of its own, so that all processes get some
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                assert (await client.get("/api/notes/x")).status_code == 401
        counted = (
            'vidwiz_http_requests_total{method="GET",route="/api/notes/<video_id>",status="401"}'
        )

        async def scraped() -> httpx.Response:
            async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
                return await client.get("/metrics")

        async def are_counted() -> bool:  # a request is counted after it was answered
            return f"{counted} 20.0" in (await scraped()).text.splitlines()

        await eventually(are_counted, 20)
        answer = await scraped()
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert 'vidwiz_waiting_workers{task_type="fetch_transcript"} 0.0' in answer.text
