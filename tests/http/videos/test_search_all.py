"""The full text search: what it finds, in what order, where it says that stands, and for whom."""

import asyncio
from typing import Any
from urllib.parse import quote_from_bytes

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, func, select, table

from tests.http.wire import finish_tasks, refused, shaped
from tests.support import MASTER, Api, Person, eventually, new_video_id
from tests.wiz_support import json_bytes, open_video
from vidwiz.http.responses import models
from vidwiz.postgres.statement import Statement
from vidwiz.reactions.health import health
from vidwiz.replay.engine import rebuild

TALK = [
    {"text": "Welcome to the café of science", "offset": 2.0, "duration": 2.0},
    {"text": "we don't stir the oxygen tank today", "offset": 62.5, "duration": 3.0},
    {"text": "東京タワーは高いです", "offset": 3700.0, "duration": 4.0},
]


async def search(api: Api, person: Person, q: str, **more: Any) -> dict[str, Any]:
    params = {"q": q, **more}
    answer = await api.client.get("/api/search/all", params=params, headers=person.headers)
    found = dict(shaped(models.Everything, answer))
    assert found["query"] == q
    return found


async def hits(api: Api, person: Person, q: str) -> list[dict[str, Any]]:
    return [hit for video in (await search(api, person, q))["videos"] for hit in video["hits"]]


async def kinds(api: Api, person: Person, q: str) -> list[str]:
    return [hit["kind"] for hit in await hits(api, person, q)]


def marked(hit: dict[str, Any]) -> list[str]:
    """What a browser would mark."""
    units = hit["snippet"].encode("utf-16-le")
    return [units[2 * a : 2 * b].decode("utf-16-le") for a, b in hit["highlights"]]


async def talk(api: Api, items: Any) -> str:
    """A video with a transcript that can be searched."""
    video_id = new_video_id()
    await open_video(api.client, video_id)
    path = f"/api/videos/{video_id}/transcript"
    (await api.client.post(path, content=json_bytes(items), headers=api.admin)).raise_for_status()
    await indexed(api)
    return video_id


async def indexed(api: Api) -> None:
    async def caught_up() -> bool:
        its = {one.reaction: one for one in await health(api.services.database)}
        return its["passages"].lag == 0

    await eventually(caught_up)


@pytest.fixture(scope="module")
async def reader(api: Api) -> Person:
    """Somebody with a talk, and a note on it."""
    person = await api.sign_up()
    video_id = await talk(api, TALK)
    await api.add_note(person, video_id, timestamp="7:55:35", text="Naïve question about l'eau 🎈")
    return person


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("oxygen", ["oxygen"]),
        ("OXYG", ["oxygen"]),
        ("stir tank", ["stir", "tank"]),
        ('"oxygen tank"', ["oxygen tank"]),
        ('"science we"', ["science we"]),
        ("cafe", ["café"]),
        ("CAFÉ", ["café"]),
        ("don't", ["don't"]),
        ("don\u2019t", ["don't"]),
        ("タワー", ["タワー"]),
        ("東京", ["東京"]),
    ],
)
async def test_words_phrases_and_beginnings_are_found_in_a_transcript(
    api: Api, reader: Person, q: str, found: list[str]
) -> None:
    (hit,) = await hits(api, reader, q)
    assert (hit["kind"], hit["note_id"]) == ("transcript", None)
    assert marked(hit) == found


@pytest.mark.parametrize(
    "q",
    ["xygen", '"tank oxygen"', '"oxygen tan"', "oxygen naive", "京東", "zebra", '"', "!", "& |"],
)
async def test_what_is_not_said_is_not_found(api: Api, reader: Person, q: str) -> None:
    assert await hits(api, reader, q) == []


@pytest.mark.parametrize(
    ("q", "seconds", "timestamp"),
    [("welcome", 2.0, "0:02"), ("tank", 62.5, "1:02"), ("高い", 3700.0, "1:01:40")],
)
async def test_a_hit_has_the_second_of_its_segment(
    api: Api, reader: Person, q: str, seconds: float, timestamp: str
) -> None:
    (hit,) = await hits(api, reader, q)
    assert (hit["seconds"], hit["timestamp"]) == (seconds, timestamp)


@pytest.mark.parametrize("q", ["naive", "eau", "l'eau", "questi"])
async def test_a_hit_in_a_note_has_its_time(api: Api, reader: Person, q: str) -> None:
    (hit,) = await hits(api, reader, q)
    assert (hit["kind"], hit["seconds"], hit["timestamp"]) == ("note", 28535.0, "7:55:35")
    assert hit["note_id"] > 0


async def test_highlights_count_as_browsers_do(api: Api) -> None:
    person = await api.sign_up()
    await api.add_note(person, new_video_id(), text="🎈🎈 balloon 🎉 balloons")
    (hit,) = await hits(api, person, "balloon")
    assert marked(hit) == ["balloon", "balloons"]


async def test_a_long_note_is_shown_around_the_hit(api: Api) -> None:
    person = await api.sign_up()
    await api.add_note(person, new_video_id(), text=f"{'before ' * 300}needle{' after' * 300}")
    (hit,) = await hits(api, person, "needle")
    assert marked(hit) == ["needle"]
    assert len(hit["snippet"]) < 300
    assert hit["snippet"][0] == hit["snippet"][-1] == "…"


async def test_a_title_comes_before_a_note_and_a_note_before_the_rest(api: Api) -> None:
    person = await api.sign_up()
    spoken = await talk(api, [{"text": "quasar", "offset": 1.0, "duration": 1.0}])
    noted, titled = new_video_id(), new_video_id()
    await api.add_note(person, spoken, text="x")
    await api.add_note(person, noted, text="a quasar")
    await api.add_note(person, titled, video_title="Quasars", text="x")
    metadata = {"channel": "C", "thumbnail": "https://example.org/t", "other": 1}
    await finish_tasks(api, "metadata", metadata)

    found = await search(api, person, "quasar")

    assert [video["video_id"] for video in found["videos"]] == [titled, noted, spoken]
    assert found["total"] == 3
    assert found["videos"][0] == {
        "video_id": titled,
        "title": "Quasars",
        "metadata": {
            "thumbnail": metadata["thumbnail"],
            "channel": metadata["channel"],
            "duration_string": None,
        },
        "hit_count": 1,
        "hits": [
            {
                "kind": "title",
                "note_id": None,
                "seconds": None,
                "timestamp": None,
                "snippet": "Quasars",
                "highlights": [[0, 7]],
            }
        ],
    }
    page = await search(api, person, "quasar", limit=1, offset=1)
    assert [video["video_id"] for video in page["videos"]] == [noted]
    assert page["total"] == 3


async def test_a_title_that_only_the_metadata_have_is_found_and_shown(api: Api) -> None:
    person = await api.sign_up()
    video_id = new_video_id()
    await open_video(api.client, video_id)
    await finish_tasks(api, "metadata", {"title": "Blazars for everyone"})
    await api.add_note(person, video_id, video_title="", text="x")
    (video,) = (await search(api, person, "blazar"))["videos"]
    assert (video["video_id"], video["title"]) == (video_id, "Blazars for everyone")
    assert [marked(hit) for hit in video["hits"]] == [["Blazars"]]


async def test_at_most_five_hits_of_a_video_are_shown_and_all_are_counted(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    for number in range(7):
        await api.add_note(person, video_id, text=f"pulsar {number}")
    (video,) = (await search(api, person, "pulsar"))["videos"]
    assert (len(video["hits"]), video["hit_count"]) == (5, 7)


async def test_nobody_finds_what_is_not_theirs(api: Api, reader: Person) -> None:
    other = await api.sign_up()
    video_id = new_video_id()
    await api.add_note(reader, video_id, video_title="Shared", text="my private thought")
    assert await hits(api, other, "oxygen") == []
    await api.add_note(other, video_id, text="x")
    assert await hits(api, other, "private") == []
    assert await kinds(api, other, "shared") == ["title"]


async def test_who_talks_about_a_video_finds_what_is_said_in_it(api: Api) -> None:
    person = await api.sign_up()
    video_id = await talk(api, [{"text": "magnetar", "offset": 1.0, "duration": 1.0}])
    assert await hits(api, person, "magnetar") == []
    body = {"video_id": video_id}
    await api.client.post("/api/wiz/conversation", json=body, headers=person.headers)
    assert await kinds(api, person, "magnetar") == ["transcript"]


async def test_edits_and_deletions_count_at_once_and_survive_a_rebuild(
    api: Api, module_dsn: str
) -> None:
    person = await api.sign_up()
    note = await api.add_note(person, new_video_id(), text="blazar")
    path = f"/api/notes/{note['id']}"
    await api.client.patch(path, json={"text": "kilonova"}, headers=person.headers)
    assert await kinds(api, person, "blazar") == []
    rebuild(module_dsn, MASTER)
    assert await kinds(api, person, "kilonova") == ["note"]
    await api.client.delete(path, headers=person.headers)
    assert await kinds(api, person, "kilonova") == []


async def test_a_phrase_is_found_once_where_two_passages_meet(api: Api) -> None:
    person = await api.sign_up()
    items = [{"text": f"{'filler ' * 12}w{n} edge{n}", "offset": n * 5.0} for n in range(60)]
    video_id = await talk(api, items)
    await api.add_note(person, video_id, text="x")
    for number in range(20):
        (hit,) = await hits(api, person, f'"edge{number} filler"')
        assert hit["seconds"] == number * 5.0


@pytest.mark.parametrize("q", ["", " ", "\t\n", "\0", '""', '"" ""'])
async def test_an_empty_query_finds_nothing(api: Api, reader: Person, q: str) -> None:
    params = {"q": q}
    answer = await api.client.get("/api/search/all", params=params, headers=reader.headers)
    assert shaped(models.Everything, answer)["videos"] == []


async def test_without_a_query_nothing_is_found(api: Api, reader: Person) -> None:
    answer = await api.client.get("/api/search/all", headers=reader.headers)
    assert shaped(models.Everything, answer) == {"query": "", "total": 0, "videos": []}


@pytest.mark.parametrize("length", [301, 10_000])
async def test_a_query_has_a_length(api: Api, reader: Person, length: int) -> None:
    answer = await api.client.get(
        "/api/search/all", params={"q": "x" * length}, headers=reader.headers
    )
    refused(answer, 400)


@pytest.mark.parametrize("name", ["limit", "offset"])
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "9" * 40, "\0"])
async def test_what_is_no_number_is_400(api: Api, reader: Person, name: str, value: str) -> None:
    answer = await api.client.get(
        "/api/search/all", params={"q": "x", name: value}, headers=reader.headers
    )
    refused(answer, 400)


WAITING = Statement(
    select(func.count())
    .select_from(table("pg_stat_activity", column("datname"), column("wait_event")))
    .where(column("datname") == func.current_database(), column("wait_event") == "relation")
)
ODD = st.text(
    st.one_of(st.sampled_from("\"'&|!():*<->\\%_.,@/:;~ \t\u2019東ﷺ🎈e\u0301"), st.characters()),
    max_size=60,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(q=ODD)
async def test_any_query_is_answered(api: Api, reader: Person, q: str) -> None:
    raw = quote_from_bytes(q.encode("utf-8", "surrogatepass"))
    answer = await api.client.get(f"/api/search/all?q={raw}", headers=reader.headers)
    shaped(models.Everything, answer)


@pytest.mark.parametrize(
    "text",
    [
        "".join(map(chr, range(0x4E00, 0x9FFF))) * 5,
        " ".join(f"x{n}\ufdfa" for n in range(10_000)),
        "\u0958\u1f82\u0390" * 30_000,
        "x" * 100_000,
        " ".join(f"{n:x}" for n in range(20_000)),
    ],
    ids=["cjk", "ligatures", "marks", "one word", "many words"],
)
async def test_any_note_can_be_kept(api: Api, reader: Person, text: str) -> None:
    await api.add_note(reader, new_video_id(), text=text[:100_000])


async def test_who_searches_much_leaves_searches_for_others(api: Api, reader: Person) -> None:
    """One search of each waits for the table; all the others of the first wait for that."""
    other = await api.sign_up()

    async def as_many_wait_as_there_are_people() -> bool:
        return await waiting_for_a_table(api) == 2

    async with await psycopg.AsyncConnection.connect(api.services.database.dsn) as blocker:
        await blocker.execute("LOCK TABLE notes")
        searches = [asyncio.create_task(search(api, reader, "oxygen")) for _ in range(10)]
        searches.append(asyncio.create_task(search(api, other, "oxygen")))
        await eventually(as_many_wait_as_there_are_people)
        for _ in range(20):
            await api.client.get("/api/user/profile", headers=other.headers)
            assert await waiting_for_a_table(api) == 2
        await blocker.rollback()
        *its, of_other = await asyncio.gather(*searches)
    assert [found["total"] for found in its] == [1] * 10
    assert of_other["total"] == 0


async def waiting_for_a_table(api: Api) -> int:
    row = await api.services.database.one(WAITING)
    return int(row[0]) if row else 0


async def test_searches_that_take_long_leave_connections_for_others(
    api: Api, reader: Person
) -> None:
    async with await psycopg.AsyncConnection.connect(api.services.database.dsn) as blocker:
        await blocker.execute("LOCK TABLE notes")
        searches = [asyncio.create_task(search(api, reader, "oxygen")) for _ in range(30)]
        for _ in range(100):
            answer = await api.client.get("/api/user/profile", headers=reader.headers)
            assert answer.status_code == 200
        assert not any(one.done() for one in searches)
        await blocker.rollback()
        assert all(found["total"] for found in await asyncio.gather(*searches))
