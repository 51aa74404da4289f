"""The main job, end to end: sign up, note, task, transcript, search, SIGKILL, rebuild, verify."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support import ADMIN_TOKEN, SHARED_DATA, bearer, server_environment, serving

VIDEO = "W421vNri5hw"
TRANSCRIPT = SHARED_DATA / "transcripts" / f"{VIDEO}.json"


@pytest.mark.skipif(not TRANSCRIPT.exists(), reason="the real transcripts are not here")
def test_a_note_survives_everything_and_every_table_equals_its_replay(tmp_path: Path):
    data = tmp_path / "data"
    with serving(data) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        person = sign_up(client)
        note = {"video_id": VIDEO, "video_title": "Apollo 13", "timestamp": "7:55:35"}
        added = client.post("/api/notes", json=note, headers=person).raise_for_status().json()
        submit_transcript(client)
        assert client.get(f"/api/videos/{VIDEO}", headers=person).json()["transcript_available"]
        server.kill()

    with serving(data) as server, httpx.Client(base_url=server.url, timeout=30) as client:
        notes = client.get(f"/api/notes/{VIDEO}", headers=person).raise_for_status().json()
        assert [one["id"] for one in notes] == [added["id"]]
        found = client.get("/api/search?query=APOLLO", headers=person).json()
        assert [video["video_id"] for video in found["videos"]] == [VIDEO]
        assert "Rebuilt" in run(data, "rebuild")
        assert "every table equals its replay" in run(data, "verify")
        assert server.stop() == 0
    stored = json.loads((data / "objects" / "transcripts" / f"{VIDEO}.json").read_bytes())
    assert stored == json.loads(TRANSCRIPT.read_bytes())
    assert "every table equals its replay" in run(data, "verify")


def sign_up(client: httpx.Client) -> dict[str, str]:
    account = {"email": "ann@example.org", "password": "correct horse", "name": "Ann"}
    client.post("/api/user/signup", json=account).raise_for_status()
    del account["name"]
    login = client.post("/api/user/login", json=account).raise_for_status()
    return bearer(login.json()["token"])


def submit_transcript(client: httpx.Client) -> None:
    worker = bearer(ADMIN_TOKEN)
    task = client.get("/api/tasks/transcript?timeout=10", headers=worker).raise_for_status().json()
    result = {
        "task_id": task["task_id"],
        "video_id": task["task_details"]["video_id"],
        "success": True,
        "transcript": json.loads(TRANSCRIPT.read_bytes()),
    }
    answer = client.post("/api/tasks/transcript", json=result, headers=worker)
    assert answer.raise_for_status().json()["status"] == "completed"


def run(data: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "vidwiz", *command],
        env=server_environment(data, None),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
