"""A thousand chats at the same time: all complete, each first byte soon after the model's."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from secrets import token_hex
from statistics import median
from typing import Any

import uvloop

from bench import seed
from bench.apart import apart
from bench.chat_client import Chats, chats, question
from bench.client import Client, request
from bench.setup import Aim, Result, Setup, middle, percentile
from bench.stage import ADMIN_TOKEN, Stage, stage
from tests.adapters.fake_gemini import Answer, fake_gemini
from vidwiz.events import Event

CHATS, CHATS_OF_A_TRIAL = 1000, 50
PIECES = tuple(f"piece {number} of the answer. " for number in range(20))
INTERVAL_S = 0.05
CALM_S = 20.0
"""The chats are begun within this time, and each model thinks a little longer than that."""
BURST_S = 1.0
FIRST_BYTE_P95_MS = 150
LINES = 600
"""Of the transcript, about half an hour of talk: 30 KB of every prompt."""
LINE = "a line of what was said, about as long as lines are"
MESSAGE = "What was said about the orbit, and when?"


@dataclass(frozen=True)
class Wave:
    """Chats that are begun within a time, and how long the model thinks before its first piece."""

    over_s: float
    think_s: float


def measure(setup: Setup) -> Iterator[Result]:
    count = setup.size(CHATS, CHATS_OF_A_TRIAL)
    calm_s = setup.size(int(CALM_S), 2)
    calm, burst = Wave(calm_s, calm_s + 1), Wave(BURST_S, 0)
    held: dict[Wave, list[Chats]] = {calm: [], burst: []}
    with _model() as model, stage([seed.video(1)], _settings(model)) as on:
        asyncio.run(_bring_transcript(on.port))
        _hold(on, model, CHATS_OF_A_TRIAL, burst)  # to warm up
        for _ in range(setup.rounds):
            for wave, rounds in held.items():
                rounds.append(_hold(on, model, count, wave))
    yield _result(count, calm, held[calm], aimed=True)
    yield _result(count, burst, held[burst], aimed=False)
    yield from _costs(count, held[calm])


class Model:
    """The near end of a stand-in Gemini in a process of its own."""

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self._pipe = pipe
        self.url: str = pipe.recv()

    def think(self, seconds: float) -> None:
        """From now on, for so long before an answer."""
        answer = Answer(PIECES, INTERVAL_S, seconds, stamped=True)
        self._pipe.send(answer)
        self._pipe.recv()

    def leave(self) -> None:
        self._pipe.send(None)


@contextmanager
def _model() -> Iterator[Model]:
    with apart(answer_questions) as pipe:
        model = Model(pipe)
        yield model
        model.leave()


def answer_questions(pipe: "Connection[Any, Any]") -> None:
    """Be the model, answering as was said last, until told to leave."""
    uvloop.run(_answer_questions(pipe))


async def _answer_questions(pipe: "Connection[Any, Any]") -> None:
    async with fake_gemini() as model:
        pipe.send(model.url)
        while (answer := await asyncio.to_thread(pipe.recv)) is not None:
            model.answer = answer
            pipe.send("so be it")


def _settings(model: Model) -> dict[str, str]:
    return {"GEMINI_API_KEY": "any", "GOOGLE_GEMINI_BASE_URL": model.url}


async def _bring_transcript(port: int) -> None:
    lines = [
        {"tStartMs": n * 3000, "dDurationMs": 3000, "segs": [{"utf8": f"{LINE} {n}"}]}
        for n in range(LINES)
    ]
    path = f"/api/videos/{seed.video_id(1)}/transcript"
    client = await Client.connect(port)
    status, body = await client.ask(request("POST", path, ADMIN_TOKEN, {"events": lines}))
    client.close()
    if status != 200:
        raise SystemExit(f"the transcript was not taken: {status} {body[:500]!r}")


def _hold(on: Stage, model: Model, count: int, wave: Wave) -> Chats:
    """Every chat is another guest's."""
    model.think(wave.think_s)
    prefix = token_hex(4)
    requests = [question(f"{prefix}-{n}", seed.video_id(1), MESSAGE) for n in range(count)]
    return chats(on, requests, wave.over_s, PIECES[1:])


def _result(count: int, wave: Wave, rounds: Sequence[Chats], *, aimed: bool) -> Result:
    complete = min(count - len(one.errors) for one in rounds)
    p95 = middle([percentile(one.first_bytes, 95) for one in rounds])
    aims = [Aim(f"all {count:,} complete", complete == count)]
    if aimed:
        most_open = min(one.most_open for one in rounds)
        aims.append(Aim("all open at once", most_open == count))
        aims.append(Aim(f"p95 <= {FIRST_BYTE_P95_MS} ms", p95 is not None and p95 <= FIRST_BYTE_P95_MS))
    ...
