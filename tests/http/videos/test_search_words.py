"""What counts as the same word: a table of cases, and what holds of every text."""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import Api, Person, new_video_id
from vidwiz.wiz.words import words_of

CASES: Mapping[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[2] / "cases" / "search_words.json").read_text(encoding="utf-8")
)
FOLD = (
    "SELECT search_text(text) FROM unnest(%s::text[]) WITH ORDINALITY AS its (text, n) ORDER BY n"
)


@pytest.fixture(scope="module")
async def reader(api: Api) -> Person:
    return await api.sign_up()


@pytest.fixture(scope="module")
def connection(module_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(module_dsn, autocommit=True) as its:
        yield its


def fold(connection: psycopg.Connection, texts: list[str]) -> list[list[str]]:
    return [row[0].split() for row in connection.execute(FOLD, [texts]).fetchall()]


async def marks(api: Api, person: Person, note_id: int, q: str) -> int | None:
    """How many places of a note a search marks; None when it does not find the note."""
    params: Any = {"q": q, "limit": 30}
    answer = await api.client.get("/api/search/all", params=params, headers=person.headers)
    videos = answer.raise_for_status().json()["videos"]
    found = [hit for video in videos for hit in video["hits"] if hit["note_id"] == note_id]
    return len(found[0]["highlights"]) if found else None


@pytest.mark.parametrize(
    "case", [*CASES["letters"], *CASES["words"]], ids=lambda case: case["what"].replace(" ", "_")
)
async def test_what_is_the_same_word(api: Api, reader: Person, case: dict[str, Any]) -> None:
    note = await api.add_note(reader, new_video_id(), text=case["text"])
    for q in case["found"]:
        assert await marks(api, reader, note["id"], q), q
    for q in case["missed"]:
        assert await marks(api, reader, note["id"], q) is None, q


SCRIPTS = (
    "abcxyzABC019+#.,-_'\u2019&@ \n"
    "éÉßæøłđħŧıİﬁﬃ™²½Ⅷ①ＡＢ１ｶﾞが\u3099\u0301\u0323\u00ad\u200b\u200d\u2060\ufeff"
    "אבגשׁלָםמֹ״\u05beمحمدَّٱآأؤئىةـ٢۲کی\u200cไทยน้ำกิहिन्दी१।தமிழ்မြန်ខ្មែ한국ᄒ\u1161\uff8a\uff9e\uffa1\uffc2\u314e\u314f\u3134東京タワー・𠮷🎈ﷺ♯ς"
)
KNOWN = st.characters(exclude_categories=["Cs", "Cn"])  # PostgreSQL may know a newer Unicode
TEXTS = st.text(st.one_of(st.sampled_from(SCRIPTS), KNOWN), max_size=40).map(
    lambda text: text.replace("\0", "")
)
BROAD = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@BROAD
@given(TEXTS)
def test_what_is_shown_is_what_is_searched(connection: psycopg.Connection, text: str) -> None:
    (folded,) = fold(connection, [text])
    words = [*words_of(text)]
    assert [word.text for word in words] == folded
    assert all(0 <= word.begin < word.end <= len(text) for word in words)


@BROAD
@given(TEXTS)
def test_folding_twice_is_folding_once(connection: psycopg.Connection, text: str) -> None:
    (once,) = fold(connection, [text])
    assert fold(connection, [" ".join(once)]) == [once]


def test_every_character_is_shown_as_it_is_searched(connection: psycopg.Connection) -> None:
    unusual = {"Cs", "Cn", "Co"}
    characters = [
        one for one in map(chr, range(1, 0x20000)) if unicodedata.category(one) not in unusual
    ]
    texts = [f"a{one}b {one} 1{one}2" for one in characters]
    differ = [
        (hex(ord(one)), shown, searched)
        for one, text, searched in zip(characters, texts, fold(connection, texts), strict=True)
        if (shown := [word.text for word in words_of(text)]) != searched
    ]
    assert differ == []


@settings(BROAD, max_examples=40)
@given(TEXTS)
async def test_every_word_finds_its_text(
    api: Api, reader: Person, connection: psycopg.Connection, text: str
) -> None:
    """As it is written, between spaces. What PostgreSQL takes for no word at all finds nothing."""
    note = await api.add_note(reader, new_video_id(), text=f"{text} x")
    for word in {part for part in text.replace('"', " ").split() if len(part) <= 300}:
        is_one = connection.execute("SELECT length(search_vector(%s)) > 0", [word]).fetchone()
        assert (await marks(api, reader, note["id"], word) is not None) == (is_one == (True,)), word
    await api.client.delete(f"/api/notes/{note['id']}", headers=reader.headers)
