"""The full text search over everything that a person has: titles, notes, transcripts."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from weakref import WeakValueDictionary

import orjson
from pydantic import BaseModel, Field
from quart import Blueprint, Response, request
from quart_schema import document_querystring

from vidwiz.http.access.guards import User, user_only
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.http.videos.snippets import Term, second_at, snippet, spans
from vidwiz.postgres.pool import fetch_all
from vidwiz.projections.search_queries import FOLDED, SEARCH_ALL
from vidwiz.wiz.note_times import seconds_of
from vidwiz.wiz.transcripts import clock

search = Blueprint("search", __name__)

LONGEST_QUERY = 300
MOST_TERMS = 20
SHORTEST_OPEN = 2
"""Letters of a last word from which on it stands for all words that begin so."""
PER_PAGE = 10
MOST_PER_PAGE = 30
MOST_SKIPPED = 10_000

_turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
"""One search of a person at a time: nobody waits for all that somebody else is typing."""
_at_once = asyncio.Semaphore(3)
"""A search of common words takes long: most connections are for those who ask for less."""
_showing = ThreadPoolExecutor(1, thread_name_prefix="search")
"""Long notes are looked through here, one search at a time, while others are served."""

_QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
_parts = re.compile(rf"[{_QUOTES}]([^{_QUOTES}]*)[{_QUOTES}]|([^\s{_QUOTES}]+)")
_number = re.compile(r"[0-9]{1,9}")


class SearchAll(BaseModel):
    """What to search for: words, ``"phrases"``, and the beginning of a last word."""

    q: str = Field("", max_length=LONGEST_QUERY)
    limit: int = Field(PER_PAGE, ge=0, lt=10**9, description=f"at most {MOST_PER_PAGE} are given")
    offset: int = Field(0, ge=0, lt=10**9)


@search.get("/search/all")
@documented("videos", models.Everything, 400, 401)
@document_querystring(SearchAll)
@user_only
async def get_search_all(caller: User) -> Response:
    """Videos that have all the words in their title, in a note, or close together in what is said.

    Ranked; each with its best hits, where they stand, and the second.
    """
    text = request.args.get("q", "").replace("\0", " ")
    at_most = min(max(1, _count("limit", PER_PAGE)), MOST_PER_PAGE)
    skip = min(_count("offset", 0), MOST_SKIPPED)
    if len(text) > LONGEST_QUERY:
        raise ApiError(400, f"q must be at most {LONGEST_QUERY} characters")
    total, videos = await _found(caller.user_id, text, at_most, skip)
    return json_answer({"query": text, "total": total, "videos": videos})


async def _found(
    user_id: int, text: str, at_most: int, skip: int
) -> tuple[int, list[dict[str, Any]]]:
    given, is_open = _terms_of(text)
    if not given:
        return 0, []
    async with (
        _turns.setdefault(user_id, asyncio.Lock()),
        _at_once,
        services().database.borrowed() as connection,
    ):
        folded = await fetch_all(connection, FOLDED, {"terms": given})
        terms = _terms(folded, is_open=is_open)
        if not terms:
            return 0, []
        query = " & ".join(query for _, query in terms)
        asked = {"user_id": user_id, "query": query, "at_most": at_most, "skip": skip}
        ((total, found),) = await fetch_all(connection, SEARCH_ALL, asked)
    shown = await asyncio.get_running_loop().run_in_executor(
        _showing, _all_shown, found, [term for term, _ in terms]
    )
    return total, shown


def _all_shown(found: str, terms: Sequence[Term]) -> list[dict[str, Any]]:
    return [_shown(video, terms) for video in orjson.loads(found)]


def _terms_of(text: str) -> tuple[list[str], bool]:
    """The words and phrases of a query, and whether the last is a word that may go on."""
    parts = [*_parts.finditer(text)][:MOST_TERMS]
    terms = [part[1] if part[2] is None else part[2] for part in parts]
    return terms, bool(parts) and parts[-1][2] is not None


def _terms(folded: Sequence[tuple[str, str]], *, is_open: bool) -> list[tuple[Term, str]]:
    """Each term that has words: what is marked, and what PostgreSQL is asked for."""
    terms = []
    for number, (text, phrase) in enumerate(folded, 1):
        words = tuple(text.split())
        if phrase:
            goes_on = is_open and number == len(folded) and len(words[-1]) >= SHORTEST_OPEN
            terms.append((Term(words, goes_on), f"({phrase}{':*' if goes_on else ''})"))
    return terms


def _shown(video: dict[str, Any], terms: Sequence[Term]) -> dict[str, Any]:
    hits = [hit for its in video["hits"] if (hit := _hit(its, terms)) is not None]
    return {**video, "hits": hits}


def _hit(hit: Mapping[str, Any], terms: Sequence[Term]) -> dict[str, Any] | None:
    """What is shown of a hit; None for one that the next passage has too."""
    found = spans(hit["text"], terms)
    own = hit["own"]
    if own is not None and found and found[0][0] >= own:
        return None
    piece = snippet(hit["text"], found)
    seconds, timestamp = _place(hit, found[0][0] if found else 0)
    return {
        "kind": hit["kind"],
        "note_id": hit["note_id"],
        "seconds": seconds,
        "timestamp": timestamp,
        "snippet": piece.text,
        "highlights": piece.highlights,
    }


def _place(hit: Mapping[str, Any], character: int) -> tuple[float | None, str | None]:
    if hit["kind"] == "transcript":
        seconds = second_at(hit["offsets"], hit["starts"], character)
        return seconds, clock(seconds)
    if hit["at"] is None:
        return None, None
    return seconds_of(hit["at"]), hit["at"]


def _count(name: str, default: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    if _number.fullmatch(text) is None:
        raise ApiError(400, f"{name} must be a number")
    return int(text)
