"""What a guest does on a fresh installation: open a video, wait for it, ask, reload, ask again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.fake_youtube import VIDEO_IDS, fake_youtube, recorded
from tests.support import (
    ADMIN_TOKEN,
    MASTER,
    SHARED_DATA,
    bearer,
    eventually,
    serving,
    serving_with_workers,
)
from vidwiz.replay.verification import verify

GUEST = {"X-Guest-Session-ID": "a guest of the journey"}
APOLLO = SHARED_DATA / "transcripts" / "W421vNri5hw.json"


@recorded
async def test_a_guest_opens_a_video_and_asks_about_what_workers_brought(
    tmp_path: Path, dsn: str
) -> None:
    video_id = VIDEO_IDS[0]
    data = tmp_path / "data"
    with (
        fake_youtube() as youtube,
        serving_with_workers(data, dsn, VIDWIZ_YOUTUBE_URL=youtube.url) as server,
    ):
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            opened = await client.post("/api/wiz/init", json={"video_id": video_id})
            assert opened.json()["is_new"]

            async def summarised() -> bool:
                video = (await client.get(f"/api/wiz/video/{video_id}")).json()
                return bool(video["transcript_available"] and video["summary"])

            await eventually(summarised, 60)
            question = {"video_id": video_id, "message": "What is said here about text?"}
            answer = await client.post("/api/wiz/chat", json=question, headers=GUEST)
            assert answer.text.endswith("data: [DONE]\n\n")
    assert list(verify(dsn, MASTER)[1]) == []


@pytest.mark.skipif(not APOLLO.exists(), reason="the real transcripts are not here")
async def test_a_question_about_apollo_13_is_answered_with_the_second(
    tmp_path: Path, dsn: str
) -> None:
    transcript = orjson.loads(APOLLO.read_bytes())
    with serving(tmp_path / "data", dsn) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30) as client:
            await client.post("/api/wiz/init", json={"video_id": "https://youtu.be/W421vNri5hw"})
            await hand_in(client, transcript)
            question = {"video_id": "W421vNri5hw", "message": "What happened to Main B Bus?"}
            answer = await client.post("/api/wiz/chat", json=question, headers=GUEST)
            turn = f"/api/wiz/turns/{answer.headers['X-Wiz-Turn-ID']}/stream"
            again = await client.get(turn, headers=GUEST)
    cited = [orjson.loads(data) for kind, data in events(again.text) if kind == "citation"]
    assert (cited[0]["marker"], cited[0]["start"]) == ("[7:55:35]", 28535)
    assert "Main B Bus Undervolt" in cited[0]["quote"]
    assert "[7:55:35]" in answer.text
    assert list(verify(dsn, MASTER)[1]) == []


async def hand_in(client: httpx.AsyncClient, transcript: list[Any]) -> None:
    admin = bearer(ADMIN_TOKEN)
    task = (await client.get("/api/tasks/transcript?timeout=0", headers=admin)).json()
    result = {
        "task_id": task["task_id"],
        "video_id": "W421vNri5hw",
        "success": True,
        "transcript": transcript,
    }
    (await client.post("/api/tasks/transcript", json=result, headers=admin)).raise_for_status()


def events(stream: str) -> Iterator[tuple[str, str]]:
    """Kind and data of each event of a typed stream."""
    for event in stream.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.split("\n"))
        yield lines["event"], lines["data"]
