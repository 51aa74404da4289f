"""A stand-in YouTube: watch page, player and captions as recorded, or refused as recorded."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import SHARED_DATA

RECORDED = SHARED_DATA / "youtube"
recorded = pytest.mark.skipif(not RECORDED.exists(), reason="the recorded answers are not here")

VIDEO_IDS = ("GJLlxj_dtq8", "dsMFmonKDD4")  # of the recorded videos
PLAYERS = {
    "plays": "youtube.innertube.json.static",
    "disabled": "youtube_transcripts_disabled.innertube.json.static",
    "unavailable": "youtube_video_unavailable.innertube.json.static",
    "blocked": "youtube_request_blocked.innertube.json.static",
}
CAPTCHA = "youtube_too_many_requests.html.static"
GATE_S = 30.0
STATUSES = {"captcha": 429, "over limit": 429, "down": 503, "odd": 404}

Mood = Literal[
    "plays", "disabled", "unavailable", "blocked", "captcha", "over limit", "down", "slow", "odd"
]


@dataclass(frozen=True)
class MadeUp:
    """A video that nobody recorded: what the player answers, what stands beside it, timed text."""

    player: dict[str, Any]
    beside: dict[str, Any]
    captions: str


class FakeYouTube:
    """Answers the next videos as told by ``will``, and all others in its ``mood``."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{server.server_port}"
        self.mood: Mood = "plays"
        self.slow_s = 1.0
        self.script: deque[Mood] = deque()
        self.watched: list[str] = []
        self.moods: dict[str, Mood] = {}
        self.proxied: list[str] = []
        """The addresses of requests that came as to a proxy."""
        self.captions_read: list[str] = []
        """What was asked for, as the query of the address."""
        self.captions = _file("transcript.xml.static") if RECORDED.exists() else ""
        self.player: dict[str, Any] = {}
        """What replaces parts of the recorded player's answer."""
        self.made_up: dict[str, MadeUp] = {}
        """Videos, by id, for which nothing recorded is needed."""
        self.gate = threading.Event()
        """Closed (``clear``), nobody gets a watch page until it is opened (``set``)."""
        self.gate.set()

    def will(self, *moods: Mood) -> None:
        """Be in these moods for the next watch pages, one each."""
        self.script.extend(moods)

    def next_mood(self, video_id: str) -> Mood:
        """The mood for a watch page."""
        self.watched.append(video_id)
        self.moods[video_id] = self.script.popleft() if self.script else self.mood
        return self.moods[video_id]


@contextmanager
def fake_youtube() -> Iterator[FakeYouTube]:
    """A YouTube on a free port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    youtube = FakeYouTube(server)
    server.youtube = youtube  # type: ignore[attr-defined]  # for its handlers
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield youtube
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("http"):
            self._youtube.proxied.append(self.path)
        url = urlsplit(self.path)
        if url.path == "/watch":
            self._watch(parse_qs(url.query)["v"][0])
        elif url.path == "/api/timedtext":
            self._youtube.captions_read.append(url.query)
            self._answer(self._captions(parse_qs(url.query)), "text/xml")
        else:
            self._answer("", status=404)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if urlsplit(self.path).path == "/youtubei/v1/player":
            mood = self._youtube.moods.get(asked["videoId"], self._youtube.mood)
            if mood in STATUSES:
                self._answer(_file(CAPTCHA), status=STATUSES[mood])
            else:
                self._answer(self._player(asked["videoId"], mood), "application/json")
        else:
            made_up = self._youtube.made_up.get(asked.get("videoId", ""))
            beside = {"results": made_up.beside} if made_up else {}
            answer = {"contents": {"twoColumnWatchNextResults": beside}}
            self._answer(json.dumps(answer), "application/json")

    def _watch(self, video_id: str) -> None:
        self._youtube.gate.wait(GATE_S)
        mood = self._youtube.next_mood(video_id)
        match mood:
            case "captcha":
                self._answer(_file(CAPTCHA))
            case "over limit" | "down":
                self._answer(_file(CAPTCHA), status=STATUSES[mood])
            case "odd":
                self._answer("<html>Hello</html>")
            case "plays" if not self._youtube.player and video_id not in self._youtube.made_up:
                self._answer(_of_video(_file("youtube.html.static"), video_id))
            case _:
                time.sleep(self._youtube.slow_s if mood == "slow" else 0)
                player = self._player(video_id, mood)
                self._answer(
                    '<html><script>ytcfg.set({"INNERTUBE_API_KEY": "key"});'
                    f"var ytInitialPlayerResponse = {player};</script></html>"
                )

    def _captions(self, query: dict[str, list[str]]) -> str:
        made_up = self._youtube.made_up.get(query.get("v", [""])[0])
        return made_up.captions if made_up else self._youtube.captions

    def _player(self, video_id: str, mood: Mood) -> str:
        if made_up := self._youtube.made_up.get(video_id):
            return json.dumps(made_up.player)
        player = json.loads(_file(PLAYERS.get(mood, PLAYERS["plays"])))
        return _of_video(json.dumps({**player, **self._youtube.player}), video_id)

    def _answer(self, text: str, kind: str = "text/html", status: int = 200) -> None:
        body = text.encode()
        with suppress(ConnectionError):  # some clients do not wait for slow answers
            self.send_response(status)
            self.send_header("content-type", f"{kind}; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Tests print no requests."""

    @property
    def _youtube(self) -> FakeYouTube:
        return cast("FakeYouTube", self.server.youtube)  # type: ignore[attr-defined]


def _of_video(text: str, video_id: str) -> str:
    for recorded_id in VIDEO_IDS:
        text = text.replace(recorded_id, video_id)
    return text


@cache
def _file(name: str) -> str:
    return (RECORDED / name).read_text()
