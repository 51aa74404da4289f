"""Conversations with Wiz: started, listed and read again, each by its own identity alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.adapters.fake_gemini import Answer, FakeModel, fake_gemini
from tests.http.wire import missing, problems, refused, rule, shaped, unknown
from tests.support import Api, Person, new_video_id
from tests.wiz_support import ask, guest, ids_of, ready_video, turn_stream, wiz_api
from vidwiz.http.responses import models
from vidwiz.http.wiz import CONVERSATIONS_PER_PAGE


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


async def start(api: Api, who: dict[str, str], video_id: str) -> Any:
    body = {"video_id": video_id}
    return await api.client.post("/api/wiz/conversation", json=body, headers=who)


async def started(api: Api, who: dict[str, str], video_id: str) -> int:
    answer = shaped(models.StartedConversation, await start(api, who, video_id))
    assert answer == {"conversation_id": answer["conversation_id"], "video_id": video_id}
    assert answer["conversation_id"] > 0
    return int(answer["conversation_id"])


async def listed(api: Api, who: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    answer = await api.client.get(f"/api/wiz/conversations{query}", headers=who)
    return list(shaped(models.Conversations, answer)["conversations"])


async def read(api: Api, who: dict[str, str], its_id: object) -> Any:
    return await api.client.get(f"/api/wiz/conversations/{its_id}", headers=who)


async def test_each_start_is_a_new_conversation_whatever_the_video_has(
    api: Api, ann: Person, video_id: str
) -> None:
    unready = new_video_id()
    await api.client.post("/api/wiz/init", json={"video_id": unready})
    who = guest()
    ids = [await started(api, who, video) for video in (video_id, video_id, unready)]
    ids += [await started(api, ann.headers, video_id)]
    assert len(set(ids)) == 4


async def test_a_link_is_normalised(api: Api, video_id: str) -> None:
    answer = await start(api, guest(), f"https://youtu.be/{video_id}?t=5")
    assert shaped(models.StartedConversation, answer)["video_id"] == video_id


async def test_a_conversation_about_an_unknown_video_is_not_found(api: Api) -> None:
    refused(await start(api, guest(), new_video_id()), 404, "Video not found")


async def test_a_bad_body_names_every_rule(api: Api) -> None:
    body = {"message": "x"}
    answer = await api.client.post("/api/wiz/conversation", json=body, headers=guest())
    assert problems(answer) == sorted([missing("video_id"), unknown("message")])
    invalid = rule("video_id", "video_id must be a valid YouTube video ID")
    assert problems(await start(api, guest(), "x")) == [invalid]


async def test_a_conversation_is_read_again_with_citations_and_turns(
    api: Api, model: FakeModel, video_id: str
) -> None:
    who = guest()
    model.will(Answer(("At [55:54]: a ", "problem.")), Answer(("half",), end="error"))
    first = await ask(api.client, who, video_id, "What happened?")
    turn_id, conversation_id = ids_of(first)
    second = await ask(api.client, who, video_id, "And then?", conversation_id=conversation_id)

    its = shaped(models.Conversation, await read(api, who, conversation_id))

    assert (its["conversation_id"], its["video_id"]) == (conversation_id, video_id)
    assert its["created_at"] < its["updated_at"]
    assert [(one["role"], one["content"]) for one in its["messages"]] == [
        ("user", "What happened?"),
        ("assistant", "At [55:54]: a problem."),
        ("user", "And then?"),
    ]
    question, answer, follow_up = its["messages"]
    assert (question["id"], follow_up["id"]) == (turn_id, ids_of(second)[0])
    assert answer["citations"] == [
        {
            "marker": "[55:54]",
            "at": 3,
            "at_utf16": 3,
            "start": 3354.0,
            "end": 3358.0,
            "quote": "Houston, we've had a problem",
        }
    ]
    assert its["turns"] == [
        {
            "turn_id": turn_id,
            "status": "completed",
            "answer_id": answer["id"],
            "reason": None,
            "partial": None,
        },
        {
            "turn_id": follow_up["id"],
            "status": "failed",
            "answer_id": None,
            "reason": "model_unavailable",
            "partial": "half",
        },
    ]


async def test_an_empty_conversation_can_be_read(api: Api, video_id: str) -> None:
    who = guest()
    its = shaped(models.Conversation, await read(api, who, await started(api, who, video_id)))
    assert (its["messages"], its["turns"]) == ([], [])


async def test_conversations_are_listed_newest_first_and_by_video(api: Api, video_id: str) -> None:
    who, other_video = guest(), await ready_video(api.client)
    ids = [await started(api, who, video) for video in (video_id, other_video, video_id)]
    answer = await ask(api.client, who, video_id, "  Why ü?\n" + "x" * 300, conversation_id=ids[0])
    assert answer.status_code == 200

    assert [one["conversation_id"] for one in await listed(api, who)] == ids[::-1]
    assert [one["conversation_id"] for one in await listed(api, who, f"?video_id={video_id}")] == [
        ids[2],
        ids[0],
    ]
    newest, *_, oldest = await listed(api, who)
    assert newest["first_question"] is None
    assert oldest["first_question"] == ("Why ü?\n" + "x" * 300)[:200]
    assert oldest["video_id"] == video_id
    link = f"?video_id=https://youtu.be/{video_id}"
    assert await listed(api, who, link) == await listed(api, who, f"?video_id={video_id}")
    assert await listed(api, who, f"?video_id={new_video_id()}") == []


async def test_long_lists_come_in_pages_without_a_hole(api: Api, video_id: str) -> None:
    who = guest()
    made = await asyncio.gather(
        *(started(api, who, video_id) for _ in range(CONVERSATIONS_PER_PAGE + 3))
    )
    first = await listed(api, who)
    second = await listed(api, who, f"?before={first[-1]['conversation_id']}")
    assert (len(first), len(second)) == (CONVERSATIONS_PER_PAGE, 3)
    assert [one["conversation_id"] for one in first + second] == sorted(made, reverse=True)
    assert await listed(api, who, f"?before={second[-1]['conversation_id']}") == []


@pytest.mark.parametrize(
    "video_id", ["a/b/c", "", "\0", "https://evilyoutube.com/watch?v=W421vNri5hw"]
)
async def test_conversations_on_what_is_no_video_are_refused(api: Api, video_id: str) -> None:
    params = {"video_id": video_id}
    answer = await api.client.get("/api/wiz/conversations", params=params, headers=guest())
    ((field, kind, _),) = problems(answer)
    assert (field, kind) == ("video_id", "value_error")


@pytest.mark.parametrize("before", ["x", "-1", "1.5", "", "9" * 19, "%00", "\u0663"])
async def test_a_page_behind_nothing_is_400(api: Api, before: str) -> None:
    answer = await api.client.get(f"/api/wiz/conversations?before={before}", headers=guest())
    refused(answer, 400, "before must be a conversation's id")


@pytest.mark.parametrize("its_id", ["0", "999999", "9" * 18, "9" * 40, "x", "-1", "%00", "1e3"])
async def test_an_unknown_conversation_or_turn_is_not_found(api: Api, its_id: str) -> None:
    who = guest()
    refused(await read(api, who, its_id), 404, "Conversation not found")
    for method, path in (("GET", "stream"), ("POST", "stop")):
        answer = await api.client.request(method, f"/api/wiz/turns/{its_id}/{path}", headers=who)
        refused(answer, 404, "Turn not found")


async def test_identities_never_see_each_other(api: Api, ann: Person, bob: Person) -> None:
    video_id = await ready_video(api.client)
    people = [ann.headers, bob.headers, guest(), guest()]
    for who in people:
        answer = await ask(api.client, who, video_id)
        turn_id, its_id = ids_of(answer)
        assert [one["conversation_id"] for one in await listed(api, who)].count(its_id) == 1
        for other in people:
            if other is who:
                continue
            seen = await listed(api, other)
            assert its_id not in [one["conversation_id"] for one in seen]
            refused(await read(api, other, its_id), 404, "Conversation not found")
            refused(
                await ask(api.client, other, video_id, conversation_id=its_id),
                404,
                "Conversation not found",
            )
            for after in (None, "0.0", "5.0.end"):
                stolen = await turn_stream(api.client, other, turn_id, after)
                refused(stolen, 404, "Turn not found")
            stop = await api.client.post(f"/api/wiz/turns/{turn_id}/stop", headers=other)
            refused(stop, 404, "Turn not found")


async def test_a_conversation_is_about_its_video_alone(api: Api, video_id: str) -> None:
    who, other_video = guest(), await ready_video(api.client)
    its_id = await started(api, who, video_id)
    answer = await ask(api.client, who, other_video, conversation_id=its_id)
    refused(answer, 404, "Conversation not found")
    assert (await ask(api.client, who, video_id, conversation_id=its_id)).status_code == 200


async def test_a_guest_cannot_name_a_users_identity(api: Api, ann: Person, video_id: str) -> None:
    its_id = await started(api, ann.headers, video_id)
    profile = (await api.client.get("/api/user/profile", headers=ann.headers)).json()
    for name in (f"user:{profile['id']}", str(profile["id"]), "null", "None"):
        refused(await read(api, guest(name), its_id), 404, "Conversation not found")


async def test_questions_asked_at_once_in_one_conversation_all_get_answers(
    api: Api, video_id: str
) -> None:
    who = guest()
    its_id = await started(api, who, video_id)
    answers = await asyncio.gather(
        *(ask(api.client, who, video_id, f"{n}?", conversation_id=its_id) for n in range(5))
    )
    assert {ids_of(answer)[1] for answer in answers} == {its_id}
    its = shaped(models.Conversation, await read(api, who, its_id))
    assert {turn["status"] for turn in its["turns"]} == {"completed"}
    assert sorted(one["role"] for one in its["messages"]) == ["assistant"] * 5 + ["user"] * 5
    answer_ids = [turn["answer_id"] for turn in its["turns"]]
    assert sorted(answer_ids) == [m["id"] for m in its["messages"] if m["role"] == "assistant"]
