"""Turns followed again from any place, while they run and after, and sent home by a shutdown."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import refused, shaped
from tests.support import Api, eventually
from tests.wiz_support import (
    Headers,
    ask,
    citations_of,
    guest,
    ids_of,
    payloads,
    ready_video,
    text_of,
    turn_of,
    turn_stream,
    typed,
    wiz_api,
)
from vidwiz.http.responses import models
from vidwiz.wiz import turn as turn_module

PIECES = ("One [0:", "02], ", "two 🎈", " [55:54][0:02]", " end")
TEXT = "".join(PIECES)


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


async def under_way(api: Api, who: Headers) -> int:
    """The turn that is being answered; over ASGI a stream says nothing before its end."""

    async def listed() -> bool:
        answer = await api.client.get("/api/wiz/conversations", headers=who)
        return bool(answer.json()["conversations"])

    await eventually(listed)
    answer = await api.client.get("/api/wiz/conversations", headers=who)
    its_id = answer.json()["conversations"][0]["conversation_id"]
    its = await api.client.get(f"/api/wiz/conversations/{its_id}", headers=who)
    return int(its.json()["turns"][0]["turn_id"])


def rejoins(answer: httpx.Response, characters: int, citations: int, whole: list[Any]) -> None:
    """Behind this place comes exactly what was not seen there, and one end."""
    events = typed(answer.content)
    assert text_of(events) == TEXT[characters:]
    assert citations_of(events) == whole[citations:]
    assert events[-1].kind == "completed"


PLACES = [(c, n) for c in range(len(TEXT) + 1) for n in range(4)]


async def test_a_turn_is_resumed_from_every_place_there_can_be(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(PIECES, interval_s=0.1))
    asking = asyncio.create_task(ask(api.client, who, video_id))
    turn_id = await under_way(api, who)
    running = await asyncio.gather(
        *(turn_stream(api.client, who, turn_id, f"{c}.{n}") for c, n in PLACES)
    )
    await asking
    whole = citations_of(typed((await turn_stream(api.client, who, turn_id)).content))
    assert [one["marker"] for one in whole] == ["[0:02]", "[55:54]", "[0:02]"]
    for place, answer in zip(PLACES, running, strict=True):
        rejoins(answer, *place, whole)
    for place in PLACES:
        c, n = place
        rejoins(await turn_stream(api.client, who, turn_id, f"{c}.{n}"), *place, whole)


@pytest.mark.parametrize(
    "odd", ["", "x", "-1.0", "1", "1.", ".1", "1.1.1", "1.1.ende", "9" * 99 + ".0", "é", "1.0\t"]
)
async def test_an_id_that_is_none_begins_at_the_start(api: Api, video_id: str, odd: str) -> None:
    who = guest()
    turn_id, _ = ids_of(await ask(api.client, who, video_id))
    headers: Any = {**who, "Last-Event-ID": odd.encode()}
    answer = await api.client.get(f"/api/wiz/turns/{turn_id}/stream", headers=headers)
    assert text_of(typed(answer.content)) in ("The main bus lost its voltage at 55:54.", "he main"
                                              " bus lost its voltage at 55:54.")  # fmt: skip


async def test_a_place_beyond_the_end_is_told_the_end(api: Api, video_id: str) -> None:
    who = guest()
    turn_id, _ = ids_of(await ask(api.client, who, video_id))
    (last,) = typed((await turn_stream(api.client, who, turn_id, "999999999.999999")).content)
    assert last.kind == "completed"


async def test_the_id_of_the_end_is_answered_with_204_and_nothing_else(
    api: Api, video_id: str
) -> None:
    who = guest()
    turn_id, _ = ids_of(await ask(api.client, who, video_id))
    *_, last = typed((await turn_stream(api.client, who, turn_id)).content)
    assert last.event_id.endswith(".end")
    answer = await turn_stream(api.client, who, turn_id, last.event_id)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-length" not in answer.headers  # RFC 9110, 8.6
    assert "content-type" not in answer.headers


async def test_the_last_event_names_the_answers_message_or_says_why_there_is_none(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("whole",)), Answer(("half",), end="cut"))
    whole, half = [await ask(api.client, who, video_id) for _ in range(2)]
    *_, completed = typed((await turn_stream(api.client, who, ids_of(whole)[0])).content)
    assert completed.data == {"message_id": (await turn_of(api.client, who, whole))["answer_id"]}
    events = typed((await turn_stream(api.client, who, ids_of(half)[0])).content)
    assert text_of(events) == "half"
    assert events[-1].kind == "failed"
    assert events[-1].data == {
        "code": "model_unavailable",
        "message": "The language model is not available right now. Please try again.",
    }


async def test_a_silent_turn_is_kept_alive_for_its_followers(
    api: Api, model: FakeModel, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn_module, "HEARTBEAT_S", 0.02)
    who = guest()
    model.will(Answer(("late",), interval_s=0.3))
    asking = asyncio.create_task(ask(api.client, who, video_id))
    answer = await turn_stream(api.client, who, await under_way(api, who))
    await asking
    assert answer.content.count(b": still there\n\n") >= 3
    assert text_of(typed(answer.content)) == "late"


async def test_a_stopped_answer_ends_its_streams_and_stays_what_it_was(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("one ", "two"), end="hang"))
    asking = asyncio.create_task(ask(api.client, who, video_id))
    turn_id = await under_way(api, who)

    async def has_words() -> bool:
        turn = api.services.turns.here(turn_id)
        return turn is not None and turn.content == "one two"

    await eventually(has_words)
    for _ in range(2):
        stop = await api.client.post(f"/api/wiz/turns/{turn_id}/stop", headers=who)
        assert shaped(models.StoppedTurn, stop) == {"turn_id": turn_id, "status": "stopped"}
    answer = await asking
    assert payloads(answer.content) == ['{"content":"one "}', '{"content":"two"}', "[DONE]"]
    events = typed((await turn_stream(api.client, who, turn_id)).content)
    assert (text_of(events), events[-1].kind) == ("one two", "stopped")


async def test_a_stream_cannot_be_asked_for_its_head(api: Api, video_id: str) -> None:
    who = guest()
    turn_id, _ = ids_of(await ask(api.client, who, video_id))
    answer = await api.client.head(f"/api/wiz/turns/{turn_id}/stream", headers=who)
    assert answer.status_code == 405


async def test_nobody_follows_or_stops_without_a_name(api: Api, video_id: str) -> None:
    turn_id, _ = ids_of(await ask(api.client, guest(), video_id))
    refused(await turn_stream(api.client, {}, turn_id), 401, "Missing Auth or Guest ID")
    stop = await api.client.post(f"/api/wiz/turns/{turn_id}/stop", headers=api.admin)
    refused(stop, 401, "Missing Auth or Guest ID")


async def test_answers_that_take_too_long_for_a_shutdown_are_interrupted_and_say_so(
    module_dsn: str, tmp_path: Path, model: FakeModel
) -> None:
    async with wiz_api(module_dsn, tmp_path / "data", model) as api:
        who, video_id = guest(), await ready_video(api.client)
        model.will(Answer(("one ",), end="hang"))
        asking = asyncio.create_task(ask(api.client, who, video_id))
        turn_id = await under_way(api, who)
        api.services.turns.send_home(0.2)
        late = await ask(api.client, guest(), video_id)
        assert late.status_code == 503
        assert late.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        answer = await asking
        assert payloads(answer.content)[-1] == '{"error": "Processing error"}'
        assert (await turn_of(api.client, who, answer))["reason"] == "interrupted"
        events = typed((await turn_stream(api.client, who, turn_id)).content)
        assert (text_of(events), events[-1].data["code"]) == ("one ", "interrupted")


async def test_too_many_answers_at_once_refuse_the_next_and_cost_it_nothing(
    api: Api, model: FakeModel, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.wiz.turns.MOST_TURNS", 2)
    model.will(*[Answer(("x",), interval_s=0.3)] * 2)
    askers = [guest() for _ in range(8)]
    answers = await asyncio.gather(*(ask(api.client, who, video_id) for who in askers))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [503] * 6
    for who, answer in zip(askers, answers, strict=True):
        quota = await api.client.get("/api/wiz/quota", headers=who)
        assert quota.json()["used"] == (answer.status_code == 200)
        assert answer.status_code == 200 or answer.headers["retry-after"] == "1"


async def test_an_answer_without_end_is_cut_and_kept(
    api: Api, model: FakeModel, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.wiz.turns.LONGEST_ANSWER", 1000)
    who = guest()
    model.will(Answer(["y" * 100] * 500, end="hang"))
    answer = await ask(api.client, who, video_id)
    assert payloads(answer.content)[-1] == "[DONE]"
    assert (await turn_of(api.client, who, answer))["status"] == "completed"


async def test_an_answer_that_goes_on_for_too_long_fails_as_timed_out(
    api: Api, model: FakeModel, video_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.wiz.turns.LONGEST_ANSWERING_S", 0.2)
    who = guest()
    model.will(Answer(("one",), end="hang"))
    answer = await ask(api.client, who, video_id)
    assert payloads(answer.content)[-1] == '{"error": "Processing error"}'
    assert (await turn_of(api.client, who, answer))["reason"] == "model_timed_out"


async def test_a_stop_that_races_the_end_leaves_one_end(
    api: Api, model: FakeModel, video_id: str
) -> None:
    async def raced(number: int) -> None:
        who = guest()
        asking = asyncio.create_task(ask(api.client, who, video_id))
        turn_id = await under_way(api, who)
        await asyncio.sleep(number / 200)
        path = f"/api/wiz/turns/{turn_id}/stop"
        stops = await asyncio.gather(*(api.client.post(path, headers=who) for _ in range(2)))
        answer = await asking
        turn = await turn_of(api.client, who, answer)
        events = typed((await turn_stream(api.client, who, turn_id)).content)
        ends = {stop.json()["status"] for stop in stops} | {turn["status"], events[-1].kind}
        assert ends in ({"completed"}, {"stopped"})
        assert payloads(answer.content)[-1] == "[DONE]"
        assert events[-1].data == {"message_id": turn["answer_id"]}
        assert (turn["answer_id"] is None) == (text_of(events) == "")

    model.answer = Answer(tuple("abcd"), interval_s=0.01)
    await asyncio.gather(*(raced(number) for number in range(20)))
    model.answer = Answer()
