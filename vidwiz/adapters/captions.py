"""Captions of YouTube videos, as segments with their times."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from xml.etree.ElementTree import ParseError

import requests
from requests.adapters import HTTPAdapter
from youtube_transcript_api import (
    AgeRestricted,
    CouldNotRetrieveTranscript,
    InvalidVideoId,
    IpBlocked,
    NoTranscriptFound,
    PoTokenRequired,
    RequestBlocked,
    Transcript,
    TranscriptList,
    TranscriptsDisabled,
    VideoUnavailable,
    VideoUnplayable,
    YouTubeRequestFailed,
    YouTubeTranscriptApi,
)
from youtube_transcript_api.proxies import GenericProxyConfig

from vidwiz.adapters.youtube import (
    YOUTUBE,
    Code,
    YouTubeRefusal,
    elsewhere,
    in_thread,
    refused_because,
    refused_with,
    require_id,
)

Item = dict[str, Any]

_CONNECT_TIMEOUT_S = 5.0
_LONGEST_DETAIL = 200
_CODES: tuple[tuple[type[Exception], Code], ...] = (
    (IpBlocked, "too_many_requests"),  # a RequestBlocked too, so it comes first
    (RequestBlocked, "blocked"),
    (PoTokenRequired, "blocked"),
    (TranscriptsDisabled, "disabled"),
    (AgeRestricted, "age_restricted"),
    (VideoUnavailable, "unavailable"),
    (InvalidVideoId, "unavailable"),
    (NoTranscriptFound, "no_transcript"),
    (ParseError, "blocked"),  # it sends empty captions to clients that it does not trust
    (CouldNotRetrieveTranscript, "not_understood"),
    (requests.JSONDecodeError, "not_understood"),
    (requests.RequestException, "unreachable"),
    (OSError, "unreachable"),
)


class YouTubeCaptions:
    """Reads captions: in the first of ``languages`` that there is, else in the one spoken.

    ``proxy`` is the URL of an HTTP or SOCKS proxy, ``base_url`` another server that speaks
    YouTube's protocol.
    """

    def __init__(
        self,
        languages: Sequence[str] = ("en",),
        *,
        proxy: str | None = None,
        base_url: str | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self._languages = tuple(languages)
        self._proxy = GenericProxyConfig(proxy, proxy) if proxy else None
        self._base_url = base_url
        self._timeout_s = timeout_s

    async def fetch(self, video_id: str) -> list[Item]:
        """Items of ``text``, ``offset`` and ``duration`` (seconds); raises ``YouTubeRefusal``."""
        require_id(video_id)
        return await in_thread(lambda: self._fetch(video_id), self._timeout_s)

    def _fetch(self, video_id: str) -> list[Item]:
        try:
            with requests.Session() as session:  # one per thread: it is not made to be shared
                session.mount("https://", _Elsewhere(self._base_url, self._timeout_s))
                api = YouTubeTranscriptApi(self._proxy, session)
                items = _items(chosen(api.list(video_id), self._languages))
        except Exception as error:
            raise _refusal(error) from error
        if not items:
            raise YouTubeRefusal("no_transcript", "the captions are empty")
        return items


def chosen(transcripts: TranscriptList, languages: Sequence[str]) -> Transcript:
    """The captions to read; raises ``YouTubeRefusal`` when there are none.

    Those that people wrote come before generated ones, in the order of ``languages``. In none of
    these languages: the spoken one, which is the one of the generated captions. A machine's
    translation is never chosen.
    """
    found = sorted(transcripts, key=lambda it: it.is_generated)
    for written in (True, False):
        for language in languages:
            for one in found:
                if one.is_generated is not written and _is_in(one, language):
                    return one
    spoken = [it.language_code for it in found if it.is_generated]
    in_it = [it for it in found if any(_is_in(it, language) for language in spoken)]
    if not found:
        raise YouTubeRefusal("no_transcript", "YouTube lists no captions")
    return (in_it or found)[0]


def _is_in(transcript: Transcript, language: str) -> bool:
    """Whether its language is this one, or a regional form of it."""
    return f"{transcript.language_code}-".casefold().startswith(f"{language}-".casefold())


def _items(transcript: Transcript) -> list[Item]:
    return [
        {"text": snippet.text, "offset": snippet.start, "duration": snippet.duration}
        for snippet in transcript.fetch()
        if snippet.text.strip()
    ]


class _Elsewhere(HTTPAdapter):
    """Gives every request a timeout and, if there is one, another server."""

    def __init__(self, base_url: str | None, timeout_s: float) -> None:
        super().__init__()
        self._base_url = base_url
        self._timeout = (min(_CONNECT_TIMEOUT_S, timeout_s), timeout_s)

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Send it."""
        request.url = elsewhere(request.url or YOUTUBE, self._base_url)
        return super().send(request, *args, **{**options, "timeout": self._timeout})


def _refusal(error: Exception) -> YouTubeRefusal:
    """What went wrong, without the library's advice to open an issue about it."""
    match error:
        case YouTubeRefusal():
            return error
        case VideoUnplayable():
            return refused_because(" ".join([error.reason or "", *error.sub_reasons]).strip())
        case YouTubeRequestFailed():
            return refused_with(_status(error))
    for kind, code in _CODES:
        if isinstance(error, kind):
            return YouTubeRefusal(code, type(error).__name__)
    return YouTubeRefusal("not_understood", f"{type(error).__name__}: {error}"[:_LONGEST_DETAIL])


def _status(failed: YouTubeRequestFailed) -> int:
    error = failed.__context__
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code
    return HTTPStatus.BAD_GATEWAY
