"""A stand-in Gemini: generateContent and streamGenerateContent?alt=sse, answered as scripted.

``python -m tests.adapters.fake_gemini --port 9100 --pieces 20 --interval 0.05`` runs it by itself.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import uvloop

SENTENCE = ("The main bus ", "lost its voltage ", "at 55:54.")


@dataclass(frozen=True)
class Answer:
    """How one request is answered: a status other than 200 at once, else pieces and an end.

    The first piece comes after ``think_s`` seconds, and each of them after ``interval_s``.
    ``end`` is what follows the pieces: the ``finish_reason``, an error inside the stream, a cut
    connection, a clean end without a finish reason, or nothing for ever.
    """

    pieces: Sequence[str] = SENTENCE
    interval_s: float = 0.0
    think_s: float = 0.0
    end: Literal["finish", "error", "cut", "stop", "hang"] = "finish"
    finish_reason: str = "STOP"
    block_reason: str | None = None
    status: int = 200
    error: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    stamped: bool = False
    """Whether the first piece is the ``time.monotonic()`` at which it was sent."""


@dataclass(frozen=True)
class Request:
    """What a client sent; header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class FakeModel:
    """A server on a free port; the script's answers come first, then ``answer`` for ever."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.script: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.open_streams = 0
        self.transports: set[asyncio.Transport] = set()
        self.url = ""

    def will(self, *answers: Answer) -> None:
        """Answer the next requests so."""
        self.script.extend(answers)

    def is_streamed(self, request: Request) -> bool:
        return ":streamGenerateContent?alt=sse" in request.path

    def piece(self, text: str) -> bytes:
        """An event of the stream."""
        return event(_content({"parts": [{"text": text}], "role": "model"}))

    def last(self, answer: Answer) -> Iterator[bytes]:
        """The events that end a stream properly."""
        yield event(_whole("", answer))

    def whole(self, answer: Answer) -> bytes:
        """The body of an answer that is not streamed."""
        return json.dumps(_whole("".join(answer.pieces), answer)).encode()

    def error(self, answer: Answer) -> bytes:
        """The body of a refusal."""
        status = answer.status if answer.status != 200 else 500
        return json.dumps({"error": {"code": status, "message": "no", **answer.error}}).encode()


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as a client of a model needs it; a lost connection ends its answer."""

    def __init__(self, model: FakeModel) -> None:
        self._model = model
        self._received = b""
        self._answering: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._model.transports.add(self._transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        self._model.transports.discard(self._transport)
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) >= length:
            self._received = rest[length:]
            request = Request(first.split()[1], headers, json.loads(rest[:length] or b"{}"))
            self._model.requests.append(request)
            self._answering = asyncio.create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        script = self._model.script
        answer = script.popleft() if script else self._model.answer
        if answer.status != 200:
            self._respond(answer.status, self._model.error(answer), answer.headers)
        elif self._model.is_streamed(request):
            self._model.open_streams += 1
            try:
                await self._stream(answer)
            finally:
                self._model.open_streams -= 1
        else:
            await asyncio.sleep(answer.think_s + answer.interval_s)
            self._respond(200, self._model.whole(answer), answer.headers)

    def _respond(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        kind = f"content-type: application/json\r\ncontent-length: {len(body)}"
        self._transport.write(f"HTTP/1.1 {status} x\r\n{kind}\r\n{extra}\r\n".encode() + body)

    async def _stream(self, answer: Answer) -> None:
        kind = b"content-type: text/event-stream\r\ntransfer-encoding: chunked"
        self._transport.write(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n\r\n")
        await asyncio.sleep(answer.think_s)
        for number, piece in enumerate(answer.pieces):
            await asyncio.sleep(answer.interval_s)
            stamped = answer.stamped and number == 0
            self._send(self._model.piece(f"{time.monotonic():.6f} " if stamped else piece))
        if answer.end == "hang":
            await asyncio.Event().wait()
        if answer.end == "cut":
            self._transport.abort()
            return
        if answer.end == "finish":
            self._send(*self._model.last(answer))
        if answer.end == "error":
            self._send(b"data: " + self._model.error(answer) + b"\r\n\r\n")
        self._transport.write(b"0\r\n\r\n")

    def _send(self, *events: bytes) -> None:
        for event in events:
            self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))


def event(response: dict[str, Any]) -> bytes:
    """An event of a stream."""
    return b"data: " + json.dumps(response).encode() + b"\r\n\r\n"


def _content(content: dict[str, Any], **candidate: str) -> dict[str, Any]:
    return {
        "candidates": [{"content": content, "index": 0, **candidate}],
        "usageMetadata": {
            "promptTokenCount": 9000,
            "candidatesTokenCount": 12,
            "totalTokenCount": 9012,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 9000}],
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": "kpYTaYqBJ4m2",
    }


def _whole(text: str, answer: Answer) -> dict[str, Any]:
    if answer.block_reason is not None:
        return {"promptFeedback": {"blockReason": answer.block_reason}}
    return _content({"parts": [{"text": text}], "role": "model"}, finishReason=answer.finish_reason)


@asynccontextmanager
async def serve(model: FakeModel, port: int = 0) -> AsyncIterator[FakeModel]:
    """The model at ``model.url``, in the running loop."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(model), "127.0.0.1", port, backlog=4096)
    model.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield model
    finally:
        server.close()
        for transport in model.transports:
            transport.abort()


@asynccontextmanager
async def fake_gemini(answer: Answer | None = None) -> AsyncIterator[FakeModel]:
    """A Gemini in the running loop."""
    async with serve(FakeModel(answer or Answer())) as model:
        yield model


async def _run(port: int, answer: Answer) -> None:
    async with serve(FakeModel(answer), port) as model:
        sys.stdout.write(f"{model.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--pieces", type=int, default=20)
    parser.add_argument("--interval", type=float, default=0.05, help="seconds before each piece")
    parser.add_argument("--think", type=float, default=0.0, help="seconds before all of them")
    parser.add_argument("--stamped", action="store_true", help="send the time in the first piece")
    options = parser.parse_args()
    pieces = tuple(f"piece {number} of the answer. " for number in range(options.pieces))
    answer = Answer(pieces, options.interval, options.think, stamped=options.stamped)
    uvloop.run(_run(options.port, answer))


if __name__ == "__main__":
    main()
