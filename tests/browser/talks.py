"""Talks that the stand-in YouTube gives, with captions and a title: pages look as in life."""

import json
from dataclasses import dataclass, field, replace
from importlib.resources import files
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import orjson

from tests.fake_youtube import FakeYouTube, MadeUp
from tests.support import SHARED_DATA

APOLLO_ID = "W421vNri5hw"
APOLLO = SHARED_DATA / "transcripts" / f"{APOLLO_ID}.json"

Line = dict[str, Any]


@dataclass(frozen=True)
class Talk:
    """A video; its captions are ``lines`` of ``text``, ``offset`` and ``duration`` (seconds)."""

    video_id: str
    title: str
    channel: str
    seconds: int
    lines: list[Line] = field(default_factory=list)
    summary: str = ""

    @property
    def link(self) -> str:
        """What a person copies from YouTube."""
        return f"https://www.youtube.com/watch?v={self.video_id}"


def coffee(video_id: str = "c0ffee_talk") -> Talk:
    """The short talk that VidWiz ships as its sample."""
    sample = json.loads((files("vidwiz.cli.sample") / "talk.json").read_text("utf-8"))
    about = sample["metadata"]
    return Talk(
        video_id,
        sample["title"],
        about["channel"],
        about["duration"],
        sample["transcript"],
        sample["summary"],
    )


def silent(video_id: str) -> Talk:
    """The same talk, of which YouTube has no captions."""
    return replace(coffee(video_id), lines=[])


def apollo() -> Talk:
    """Eight hours of Apollo 13, where its real transcript is; otherwise the talk on coffee."""
    if not APOLLO.exists():
        return coffee(APOLLO_ID)
    lines = orjson.loads(APOLLO.read_bytes())
    title = "Apollo 13 in real time: the third day, and the explosion"
    return Talk(APOLLO_ID, title, "Apollo 13 Real-time", 28800, lines)


def give(youtube: FakeYouTube, *talks: Talk) -> None:
    """Lets YouTube have them."""
    for talk in talks:
        youtube.made_up[talk.video_id] = MadeUp(
            _player(talk), _beside(talk), _timed_text(talk.lines)
        )


def _timed_text(lines: list[Line]) -> str:
    texts = (
        f"<text start={quoteattr(str(line['offset']))} dur={quoteattr(str(line['duration']))}>"
        f"{escape(line['text'])}</text>"
        for line in lines
    )
    return f'<?xml version="1.0" encoding="utf-8" ?><transcript>{"".join(texts)}</transcript>'


def _beside(talk: Talk) -> dict[str, Any]:
    owner = {"owner": {"videoOwnerRenderer": {"title": {"runs": [{"text": talk.channel}]}}}}
    return {"results": {"contents": [{"videoSecondaryInfoRenderer": owner}]}}


def _player(talk: Talk) -> dict[str, Any]:
    track = {
        "baseUrl": f"https://www.youtube.com/api/timedtext?v={talk.video_id}",
        "name": {"runs": [{"text": "English"}]},
        "languageCode": "en",
    }
    tracks = {"captionTracks": [track] if talk.lines else []}
    return {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {
            "videoId": talk.video_id,
            "title": talk.title,
            "lengthSeconds": str(talk.seconds),
            "viewCount": "1203",
        },
        "captions": {"playerCaptionsTracklistRenderer": tracks},
    }
