"""Wiz on a real server: streams to the byte, and answers that outlive their clients and servers."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.serve.test_serve_metrics import serving_children
from tests.support import MASTER, Server, eventually, serving
from tests.wiz_support import (
    Headers,
    RawStream,
    Typed,
    ask,
    conversation,
    gemini_at,
    guest,
    ids_of,
    ready_video,
    text_of,
    turn_of,
    turn_stream,
    typed,
    words_of,
)
from vidwiz.postgres.embedded import start_embedded_postgres
from vidwiz.replay.verification import verify

DONE = b"data: [DONE]\n\n"
SILENT = Answer(("one ", "two "), end="hang")
SLOW = Answer(tuple("abcdefghij"), interval_s=0.05)


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini() as its:
        yield its


@pytest.fixture(scope="module")
def server(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, model: FakeModel
) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("wiz") / "data", module_dsn, **gemini_at(model)) as its:
        yield its
        assert its.stop() == 0
    assert "Traceback" not in its.log.read_text()
    replays(module_dsn)


@pytest.fixture(scope="module")
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    async with of(server) as its:
        yield its


@pytest.fixture(scope="module")
async def video_id(client: httpx.AsyncClient) -> str:
    return await ready_video(client)


def of(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, timeout=60)


def replays(dsn: str) -> None:
    _, differences = verify(dsn, MASTER)
    assert list(differences) == []


def chat(server: Server, who: Headers, video_id: str, connecting: Any = None) -> Any:
    body = {"video_id": video_id, "message": "Why?"}
    return RawStream.opened(server.url, "POST", "/api/wiz/chat", who, body, connecting)


def followed(server: Server, who: Headers, turn_id: int, connecting: Any = None) -> Any:
    path = f"/api/wiz/turns/{turn_id}/stream"
    return RawStream.opened(server.url, "GET", path, who, connecting=connecting)


async def stopped(client: httpx.AsyncClient, who: Headers, turn_id: int) -> dict[str, Any]:
    answer = await client.post(f"/api/wiz/turns/{turn_id}/stop", headers=who)
    return dict(answer.raise_for_status().json())


async def ends(client: httpx.AsyncClient, who: Headers, answer: RawStream, status: str) -> None:
    async def ended() -> bool:
        return bool((await turn_of(client, who, answer))["status"] == status)

    await eventually(ended)


async def answers(model: FakeModel, count: int = 1) -> bool:
    return model.open_streams == count


async def hung_up_on(model: FakeModel) -> None:
    await eventually(partial(answers, model, 0))


async def messages_of(
    client: httpx.AsyncClient, who: Headers, answer: RawStream
) -> list[tuple[str, str]]:
    its = await conversation(client, who, ids_of(answer)[1])
    return [(message["role"], message["content"]) for message in its["messages"]]


async def test_each_event_is_one_chunk_of_bytes_as_the_contract_has_them(
    server: Server, model: FakeModel, video_id: str
) -> None:
    model.will(Answer(("one ", "two\n\n", "🎈"), interval_s=0.02))
    async with chat(server, guest(), video_id) as stream:
        assert stream.status == 200
        assert stream.headers["transfer-encoding"] == "chunked"
        assert stream.headers["content-type"] == "text/event-stream"
        assert stream.headers["cache-control"] == "no-store"
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["access-control-allow-origin"] == "*"
        assert "content-length" not in stream.headers
        assert "content-encoding" not in stream.headers
        assert await stream.rest() == [
            b'data: {"content":"one "}\n\n',
            b'data: {"content":"two\\n\\n"}\n\n',
            'data: {"content":"🎈"}\n\n'.encode(),
            DONE,
        ]


async def test_typed_events_too_are_one_chunk_each(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("See ", "[55:54]", ".")))
    answer = await ask(client, who, video_id)
    async with followed(server, who, ids_of(answer)[0]) as stream:
        chunks = await stream.rest()
    assert stream.headers["content-type"] == "text/event-stream"
    assert chunks[0] == b'id: 12.0\nevent: delta\ndata: {"content":"See [55:54]."}\n\n'
    assert chunks[1].startswith(b'id: 12.1\nevent: citation\ndata: {"')
    assert chunks[2].startswith(b'id: 12.1.end\nevent: completed\ndata: {"message_id":')
    assert len(chunks) == 3
    assert typed(b"".join(chunks))[1].data == {
        "marker": "[55:54]",
        "at": 4,
        "at_utf16": 4,
        "start": 3354.0,
        "end": 3358.0,
        "quote": "Houston, we've had a problem",
    }


async def test_a_model_that_breaks_off_ends_the_stream_without_done(
    server: Server, model: FakeModel, video_id: str
) -> None:
    model.will(Answer(("one ",), interval_s=0.02, end="cut"))
    async with chat(server, guest(), video_id) as stream:
        assert await stream.rest() == [
            b'data: {"content":"one "}\n\n',
            b'data: {"error": "Processing error"}\n\n',
        ]


async def test_an_answer_is_finished_and_stored_though_its_client_has_gone(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(SLOW)
    async with chat(server, who, video_id) as stream:
        await stream.chunk()
    assert (await turn_of(client, who, stream))["status"] == "answering"
    await ends(client, who, stream, "completed")
    assert (await messages_of(client, who, stream))[1] == ("assistant", "abcdefghij")


async def test_a_turn_can_be_followed_again_from_every_event_while_it_runs_and_after(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    pieces = ("First [0:", "02], ", "then [55:54]", " and [9:99:99]", ".")
    model.will(Answer(pieces, interval_s=0.1))
    async with chat(server, who, video_id) as stream:
        turn_id, _ = ids_of(stream)
        live: list[bytes] = []
        again: list[asyncio.Task[httpx.Response]] = []
        async with followed(server, who, turn_id) as following:
            while chunk := await following.chunk():
                live.append(chunk)
                after = chunk.split(b"\n")[0].removeprefix(b"id: ").decode()
                again.append(asyncio.create_task(turn_stream(client, who, turn_id, after)))
        resumed = await asyncio.gather(*again)
        assert words_of(b"".join(await stream.rest())) == "".join(pieces)
    events = typed(b"".join(live))
    assert text_of(events) == "".join(pieces)
    assert [one.data["start"] for one in events if one.kind == "citation"] == [2.0, 3354.0]
    assert len({one.event_id for one in events}) == len(events)
    late = [await turn_stream(client, who, turn_id, one.event_id) for one in events]
    for answers in (resumed, late):
        for seen, answer in enumerate(answers[:-1], 1):
            rejoined = [*events[:seen], *typed(answer.content)]
            assert without_ids(rejoined) == without_ids(events)
        assert (answers[-1].status_code, answers[-1].content) == (204, b"")


def without_ids(events: list[Typed]) -> tuple[str, list[Any]]:
    """What somebody has read in the end; where pieces were cut is nobody's business."""
    others = [(one.kind, one.data) for one in events if one.kind != "delta"]
    return text_of(events), others


async def test_stop_keeps_what_there_is_and_hangs_up_on_the_model(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(SILENT)
    async with chat(server, who, video_id) as stream:
        turn_id, _ = ids_of(stream)
        assert [await stream.chunk() for _ in range(2)] == [
            b'data: {"content":"one "}\n\n',
            b'data: {"content":"two "}\n\n',
        ]
        async with followed(server, {**who, "Last-Event-ID": "4.0"}, turn_id) as following:
            assert b'"two "' in await following.chunk()
            both = await asyncio.gather(*(stopped(client, who, turn_id) for _ in range(5)))
            (last,) = await following.rest()
        assert both == [{"turn_id": turn_id, "status": "stopped"}] * 5
        assert await stream.rest() == [DONE]
    await hung_up_on(model)
    assert await messages_of(client, who, stream) == [("user", "Why?"), ("assistant", "one two ")]
    turn = await turn_of(client, who, stream)
    assert turn["status"] == "stopped"
    assert last.startswith(b"id: 8.0.end\nevent: stopped\n")
    assert str(turn["answer_id"]).encode() in last
    assert await stopped(client, who, turn_id) == {"turn_id": turn_id, "status": "stopped"}


async def test_an_answer_stopped_before_its_first_word_is_no_message(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer((), end="hang"))
    async with chat(server, who, video_id) as stream:
        turn_id, _ = ids_of(stream)
        await eventually(partial(answers, model))
        assert (await stopped(client, who, turn_id))["status"] == "stopped"
        assert await stream.rest() == [DONE]
    assert await messages_of(client, who, stream) == [("user", "Why?")]
    (last,) = typed((await turn_stream(client, who, turn_id)).content)
    assert (last.kind, last.data) == ("stopped", {"message_id": None})
    await hung_up_on(model)


async def test_an_ended_turn_stays_as_it_ended(
    client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(), Answer(("x",), end="error"))
    for status in ("completed", "failed"):
        answer = await ask(client, who, video_id)
        turn_id, _ = ids_of(answer)
        assert await stopped(client, who, turn_id) == {"turn_id": turn_id, "status": status}
        assert (await turn_of(client, who, answer))["status"] == status


async def test_nobody_else_follows_or_stops_a_turn(
    server: Server, client: httpx.AsyncClient, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(SILENT)
    async with chat(server, who, video_id) as stream:
        turn_id, conversation_id = ids_of(stream)
        for path in (f"turns/{turn_id}/stream", f"conversations/{conversation_id}"):
            assert (await client.get(f"/api/wiz/{path}", headers=guest())).status_code == 404
        stop = f"/api/wiz/turns/{turn_id}/stop"
        assert (await client.post(stop, headers=guest())).status_code == 404
        assert (await turn_of(client, who, stream))["status"] == "answering"
        await stopped(client, who, turn_id)


async def test_after_a_kill_the_turn_is_failed_and_whoever_follows_is_told(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    who = guest()
    model.will(SILENT)
    with serving(tmp_path / "data", dsn, **gemini_at(model)) as server:
        async with of(server) as client:
            video_id = await ready_video(client)
        async with chat(server, who, video_id) as stream:
            await stream.chunk()
            server.kill()
    with serving(tmp_path / "data", dsn, **gemini_at(model)) as server:
        async with of(server) as client:
            turn_id, _ = ids_of(stream)
            for after in (None, "4.0"):
                answer = await asyncio.wait_for(turn_stream(client, who, turn_id, after), 10)
                (last,) = typed(answer.content)
                assert (last.kind, last.data["code"]) == ("failed", "interrupted")
            assert (await turn_of(client, who, stream))["reason"] == "interrupted"
            assert (await stopped(client, who, turn_id))["status"] == "failed"
            assert words_of((await ask(client, who, video_id)).content)
        assert await asyncio.to_thread(server.stop) == 0
    replays(dsn)


@pytest.mark.parametrize(("processes", "stays"), [("1", True), ("1", False), ("2", True)])
async def test_a_short_answer_is_finished_before_the_server_ends(
    dsn: str, tmp_path: Path, model: FakeModel, processes: str, stays: bool
) -> None:
    who = guest()
    model.will(SLOW)
    options = ("--processes", processes)
    with serving(tmp_path / "data", dsn, *options, **gemini_at(model)) as server:
        async with of(server) as client:
            video_id = await ready_video(client)
        async with AsyncExitStack() as stack:
            stream = await stack.enter_async_context(chat(server, who, video_id))
            first = await stream.chunk()
            if not stays:
                await stack.aclose()
            server.process.send_signal(signal.SIGTERM)
            if stays:
                rest = await stream.rest()
                assert words_of(first + b"".join(rest)) == "abcdefghij"
                assert rest[-1] == DONE
            assert await asyncio.to_thread(server.process.wait, 40) == 0
    with psycopg.connect(dsn) as connection:
        stored = connection.execute("SELECT content FROM messages WHERE role = 'assistant'")
        assert stored.fetchall() == [("abcdefghij",)]
    replays(dsn)


@contextmanager
def asleep(pids: list[int]) -> Iterator[None]:
    """Meanwhile these processes take no connection."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


async def test_a_turn_is_followed_live_and_stopped_from_another_process(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2", **gemini_at(model)) as server:
        first, second = serving_children(server.process.pid)
        async with of(server) as client, AsyncExitStack() as stack:
            with asleep([first]):  # from now on this client talks to the second
                await client.get("/api/health/live")
            video_id = await ready_video(client)
            for mine, other in ((first, second), (second, first)):
                who = guest()
                model.will(Answer(("See [0:02] ", "two "), interval_s=0.3, end="hang"))
                stream = await stack.enter_async_context(
                    chat(server, who, video_id, asleep([other]))
                )
                turn_id, _ = ids_of(stream)
                follower = await stack.enter_async_context(
                    followed(server, who, turn_id, asleep([mine]))
                )
                live = [await follower.chunk() for _ in range(3)]
                assert [chunk.split(b"\n")[0] for chunk in live] == [b"id: 11.0", b"id: 11.1",
                                                                     b"id: 15.1"]  # fmt: skip
                assert (await turn_of(client, who, stream))["status"] == "answering"
                assert (await stopped(client, who, turn_id))["status"] == "stopped"
                events = typed(b"".join([*live, *await follower.rest()]))
                assert (text_of(events), events[-1].kind) == ("See [0:02] two ", "stopped")
                assert (await stream.rest())[-1] == DONE
                await hung_up_on(model)
        assert await asyncio.to_thread(server.stop) == 0
    replays(dsn)


async def test_a_follower_is_told_when_the_process_that_answers_is_killed(
    dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    with serving(tmp_path / "data", dsn, "--processes", "2", **gemini_at(model)) as server:
        first, second = serving_children(server.process.pid)
        who = guest()
        model.will(SILENT)
        async with AsyncExitStack() as stack:
            async with of(server) as client:
                video_id = await ready_video(client)
            stream = await stack.enter_async_context(chat(server, who, video_id, asleep([second])))
            turn_id, _ = ids_of(stream)
            follower = await stack.enter_async_context(
                followed(server, who, turn_id, asleep([first]))
            )
            live = [await follower.chunk()]
            os.kill(first, signal.SIGKILL)
            events = typed(b"".join([*live, *await follower.rest()]))
        assert (text_of(events), events[-1].kind) == ("one two ", "failed")
        assert events[-1].data["code"] == "interrupted"
        assert await asyncio.to_thread(server.stop) == 0
    replays(dsn)


async def reads(client: httpx.AsyncClient) -> bool:
    path = "/api/wiz/quota"
    answers = [await client.get(path, headers=guest()) for _ in range(10)]
    return all(answer.status_code == 200 for answer in answers)


async def test_an_answer_outlives_an_outage_of_the_database(
    tmp_path: Path, model: FakeModel
) -> None:
    running = start_embedded_postgres(tmp_path / "postgres")
    try:
        with serving(tmp_path / "data", running.dsn, **gemini_at(model)) as server:
            who = guest()
            async with of(server) as client:
                video_id = await ready_video(client)
                model.will(SLOW)
                async with chat(server, who, video_id) as stream:
                    first = await stream.chunk()
                    await asyncio.to_thread(running.close)
                    await hung_up_on(model)
                    running = await asyncio.to_thread(
                        start_embedded_postgres, tmp_path / "postgres"
                    )
                    chunks = [first, *await stream.rest()]
                assert words_of(b"".join(chunks)) == "abcdefghij"
                assert chunks[-1] == DONE
                await eventually(partial(reads, client))  # from fresh connections
                assert (await turn_of(client, who, stream))["status"] == "completed"
            assert await asyncio.to_thread(server.stop) == 0
        replays(running.dsn)
    finally:
        running.close()
