"""What a YouTube video is: title, channel, length and so on, as yt-dlp finds it."""

from collections.abc import Mapping, Sequence
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.networking.common import Request, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError
from yt_dlp.utils import YoutubeDLError

from vidwiz.adapters.youtube import (
    YOUTUBE,
    YouTubeRefusal,
    elsewhere,
    in_thread,
    refused_because,
    refused_with,
    require_id,
)

Metadata = dict[str, Any]

_TEXTS = {
    "id": 20,
    "title": 1000,
    "uploader": 500,
    "upload_date": 8,  # YYYYMMDD
    "duration_string": 20,
    "channel": 500,
    "channel_url": 2000,
    "uploader_url": 2000,
    "description": 10_000,
    "thumbnail": 2000,
}
"""The fields that are texts, and how many characters of them are kept."""

_NUMBERS = ("duration", "view_count", "like_count")
_LARGEST_NUMBER = 2**53  # what JavaScript can count to

_WATCHED = {
    "skip_download": True,
    "ignore_no_formats_error": True,  # that nothing can be played says nothing about the title
    "cachedir": False,
    "noplaylist": True,
    "retries": 0,
    "extractor_retries": 0,
    # What is left out concerns playing only, which would take a JavaScript engine.
    "extractor_args": {
        "youtube": {"player_skip": ["configs", "js"], "skip": ["hls", "dash", "translated_subs"]}
    },
}


class YouTubeMetadata:
    """Reads what videos are; writes no files.

    ``proxy`` is the URL of an HTTP or SOCKS proxy, ``base_url`` another server that speaks
    YouTube's protocol.
    """

    def __init__(
        self, *, proxy: str | None = None, base_url: str | None = None, timeout_s: float = 30.0
    ) -> None:
        self._proxy = {"proxy": proxy} if proxy else {}
        self._base_url = base_url
        self._timeout_s = timeout_s

    async def fetch(self, video_id: str) -> Metadata:
        """The known ones of ``_TEXTS`` and ``_NUMBERS``; raises ``YouTubeRefusal``."""
        require_id(video_id)
        return await in_thread(lambda: self._fetch(video_id), self._timeout_s)

    def _fetch(self, video_id: str) -> Metadata:
        remarks = _Remarks()
        options = {**_WATCHED, **self._proxy, "socket_timeout": self._timeout_s, "logger": remarks}
        with _Elsewhere(options, self._base_url) as youtube:
            try:
                found = youtube.extract_info(f"{YOUTUBE}/watch?v={video_id}", download=False)
            except YoutubeDLError as error:
                raise _refusal(youtube.failures, f"{error} {remarks}") from error
            except Exception as error:
                # What yt-dlp stumbles into when an answer is not of the form that it knows.
                raise YouTubeRefusal("not_understood", type(error).__name__) from error
            if not (found and found.get("fulltitle")):  # yt-dlp makes a ``title`` up then
                raise _refusal(youtube.failures, str(remarks))
        return described(found)


def described(found: Mapping[str, Any]) -> Metadata:
    """The fields that clients know, of the types and lengths that they expect."""
    metadata: Metadata = {}
    for name, most in _TEXTS.items():
        text = found.get(name)
        if isinstance(text, str) and text:
            metadata[name] = _clean(text)[:most]
    for name in _NUMBERS:
        number = found.get(name)
        if isinstance(number, int | float) and 0 <= number <= _LARGEST_NUMBER:
            metadata[name] = int(number)
    return metadata


def _clean(text: str) -> str:
    """Without what PostgreSQL keeps not (NUL) or UTF-8 has not (lone surrogates)."""
    return text.replace("\0", "").encode(errors="ignore").decode()


class _Remarks:
    """yt-dlp's own log, which is not shown; it says why YouTube plays a video to nobody."""

    def __init__(self) -> None:
        self._warnings: list[str] = []

    def __str__(self) -> str:
        return " ".join(self._warnings)

    def debug(self, message: str) -> None:
        """Progress, which nobody watches."""

    def warning(self, message: str) -> None:
        """Keep it."""
        self._warnings.append(message)

    def error(self, message: str) -> None:
        """Raised as well."""


class _Elsewhere(YoutubeDL):  # type: ignore[misc]  # it ships no types
    """Asks another server, if there is one, and remembers the requests that failed."""

    def __init__(self, options: Mapping[str, Any], base_url: str | None) -> None:
        super().__init__(options)
        self._base_url = base_url
        self.failures: list[RequestError] = []

    def urlopen(self, req: Request | str) -> Response:
        """Send a request."""
        request = Request(req) if isinstance(req, str) else req
        request.url = elsewhere(request.url, self._base_url)
        try:
            return super().urlopen(request)
        except RequestError as error:
            self.failures.append(error)
            raise

    def close(self) -> None:
        """Let go of connections, those of failures too, which yt-dlp leaves open."""
        for failure in self.failures:
            if isinstance(failure, HTTPError):
                failure.close()
        super().close()


def _refusal(failures: Sequence[RequestError], said: str) -> YouTubeRefusal:
    """What went wrong first; yt-dlp goes on without what it cannot get."""
    if not failures:
        return refused_because(said)
    if isinstance(failures[0], HTTPError):
        return refused_with(failures[0].status)
    return YouTubeRefusal("unreachable", type(failures[0]).__name__)
