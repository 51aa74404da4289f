"""What browsers are told that pages may do, and what the web app is told before sign-in."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.http.wire import shaped
from tests.support import Api, Person, running_api
from vidwiz.http.responses import models
from vidwiz.http.responses.security import app_policy

PLAYER = "http://127.0.0.1:4567"


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("data")
    (data / "static").mkdir()
    (data / "static" / "index.html").write_text("<!doctype html>")
    settings = {"GOOGLE_CLIENT_ID": "an-id", "VIDWIZ_PLAYER_API_URL": f"{PLAYER}/iframe_api"}
    async with running_api(module_dsn, data, **settings) as its:
        yield its


@pytest.fixture(scope="module")
async def bare(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """Without Google and without a build."""
    async with running_api(module_dsn, tmp_path_factory.mktemp("bare")) as its:
        yield its


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    (header,) = answer.headers.get_list("content-security-policy")
    return {name: rest for name, *rest in (one.split() for one in header.split("; "))}


async def test_the_page_may_load_its_own_files_youtube_and_googles_button(api: Api) -> None:
    its = policy(await api.client.get("/video/W421vNri5hw"))
    assert its["default-src"] == its["base-uri"] == its["frame-ancestors"] == ["'none'"]
    assert its["script-src"] == [
        "'self'", "https://www.youtube.com/iframe_api", "https://www.youtube.com/s/player/", PLAYER,
        "https://accounts.google.com/gsi/client",
    ]  # fmt: skip
    assert its["frame-src"][0] == "https://www.youtube-nocookie.com/embed/"
    assert its["frame-src"][-2:] == [PLAYER, "https://accounts.google.com/gsi/"]
    assert "'unsafe-inline'" not in str(its)
    assert "'unsafe-eval'" not in str(its)


async def test_without_sign_in_google_is_not_named(bare: Api) -> None:
    config = await bare.client.get("/api/config")
    assert shaped(models.Config, config) == {
        "google_client_id": None,
        "guest_daily_limit": 5,
        "user_daily_limit": 20,
        "version": config.json()["version"],
        "player_api_url": "https://www.youtube.com/iframe_api",
        "sign_up": "open",
        "language_model": False,
    }
    page = await bare.client.get("/")
    assert "google" not in page.headers["content-security-policy"]
    assert policy(page)["style-src"][0].startswith("'sha256-")


def test_not_all_of_youtube_may_run_in_the_page() -> None:
    its = app_policy("https://www.youtube.com/iframe_api", google=False)
    sources = [source for directive in its.split("; ") for source in directive.split()[1:]]
    youtubes = [source for source in sources if "youtube" in source]
    assert youtubes == [
        "https://www.youtube.com/iframe_api", "https://www.youtube.com/s/player/",
        "https://www.youtube-nocookie.com/embed/",
    ]  # fmt: skip


async def test_the_settings_reach_the_web_app(api: Api) -> None:
    its = shaped(models.Config, await api.client.get("/api/config"))
    assert (its["google_client_id"], its["player_api_url"]) == ("an-id", f"{PLAYER}/iframe_api")


async def test_the_web_app_is_told_of_a_language_model(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, GEMINI_API_KEY="a key") as its:
        assert (await its.client.get("/api/config")).json()["language_model"] is True


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/api/config", "/api/nope", "/metrics", "/api/notes"]
)
async def test_every_answer_has_the_headers(api: Api, path: str) -> None:
    headers = (await api.client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin-allow-popups"
    assert "camera=()" in headers["permissions-policy"]
    assert len(headers.get_list("content-security-policy")) == 1
    assert "strict-transport-security" not in headers


async def test_json_may_do_nothing(api: Api) -> None:
    its = policy(await api.client.get("/api/config"))
    assert its == {"default-src": ["'none'"], "frame-ancestors": ["'none'"]}


async def test_the_documentation_runs_its_own_scripts_only(api: Api) -> None:
    answer = await api.client.get("/docs")
    its = policy(answer)
    assert its["script-src"][0] == "'self'"
    assert [one[:8] for one in its["script-src"][1:]] == ["'sha256-"] * answer.text.count(
        "<script>"
    )


async def test_only_https_is_asked_to_stay(api: Api) -> None:
    answer = await api.client.get("https://test/api/config")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


async def test_a_transcript_is_sent_once(api: Api) -> None:
    person: Person = await api.sign_up()
    note = await api.add_note(person, "a-long-talk")
    items = [{"text": "word " * 20, "offset": n, "duration": 1} for n in range(100)]
    path = f"/api/videos/{note['video_id']}/transcript"
    (await api.client.post(path, json=items, headers=api.admin)).raise_for_status()
    guest = {"X-Guest-Session-ID": "somebody"}
    first = await api.client.get(path, headers=guest)
    assert first.headers["content-encoding"] == "gzip"
    assert len(first.json()) == 100
    assert first.headers["cache-control"] == "private, no-cache"
    for headers in (guest, person.headers, api.admin):
        known = {**headers, "If-None-Match": first.headers["etag"]}
        again = await api.client.get(path, headers=known)
        assert (again.status_code, again.content) == (304, b"")
    items.append({"text": "more", "offset": 101, "duration": 1})
    (await api.client.post(path, json=items, headers=api.admin)).raise_for_status()
    known = {**guest, "If-None-Match": first.headers["etag"]}
    changed = await api.client.get(path, headers=known)
    assert (changed.status_code, len(changed.json())) == (200, 101)
    plain = await api.client.get(path, headers={**guest, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json() == changed.json()
