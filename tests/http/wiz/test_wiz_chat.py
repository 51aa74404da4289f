"""Section 6 of the contract: questions, what refuses them and in which order, and the stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import (
    NOT_JSON,
    error_of,
    missing,
    not_a_string,
    problems,
    refused,
    rule,
    shaped,
    unknown,
)
from tests.support import Api, Person, new_video_id
from tests.wiz_support import (
    ask,
    conversation,
    guest,
    ids_of,
    open_video,
    payloads,
    ready_video,
    said,
    turn_of,
    turn_stream,
    wiz_api,
    words_of,
)
from tests.workers import claimed, drain, failure, submit, success
from vidwiz.adapters.language_model import CUT
from vidwiz.adapters.object_store import transcript_key
from vidwiz.http.responses import models
from vidwiz.wiz import turn as turn_module

GUESTS = 5
USERS = 20
OF_GUEST = "Daily limit reached (5 guest messages/day)"
OF_USER = "Daily limit reached (20 messages/day)"
POSITIVE = rule("conversation_id", "conversation_id must be a positive integer")
EMPTY = rule("message", "message cannot be empty")


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[FakeModel]:
    async with fake_gemini() as its:
        yield its


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory, model: FakeModel
) -> AsyncIterator[Api]:
    async with wiz_api(module_dsn, tmp_path_factory.mktemp("data"), model) as its:
        yield its


@pytest.fixture(scope="module")
async def video_id(api: Api) -> str:
    return await ready_video(api.client)


async def talk(api: Api, who: dict[str, str], video_id: str) -> int:
    """A new conversation."""
    body = {"video_id": video_id}
    answer = await api.client.post("/api/wiz/conversation", json=body, headers=who)
    return int(shaped(models.StartedConversation, answer)["conversation_id"])


async def quota(api: Api, who: dict[str, str]) -> dict[str, Any]:
    return dict(shaped(models.Quota, await api.client.get("/api/wiz/quota", headers=who)))


async def used(api: Api, who: dict[str, str]) -> int:
    return int((await quota(api, who))["used"])


async def use_up(api: Api, who: dict[str, str], video_id: str, count: int = GUESTS) -> None:
    for answer in await asyncio.gather(*(ask(api.client, who, video_id) for _ in range(count))):
        assert answer.status_code == 200


def over_quota(answer: Any, message: str) -> None:
    error = error_of(answer)
    assert answer.status_code == 429
    assert error["message"] == message
    assert error["details"].keys() == {"reset_in_seconds"}
    assert 0 < error["details"]["reset_in_seconds"] <= 24 * 3600
    assert isinstance(error["details"]["reset_in_seconds"], int)


async def test_an_answer_streams_as_the_contract_frames_it(api: Api, video_id: str) -> None:
    answer = await ask(api.client, guest(), video_id, "  What happened?\n")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert "X-Wiz-Turn-ID" in exposed
    assert "X-Wiz-Conversation-ID" in exposed
    assert answer.content == (
        b'data: {"content":"The main bus "}\n\n'
        b'data: {"content":"lost its voltage "}\n\n'
        b'data: {"content":"at 55:54."}\n\n'
        b"data: [DONE]\n\n"
    )


@pytest.mark.parametrize(
    "piece",
    ["line\nbreak\r\n\r\n", "data: [DONE]\n\n", "\u2028\u2029\x85\x0b\x0c", '"\\\x01\x1b',
     "🎈é‰\u202e", "[DONE]", " ", "\ufeffx"],
    ids=repr,
)  # fmt: skip
async def test_every_piece_is_one_line_of_json(
    api: Api, model: FakeModel, video_id: str, piece: str
) -> None:
    model.will(Answer((piece, "x")))
    answer = await ask(api.client, guest(), video_id)
    *pieces, last = payloads(answer.content)
    assert last == "[DONE]"
    assert [json.loads(one) for one in pieces] == [{"content": piece}, {"content": "x"}]
    assert all(ord(character) >= 0x20 for one in pieces for character in one)


async def test_what_no_table_can_hold_does_not_end_an_answer(
    api: Api, model: FakeModel, video_id: str
) -> None:
    model.will(Answer(("a\0b", "\0", "\ud800c", "x" * 5000)))
    answer = await ask(api.client, guest(), video_id)
    assert words_of(answer.content) == "ab\ufffdc" + "x" * 5000
    assert payloads(answer.content)[-1] == "[DONE]"


async def test_no_event_is_longer_than_a_packet(api: Api, model: FakeModel, video_id: str) -> None:
    pieces = ["\x01" * 3000, "🎈" * 3000, "x" * 3000]
    model.will(Answer(pieces))
    answer = await ask(api.client, guest(), video_id)
    assert words_of(answer.content) == "".join(pieces)
    assert max(map(len, answer.content.split(b"\n\n"))) <= 1400


@pytest.mark.parametrize("end", ["error", "cut", "stop"])
async def test_a_model_that_fails_ends_the_stream_with_an_error_and_keeps_the_pieces(
    api: Api, model: FakeModel, video_id: str, end: Any
) -> None:
    who = guest()
    model.will(Answer(("one ", "two "), end=end))
    answer = await ask(api.client, who, video_id)
    assert payloads(answer.content) == [
        '{"content":"one "}',
        '{"content":"two "}',
        '{"error": "Processing error"}',
    ]
    turn = await turn_of(api.client, who, answer)
    assert turn == {
        "turn_id": turn["turn_id"],
        "status": "failed",
        "answer_id": None,
        "reason": "model_unavailable",
        "partial": "one two ",
    }
    assert await used(api, who) == 0
    await ask(api.client, who, video_id, "And now?", conversation_id=ids_of(answer)[1])
    assert said(model.requests[-1])[1:] == [("model", "one two "), ("user", "And now?")]


async def test_an_answer_that_a_limit_cut_says_so_and_is_stored_so(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("one ", "two"), finish_reason="MAX_TOKENS"))
    answer = await ask(api.client, who, video_id)
    assert payloads(answer.content)[-1] == "[DONE]"
    talk = await conversation(api.client, who, ids_of(answer)[1])
    assert talk["messages"][-1]["content"] == "one two" + CUT
    assert [one["cut"] for one in talk["messages"]] == [False, True]
    assert await used(api, who) == 1


REFUSALS = [
    (Answer(status=400), "model_refused"),
    (Answer(status=403), "model_unavailable"),
    (Answer(status=429, headers={"Retry-After": "3600"}), "model_over_quota"),
    (Answer((), block_reason="SAFETY"), "model_refused"),
    (Answer((), finish_reason="SAFETY"), "model_refused"),
    (Answer(("\0",)), "model_refused"),
    (Answer(("  ", "\n")), "model_refused"),
]


@pytest.mark.parametrize(("upstream", "reason"), REFUSALS, ids=str)
async def test_a_model_that_says_nothing_is_an_error_at_once(
    api: Api, model: FakeModel, video_id: str, upstream: Answer, reason: str
) -> None:
    who = guest()
    model.will(upstream)
    answer = await ask(api.client, who, video_id)
    assert answer.status_code == 200
    assert payloads(answer.content)[-1] == '{"error": "Processing error"}'
    assert "[DONE]" not in answer.text
    assert (await turn_of(api.client, who, answer))["reason"] == reason


async def test_a_model_that_is_busy_for_a_moment_is_asked_again(
    api: Api, model: FakeModel, video_id: str
) -> None:
    model.will(Answer(status=503, headers={"Retry-After": "0.01"}))
    answer = await ask(api.client, guest(), video_id)
    assert payloads(answer.content)[-1] == "[DONE]"


async def test_heartbeats_fill_the_silence_of_a_model(
    api: Api, model: FakeModel, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_module, "HEARTBEAT_S", 0.02)
    who = guest()
    model.will(Answer(("late",), interval_s=0.3))
    answer = await ask(api.client, who, video_id)
    blocks = answer.content.split(b"\n\n")[:-1]
    piece = b'data: {"content":"late"}'
    assert blocks[:3] == [b": still there"] * 3
    assert [one for one in blocks if one != b": still there"] == [piece, b"data: [DONE]"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"x": 1}, [missing("video_id"), missing("message"), unknown("x")]),
        ({"video_id": "nope", "message": 5, "conversation_id": 0},
         [rule("video_id", "video_id must be a valid YouTube video ID"), not_a_string("message"),
          POSITIVE]),
        ({"message": ""}, [EMPTY]),
        ({"message": " \n\t\u2003"}, [EMPTY]),
        ({"message": "x" * 8001}, [rule("message", "message must be at most 8000 characters")]),
        ({"conversation_id": 0}, [POSITIVE]),
        ({"conversation_id": -1}, [POSITIVE]),
        ({"conversation_id": -(10**30)}, [POSITIVE]),
        ({"video_id": "x&list=y"}, [rule("video_id", "playlist URLs are not supported")]),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
async def test_a_bad_question_names_every_rule_and_costs_nothing(
    api: Api, video_id: str, fields: Any, expected: Any
) -> None:
    who = guest()
    good = {} if "x" in fields else {"video_id": video_id, "message": "?"}
    answer = await api.client.post("/api/wiz/chat", json={**good, **fields}, headers=who)
    assert problems(answer) == sorted(expected)
    assert await used(api, who) == 0


@pytest.mark.parametrize("bad", ["1.5", '"x"', "[]", "{}"])
async def test_a_conversation_id_that_is_no_integer_is_422(
    api: Api, video_id: str, bad: str
) -> None:
    body = {"video_id": video_id, "message": "?", "conversation_id": json.loads(bad)}
    answer = await api.client.post("/api/wiz/chat", json=body, headers=guest())
    assert [field for field, *_ in problems(answer)] == ["conversation_id"]


@pytest.mark.parametrize("its_id", [999_999, 2**31, 2**63 - 1, 2**63, 2**64, 10**30, 10**290])
async def test_an_unknown_conversation_is_not_found_however_large_its_number(
    api: Api, video_id: str, its_id: int
) -> None:
    who = guest()
    answer = await ask(api.client, who, video_id, conversation_id=its_id)
    refused(answer, 404, "Conversation not found")
    assert await used(api, who) == 0


async def test_a_null_conversation_id_begins_a_conversation(api: Api, video_id: str) -> None:
    who = guest()
    answers = [await ask(api.client, who, video_id, conversation_id=None) for _ in range(2)]
    assert len({ids_of(answer)[1] for answer in answers}) == 2


async def test_refusals_come_in_the_contracts_order_and_cost_nothing(
    api: Api, video_id: str
) -> None:
    spent, who = guest(), guest()
    await use_up(api, spent, video_id)
    missing_one, closed, coming, unstored = (new_video_id() for _ in range(4))
    await drain(api.client)
    await open_video(api.client, closed)
    await submit(
        api.client, "transcript", failure(await claimed(api.client), permanent=True)
    )  # so that no task is under way
    await open_video(api.client, coming)
    bad: dict[str, Any] = {"conversation_id": 999_999}
    unstored = await ready_video(api.client)
    await api.services.objects.put(transcript_key(unstored), b"{no transcript")
    unknown_one = missing_one

    # 1: quota before everything behind it
    for target in (unknown_one, closed, coming, unstored, video_id):
        over_quota(await ask(api.client, spent, target, **bad), OF_GUEST)
    # 2: the video
    refused(await ask(api.client, who, unknown_one, **bad), 404, "Video not found")
    # 3: its transcript
    refused(
        await ask(api.client, who, closed, **bad),
        400,
        "Transcript unavailable. Please init session first.",
    )
    processing = await ask(api.client, who, coming, **bad)
    assert shaped(models.Processing, processing, 202) == {
        "status": "processing",
        "message": "Transcript processing",
    }
    # 4: the transcript in the store
    refused(await ask(api.client, who, unstored, **bad), 404, "Transcript data missing")
    # 5: the conversation
    refused(await ask(api.client, who, video_id, **bad), 404, "Conversation not found")
    assert await used(api, who) == 0


@pytest.mark.parametrize("content", [None, b"null", b'[{"text": "Forged", "offset": 1}]'])
async def test_a_transcript_that_is_gone_or_changed_is_missing_and_fetched_again(
    api: Api, content: bytes | None
) -> None:
    await drain(api.client)
    video_id = await ready_video(api.client)
    if content is None:
        await api.services.objects.delete(transcript_key(video_id))
    else:
        await api.services.objects.put(transcript_key(video_id), content)
    refused(await ask(api.client, guest(), video_id), 404, "Transcript data missing")
    assert (await ask(api.client, guest(), video_id)).status_code == 202
    await submit(api.client, "transcript", success(await claimed(api.client)))
    assert (await ask(api.client, guest(), video_id)).status_code == 200


async def test_a_question_passes_as_soon_as_a_worker_brings_the_transcript(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await open_video(api.client, video_id)
    who = guest()
    assert (await ask(api.client, who, video_id)).status_code == 202
    task = await claimed(api.client)
    assert (await ask(api.client, who, video_id)).status_code == 202
    await submit(api.client, "transcript", failure(task))
    assert (await ask(api.client, who, video_id)).status_code == 202
    await submit(api.client, "transcript", success(await claimed(api.client)))
    assert (await ask(api.client, who, video_id)).status_code == 200
    assert await used(api, who) == 1


@pytest.mark.parametrize("items", [[], [{"text": "no time"}], [{"text": " ", "offset": 1}]])
async def test_a_transcript_without_a_usable_line_can_be_asked_about(
    api: Api, ann: Person, items: list[Any]
) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await open_video(api.client, video_id)
    task = await claimed(api.client)
    if not items:
        items = [{"text": ""}]
    (await submit(api.client, "transcript", success(task, fruit=items))).raise_for_status()
    answer = await ask(api.client, guest(), video_id)
    assert payloads(answer.content)[-1] == "[DONE]"


async def test_a_body_that_is_no_json_is_400(api: Api) -> None:
    for path in ("init", "chat", "conversation"):
        for content in (b"", b"{}", b"[]", b"null", b"nope"):
            answer = await api.client.post(
                f"/api/wiz/{path}",
                content=content,
                headers={**guest(), "Content-Type": "text/plain"},
            )
            refused(answer, 400, NOT_JSON)


async def test_a_failed_answer_can_be_followed_by_another_question(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("half",), end="cut"))
    failed = await ask(api.client, who, video_id, "One?")
    _, conversation_id = ids_of(failed)
    answer = await ask(api.client, who, video_id, "Two?", conversation_id=conversation_id)
    assert payloads(answer.content)[-1] == "[DONE]"
    messages = (await conversation(api.client, who, conversation_id))["messages"]
    assert [(one["role"], one["content"]) for one in messages] == [
        ("user", "One?"),
        ("user", "Two?"),
        ("assistant", "The main bus lost its voltage at 55:54."),
    ]
    replayed = await turn_stream(api.client, who, ids_of(failed)[0])
    assert b"event: failed" in replayed.content
