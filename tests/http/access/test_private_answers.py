"""What is nobody else's: caching, metrics, credentials' forms, and when to ask again."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.http.test_conventions import ALL, send
from tests.http.wire import error_of
from tests.support import ADMIN_TOKEN, Api, Person, bearer, running_api
from vidwiz.http.errors import envelope

SCRAPE = "a token that only reads metrics"


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("data")
    async with running_api(module_dsn, data, VIDWIZ_METRICS_TOKEN=SCRAPE) as its:
        yield its


@pytest.fixture(scope="module")
async def person(api: Api) -> Person:
    return await api.sign_up()


async def test_no_answer_of_the_api_may_be_kept(api: Api, person: Person) -> None:
    for method, path in [*ALL, ("GET", "/api"), ("GET", "/api/nope"), ("PUT", "/api/notes")]:
        goes_on = path in ("/api/audit/events/stream", "/api/audit/rebuild")
        for headers in ({}, person.headers, *([] if goes_on else [api.admin])):
            answer = await send(api, method, path, headers)
            assert answer.headers.get_list("cache-control") == ["no-store"], (method, path)
    for slashes in ("//", "///", "/%2f"):
        answer = await send(api, "GET", f"http://test{slashes}api/user/profile", person.headers)
        assert answer.headers.get_list("cache-control") == ["no-store"], slashes
    page = await api.client.get("/")
    assert "no-store" not in page.headers.get("cache-control", "")


@pytest.mark.parametrize(
    ("status", "details", "seconds"),
    [
        (429, None, "1"),
        (429, {"reset_in_seconds": 77}, "77"),
        (429, {"reset_in_seconds": 0.2}, "1"),
        (503, None, "1"),
        (503, {"reached": 5}, "1"),
        (503, ["x"], "1"),
        (404, {"reset_in_seconds": 77}, None),
    ],
)
def test_whoever_is_to_ask_again_is_told_when(
    status: int, details: Any, seconds: str | None
) -> None:
    assert envelope(status, "Later", details).headers.get("Retry-After") == seconds


@pytest.mark.parametrize(
    ("session", "status"),
    [
        ("a", 200),
        ("a" * 254, 200),
        ("a" * 255, 200),
        ("a" * 256, 400),
        ("a" * 6000, 400),
        ("tab\tin it", 400),
        ("line\x0bin it", 400),
        ("bell\x07", 400),
        ("escape\x1b[2J", 400),
        ("delete\x7f", 400),
        ("ünïcode", 200),
        ("f3b0c442-98fc-4c14-9afb-f4c8996fb924", 200),
    ],
    ids=repr,
)
async def test_a_guests_id_is_of_a_sane_length_and_printable(
    api: Api, session: str, status: int
) -> None:
    headers = {"X-Guest-Session-ID": session.encode("utf-8")}
    answer = await send(api, "GET", "/api/wiz/quota", headers)
    assert answer.status_code == status
    if status != 200:
        assert error_of(answer)["code"] == "BAD_REQUEST"
        body = {"video_id": "dQw4w9WgXcQ"}
        assert (await send(api, "POST", "/api/wiz/init", headers, json=body)).status_code == status


@pytest.mark.parametrize(
    "written", ["Bearer {}", "bearer {}", "BEARER {}", "bEaReR   {}", "Bearer\t{}", "Bearer {} "]
)
async def test_the_scheme_is_caseless(api: Api, person: Person, written: str) -> None:
    token = person.headers["Authorization"].removeprefix("Bearer ")
    headers = {"Authorization": written.format(token)}
    assert (await send(api, "GET", "/api/user/profile", headers)).status_code == 200
    admin = {"Authorization": written.format(ADMIN_TOKEN)}
    assert (await send(api, "GET", "/api/audit/health", admin)).status_code == 200


def of(api: Api, address: str) -> httpx.AsyncClient:
    """A client at another address."""
    app = api.client._transport.app  # type: ignore[attr-defined]
    transport = httpx.ASGITransport(app, client=(address, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://test")


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("127.8.9.1", {}, 200),
        ("::1", {}, 200),
        ("::ffff:127.0.0.1", {}, 200),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"Forwarded": "for=1.2.3.4"}, 401),
        ("10.0.0.1", {}, 401),
        ("2001:db8::1", {}, 401),
        ("testclient", {}, 401),
        ("10.0.0.1", bearer("wrong"), 403),
        ("10.0.0.1", bearer("é"), 403),
        ("10.0.0.1", bearer(SCRAPE), 200),
        ("10.0.0.1", bearer(ADMIN_TOKEN), 200),
    ],
)
async def test_the_metrics_are_for_this_host_and_for_whoever_has_a_token(
    api: Api, address: str, headers: dict[str, str], status: int
) -> None:
    async with of(api, address) as client:
        wire = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await client.get("/metrics", headers=wire)
    assert answer.status_code == status
    assert ("vidwiz_" in answer.text) == (status == 200)


async def test_a_scrapers_token_opens_nothing_else(api: Api) -> None:
    assert (await send(api, "GET", "/api/audit/health", bearer(SCRAPE))).status_code == 403


async def test_metrics_can_be_opened(
    module_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("open")
    async with (
        running_api(module_dsn, data, VIDWIZ_METRICS="open") as api,
        of(api, "10.0.0.1") as client,
    ):
        assert (await client.get("/metrics")).status_code == 200
