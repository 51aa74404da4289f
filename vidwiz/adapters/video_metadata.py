"""What a YouTube video is: title, channel, length and so on, as yt-dlp finds it."""

from collections.abc import Mapping
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
        return await in_thread(lambda: self._fetch(video_id), self._timeout_s)

    def _fetch(self, video_id: str) -> Metadata:
        remarks = _Remarks()
        options = {**_WATCHED, **self._proxy, "socket_timeout": self._timeout_s, "logger": remarks}
        try:
            with _Elsewhere(options, self._base_url) as youtube:
                found = youtube.extract_info(f"{YOUTUBE}/watch?v={video_id}", download=False)
        except YoutubeDLError as error:
            raise _refusal(error, remarks) from error
        except Exception as error:
            # What yt-dlp stumbles into when an answer is not of the form that it knows.
            raise YouTubeRefusal("not_understood", type(error).__name__) from error
        return described(found or {})


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
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Progress, which nobody watches."""

    def warning(self, message: str) -> None:
        """Keep it."""
        self.warnings.append(message)

    def error(self, message: str) -> None:
        """Raised as well."""


class _Elsewhere(YoutubeDL):
    """Asks another server, if there is one."""

    def __init__(self, options: Mapping[str, Any], base_url: str | None) -> None:
        super().__init__(options)
        self._base_url = base_url

    def urlopen(self, req: Request | str) -> Response:
        """Send a request."""
        request = Request(req) if isinstance(req, str) else req
        request.url = elsewhere(request.url, self._base_url)
        response: Response = super().urlopen(request)
        return response


def _refusal(error: YoutubeDLError, remarks: _Remarks) -> YouTubeRefusal:
    for cause in _causes(error):
        if isinstance(cause, HTTPError):
            return refused_with(cause.status)
        if isinstance(cause, RequestError | OSError):
            return YouTubeRefusal("unreachable", type(cause).__name__)
    return refused_because(" ".join([str(error), *remarks.warnings]))


def _causes(error: BaseException) -> list[BaseException]:
    """The error, and what it came from as yt-dlp and Python keep it."""
    found: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and here not in found:
        found.append(here)
        kept = getattr(here, "exc_info", None) or (None, None)
        here = getattr(here, "cause", None) or kept[1] or here.__cause__
    return found
