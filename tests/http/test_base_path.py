"""VidWiz under a path of a shared host: what is there, what is not, and what proxies may say."""

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.robotparser import RobotFileParser

import httpx
import pytest
from pydantic import ValidationError

from tests.http.wire import app_at, error_of
from tests.support import Api, running_api, sign_up, test_settings

BASE = "/vidwiz"
INDEX = (
    b"""<!doctype html><title>the web app</title>
<link rel="icon" href="/icon.svg" /><link rel="manifest"
  href="/manifest.json" /><script src="/theme.js"></script>
<a href="#main">Skip</a><a href="/">start</a><a href="https://example.org/about">out</a>
<template data-chunks="assets/page-1.js"></template>"""
    + b"<p>more</p>" * 20
)
MANIFEST = {"id": "/", "scope": "/", "start_url": "/videos", "icons": [{"src": "/icon.svg"}]}
FROM_PROXY = {"X-Forwarded-Prefix": BASE}


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    static = tmp_path_factory.mktemp("build")
    (static / "assets").mkdir()
    (static / "index.html").write_bytes(INDEX)
    (static / "index.html.br").write_bytes(b"the page at the root, as brotli")
    (static / "index.html.gz").write_bytes(gzip.compress(INDEX))
    (static / "manifest.json").write_text(json.dumps(MANIFEST))
    (static / "assets" / "page-1.js").write_bytes(b'"/api"')
    (static / "assets" / "page-1.js.br").write_bytes(b"as brotli")
    return static


@pytest.fixture(scope="module")
async def api(
    module_dsn: str, build: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("data")
    settings = {"VIDWIZ_STATIC_DIR": build, "VIDWIZ_BASE_PATH": BASE}
    async with running_api(module_dsn, data, **settings) as running:
        yield running


@pytest.fixture(scope="module")
async def at_root(
    module_dsn: str, build: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Api]:
    """The same build with nothing set."""
    data = tmp_path_factory.mktemp("root")
    async with running_api(module_dsn, data, VIDWIZ_STATIC_DIR=build) as running:
        yield running


@pytest.mark.parametrize(
    "path",
    ["/", "/api/config", "/vidwizard", "/vidwizard/api/config", "/api", "/x/vidwiz/"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_outside_of_the_prefix_is_nothing_and_the_answer_says_where_it_is(
    api: Api, path: str, method: str
) -> None:
    answer = await api.client.request(method, httpx.URL(scheme="http", host="test", path=path))
    assert answer.status_code == 404
    assert error_of(answer)["code"] == "NOT_FOUND"
    assert "at /vidwiz/" in error_of(answer)["message"]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-request-id"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_outside_a_head_has_no_body(api: Api) -> None:
    answer = await api.client.head("/")
    assert (answer.status_code, answer.content) == (404, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_the_prefix_without_its_slash_leads_to_it(api: Api, method: str) -> None:
    answer = await api.client.request(method, "/vidwiz?q=a%20b&q=c")
    assert answer.status_code == 307
    assert answer.headers["location"] == "/vidwiz/?q=a%20b&q=c"
    assert answer.headers["x-request-id"]
    assert (await api.client.get(BASE)).headers["location"] == "/vidwiz/"


async def test_the_api_is_under_the_prefix(api: Api) -> None:
    under = httpx.AsyncClient(transport=api.client._transport, base_url=f"http://test{BASE}")
    person = await sign_up(under)
    answer = await under.get("/api/user/profile", headers=person.headers)
    assert answer.json()["email"] == person.email
    assert answer.headers["cache-control"] == "no-store"
    assert (await under.get("/api/health/ready")).status_code == 200
    assert error_of(await under.get("/api/nothing"))["message"] == "Not found"
    assert error_of(await under.delete("/api/config"))["code"] == "METHOD_NOT_ALLOWED"
    assert (await under.get("/metrics")).headers["cache-control"] == "no-store"
    assert 'route="/api/user/profile"' in (await under.get("/metrics")).text


@pytest.mark.parametrize("path", ["/vidwiz/", "/vidwiz/videos/W421vNri5hw", "/vidwiz/index.html"])
async def test_the_page_names_its_files_under_the_prefix(api: Api, path: str) -> None:
    answer = await api.client.get(path)
    assert answer.status_code == 200
    expected = INDEX
    for name in (b"icon.svg", b"manifest.json"):
        expected = expected.replace(b'href="/' + name, b'href="/vidwiz/' + name)
    expected = expected.replace(b'src="/theme.js', b'src="/vidwiz/theme.js')
    assert answer.content == expected.replace(b'<a href="/">', b'<a href="/vidwiz/">')


async def test_other_files_are_sent_as_they_are(api: Api) -> None:
    answer = await api.client.get("/vidwiz/assets/page-1.js", headers={"Accept-Encoding": "br;q=0"})
    assert answer.content == b'"/api"'
    assert "immutable" in answer.headers["cache-control"]
    async with api.client.stream("GET", "/vidwiz/assets/page-1.js") as packed:
        assert packed.headers.get("content-encoding") in (None, "br")


async def test_the_manifest_and_robots_name_paths_under_the_prefix(api: Api) -> None:
    manifest = (await api.client.get("/vidwiz/manifest.json")).json()
    icons = [{"src": "/vidwiz/icon.svg"}]
    urls = {"id": "/vidwiz/", "scope": "/vidwiz/", "start_url": "/vidwiz/videos"}
    assert manifest == {**urls, "icons": icons}
    rules = RobotFileParser()
    rules.parse((await api.client.get("/vidwiz/robots.txt")).text.splitlines())
    may = [
        rules.can_fetch("any", path) for path in ("/vidwiz/help", "/vidwiz/api/config", "/api/x")
    ]
    assert may == [True, False, True]


async def test_the_compressed_page_is_the_one_with_the_prefix(api: Api) -> None:
    """The build's own copies hold the page of the root."""
    headers = {"Accept-Encoding": "br, gzip"}
    async with api.client.stream("GET", "/vidwiz/", headers=headers) as answer:
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == (await api.client.get("/vidwiz/index.html")).content
    assert len(body) == int(answer.headers["content-length"]) < len(INDEX)


async def test_the_page_with_the_prefix_is_cached_and_cut_as_any_file(
    api: Api, at_root: Api
) -> None:
    plain = {"Accept-Encoding": "identity"}
    here, root = (
        await api.client.get("/vidwiz/", headers=plain),
        await at_root.client.get("/", headers=plain),
    )
    # Of a file on the disk Quart says when it expires, which Cache-Control overrules.
    assert {*here.headers} == {*root.headers} - {"expires"}
    assert here.headers["etag"] != root.headers["etag"]
    assert here.headers["cache-control"] == root.headers["cache-control"] == "no-cache"
    known = {**plain, "If-None-Match": here.headers["etag"]}
    again = await api.client.get("/vidwiz/videos", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    part = await api.client.get("/vidwiz/", headers={**plain, "Range": "bytes=2-8"})
    assert (part.status_code, part.content) == (206, here.content[2:9])
    assert part.headers["content-range"] == f"bytes 2-8/{len(here.content)}"
    past = await api.client.get("/vidwiz/", headers={**plain, "Range": "bytes=99999-"})
    assert past.status_code == 416
    head = await api.client.head("/vidwiz/", headers=plain)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(here.content)))


async def test_another_build_is_sent_at_once(api: Api, build: Path) -> None:
    page = build / "index.html"
    before = page.read_bytes()
    await api.client.get("/vidwiz/")
    page.write_bytes(b'<script src="/new.js"></script>')
    assert (await api.client.get("/vidwiz/")).content == b'<script src="/vidwiz/new.js"></script>'
    page.write_bytes(before)


async def test_at_the_root_everything_is_as_the_build_has_it(at_root: Api, build: Path) -> None:
    for name in ("index.html", "manifest.json"):
        answer = await at_root.client.get(f"/{name}", headers={"Accept-Encoding": "identity"})
        assert answer.content == (build / name).read_bytes()
    headers = {"Accept-Encoding": "br", **FROM_PROXY}
    async with at_root.client.stream("GET", "/", headers=headers) as answer:
        assert b"".join([chunk async for chunk in answer.aiter_raw()]).startswith(b"the page at")
    assert "servers" not in (await at_root.client.get("/openapi.json")).json()
    assert (await at_root.client.get("/vidwiz/api/config")).content == INDEX


async def test_the_document_and_its_page_know_the_prefix(api: Api, at_root: Api) -> None:
    document = (await api.client.get("/vidwiz/openapi.json")).json()
    assert document.pop("servers")[0]["url"] == BASE
    assert document == (await at_root.client.get("/openapi.json")).json()
    page = await api.client.get("/vidwiz/docs")
    assert 'url: "/vidwiz/openapi.json"' in page.text
    assert "'sha256-" in page.headers["content-security-policy"]
    for file in ("/vidwiz/docs/js/swagger-ui-bundle.js", "/vidwiz/docs/css/swagger-ui.css"):
        assert f'"{file}"' in page.text
        assert (await api.client.get(file)).status_code == 200


async def test_without_a_build_the_page_links_under_the_prefix(
    module_dsn: str, tmp_path: Path
) -> None:
    async with running_api(module_dsn, tmp_path, VIDWIZ_BASE_PATH=BASE) as unbuilt:
        page = (await unbuilt.client.get("/vidwiz/")).text
    assert 'href="/vidwiz/docs"' in page
    assert "8000/vidwiz/api/user/signup" in page
    assert 'href="/docs"' not in page


@pytest.mark.parametrize("prefix", ["/vidwiz", "/vidwiz/", "/elsewhere, /vidwiz"])
async def test_a_trusted_proxy_may_take_the_prefix_away(api: Api, prefix: str) -> None:
    headers = {"X-Forwarded-Prefix": prefix}
    assert (await api.client.get("/api/config", headers=headers)).status_code == 200
    assert b'"/vidwiz/theme.js"' in (await api.client.get("/videos/x", headers=headers)).content
    assert b'"/vidwiz/theme.js"' in (await api.client.get("/", headers=headers)).content


async def test_a_proxy_that_names_the_prefix_and_leaves_it_is_understood(api: Api) -> None:
    assert (await api.client.get("/vidwiz/api/config", headers=FROM_PROXY)).status_code == 200


@pytest.mark.parametrize("prefix", ["/", "", "/other", "/vidwiz, /other", "/vidwiz/more", "vidwiz"])
async def test_another_prefix_is_not_this_one(api: Api, prefix: str) -> None:
    answer = await api.client.get("/api/config", headers={"X-Forwarded-Prefix": prefix})
    assert answer.status_code == 404


async def test_what_a_stranger_says_of_a_prefix_is_not_believed(
    module_dsn: str, build: Path, tmp_path: Path
) -> None:
    settings = {"VIDWIZ_BASE_PATH": BASE, "VIDWIZ_STATIC_DIR": build}
    settings["VIDWIZ_TRUSTED_PROXIES"] = "10.0.0.0/8"
    forged = {**FROM_PROXY, "X-Forwarded-For": "10.0.0.1"}
    async with app_at(module_dsn, tmp_path, **settings) as at:
        assert (await at("192.0.2.7").get("/api/config", headers=forged)).status_code == 404
        assert (await at("10.0.0.1").get("/api/config", headers=FROM_PROXY)).status_code == 200
        through = {**FROM_PROXY, "X-Forwarded-For": "192.0.2.7"}
        assert (await at("10.0.0.1").get("/api/config", headers=through)).status_code == 200


async def test_metrics_are_not_given_to_what_a_proxy_passes_on(api: Api) -> None:
    assert (await api.client.get("/metrics", headers=FROM_PROXY)).status_code == 401


@pytest.mark.parametrize("path", ["/vidwiz", "/a", "/a/b-c/d_e.f", "/vidwiz/", "/", ""])
def test_a_base_path_is_taken_without_the_slash_at_its_end(path: str, tmp_path: Path) -> None:
    settings = test_settings(tmp_path, VIDWIZ_BASE_PATH=path)
    assert settings.base_path == path.rstrip("/")
    assert settings.api_url == f"http://127.0.0.1:8000{path.rstrip('/')}"


def test_workers_that_are_told_an_address_are_left_with_it(tmp_path: Path) -> None:
    given = {"VIDWIZ_BASE_PATH": BASE, "VIDWIZ_API_URL": "http://vidwiz.internal:9000"}
    assert test_settings(tmp_path, **given).api_url == "http://vidwiz.internal:9000"


@pytest.mark.parametrize(
    "path",
    [
        "vidwiz",
        "https://example.org/vidwiz",
        "//vidwiz",
        "/a//b",
        "/a/../b",
        "/./a",
        "/a b",
        "/a%20b",
        '/a"><script>',
        "/ä",
        "/a?b",
        "/a#b",
        "/a\n",
        "/" + "a" * 200,
        "/api",
        "/assets/x",
        "/docs",
        "/metrics",
    ],
)
def test_what_is_no_base_path_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        test_settings(tmp_path, VIDWIZ_BASE_PATH=path)
