"""A stand-in for a server that speaks OpenAI's chat completions, answered as scripted."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

from tests.adapters.fake_gemini import Answer, FakeModel, Request, serve


class FakeOpenAI(FakeModel):
    """The same server with another provider's words."""

    def is_streamed(self, request: Request) -> bool:
        return bool(request.body.get("stream"))

    def piece(self, text: str) -> bytes:
        return _event(_choice({"role": "assistant", "content": text}))

    def last(self, answer: Answer) -> Iterator[bytes]:
        yield _event(_choice({}, answer.finish_reason))
        yield _event({"id": "1", "object": "chat.completion.chunk", "choices": []})
        yield b"data: [DONE]\n\n"

    def whole(self, answer: Answer) -> bytes:
        raise NotImplementedError("the adapter always streams")


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "llama",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


@asynccontextmanager
async def fake_openai() -> AsyncIterator[FakeOpenAI]:
    """A server in the running loop; its API begins at ``url``/v1."""
    model = FakeOpenAI(Answer(finish_reason="stop"))
    async with serve(model):
        yield model
