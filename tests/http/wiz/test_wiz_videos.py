"""Section 6 of the contract: a video is opened for Wiz, and what Wiz shows of it."""

import asyncio
from secrets import token_hex
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.http.videos.test_youtube_ids import ID, links
from tests.http.wire import (
    error_of,
    finish_tasks,
    missing,
    not_a_string,
    problems,
    refused,
    rule,
    shaped,
    unknown,
)
from tests.support import Api, Person, new_video_id
from tests.wiz_support import guest, open_video
from tests.workers import claimed, drain, failure, poll, submit
from vidwiz.events.videos import SummaryRequested
from vidwiz.http.responses import models

INVALID = rule("video_id", "video_id must be a valid YouTube video ID")


async def init(api: Api, headers: dict[str, str] | None = None, **fields: object) -> Any:
    return await api.client.post("/api/wiz/init", json=fields, headers=headers)


async def opened(api: Api, video_id: str) -> dict[str, Any]:
    return dict(shaped(models.OpenedVideo, await init(api, video_id=video_id)))


async def shown(api: Api, video_id: str) -> dict[str, Any]:
    return dict(shaped(models.WizVideo, await api.client.get(f"/api/wiz/video/{video_id}")))


async def summary_requests(api: Api, video_id: str) -> int:
    past = await api.services.store.past_of(f"video:{video_id}")
    return sum(isinstance(event, SummaryRequested) for event in past)


async def summarise(api: Api, video_id: str, summary: str = "S") -> None:
    path = f"/api/videos/{video_id}"
    answer = await api.client.patch(path, json={"summary": summary}, headers=api.admin)
    answer.raise_for_status()


async def fail_for_good(api: Api, kind: str) -> None:
    task = await claimed(api.client, kind)
    (await submit(api.client, kind, failure(task, permanent=True))).raise_for_status()


async def test_a_new_video_is_created_and_everything_queued(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()

    assert await opened(api, video_id) == {
        "message": "Video created. All tasks queued.",
        "video_id": video_id,
        "is_new": True,
        "tasks_queued": None,
    }

    assert await shown(api, video_id) == {
        "video_id": video_id,
        "title": None,
        "transcript_available": False,
        "metadata": None,
        "summary": None,
    }
    assert await summary_requests(api, video_id) == 1
    for kind in ("transcript", "metadata"):
        task = await claimed(api.client, kind)
        assert (task["task_details"], task["retry_count"]) == ({"video_id": video_id}, 1)
        assert await poll(api.client, kind) is None


async def test_what_is_on_its_way_is_not_queued_again_but_a_summary_is_named(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await opened(api, video_id)
    for _ in range(2):
        assert await opened(api, video_id) == {
            "message": "Tasks queued: summary",
            "video_id": video_id,
            "is_new": False,
            "tasks_queued": ["summary"],
        }
        await poll(api.client, "transcript")  # running is on its way too
    assert await summary_requests(api, video_id) == 1
    await drain(api.client)


async def test_nothing_is_queued_for_a_video_that_has_everything(api: Api) -> None:
    video_id = new_video_id()
    await opened(api, video_id)
    await finish_tasks(api, "transcript", [{"text": "x"}])
    await finish_tasks(api, "metadata", {"title": "A title", "n": [1]})
    await summarise(api, video_id)
    assert await opened(api, video_id) == {
        "message": "No new tasks needed.",
        "video_id": video_id,
        "is_new": False,
        "tasks_queued": None,
    }
    assert await shown(api, video_id) == {
        "video_id": video_id,
        "title": "A title",
        "transcript_available": True,
        "metadata": {"title": "A title", "n": [1]},
        "summary": "S",
    }


@pytest.mark.parametrize(
    "failed", [("transcript",), ("metadata",), ("metadata", "transcript")], ids=str
)
async def test_what_failed_for_good_is_queued_anew(api: Api, failed: tuple[str, ...]) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await opened(api, video_id)
    await summarise(api, video_id)
    for kind in failed:
        await fail_for_good(api, kind)
    await drain(api.client)

    queued = sorted(failed, reverse=True)  # transcript, metadata
    answer = await opened(api, video_id)
    assert answer["message"] == f"Tasks queued: {', '.join(queued)}"
    assert answer["tasks_queued"] == queued
    for kind in queued:
        assert (await claimed(api.client, kind))["retry_count"] == 1
    assert (await opened(api, video_id))["tasks_queued"] is None


async def test_a_task_that_waits_for_its_retry_is_not_queued_anew(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await opened(api, video_id)
    for attempt in (1, 2):
        task = await claimed(api.client)
        assert task["retry_count"] == attempt
        await submit(api.client, "transcript", failure(task))
        assert (await opened(api, video_id))["tasks_queued"] == ["summary"]
    await submit(api.client, "transcript", failure(await claimed(api.client)))
    assert (await opened(api, video_id))["tasks_queued"] == ["transcript", "summary"]


async def test_a_video_that_came_with_a_note_keeps_its_title(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    await api.add_note(ann, video_id)
    assert (await opened(api, video_id))["is_new"] is False
    assert (await shown(api, video_id))["title"] == "A title"


async def test_many_who_open_a_new_video_at_once_make_it_once(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()
    answers = await asyncio.gather(*(opened(api, video_id) for _ in range(30)))
    assert sorted(answer["is_new"] for answer in answers) == [False] * 29 + [True]
    assert await summary_requests(api, video_id) == 1
    for kind in ("transcript", "metadata"):
        assert await poll(api.client, kind) is not None
        assert await poll(api.client, kind) is None


async def test_many_who_open_a_failed_video_at_once_queue_it_once(api: Api) -> None:
    await drain(api.client)
    video_id = new_video_id()
    await opened(api, video_id)
    await fail_for_good(api, "transcript")
    answers = await asyncio.gather(*(opened(api, video_id) for _ in range(30)))
    queued = [answer["tasks_queued"] for answer in answers]
    assert sorted(queued) == [["summary"]] * 29 + [["transcript", "summary"]]
    assert await poll(api.client) is not None
    assert await poll(api.client) is None


@pytest.mark.parametrize("headers", [None, {"Authorization": "Bearer x"}, guest("g")], ids=str)
async def test_anybody_may_open_a_video(api: Api, headers: Any) -> None:
    assert (await init(api, headers, video_id=new_video_id())).status_code == 200


async def test_who_opened_a_video_is_recorded_as_far_as_they_say(api: Api, ann: Person) -> None:
    for headers, actor in (({}, "anonymous"), (guest(), "guest:"), (ann.headers, "user:")):
        traced = token_hex(8)
        await init(api, {**headers, "X-Request-ID": traced}, video_id=new_video_id())
        async with api.services.database.borrowed() as connection:
            rows = await connection.execute(
                "SELECT DISTINCT metadata->>'actor' FROM stored_events"
                " WHERE metadata->>'correlation_id' = %s",
                [traced],
            )
            ((recorded,),) = await rows.fetchall()
        assert recorded.startswith(actor)


async def test_a_link_is_normalised_in_a_body_and_taken_as_it_is_in_a_path(api: Api) -> None:
    answer = await init(api, video_id=f" https://www.youtube.com/watch?v={ID}&t=5 ")
    assert shaped(models.OpenedVideo, answer)["video_id"] == ID
    assert (await opened(api, f"youtu.be/{ID}"))["is_new"] is False
    assert (await shown(api, ID))["video_id"] == ID
    for path in (f"youtu.be%2F{ID}", f"{ID}%20", ID.lower(), "%00", "x" * 3000, "🎈"):
        refused(await api.client.get(f"/api/wiz/video/{path}"), 404)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"x": 1}, [missing("video_id"), unknown("x")]),
        ({"video_id": 12345678901}, [not_a_string("video_id")]),
        ({"video_id": None}, [not_a_string("video_id")]),
        ({"video_id": " "}, [rule("video_id", "video_id cannot be empty")]),
        ({"video_id": f"{ID}&list=x"}, [rule("video_id", "playlist URLs are not supported")]),
        ({"video_id": "nope"}, [INVALID]),
        ({"video_id": "nope", "title": "T"}, [unknown("title"), INVALID]),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["init", "conversation"])
async def test_bad_bodies_name_every_rule(api: Api, path: str, fields: Any, expected: Any) -> None:
    answer = await api.client.post(f"/api/wiz/{path}", json=fields, headers=guest())
    assert problems(answer) == sorted(expected)


async def test_an_unknown_video_is_not_found(api: Api) -> None:
    refused(await api.client.get(f"/api/wiz/video/{new_video_id()}"), 404, "Video not found")


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(link=links)
async def test_whatever_is_opened_the_answer_is_orderly(api: Api, link: str) -> None:
    answer = await init(api, video_id=link)
    if answer.status_code == 200:
        assert (await open_video(api.client, answer.json()["video_id"]))["is_new"] is False
    else:
        assert answer.status_code in (400, 422)
        error_of(answer)
