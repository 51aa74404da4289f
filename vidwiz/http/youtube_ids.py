"""The id of a YouTube video, however people give it."""

import re
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator

LONGEST = 2000

_id = re.compile(r"[A-Za-z0-9_-]{11}")
_paths = re.compile(r"/(?:shorts|live|embed)/([^/]+)")
_host_and_path = re.compile(r"(?:https?:)?//", re.IGNORECASE)


def youtube_id(given: str) -> str:
    """The id in ``given``: the id itself, or a link to the video. Raises ``ValueError``."""
    given = given.strip()
    if not given:
        raise ValueError("video_id cannot be empty")
    if "list=" in given:
        raise ValueError("playlist URLs are not supported")
    if _id.fullmatch(given):
        return given
    found = _linked(given) if len(given) <= LONGEST else None
    if found is None or not _id.fullmatch(found):
        raise ValueError("video_id must be a valid YouTube video ID")
    return found


def _linked(link: str) -> str | None:
    try:
        url = urlsplit(link if _host_and_path.match(link) else f"//{link}")
    except ValueError:
        return None
    host = (url.hostname or "").removeprefix("www.")
    if host == "youtu.be":
        return url.path.removeprefix("/").partition("/")[0]
    if "youtube.com" not in host:
        return None
    if url.path.rstrip("/") == "/watch":
        return parse_qs(url.query).get("v", [None])[0]
    found = _paths.match(url.path)
    return found and found[1]


YouTubeId = Annotated[str, AfterValidator(youtube_id)]
