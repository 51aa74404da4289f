"""What a real server logs: one line of JSON for each request, and no secret."""

import json
from pathlib import Path

import httpx
import psycopg

from tests.http.wire import signed
from tests.support import ADMIN_TOKEN, SECRET_KEY, bearer, new_video_id, serving


def test_the_log_has_every_request_and_no_body_token_password_or_query(
    dsn: str, tmp_path: Path
) -> None:
    account = {
        "email": "logged@example.org",
        "password": "PASSWORD-in-body",
        "name": "NAME-in-body",
    }
    video_id = new_video_id()
    note = {"video_id": video_id, "video_title": "TITLE-in-body", "timestamp": "1:23",
            "text": "TEXT-in-body"}  # fmt: skip
    with serving(tmp_path / "data", dsn, VIDWIZ_LOG_LEVEL="debug") as server:
        with httpx.Client(base_url=server.url, headers={"X-Request-ID": "logged-1"}) as client:
            client.post("/api/user/signup", json=account).raise_for_status()
            client.post("/api/user/signup", json=account)
            login = {"email": account["email"], "password": account["password"]}
            token = client.post("/api/user/login", json=login).raise_for_status().json()["token"]
            client.post("/api/user/login", json={**login, "password": "WRONG-in-body"})
            ltt = client.post("/api/user/token", headers=bearer(token)).json()["token"]
            key = {"Idempotency-Key": "KEY-in-header"}
            client.post("/api/notes", json=note, headers={**bearer(ltt), **key}).raise_for_status()
            client.post("/api/notes", json=note, headers={**bearer(ltt), **key}).raise_for_status()
            client.get("/api/search?query=QUERY-in-url&page=x", headers=bearer(token))
            client.get("/api/search?query=QUERY-in-url", headers=bearer(token)).raise_for_status()
            client.patch(f"/api/videos/{video_id}", json={"summary": "SUMMARY-in-body"},
                         headers=bearer(ADMIN_TOKEN)).raise_for_status()  # fmt: skip
            client.post("/api/user/google/login", json={"credential": "CREDENTIAL-in-body"})
            forged = signed({"user_id": "FORGED-in-token"}, "x" * 32)
            client.get("/api/user/profile", headers=bearer(forged))
            client.post("/api/notes", content=b"{BROKEN-in-body", headers=bearer(token))
        assert server.stop() == 0
    text = server.log.read_text()

    secrets = [account["email"], SECRET_KEY, ADMIN_TOKEN, token, ltt, forged, "-in-"]
    secrets += [part for one in (token, ltt, forged) for part in one.split(".")[1:]]
    assert [secret for secret in secrets if secret in text] == []
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    requests = [line for line in lines if line.get("request_id") == "logged-1"]
    assert len(requests) == 13
    assert {line["event"] for line in requests} == {"request"}
    assert [line["status"] for line in requests] == [
        201, 409, 200, 401, 200, 201, 201, 400, 200, 200, 500, 401, 400,
    ]  # fmt: skip
    keys = {"event", "level", "timestamp", "method", "path", "status", "ms", "request_id", "client"}
    assert all(line.keys() == keys for line in requests)
    assert requests[8]["path"] == "/api/search"


def test_the_log_names_the_request_of_an_unexpected_error(dsn: str, tmp_path: Path) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE credentials RENAME TO kept")
        connection.execute(
            "CREATE VIEW credentials AS SELECT user_id, (1 / 0)::text AS password_hash FROM kept"
        )
    with serving(tmp_path / "data", dsn) as server:
        answer = httpx.post(
            f"{server.url}/api/user/login",
            json={"email": "logged@example.org", "password": "correct horse"},
            headers={"X-Request-ID": "asked-1"},
        )
        assert answer.status_code == 500
        assert server.stop() == 0
    lines = [json.loads(one) for one in server.log.read_text().splitlines() if one[:1] == "{"]
    (line,) = [one for one in lines if one["event"] == "unexpected error"]
    assert (line["request_id"], line["path"]) == ("asked-1", "/api/user/login")
    assert "division by zero" in line["exception"]


def test_what_idle_workers_and_probes_ask_is_logged_at_debug_only(dsn: str, tmp_path: Path) -> None:
    quiet = ["/api/tasks/transcript", "/api/health/live", "/api/health/ready", "/metrics"]
    with serving(tmp_path / "data", dsn) as server:
        with httpx.Client(base_url=server.url, headers=bearer(ADMIN_TOKEN)) as client:
            answers = [client.get(path, params={"timeout": 1}) for path in quiet]
            assert [answer.status_code for answer in answers] == [204, 200, 200, 200]
            assert client.get("/api/tasks/transcript?timeout=no").status_code == 400
            account = {"email": "e@example.org", "password": "correct horse", "name": "Ada"}
            client.post("/api/user/signup", json=account).raise_for_status()
            login = {"email": account["email"], "password": account["password"]}
            token = client.post("/api/user/login", json=login).raise_for_status().json()["token"]
            note = {"video_id": new_video_id(), "video_title": "A", "timestamp": "1:23"}
            client.post("/api/notes", json=note, headers=bearer(token)).raise_for_status()
            assert client.get("/api/tasks/transcript?timeout=1").status_code == 200
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line[:1] == "{"]
    requests = [(one["path"], one["status"]) for one in lines if one["event"] == "request"]
    asked = [one for one in requests if one[0] in quiet and one[1] != 503]  # until it was ready
    assert asked == [("/api/tasks/transcript", 400), ("/api/tasks/transcript", 200)]
    assert ("/api/notes", 201) in requests
