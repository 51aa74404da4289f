"""Ready means: requests are served. It ends and comes back with the database."""

from pathlib import Path

import httpx
import psycopg

from tests.conftest import TEMPLATE
from tests.support import Server, eventually, serving
from tests.workers import poll, queue, sign_up
from vidwiz.postgres.embedded import start_embedded_postgres


async def ready(client: httpx.AsyncClient) -> tuple[int, dict[str, object]]:
    answer = await client.get("/api/health/ready")
    return answer.status_code, answer.json()


async def becomes(client: httpx.AsyncClient, status: int) -> None:
    async def so() -> bool:
        return (await ready(client))[0] == status

    await eventually(so, 40)


def of(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=server.url, timeout=60)


async def test_a_ready_service_serves_requests(dsn: str, tmp_path: Path) -> None:
    with serving(tmp_path / "data", dsn) as server:
        async with of(server) as client:
            status, said = await ready(client)
            assert (status, said["status"], said["database"]) == (200, "ok", "ok")
            await queue(client, await sign_up(client))
            assert (await client.get("/api/health/live")).json() == {"status": "ok"}


async def test_a_stopped_database_is_noticed_and_its_return_too(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    running = start_embedded_postgres(folder)
    try:
        with serving(tmp_path / "data", running.dsn) as server:
            async with of(server) as client:
                user = await sign_up(client)
                running.close()
                await becomes(client, 503)
                assert (await ready(client))[1] == {
                    "status": "unavailable",
                    "database": "unavailable",
                }
                assert (await client.get("/api/health/live")).status_code == 200
                for _ in range(2):
                    refused = await client.post(
                        "/api/notes",
                        json={"video_id": "W421vNri5hw", "timestamp": "1:23"},
                        headers=user,
                    )
                    assert refused.status_code == 503
                    assert refused.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
                running = start_embedded_postgres(folder)
                await becomes(client, 200)
                video_id = await queue(client, user)
                task = await poll(client, timeout=20)
                assert task is not None
                assert task["task_details"] == {"video_id": video_id}
                assert server.stop() == 0
    finally:
        running.close()


async def test_a_dropped_database_is_noticed_and_an_empty_one_in_its_place_is_not_ours(
    dsn: str, server_dsn: str, tmp_path: Path
) -> None:
    name = dsn.partition("@/")[2].partition("?")[0]
    with serving(tmp_path / "data", dsn) as server:
        async with of(server) as client:
            user = await sign_up(client)
            with psycopg.connect(server_dsn, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
                await becomes(client, 503)
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            new = {"video_id": "W421vNri5hw", "timestamp": "1:23"}
            refused = await client.post("/api/notes", json=new, headers=user)
            assert refused.status_code == 503
            assert (await ready(client))[0] == 503
            assert server.stop() == 0
    with serving(tmp_path / "data", dsn) as restarted:
        async with of(restarted) as client:
            await queue(client, await sign_up(client))
