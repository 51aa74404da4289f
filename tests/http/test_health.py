"""Health, readiness and metrics."""

from pathlib import Path

import psycopg
import pytest

from tests.support import Api, Person, new_video_id, running_api


async def test_a_running_process_is_live(api: Api) -> None:
    answer = await api.client.get("/api/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_a_service_with_its_database_is_ready(api: Api, ann: Person) -> None:
    await api.add_note(ann, new_video_id())
    answer = await api.client.get("/api/health/ready")
    assert answer.status_code == 200
    ready = answer.json()
    assert ready["migrations"]["at"] == ready["migrations"]["head"] != None  # noqa: E711
    assert (ready["status"], ready["database"]) == ("ok", "ok")
    assert ready["log"]["position"] >= 5
    assert ready["log"]["follower_lag"] >= 0


@pytest.mark.parametrize("revision", ["'0000'", None])
async def test_a_database_of_another_version_is_not_ready(
    dsn: str, tmp_path: Path, revision: str | None
) -> None:
    async with running_api(dsn, tmp_path) as api:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("DELETE FROM alembic_version")
            if revision is not None:
                connection.execute("INSERT INTO alembic_version VALUES ('0000')")
        answer = await api.client.get("/api/health/ready")
        assert answer.status_code == 503
        assert answer.json()["status"] == "unavailable"
        assert (await api.client.get("/api/health/live")).status_code == 200


async def test_metrics_count_requests_by_route_and_never_by_path(api: Api, ann: Person) -> None:
    video_id = new_video_id()
    await api.client.get(f"/api/notes/{video_id}?query=hidden", headers=ann.headers)
    await api.client.request("BREW", f"/{video_id}")
    answer = await api.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert '/api/notes/<video_id>"' in answer.text
    for secret in (video_id, "hidden", "BREW", ann.email):
        assert secret not in answer.text
