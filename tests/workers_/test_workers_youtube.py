"""The real youtube-transcript-api and yt-dlp against a stand-in that plays recorded answers."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fake_youtube import FakeYouTube, Mood, fake_youtube, recorded
from tests.support import free_port, new_video_id
from vidwiz.adapters.captions import YouTubeCaptions
from vidwiz.adapters.video_metadata import YouTubeMetadata, described
from vidwiz.adapters.youtube import YouTubeRefusal, in_thread, refused_because

pytestmark = recorded

WORDS = [
    {"text": "Hey, this is just a test", "offset": 0.0, "duration": 1.54},
    {"text": "this is not the original transcript", "offset": 1.54, "duration": 4.16},
    {"text": "just something shorter, I made up for testing", "offset": 5.7, "duration": 3.239},
]


@pytest.fixture
def youtube() -> Iterator[FakeYouTube]:
    with fake_youtube() as its:
        yield its


def captions(youtube: FakeYouTube, *languages: str, **options: Any) -> YouTubeCaptions:
    return YouTubeCaptions(languages or ("en",), base_url=youtube.url, **options)


def metadata(youtube: FakeYouTube, **options: Any) -> YouTubeMetadata:
    return YouTubeMetadata(base_url=youtube.url, **options)


async def refusal(source: YouTubeCaptions | YouTubeMetadata) -> YouTubeRefusal:
    with pytest.raises(YouTubeRefusal) as refused:
        await source.fetch(new_video_id())
    return refused.value


async def test_captions_are_items_of_text_offset_and_duration(youtube: FakeYouTube) -> None:
    assert await captions(youtube).fetch("GJLlxj_dtq8") == WORDS


@pytest.mark.parametrize(
    ("mood", "code", "is_permanent", "is_of_this_server"),
    [
        ("disabled", "disabled", True, False),
        ("unavailable", "unavailable", True, False),
        ("blocked", "blocked", False, True),
        ("captcha", "too_many_requests", False, True),
        ("over limit", "too_many_requests", False, True),
        ("down", "unreachable", False, True),
        ("odd", "not_understood", False, False),
    ],
)
async def test_refusals_of_captions_are_told_apart(
    youtube: FakeYouTube, mood: Mood, code: str, is_permanent: bool, is_of_this_server: bool
) -> None:
    youtube.mood = mood
    refused = await refusal(captions(youtube))
    assert (refused.code, refused.is_permanent, refused.is_of_this_server) == (
        code,
        is_permanent,
        is_of_this_server,
    )
    assert "github" not in f"{refused}{refused.message}"


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Sign in to confirm your age. This video may be inappropriate.", "age_restricted"),
        ("Sign in to confirm you're not a bot", "blocked"),
        ("This content isn't available, try again later.", "too_many_requests"),
        ("Private video. Sign in if you've been granted access.", "unavailable"),
        ("The uploader has not made this video available in your country", "unavailable"),
        ("Join this channel to get access to members-only content", "unavailable"),
        ("This live event will begin in 3 days.", "unavailable"),
        ("", "unavailable"),
    ],
)
async def test_reasons_not_to_play_a_video_are_told_apart(
    youtube: FakeYouTube, reason: str, code: str
) -> None:
    youtube.player = {
        "playabilityStatus": {"status": "LOGIN_REQUIRED", "reason": reason},
        "videoDetails": {},
        "captions": {},
        "microformat": {},
        "streamingData": {},
    }
    assert refused_because(reason).code == code
    assert (await refusal(captions(youtube))).code == code


async def test_an_address_where_nobody_answers_is_unreachable() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    assert (await refusal(YouTubeCaptions(base_url=nowhere))).code == "unreachable"
    assert (await refusal(YouTubeMetadata(base_url=nowhere))).code == "unreachable"


async def test_an_answer_that_takes_too_long_is_unreachable(youtube: FakeYouTube) -> None:
    youtube.mood = "slow"
    began = time.monotonic()
    assert (await refusal(captions(youtube, timeout_s=0.2))).code == "unreachable"
    assert (await refusal(metadata(youtube, timeout_s=0.2))).code == "unreachable"
    assert time.monotonic() - began < 5


async def test_work_that_never_ends_is_left_to_a_daemon() -> None:
    never, before = threading.Event(), set(threading.enumerate())
    with pytest.raises(YouTubeRefusal):
        await in_thread(never.wait, 0.05)
    (left,) = set(threading.enumerate()) - before
    assert left.daemon
    never.set()
    await asyncio.to_thread(left.join)


def track(language: str, *, generated: bool = False) -> dict[str, Any]:
    return {
        "baseUrl": f"https://www.youtube.com/api/timedtext?lang={language}&generated={generated}",
        "name": {"runs": [{"text": language}]},
        "languageCode": language,
        "isTranslatable": True,
        **({"kind": "asr"} if generated else {}),
    }


@pytest.mark.parametrize(
    ("tracks", "languages", "read"),
    [
        ([track("en", generated=True), track("en")], ("en",), "en&generated=False"),
        ([track("de"), track("en")], ("fr", "en", "de"), "en&generated=False"),
        ([track("de"), track("en", generated=True)], ("en", "de"), "de&generated=False"),
        ([track("en-GB"), track("de")], ("en",), "en-GB&generated=False"),
        ([track("eno"), track("es", generated=True)], ("en",), "es&generated=True"),
        ([track("zh"), track("es"), track("es", generated=True)], ("en",), "es&generated=False"),
        ([track("zh"), track("ja")], ("en",), "zh&generated=False"),
    ],
    ids=[
        "written before generated",
        "languages in their order",
        "written in a later language before generated in an earlier one",
        "a regional form",
        "the spoken language before a translation",
        "written in the spoken language",
        "whatever there is",
    ],
)
async def test_captions_are_chosen_by_language(
    youtube: FakeYouTube, tracks: list[dict[str, Any]], languages: tuple[str, ...], read: str
) -> None:
    youtube.player = {"captions": {"playerCaptionsTracklistRenderer": {"captionTracks": tracks}}}
    assert await captions(youtube, *languages).fetch(new_video_id()) == WORDS
    assert youtube.captions_read == [f"lang={read}"]


async def test_a_video_that_lists_no_captions_has_no_transcript(youtube: FakeYouTube) -> None:
    youtube.player = {"captions": {"playerCaptionsTracklistRenderer": {"captionTracks": []}}}
    refused = await refusal(captions(youtube))
    assert (refused.code, refused.is_permanent) == ("no_transcript", True)


async def test_empty_captions_are_a_block(youtube: FakeYouTube) -> None:
    youtube.captions = ""
    assert (await refusal(captions(youtube))).code == "blocked"


async def test_captions_without_words_are_no_transcript(youtube: FakeYouTube) -> None:
    youtube.captions = '<transcript><text start="0" dur="1"> </text></transcript>'
    assert (await refusal(captions(youtube))).code == "no_transcript"


async def test_metadata_is_what_clients_show(
    youtube: FakeYouTube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    video_id = new_video_id()
    found = await metadata(youtube).fetch(video_id)
    assert found.pop("description").startswith("Dave2D review of the Microsoft Surface Go.")
    assert found == {
        "id": video_id,
        "title": "Surface Go Review - It’s Awesome",  # noqa: RUF001  as its author wrote it
        "uploader": "Dave2D",
        "uploader_url": "https://www.youtube.com/@Dave2D",
        "channel": "Dave2D",
        "channel_url": "https://www.youtube.com/channel/UCVYamHliCI9rw1tHR1xbkfw",
        "upload_date": "20180802",
        "duration": 316,
        "duration_string": "5:16",
        "view_count": 1856109,
        "like_count": 43864,
        "thumbnail": f"https://i.ytimg.com/vi/{video_id}/maxresdefault.jpg",
    }
    assert os.listdir(tmp_path) == []  # noqa: PTH208  pathlib's would block as well
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("mood", "code"),
    [
        ("unavailable", "unavailable"),
        ("blocked", "blocked"),
        ("over limit", "too_many_requests"),
        ("captcha", "too_many_requests"),
        ("down", "unreachable"),
    ],
)
async def test_refusals_of_metadata_are_told_apart(
    youtube: FakeYouTube, mood: Mood, code: str
) -> None:
    youtube.mood = mood
    assert (await refusal(metadata(youtube))).code == code


async def test_a_video_whose_subtitles_are_off_has_metadata(youtube: FakeYouTube) -> None:
    youtube.mood = "disabled"
    assert (await metadata(youtube).fetch(new_video_id()))["title"].startswith("Angèle - Eels")


async def test_requests_go_through_the_proxy(youtube: FakeYouTube) -> None:
    target = "http://youtube.invalid"
    for source in (
        YouTubeCaptions(base_url=target, proxy=youtube.url),
        YouTubeMetadata(base_url=target, proxy=youtube.url),
    ):
        await source.fetch(new_video_id())
        assert youtube.proxied.pop().startswith(target)
        youtube.proxied.clear()


def test_metadata_is_bounded_and_of_known_types() -> None:
    found = {
        "title": "t" * 5000,
        "description": "a\0b\ud800c",
        "duration": 12.7,
        "view_count": -1,
        "like_count": 10**30,
        "channel": ["no text"],
        "uploader": "",
        "formats": [{"url": "https://example.org"}],
    }
    assert described(found) == {"title": "t" * 1000, "description": "abc", "duration": 12}
