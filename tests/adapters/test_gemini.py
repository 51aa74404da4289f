"""Gemini through google-genai, against a server that speaks its protocol."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from tests.adapters.fake_gemini import SENTENCE, Answer, FakeModel, event, fake_gemini, serve
from tests.support import eventually, free_port
from vidwiz.adapters import model_retries
from vidwiz.adapters.gemini import Gemini
from vidwiz.adapters.language_model import (
    CUT,
    ModelError,
    ModelOverQuota,
    ModelRefused,
    ModelTimedOut,
    ModelUnavailable,
    Prompt,
    PromptMessage,
)

KEY = "AIza-a-key-that-nobody-may-read"
PROMPT = Prompt(
    "You know the mission.",
    [
        PromptMessage("user", "Who flew?"),
        PromptMessage("model", "Lovell."),
        PromptMessage("user", "What happened?"),
    ],
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_retries, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
async def fake() -> AsyncIterator[FakeModel]:
    async with fake_gemini() as model:
        yield model


@pytest.fixture
async def gemini(fake: FakeModel) -> AsyncIterator[Gemini]:
    async with speaking_to(fake) as model:
        yield model


@asynccontextmanager
async def speaking_to(fake: FakeModel, **options: Any) -> AsyncIterator[Gemini]:
    model = Gemini(KEY, base_url=fake.url, **options)
    try:
        yield model
    finally:
        await model.aclose()


async def pieces_of(model: Gemini) -> list[str]:
    return [piece async for piece in model.stream(PROMPT)]


async def read(model: Gemini, seen: list[str]) -> None:
    async for piece in model.stream(PROMPT):
        seen.append(piece)  # noqa: PERF401 - what was seen before a failure counts


async def failure_of(model: Gemini, *, begun: bool = False) -> ModelError:
    seen: list[str] = []
    with pytest.raises(ModelError) as caught:
        await read(model, seen)
    assert bool(seen) is begun
    return caught.value


def refusing(code: int, reason: str = "", **error: Any) -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return Answer(status=code, error={"details": details, **error})


def come_back_in(delay: str) -> Answer:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    return Answer(status=429, error={"details": details})


async def test_the_pieces_come_as_the_model_makes_them(gemini: Gemini):
    assert await pieces_of(gemini) == list(SENTENCE)


async def test_a_piece_is_there_before_the_next_one_is_made(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(SENTENCE[:1], end="hang"))
    async with aclosing(gemini.stream(PROMPT)) as pieces:
        assert await asyncio.wait_for(anext(pieces), 5) == SENTENCE[0]


async def test_a_completion_comes_in_one_piece(fake: FakeModel, gemini: Gemini):
    assert await gemini.complete(PROMPT) == "".join(SENTENCE)
    assert fake.requests[0].path == "/v1beta/models/gemini-2.5-flash:generateContent"


async def test_the_prompt_is_sent_as_system_instruction_and_turns(fake: FakeModel, gemini: Gemini):
    await pieces_of(gemini)
    (request,) = fake.requests
    assert request.path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert request.headers["x-goog-api-key"] == KEY
    assert request.body["systemInstruction"]["parts"] == [{"text": "You know the mission."}]
    assert request.body["contents"] == [
        {"role": "user", "parts": [{"text": "Who flew?"}]},
        {"role": "model", "parts": [{"text": "Lovell."}]},
        {"role": "user", "parts": [{"text": "What happened?"}]},
    ]
    assert "tools" not in request.body


async def test_an_answer_at_its_token_limit_says_so(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(finish_reason="MAX_TOKENS"))
    assert await pieces_of(gemini) == [*SENTENCE, CUT]


class Thinking(FakeModel):
    def piece(self, text: str) -> bytes:
        parts = [{"text": "Hm.", "thought": True}, {"text": text}]
        return event({"candidates": [{"content": {"parts": parts}}]})


async def test_thoughts_are_not_part_of_the_answer():
    async with serve(Thinking(Answer())) as fake, speaking_to(fake) as gemini:
        assert await pieces_of(gemini) == list(SENTENCE)


@pytest.mark.parametrize("reason", ["SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST"])
async def test_an_answer_that_a_policy_stops_is_refused(
    fake: FakeModel, gemini: Gemini, reason: str
):
    fake.will(Answer(finish_reason=reason))
    refused = await failure_of(gemini, begun=True)
    assert isinstance(refused, ModelRefused)
    assert reason in str(refused)


async def test_a_blocked_prompt_is_refused(fake: FakeModel, gemini: Gemini):
    fake.will(Answer((), block_reason="SAFETY"), Answer((), block_reason="SAFETY"))
    assert isinstance(await failure_of(gemini), ModelRefused)
    with pytest.raises(ModelRefused):
        await gemini.complete(PROMPT)


@pytest.mark.parametrize("reason", ["STOP", "MALFORMED_FUNCTION_CALL"])
async def test_an_answer_without_text_is_no_answer(fake: FakeModel, gemini: Gemini, reason: str):
    fake.will(Answer((), finish_reason=reason))
    assert isinstance(await failure_of(gemini), ModelUnavailable)
    assert len(fake.requests) == 1


async def test_a_server_that_recovers_is_asked_again(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(status=503), Answer(status=429))
    assert await pieces_of(gemini) == list(SENTENCE)
    assert len(fake.requests) == 3


async def test_a_completion_is_asked_for_again_too(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(status=500))
    assert await gemini.complete(PROMPT) == "".join(SENTENCE)


@pytest.mark.parametrize(
    ("status", "failure"), [(500, ModelUnavailable), (503, ModelUnavailable), (429, ModelOverQuota)]
)
async def test_after_three_tries_a_failure_is_told(
    fake: FakeModel, gemini: Gemini, status: int, failure: type[ModelError]
):
    fake.will(*[Answer(status=status)] * 3)
    assert type(await failure_of(gemini)) is failure
    assert len(fake.requests) == 3


async def test_a_short_pause_that_the_server_asks_for_is_kept(fake: FakeModel, gemini: Gemini):
    fake.will(come_back_in("0.2s"))
    began = asyncio.get_running_loop().time()
    assert await pieces_of(gemini) == list(SENTENCE)
    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_nobody_waits_a_minute_for_a_server(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(status=503, headers={"Retry-After": "60"}))
    assert isinstance(await failure_of(gemini), ModelUnavailable)
    assert len(fake.requests) == 1


async def test_nobody_waits_a_minute_for_a_quota(fake: FakeModel, gemini: Gemini):
    fake.will(come_back_in("60s"))
    assert isinstance(await failure_of(gemini), ModelOverQuota)
    assert len(fake.requests) == 1


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (refusing(400, "API_KEY_INVALID", message=f"the key {KEY} is wrong"), ModelUnavailable),
        (refusing(403, message=f"Consumer 'api_key:{KEY}' was suspended"), ModelUnavailable),
        (refusing(400, status="FAILED_PRECONDITION"), ModelUnavailable),
        (refusing(404, message="no such model"), ModelUnavailable),
        (refusing(400, status="INVALID_ARGUMENT"), ModelRefused),
    ],
)
async def test_what_will_not_pass_is_told_at_once_and_without_the_key(
    fake: FakeModel, gemini: Gemini, answer: Answer, failure: type[ModelError]
):
    fake.will(answer)
    told = await failure_of(gemini)
    assert type(told) is failure
    assert str(answer.status) in str(told)
    assert KEY not in str(told)
    assert told.__cause__ is None
    assert len(fake.requests) == 1


async def test_an_invalid_key_is_called_that(fake: FakeModel, gemini: Gemini):
    fake.will(refusing(400, "API_KEY_INVALID"))
    assert "API key" in str(await failure_of(gemini))


async def test_the_key_is_not_sent_where_a_redirect_leads(fake: FakeModel, gemini: Gemini):
    async with fake_gemini() as elsewhere:
        fake.will(Answer(status=307, headers={"Location": elsewhere.url}))
        assert isinstance(await failure_of(gemini), ModelUnavailable)
        assert elsewhere.requests == []


@pytest.mark.parametrize("end", ["cut", "error", "stop"])
async def test_a_stream_that_breaks_off_is_no_answer_and_not_begun_again(
    fake: FakeModel, gemini: Gemini, end: Any
):
    fake.will(Answer(end=end))
    assert isinstance(await failure_of(gemini, begun=True), ModelUnavailable)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("end", ["cut", "error", "stop"])
async def test_a_stream_that_breaks_off_before_its_first_piece_is_begun_again(
    fake: FakeModel, gemini: Gemini, end: Any
):
    fake.will(Answer((), end=end))
    assert await pieces_of(gemini) == list(SENTENCE)
    assert len(fake.requests) == 2


async def test_a_server_that_is_not_there_is_unavailable():
    model = Gemini(KEY, base_url=f"http://127.0.0.1:{free_port()}")
    try:
        assert isinstance(await failure_of(model), ModelUnavailable)
    finally:
        await model.aclose()


@pytest.mark.parametrize("said", [0, 1])
async def test_a_silent_model_times_out_and_is_hung_up_on(fake: FakeModel, said: int):
    fake.will(Answer(SENTENCE[:said], end="hang"))
    times = {"first_piece_timeout_s": 0.2, "between_pieces_timeout_s": 0.2}
    async with speaking_to(fake, **times) as model:
        assert isinstance(await failure_of(model, begun=bool(said)), ModelTimedOut)
        await eventually(lambda: nobody_listens(fake))


async def test_a_completion_times_out(fake: FakeModel):
    fake.will(Answer(interval_s=60))
    async with speaking_to(fake, completion_timeout_s=0.2) as model:
        with pytest.raises(ModelTimedOut):
            await model.complete(PROMPT)


async def nobody_listens(fake: FakeModel) -> bool:
    return fake.open_streams == 0


@pytest.fixture
def _no_garbage_collector():
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_garbage_collector")
async def test_closing_the_pieces_ends_the_request(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(SENTENCE, end="hang"))
    async with aclosing(gemini.stream(PROMPT)) as pieces:
        await anext(pieces)
        assert fake.open_streams == 1
    await eventually(lambda: nobody_listens(fake), 2)


@pytest.mark.usefixtures("_no_garbage_collector")
async def test_cancelling_the_reader_ends_the_request(fake: FakeModel, gemini: Gemini):
    fake.will(Answer(SENTENCE, end="hang"))
    seen: list[str] = []

    async def all_seen() -> bool:
        return seen == list(SENTENCE)

    reading = asyncio.create_task(read(gemini, seen))
    await eventually(all_seen)
    reading.cancel()
    await eventually(lambda: nobody_listens(fake), 2)
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_two_hundred_streams_run_at_once(fake: FakeModel, gemini: Gemini):
    fake.answer = Answer(SENTENCE, end="hang")
    streams = [gemini.stream(PROMPT) for _ in range(200)]
    await asyncio.gather(*(anext(stream) for stream in streams))
    assert fake.open_streams == 200
    await asyncio.gather(*(stream.aclose() for stream in streams))
    await eventually(lambda: nobody_listens(fake))
