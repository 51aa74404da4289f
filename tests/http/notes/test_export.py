"""A person's export: all that is theirs and nothing else, in files that are safe to open."""

import csv
import io
import json
import zipfile
from typing import Any

import pytest

from tests.http.wire import claims, refused, signed
from tests.support import Api, Person, bearer, new_video_id
from tests.wiz_support import ask, ready_video


async def exported(api: Api, person: Person) -> dict[str, str]:
    """The files of the archive."""
    answer = await api.client.get("/api/user/export", headers=person.headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="vidwiz-')
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return {name: archive.read(name).decode() for name in archive.namelist()}


def video_file(files: dict[str, str]) -> tuple[str, str]:
    ((name, text),) = [its for its in files.items() if its[0].startswith("videos/")]
    return name, text


async def test_everything_of_a_person_is_there(api: Api, ann: Person) -> None:
    person = await api.sign_up("Eve Exporter")
    video_id = await ready_video(api.client)
    await api.client.patch(
        f"/api/videos/{video_id}", json={"summary": "All about tanks"}, headers=api.admin
    )
    note = await api.add_note(person, video_id, timestamp="7:55:35", text=None)
    await api.client.patch(
        f"/api/notes/{note['id']}",
        json={"text": "two\nlines 🎈", "generated_by_ai": True},
        headers=api.admin,
    )
    await api.add_note(ann, video_id, text="not Eve's")
    await ask(api.client, person.headers, video_id, "What about the tank?")

    files = await exported(api, person)

    name, text = video_file(files)
    assert name.startswith(f"videos/{video_id}")
    assert f'url: "https://youtu.be/{video_id}"' in text
    assert f"- [7:55:35](https://youtu.be/{video_id}?t=28535)" in text
    assert "All about tanks" in text
    assert "**You:** What about the tank?" in text
    assert "not Eve's" not in "".join(files.values())
    (kept,) = json.loads(files["notes.json"])
    assert (kept["id"], kept["text"], kept["timestamp"]) == (
        note["id"], "two\nlines 🎈", "7:55:35",
    )  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(files["notes.csv"], newline=""))
    assert row["text"] == "two\nlines 🎈"
    assert row["url"] == f"https://youtu.be/{video_id}?t=28535"
    (conversation,) = json.loads(files["conversations.json"])
    assert [one["role"] for one in conversation["messages"]] == ["user", "assistant"]
    profile = json.loads(files["profile.json"])
    assert (profile["email"], profile["name"]) == (person.email, "Eve Exporter")
    assert files["README.md"].startswith("# Your VidWiz data")


async def test_what_a_person_brought_is_there_and_is_theirs_alone(api: Api, ann: Person) -> None:
    person, video_id = await api.sign_up(), await ready_video(api.client)
    path = f"/api/videos/{video_id}/transcript"
    brought = [{"text": "my own words", "offset": 1.0, "duration": 2.0}]
    for items, who in ((brought, person), ([{"text": "Ann's own", "offset": 1}], ann)):
        (await api.client.post(path, json=items, headers=who.headers)).raise_for_status()
    for use in ("own", "shared"):
        chosen = await api.client.patch(path, json={"use": use}, headers=person.headers)
        chosen.raise_for_status()
        files = await exported(api, person)
        ((name, text),) = [its for its in files.items() if its[0].startswith("transcripts/")]
        assert name.startswith(f"transcripts/{video_id}")
        assert json.loads(text) == brought
    (await api.client.delete(path, headers=person.headers)).raise_for_status()
    assert not [name for name in await exported(api, person) if name.startswith("transcripts/")]


async def test_words_of_the_ai_are_marked(api: Api) -> None:
    person, video_id = await api.sign_up(), new_video_id()
    note = await api.add_note(person, video_id, text="")
    body = {"text": "said the machine", "generated_by_ai": True}
    await api.client.patch(f"/api/notes/{note['id']}", json=body, headers=api.admin)
    assert "*(written by AI)* said the machine" in video_file(await exported(api, person))[1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r", "\n=", "  =", "\uff1d"])
async def test_a_spreadsheet_finds_no_formula(api: Api, start: str) -> None:
    person = await api.sign_up()
    text = f"{start}HYPERLINK(1)"
    await api.add_note(person, new_video_id(), video_title=text, text=text)
    files = await exported(api, person)
    (row,) = csv.DictReader(io.StringIO(files["notes.csv"], newline=""))
    assert row["text"] == f"'{text}"
    assert row["title"].startswith("'")
    assert json.loads(files["notes.json"])[0]["text"] == text


@pytest.mark.parametrize(
    "title",
    ["../../etc/passwd", "C:\\x", "CON", "a/b", "é🎈ï", "", "x" * 900, "---\nurl: evil", "\u202e"],
)
async def test_any_title_makes_a_safe_file(api: Api, title: str) -> None:
    person = await api.sign_up()
    await api.add_note(person, new_video_id(), video_title=title or " ")
    name, text = video_file(await exported(api, person))
    assert set(name.removeprefix("videos/").removesuffix(".md")) <= set(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
    )
    assert len(name) < 150
    head = text.split("\n---\n")[0]
    assert len([line for line in head.splitlines() if line.startswith("url:")]) == 1


async def test_equal_data_make_equal_files(api: Api) -> None:
    person = await api.sign_up()
    for number in range(7):
        await api.add_note(person, new_video_id(), video_title=f"Video {number}")
    first, second = await exported(api, person), await exported(api, person)
    assert list(first) == list(second)
    moving = {"README.md", *(name for name in first if name.startswith("videos/"))}
    assert {n: t for n, t in first.items() if n not in moving} == {
        n: t for n, t in second.items() if n not in moving
    }
    for name in moving:
        one, other = first[name].splitlines(), second[name].splitlines()
        assert [a for a, b in zip(one, other, strict=True) if a != b and "xported" not in a] == []


async def test_who_has_nothing_gets_that(api: Api) -> None:
    files = await exported(api, await api.sign_up())
    assert json.loads(files["notes.json"]) == json.loads(files["conversations.json"]) == []
    assert list(files) == [
        "README.md", "notes.json", "notes.csv", "conversations.json", "profile.json",
    ]  # fmt: skip


async def test_an_account_that_is_not_there_has_no_export(api: Api) -> None:
    nobody: Any = bearer(signed(claims(2**63 - 1)))
    refused(await api.client.get("/api/user/export", headers=nobody), 404, "User not found")
