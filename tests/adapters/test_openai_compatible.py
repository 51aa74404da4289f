"""Models behind OpenAI's chat completions, against a server that speaks them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.adapters.fake_gemini import SENTENCE, Answer
from tests.adapters.fake_openai import FakeOpenAI, fake_openai
from tests.support import eventually, free_port
from vidwiz.adapters import model_retries
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
from vidwiz.adapters.openai_compatible import OpenAICompatible
from vidwiz.adapters.thoughts import Thoughts

KEY = "sk-a-key-that-nobody-may-read"
PROMPT = Prompt(
    "You know the mission.", [PromptMessage("model", "Hello."), PromptMessage("user", "What?")]
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_retries, "FIRST_PAUSE_S", 0.01)


@pytest.fixture
async def fake() -> AsyncIterator[FakeOpenAI]:
    async with fake_openai() as server:
        yield server


@pytest.fixture
async def llama(fake: FakeOpenAI) -> AsyncIterator[OpenAICompatible]:
    async with speaking_to(fake.url) as model:
        yield model


@asynccontextmanager
async def speaking_to(
    url: str, key: str | None = KEY, **options: Any
) -> AsyncIterator[OpenAICompatible]:
    model = OpenAICompatible(f"{url}/v1", key, "llama", **options)
    try:
        yield model
    finally:
        await model.aclose()


async def read(model: OpenAICompatible, seen: list[str]) -> None:
    async for piece in model.stream(PROMPT):
        seen.append(piece)  # noqa: PERF401 - what was seen before a failure counts


async def failure_of(model: OpenAICompatible, *, begun: bool = False) -> ModelError:
    seen: list[str] = []
    with pytest.raises(ModelError) as caught:
        await read(model, seen)
    assert bool(seen) is begun
    return caught.value


async def test_the_pieces_come_as_the_model_makes_them(llama: OpenAICompatible):
    seen: list[str] = []
    await read(llama, seen)
    assert seen == list(SENTENCE)


async def test_a_completion_comes_in_one_piece(llama: OpenAICompatible):
    assert await llama.complete(PROMPT) == "".join(SENTENCE)


async def test_the_prompt_is_sent_as_messages(fake: FakeOpenAI, llama: OpenAICompatible):
    await llama.complete(PROMPT)
    (request,) = fake.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.body == {
        "model": "llama",
        "stream": True,
        "messages": [
            {"role": "system", "content": "You know the mission."},
            {"role": "assistant", "content": "Hello."},
            {"role": "user", "content": "What?"},
        ],
    }


async def test_a_server_that_needs_no_key_gets_no_real_one(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with speaking_to(fake.url, None) as model:
        assert await model.complete(PROMPT) == "".join(SENTENCE)
    assert KEY not in str(fake.requests[0].headers)


async def test_an_answer_at_its_token_limit_says_so(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer(finish_reason="length"))
    assert await llama.complete(PROMPT) == "".join(SENTENCE) + CUT


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        (("<think>", "hidden", "</think>", "seen"), "seen"),
        (("<th", "ink>hid", "den</th", "ink>se", "en"), "seen"),
        (tuple("<think>a<think>b</think>c</think>seen"), "seen"),
        (("<THINKING>hidden</THINKING>", "seen"), "seen"),
        (("seen <think>hidden",), "seen "),
        (("a <b> 1 <", "2 <thin"), "a <b> 1 <2 <thin"),
        (("the `", "<think>` tag"), "the `<think>` tag"),
        (("seen</think> too",), "seen too"),
    ],
)
async def test_thoughts_are_no_part_of_the_answer(
    fake: FakeOpenAI, llama: OpenAICompatible, pieces: tuple[str, ...], answer: str
):
    fake.will(Answer(pieces, finish_reason="stop"))
    assert await llama.complete(PROMPT) == answer


@given(
    st.lists(st.sampled_from(["<think>", "</think>", "a", "b ", "<", "`"]), max_size=12),
    st.data(),
)
def test_thoughts_are_the_same_wherever_the_text_is_cut(parts: list[str], data: st.DataObject):
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    whole, pieces = Thoughts(), Thoughts()
    bounds = [0, *cuts, len(text)]
    cut = [pieces.feed(text[a:b]) for a, b in pairwise(bounds)]
    assert "".join([*cut, pieces.end()]) == whole.feed(text) + whole.end()


@pytest.mark.parametrize("pieces", [("<think>only thoughts",), ("<think>x</think>", " \n")])
async def test_an_answer_of_thoughts_alone_has_failed(
    fake: FakeOpenAI, llama: OpenAICompatible, pieces: tuple[str, ...]
):
    fake.will(Answer(pieces, finish_reason="stop"))
    with pytest.raises(ModelUnavailable, match="without any text"):
        await llama.complete(PROMPT)


async def test_an_answer_that_a_policy_stops_is_refused(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer(finish_reason="content_filter"))
    assert isinstance(await failure_of(llama, begun=True), ModelRefused)


async def test_an_answer_without_text_is_no_answer(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer((), finish_reason="stop"))
    assert isinstance(await failure_of(llama), ModelUnavailable)
    assert len(fake.requests) == 1


async def test_a_server_that_recovers_is_asked_again(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer(status=503), Answer(status=429))
    assert await llama.complete(PROMPT) == "".join(SENTENCE)
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    ("status", "failure", "requests"),
    [
        (500, ModelUnavailable, 3),
        (429, ModelOverQuota, 3),
        (400, ModelRefused, 1),
        (401, ModelUnavailable, 1),
        (403, ModelUnavailable, 1),
        (404, ModelUnavailable, 1),
    ],
)
async def test_a_refusal_is_told_by_its_status_and_without_the_key(
    fake: FakeOpenAI,
    llama: OpenAICompatible,
    status: int,
    failure: type[ModelError],
    requests: int,
):
    fake.will(*[Answer(status=status, error={"message": f"not with {KEY}"})] * 3)
    told = await failure_of(llama)
    assert type(told) is failure
    assert str(status) in str(told)
    assert KEY not in str(told)
    assert len(fake.requests) == requests


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=429, headers={"Retry-After": "60"}),
        Answer(status=429, error={"code": "insufficient_quota"}),
    ],
)
async def test_nobody_waits_for_a_quota_that_does_not_come_back_soon(
    fake: FakeOpenAI, llama: OpenAICompatible, answer: Answer
):
    fake.will(answer)
    assert isinstance(await failure_of(llama), ModelOverQuota)
    assert len(fake.requests) == 1


@pytest.mark.parametrize("end", ["cut", "error", "stop"])
async def test_a_stream_that_breaks_off_is_no_answer_and_not_begun_again(
    fake: FakeOpenAI, llama: OpenAICompatible, end: Any
):
    fake.will(Answer(end=end))
    assert isinstance(await failure_of(llama, begun=True), ModelUnavailable)
    assert len(fake.requests) == 1


async def test_a_server_that_is_not_there_is_unavailable():
    async with speaking_to(f"http://127.0.0.1:{free_port()}") as model:
        assert isinstance(await failure_of(model), ModelUnavailable)


@pytest.mark.parametrize("said", [0, 1])
async def test_a_silent_model_times_out_and_is_hung_up_on(fake: FakeOpenAI, said: int):
    fake.will(Answer(SENTENCE[:said], end="hang"))
    times: dict[str, Any] = {"first_piece_timeout_s": 0.2, "between_pieces_timeout_s": 0.2}
    async with speaking_to(fake.url, **times) as model:
        assert isinstance(await failure_of(model, begun=bool(said)), ModelTimedOut)
        await eventually(lambda: nobody_listens(fake))


async def nobody_listens(fake: FakeOpenAI) -> bool:
    return fake.open_streams == 0


async def test_closing_the_pieces_ends_the_request(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer(SENTENCE, end="hang"))
    async with aclosing(llama.stream(PROMPT)) as pieces:
        await anext(pieces)
        assert fake.open_streams == 1
    await eventually(lambda: nobody_listens(fake), 2)


async def test_cancelling_the_reader_ends_the_request(fake: FakeOpenAI, llama: OpenAICompatible):
    fake.will(Answer(SENTENCE, end="hang"))
    seen: list[str] = []

    async def all_seen() -> bool:
        return seen == list(SENTENCE)

    reading = asyncio.create_task(read(llama, seen))
    await eventually(all_seen)
    reading.cancel()
    await eventually(lambda: nobody_listens(fake), 2)
    with pytest.raises(asyncio.CancelledError):
        await reading
