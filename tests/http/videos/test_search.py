"""Section 4 of the contract: search."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.http.wire import finish_tasks, refused, shaped
from tests.support import MASTER, Api, Person, new_video_id
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import Decision
from vidwiz.commands.notes import AddNoteContext, AddNoteContextQuery
from vidwiz.event_store.command_bus import Store
from vidwiz.events import VideoAdded
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.http.responses import models


async def search(api: Api, person: Person, **query: object) -> dict[str, Any]:
    params: Any = query
    answer = await api.client.get("/api/search", params=params, headers=person.headers)
    return dict(shaped(models.SearchResult, answer))


async def ids_found(api: Api, person: Person, query: str) -> list[str]:
    found = await search(api, person, query=query)
    assert found["total"] == len(found["videos"])
    return [video["video_id"] for video in found["videos"]]


async def test_each_video_with_a_note_is_found_once_newest_first(api: Api) -> None:
    person, other = await api.sign_up(), await api.sign_up()
    old, middle, new, foreign = (new_video_id() for _ in range(4))
    for video_id in (old, middle, foreign):
        await api.add_note(other, video_id, video_title=f"Title {video_id}")
    await api.add_note(person, new, video_title=f"Title {new}")
    for video_id in (middle, old, old, new):
        await api.add_note(person, video_id)
    metadata = {"channel": "C"}
    await finish_tasks(api, "metadata", metadata)

    assert await search(api, person) == {
        "videos": [
            {"video_id": video_id, "video_title": f"Title {video_id}", "metadata": metadata}
            for video_id in (new, middle, old)
        ],
        "total": 3,
        "page": 1,
        "per_page": 10,
        "total_pages": 1,
    }


async def test_a_video_is_found_no_more_when_its_last_note_is_deleted(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    for note in [await api.add_note(person, video_id) for _ in range(2)]:
        assert await ids_found(api, person, "") == [video_id]
        await api.client.delete(f"/api/notes/{note['id']}", headers=person.headers)
    assert await search(api, person) == {
        "videos": [], "total": 0, "page": 1, "per_page": 10, "total_pages": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("title", "hits", "misses"),
    [
        ("Apollo 13", ["apollo", "LLO 1", "13", "Apollo 13", "o", ""],
         ["Apollo  13", "14", "Apollo 13!"]),
        ("100% _sure_ [a]*", ["100%", "_SURE", "[A]*", "% _"], ["%%", "100_", "s.re", ".*"]),
        ("ÄPFEL und Ελλάδα Жук", ["äpfel", "ελλάδα", "жУК"], ["apfel"]),
        (r"back\slash 'quote' \"double\"", ["\\", "k\\S", "'", r"\""], ["\\\\", "''"]),
        ("🎈 balloon", ["🎈", "🎈 B"], ["🎉"]),
        ("ΟΔΟΣ σοφός", ["οδος", "οδοσ", "ΣΟΦΌΣ", "σοφόσ"], ["οδου"]),
        ("e\u0301clair Ångström", ["éclair", "ÉCLAIR", "E\u0301cl", "a\u030angstro\u0308m"],
         ["eclair"]),
    ],
)  # fmt: skip
async def test_the_query_is_a_substring_of_the_title_in_any_case(
    api: Api, title: str, hits: list[str], misses: list[str]
) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    await api.add_note(person, video_id, video_title=title)
    for query in hits:
        assert await ids_found(api, person, query) == [video_id], query
    for query in [*misses, "\0", "\ufffd"]:
        assert await ids_found(api, person, query) == [], query


@dataclass(frozen=True)
class AddUntitledVideo:
    """What the Wiz will do: add a video that nobody has named yet."""

    video_id: str

    def lookup(self) -> AddNoteContextQuery:
        return AddNoteContextQuery(0, self.video_id)


def add_untitled_video(command: AddUntitledVideo, ground: AddNoteContext) -> Decision:
    assert ground.video_number is not None
    added = VideoAdded(id=ground.video_number, video_id=command.video_id, title=None)
    return Decision(events=(added,))


async def test_an_untitled_video_is_found_by_the_title_of_the_next_note(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    decisions = {**DECISIONS, AddUntitledVideo: add_untitled_video}
    store = Store(api.services.database, api.services.signals, MASTER, decisions)
    await store.start()
    await store.execute(AddUntitledVideo(video_id), EventMetadata(SYSTEM))
    await store.close()

    note = await api.add_note(person, video_id, video_title="A title")
    assert note["video"]["title"] == "A title"
    for query in ("", " ", "A"):
        assert await ids_found(api, person, query) == [video_id]
    assert await ids_found(api, person, "None") == []
    (found,) = (await search(api, person))["videos"]
    assert found == {"video_id": video_id, "video_title": "A title", "metadata": None}


@pytest.fixture(scope="module")
async def reader(api: Api) -> Person:
    """Somebody with notes on 53 videos."""
    its = await api.sign_up()
    for number in range(53):
        await api.add_note(its, f"page-{number:06}", video_title=f"Number {number:02}")
    return its


def page_of(start: int, size: int) -> list[str]:
    return [f"page-{number:06}" for number in range(52, -1, -1)][start : start + size]


@pytest.mark.parametrize(
    ("asked", "page", "per_page"),
    [
        ({}, 1, 10),
        ({"page": 2}, 2, 10),
        ({"page": 6}, 6, 10),
        ({"page": 7}, 7, 10),
        ({"page": 0}, 1, 10),
        ({"page": -5}, 1, 10),
        ({"page": f"-{10**30}"}, 1, 10),
        ({"page": " 2 "}, 2, 10),
        ({"page": "+2"}, 2, 10),
        ({"page": "002"}, 2, 10),
        ({"page": 10**12}, 10**12, 10),
        ({"page": 10**15, "per_page": 50}, 10**15, 50),
        ({"per_page": 1}, 1, 1),
        ({"per_page": 50}, 1, 50),
        ({"per_page": 51}, 1, 50),
        ({"per_page": 10**30}, 1, 50),
        ({"per_page": 0}, 1, 10),
        ({"per_page": -1}, 1, 10),
        ({"page": 3, "per_page": 25}, 3, 25),
    ],
    ids=str,
)
async def test_pages(
    api: Api, reader: Person, asked: dict[str, Any], page: int, per_page: int
) -> None:
    found = await search(api, reader, **asked)
    ids = [video["video_id"] for video in found.pop("videos")]
    assert ids == page_of((page - 1) * per_page, per_page)
    assert found == {
        "total": 53,
        "page": page,
        "per_page": per_page,
        "total_pages": -(-53 // per_page),
    }


async def test_pages_of_a_query(api: Api, reader: Person) -> None:
    found = await search(api, reader, query="number 1", page=2, per_page=4)
    assert [video["video_title"] for video in found["videos"]] == [
        "Number 15", "Number 14", "Number 13", "Number 12",
    ]  # fmt: skip
    assert (found["total"], found["total_pages"]) == (10, 3)


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize(
    "value", ["", "x", "1.0", "1e3", "0x1", "NaN", "1 2", "٣", "\uff11", "1,2", "\0", "1_0", "--1"]
)
async def test_what_is_no_integer_is_400(api: Api, reader: Person, name: str, value: str) -> None:
    answer = await api.client.get("/api/search", params={name: value}, headers=reader.headers)
    refused(answer, 400, "Invalid pagination parameters")


async def test_a_page_beyond_every_bound_is_empty(api: Api, reader: Person) -> None:
    found = await search(api, reader, page=10**400)
    assert (found["videos"], found["total"], found["total_pages"]) == ([], 53, 6)


@pytest.mark.parametrize(
    "query", ["%00", "%ff", "%ed%a0%80", "%C3", "%zz", "%", "&&==&query", "query=%00&query=%ff"]
)
async def test_odd_query_strings_are_queries(api: Api, reader: Person, query: str) -> None:
    for url in (f"/api/search?query={query}", f"/api/search?{query}"):
        answer = await api.client.get(url, headers=reader.headers)
        shaped(models.SearchResult, answer)


async def test_a_query_has_a_length(api: Api, reader: Person) -> None:
    assert await ids_found(api, reader, "x" * 1000) == []
    answer = await api.client.get(
        "/api/search", params={"query": "x" * 1001}, headers=reader.headers
    )
    refused(answer, 400)
