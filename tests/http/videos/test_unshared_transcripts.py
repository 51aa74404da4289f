"""What an admin reads before a transcript that a user brought becomes everybody's."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.http.wire import refused
from tests.support import Api, Person, new_video_id, running_api

FIRST = [{"text": "what the admin reads", "offset": 3.0, "duration": 2.0}]
SECOND = [{"text": "what came instead", "offset": 3.0, "duration": 2.0}]


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with running_api(module_dsn, tmp_path_factory.mktemp("data")) as its:
        yield its


async def bring(api: Api, who: Person, video_id: str, items: Any) -> None:
    path = f"/api/videos/{video_id}/transcript"
    answer = await api.client.post(path, content=json.dumps(items), headers=who.headers)
    answer.raise_for_status()


async def brought(api: Api, who: Person, items: Any = FIRST) -> str:
    """A video whose only transcript this person has brought."""
    video_id = new_video_id()
    await api.add_note(who, video_id, video_title="A title")
    await bring(api, who, video_id, items)
    return video_id


async def unshared(api: Api, **page: int) -> Any:
    path = "/api/transcripts/unshared"
    answer = await api.client.get(path, params=page, headers=api.admin)
    return answer.raise_for_status().json()


async def seen(api: Api, video_id: str) -> dict[str, Any]:
    """The video's transcript, as the list has it."""
    (its,) = (one for one in (await unshared(api))["transcripts"] if one["video_id"] == video_id)
    return {"user_id": its["user_id"], "sha256": its["sha256"]}


async def read(api: Api, video_id: str, which: dict[str, Any]) -> Any:
    path = f"/api/videos/{video_id}/transcript"
    return await api.client.get(path, params=which, headers=api.admin)


async def share(api: Api, video_id: str, which: dict[str, Any]) -> Any:
    path = f"/api/videos/{video_id}/transcript/share"
    return await api.client.post(path, json=which, headers=api.admin)


async def test_an_admin_finds_reads_and_shares_what_a_user_brought(api: Api, ann: Person) -> None:
    video_id = await brought(api, ann)
    newest = (await unshared(api))["transcripts"][0]
    assert (newest["video_id"], newest["title"], newest["segments"]) == (video_id, "A title", 1)
    which = await seen(api, video_id)
    assert (await read(api, video_id, which)).json() == FIRST
    assert (await share(api, video_id, which)).status_code == 200
    everybody = await api.client.get(f"/api/videos/{video_id}/transcript", headers=api.admin)
    assert everybody.json() == FIRST
    left = (await unshared(api))["transcripts"]
    assert video_id not in [one["video_id"] for one in left]


async def test_it_is_read_whether_or_not_its_owner_reads_it(api: Api, ann: Person) -> None:
    video_id = await brought(api, ann)
    path = f"/api/videos/{video_id}/transcript"
    chosen = await api.client.patch(path, json={"use": "shared"}, headers=ann.headers)
    assert chosen.status_code == 200
    which = await seen(api, video_id)
    assert (await read(api, video_id, which)).json() == FIRST
    refused(await read(api, video_id, {"user_id": which["user_id"]}), 404)


async def test_what_was_replaced_after_it_was_read_is_neither_read_nor_shared(
    api: Api, ann: Person
) -> None:
    video_id = await brought(api, ann)
    which = await seen(api, video_id)
    await bring(api, ann, video_id, SECOND)
    refused(await read(api, video_id, which), 404)
    refused(await share(api, video_id, which), 404)
    refused(await read(api, video_id, {}), 404)
    which = await seen(api, video_id)
    assert (await read(api, video_id, which)).json() == SECOND
    assert (await share(api, video_id, which)).status_code == 200


async def test_what_was_removed_is_not_listed(api: Api, ann: Person) -> None:
    video_id = await brought(api, ann)
    path = f"/api/videos/{video_id}/transcript"
    (await api.client.delete(path, headers=ann.headers)).raise_for_status()
    left = (await unshared(api))["transcripts"]
    assert video_id not in [one["video_id"] for one in left]


async def test_the_list_comes_in_pages(api: Api, ann: Person) -> None:
    videos = [await brought(api, ann) for _ in range(3)]
    first = await unshared(api, limit=2)
    assert [one["video_id"] for one in first["transcripts"]] == [videos[2], videos[1]]
    second = await unshared(api, limit=1, before=first["next"])
    assert [one["video_id"] for one in second["transcripts"]] == [videos[0]]
    assert (await unshared(api, before=1)) == {"transcripts": [], "next": None}


async def test_a_digest_is_a_digest(api: Api, ann: Person) -> None:
    video_id = await brought(api, ann)
    which = {"user_id": (await seen(api, video_id))["user_id"], "sha256": "nothing"}
    assert (await read(api, video_id, which)).status_code == 422
    assert (await share(api, video_id, which)).status_code == 422
