"""The videos of a person on every device: those that they opened or noted."""

import asyncio
from typing import Any

from sqlalchemy import Text, select

from tests.http.wire import finish_tasks, refused, shaped
from tests.support import Api, Person, bearer, new_video_id
from tests.wiz_support import guest, open_video
from vidwiz.http.responses import models
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import openings


async def opens(api: Api, person: Person, video_id: str) -> None:
    body = {"video_id": video_id}
    answer = await api.client.post("/api/wiz/init", json=body, headers=person.headers)
    answer.raise_for_status()


async def library(api: Api, person: Person, **query: int) -> dict[str, Any]:
    answer = await api.client.get("/api/library", params=query, headers=person.headers)
    return dict(shaped(models.LibraryResponse, answer))


async def shelf(api: Api, person: Person) -> list[tuple[str, int]]:
    """Ids and numbers of notes, in the library's order."""
    found = await library(api, person, per_page=50)
    assert found["total"] == len(found["videos"])
    return [(video["video_id"], video["note_count"]) for video in found["videos"]]


async def test_a_video_that_was_opened_or_noted_is_there_once_the_latest_first(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    opened, noted, both, foreign = (new_video_id() for _ in range(4))
    await opens(api, person, both)
    await opens(api, person, opened)
    await opens(api, other, foreign)
    await api.add_note(person, noted)
    assert await shelf(api, person) == [(noted, 1), (opened, 0), (both, 0)]
    await api.add_note(person, both)
    await api.add_note(person, both)
    await opens(api, person, opened)
    assert await shelf(api, person) == [(both, 2), (noted, 1), (opened, 0)]
    assert await shelf(api, other) == [(foreign, 0)]


async def test_opening_again_or_at_once_from_two_devices_is_recorded_once(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    await asyncio.gather(*(opens(api, person, video_id) for _ in range(8)))
    await opens(api, person, video_id)
    assert await shelf(api, person) == [(video_id, 0)]
    query = {"type": "VideoOpened", "video_id": video_id}
    answer = await api.client.get("/api/audit/events", params=query, headers=api.admin)
    (event,) = answer.json()["events"]
    assert event["actor"] == f"user:{event['data']['user_id']}"


async def test_what_a_guest_opens_is_nobodys(api: Api) -> None:
    video_id = new_video_id()
    await open_video(api.client, video_id)
    body = {"video_id": video_id}
    for headers in (guest(), api.admin, bearer("nonsense")):
        answer = await api.client.post("/api/wiz/init", json=body, headers=headers)
        answer.raise_for_status()
    query = {"type": "VideoOpened", "video_id": video_id}
    answer = await api.client.get("/api/audit/events", params=query, headers=api.admin)
    assert answer.json()["events"] == []
    refused(await api.client.get("/api/library"), 401)


async def test_the_card_has_a_title_of_the_metadata_and_little_else_of_them(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    await finish_tasks(api, "metadata", {})
    await opens(api, person, video_id)
    await finish_tasks(api, "metadata", {"title": "Apollo", "channel": "N", "description": "long"})
    (video,) = (await library(api, person))["videos"]
    metadata = {"thumbnail": None, "channel": "N", "duration_string": None}
    assert (video["title"], video["metadata"]) == ("Apollo", metadata)


async def test_the_library_comes_in_pages(api: Api) -> None:
    person, ids = await api.sign_up(), [new_video_id() for _ in range(3)]
    for video_id in ids:
        await opens(api, person, video_id)
    found = await library(api, person, page=2, per_page=2)
    assert [video["video_id"] for video in found["videos"]] == [ids[0]]
    assert (found["page"], found["per_page"], found["total"], found["total_pages"]) == (2, 2, 3, 2)
    assert (await library(api, person, page=9, per_page=2))["videos"] == []
    query = {"page": "x"}
    refused(await api.client.get("/api/library", params=query, headers=person.headers), 400)


async def test_an_erased_person_has_opened_nothing(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    await opens(api, person, video_id)
    proof = {"password": person.password}
    whole: Any = {"headers": person.headers, "json": proof}
    (await api.client.request("DELETE", "/api/user", **whole)).raise_for_status()
    found = Statement(select(openings.c.id).where(openings.c.video_id == parameter("id", Text)))
    assert await api.services.database.all(found, id=video_id) == []
