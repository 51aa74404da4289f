"""The id of a YouTube video, however people give it.

``frontend/src/lib/youtube.ts`` reads links by the same rules; ``tests/cases/youtube_links.json``
is the table that both are held to.
"""

import re
from urllib.parse import parse_qs

LONGEST = 2000
"""Characters in which a link is looked for."""
EMPTY = "video_id cannot be empty"
PLAYLIST = "playlist URLs are not supported"
NOT_ONE = "video_id must be a valid YouTube video ID"

_INVISIBLE = "\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_id = re.compile(r"[A-Za-z0-9_-]{11}")
_stored = re.compile(r"[\x21-\x7e]{1,64}")
_id_first = re.compile(r"([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
_around = re.compile(rf"^[\s{_INVISIBLE}]+|[\s{_INVISIBLE}]+$")
_between = re.compile(rf"[\s{_INVISIBLE}<>()\[\]{{}}\"'`*|\u201c-\u201f\u00ab\u00bb]+")
_words_before = re.compile(r"^[^/?=@.%#&\\]*?(?=https?://)", re.IGNORECASE)
_link = re.compile(
    r"(?:(?:https?:)?//)?(?:[a-z0-9-]+\.)*(?P<host>youtube\.com|youtube-nocookie\.com|youtu\.be)"
    r"\.?(?::(?:80|443))?(?P<path>/[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
_with_query = re.compile(r"/(?:watch(?:_popup)?/?)?")
_with_path = re.compile(r"/(?:watch|shorts|live|embed|vi?|e)/(.*)", re.DOTALL)
_holding_a_link = {"/attribution_link": "u", "/redirect": "q", "/oembed": "url", "/m": "continue"}
_no_ids = {"videoseries", "live_stream"}
"""What stands in an id's place in links to playlists and channels, and is as long as one."""


def youtube_id(given: str) -> str:
    """The id in ``given``: the id itself, or a link to the video, with or without text around it.

    Raises ``ValueError``.
    """
    given = _around.sub("", given)
    if not given:
        raise ValueError(EMPTY)
    if "list=" in given:
        raise ValueError(PLAYLIST)
    if _id.fullmatch(given):
        return given
    found = _found(given) if len(given) <= LONGEST else None
    if found is None:
        raise ValueError(NOT_ONE)
    return found


def is_video_id(given: str) -> bool:
    """Whether a stored video can have this id: YouTube's, or what older versions took for one."""
    return _stored.fullmatch(given) is not None


def logged_id(given: str) -> str:
    """The id that a reader of the log means: as for ``youtube_id``, or one that is no more taken.

    Older versions took any 1 to 64 visible characters of ASCII. Raises ``ValueError``.
    """
    try:
        return youtube_id(given)
    except ValueError:
        if is_video_id(given):
            return given
        raise


def _found(text: str) -> str | None:
    words = _between.split(text.replace("&amp;", "&"))
    linked = (_linked(_words_before.sub("", word)) for word in words)
    return next((video_id for video_id in linked if video_id), None)


def _linked(link: str, *, within: bool = False) -> str | None:
    """The id of the video that a link leads to; ``within`` another link nothing is nested."""
    parts = _link.fullmatch(link)
    if parts is None:
        return None
    path, query = parts["path"], parse_qs(parts["query"] or "")
    if parts["host"].lower() == "youtu.be":
        return _first_id(path[1:])
    if _with_query.fullmatch(path):
        return _first_id((query.get("v") or query.get("vi") or [""])[0])
    if in_path := _with_path.fullmatch(path):
        return _first_id(in_path[1])
    target = query.get(_holding_a_link.get(path, ""), [""])[0]
    if within or not target:
        return None
    return _linked(f"youtube.com{target}" if target.startswith("/") else target, within=True)


def _first_id(text: str) -> str | None:
    found = _id_first.match(text)
    return found[1] if found and found[1] not in _no_ids else None
