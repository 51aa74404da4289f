"""A thousand chats at the same time: all complete, each first byte soon after the model's."""

import asyncio
from collections.abc import Iterator, Sequence
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
from bench.setup import Aim, Result, Setup, middle, middle_percentiles, percentile
from bench.stage import ADMIN_TOKEN, Stage, stage
from bench.used import cpu_to_open, memory_of_open
from tests.adapters.fake_gemini import Answer, fake_gemini

CHATS, CHATS_OF_A_TRIAL = 1000, 50
PIECES = tuple(f"piece {number} of the answer. " for number in range(20))
INTERVAL_S = 0.05
CALM_S, CALM_OF_A_TRIAL_S = 20, 2
BURST_S = 1
FIRST_BYTE_P95_MS = 150
LINES = 600
"""Of the transcript: half an hour of talk, and some 40 KB of every prompt."""
LINE = "a line of what was said, about as long as lines are"
MESSAGE = "What was said about lines, and when?"


@dataclass(frozen=True)
class Wave:
    """Chats begun evenly over a time, and the time that the model thinks before it speaks."""

    count: int
    over_s: int
    think_s: int


def measure(setup: Setup) -> Iterator[Result]:
    count = setup.size(CHATS, CHATS_OF_A_TRIAL)
    calm_s = setup.size(CALM_S, CALM_OF_A_TRIAL_S)
    calm, burst = Wave(count, calm_s, calm_s + 1), Wave(count, BURST_S, 0)
    rounds: dict[Wave, list[Chats]] = {calm: [], burst: []}
    with apart(be_the_model) as model:
        settings = {"GEMINI_API_KEY": "any", "GOOGLE_GEMINI_BASE_URL": model.recv()}
        with stage([seed.video(1)], settings) as on:
            asyncio.run(_bring_transcript(on.port))
            _hold(on, model, Wave(CHATS_OF_A_TRIAL, 1, 0))  # so that the server has all it needs
            for _ in range(setup.rounds):
                for wave, its in rounds.items():
                    its.append(_hold(on, model, wave))
        model.send(None)
    yield _result(calm, rounds[calm], aimed=True)
    yield _result(burst, rounds[burst], aimed=False)
    yield from _costs(calm, rounds[calm])


def be_the_model(pipe: "Connection[Any, Any]") -> None:
    """Answer as was said last, until there is nothing more to say."""
    uvloop.run(_be_the_model(pipe))


async def _be_the_model(pipe: "Connection[Any, Any]") -> None:
    async with fake_gemini() as model:
        pipe.send(model.url)
        while (answer := await asyncio.to_thread(pipe.recv)) is not None:
            model.answer = answer
            pipe.send("understood")


async def _bring_transcript(port: int) -> None:
    lines = [
        {"tStartMs": n * 3000, "dDurationMs": 3000, "segs": [{"utf8": f"{LINE}, {n}"}]}
        for n in range(LINES)
    ]
    path = f"/api/videos/{seed.video_id(1)}/transcript"
    client = await Client.connect(port)
    status, body = await client.ask(request("POST", path, ADMIN_TOKEN, {"events": lines}))
    client.close()
    if status != 200:
        raise SystemExit(f"the transcript was not taken: {status} {body[:500]!r}")


def _hold(on: Stage, model: "Connection[Any, Any]", wave: Wave) -> Chats:
    """Each chat is another guest's."""
    model.send(Answer(PIECES, INTERVAL_S, wave.think_s, stamped=True))
    model.recv()
    prefix, video_id = token_hex(4), seed.video_id(1)
    requests = [question(f"{prefix}-{n}", video_id, MESSAGE) for n in range(wave.count)]
    return chats(on, requests, wave.over_s, PIECES[1:])


def _result(wave: Wave, rounds: Sequence[Chats], *, aimed: bool) -> Result:
    complete = min(one.complete for one in rounds)
    errors = [error for one in rounds for error in one.errors]
    p50, p95, p99 = middle_percentiles([one.first_bytes for one in rounds])
    aims = [Aim("all complete", complete == wave.count)]
    if aimed:
        open_at_once = all(one.most_open == wave.count for one in rounds)
        soon = p95 is not None and p95 <= FIRST_BYTE_P95_MS
        aims += [
            Aim("all open at once", open_at_once),
            Aim(f"p95 <= {FIRST_BYTE_P95_MS} ms", soon),
        ]
    return Result(
        name=_name(wave),
        value=complete,
        unit=f"of {wave.count:,}",
        p50=p50,
        p95=p95,
        p99=p99,
        generator_cpu=middle([one.generator_cpu for one in rounds]),
        errors=len(errors),
        first_error=next(iter(errors), None),
        aims=aims,
        rounds=[one.complete for one in rounds],
        note=_note(rounds),
    )


def _note(rounds: Sequence[Chats]) -> str:
    most_open = min(one.most_open for one in rounds)
    busy = median((one.used[2].cpu_s - one.used[0].cpu_s) / one.seconds for one in rounds)
    took = median(one.seconds for one in rounds)
    wait = (middle([percentile(one.waits, 95) for one in rounds]) or 0) / 1000
    return (
        f"{most_open:,} open at once; {took:.0f} s, server {busy:.0%} of a core;"
        f" from question to first byte p95 {wait:.1f} s"
    )


def _name(wave: Wave) -> str:
    thinking = f"the model thinks {wave.think_s} s" if wave.think_s else "no thinking"
    return f"first byte of {wave.count:,} chats, begun over {wave.over_s} s, {thinking}"


def _costs(wave: Wave, rounds: Sequence[Chats]) -> Iterator[Result]:
    """All were open before the model spoke, so what comes before and after can be told apart."""
    used = [one.used for one in rounds]
    speaking = [
        round((after.cpu_s - opened.cpu_s) / wave.count / len(PIECES) * 1000, 3)
        for _, opened, after in used
    ]
    yield cpu_to_open("chat", wave.count, used)
    note = "with its share of the end, and of storing the answer"
    yield Result(
        "server CPU per piece of an answer", median(speaking), "ms", rounds=speaking, note=note
    )
    yield memory_of_open("open chats", wave.count, used)
