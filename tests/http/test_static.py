"""Section 7 of the contract: the web app's files, as a browser asks for them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.wire import refused
from tests.support import Api, running_api

INDEX = b"<!doctype html><title>the web app</title>"
SECRET = b"a secret outside of the folder"


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    data = tmp_path_factory.mktemp("data")
    static = data / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_bytes(INDEX)
    (static / "assets" / "app-1a2b3c.js").write_bytes(b"run()")
    (static / "assets" / "app-1a2b3c.css").write_bytes(b"a{}")
    packed = static / "assets" / "packed-4d5e6f.js"
    packed.write_bytes(b"run(more)")
    packed.with_name(f"{packed.name}.br").write_bytes(b"as brotli")
    packed.with_name(f"{packed.name}.gz").write_bytes(b"as gzip")
    (static / "favicon.svg").write_bytes(b"<svg/>")
    (static / "with space é.txt").write_bytes(b"odd name")
    (data / "secret.txt").write_bytes(SECRET)
    (data / "static-secret").write_bytes(SECRET)
    (static / "link.txt").symlink_to(data / "secret.txt")
    (static / "folder-link").symlink_to(data)
    (static / "loop").symlink_to(static / "loop")
    (static / "inner-link.svg").symlink_to(static / "favicon.svg")
    async with running_api(module_dsn, data) as its:
        yield its


@pytest.mark.parametrize(
    ("path", "content_type", "content"),
    [
        ("/assets/app-1a2b3c.js", "text/javascript", b"run()"),
        ("/assets/app-1a2b3c.css", "text/css", b"a{}"),
        ("/favicon.svg", "image/svg+xml", b"<svg/>"),
        ("/inner-link.svg", "image/svg+xml", b"<svg/>"),
        ("/with%20space%20%C3%A9.txt", "text/plain", b"odd name"),
        ("/index.html", "text/html", INDEX),
    ],
)
async def test_a_file_of_the_build_is_served(
    api: Api, path: str, content_type: str, content: bytes
) -> None:
    answer = await api.client.get(path)
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"].partition(";")[0] == content_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    head = await api.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(content))


@pytest.mark.parametrize(
    "path",
    ["/", "/dashboard", "/video/dQw4w9WgXcQ", "/wiz/x?y=1", "/assets", "/assets/",
     "/assets/gone.js", "/apiary", "/API/notes", "/x" * 2000, "/" + "x" * 5000, "/%00", "/%ff",
     "/%ed%a0%80", "/a%00.js", "/favicon.svg/x", "/.env", "//", "//example.org/x"],
    ids=lambda path: path[:24],
)  # fmt: skip
async def test_any_other_path_is_the_web_app(api: Api, path: str) -> None:
    answer = await api.client.get(f"http://test{path}")
    assert answer.status_code == 200
    assert answer.content == INDEX
    assert answer.headers["content-type"].partition(";")[0] == "text/html"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%2e%2e%2fsecret.txt",
     "/..%5csecret.txt",
     "/%252e%252e/secret.txt", "/....//secret.txt", "/..;/secret.txt", "/../static-secret",
     "/%2e%2e%2fstatic-secret", "/link.txt", "/folder-link/secret.txt", "/loop", "/loop/x",
     "/folder-link/static/../secret.txt", "//etc/passwd", "/%2fetc%2fpasswd", "/C:%5cwindows",
     "/file:///etc/passwd", "/%2e%2e%00/secret.txt"],
)  # fmt: skip
async def test_nothing_outside_of_the_folder_is_served(api: Api, path: str) -> None:
    answer = await api.client.get(f"http://test{path}")
    assert answer.status_code == 200
    assert answer.content == INDEX


async def test_the_page_is_revalidated_and_hashed_files_are_not(api: Api) -> None:
    for path in ("/", "/dashboard", "/favicon.svg"):
        answer = await api.client.get(path)
        assert answer.headers["cache-control"] == "no-cache"
        same = await api.client.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (same.status_code, same.content) == (304, b"")
    gone = await api.client.get("/assets/gone.js")
    assert gone.headers["cache-control"] == "no-cache"
    hashed = await api.client.get("/assets/app-1a2b3c.js")
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    ("accepted", "encoding", "content"),
    [
        ("gzip, br", "br", b"as brotli"),
        ("gzip", "gzip", b"as gzip"),
        ("br;q=0, gzip", "gzip", b"as gzip"),
        ("identity", None, b"run(more)"),
        ("", None, b"run(more)"),
    ],
)
async def test_what_the_build_compressed_goes_to_who_takes_it(
    api: Api, accepted: str, encoding: str | None, content: bytes
) -> None:
    url = "/assets/packed-4d5e6f.js"
    async with api.client.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert raw == content
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"].partition(";")[0] == "text/javascript"
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_a_part_of_a_file_can_be_asked_for(api: Api) -> None:
    part = await api.client.get("/favicon.svg", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"svg")
    beyond = await api.client.get("/favicon.svg", headers={"Range": "bytes=99-"})
    assert beyond.status_code == 416
    assert beyond.json()["error"]["code"] == "REQUESTED_RANGE_NOT_SATISFIABLE"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_files_are_only_read(api: Api, method: str) -> None:
    refused(await api.client.request(method, "/favicon.svg"), 404)


async def test_without_a_build_a_page_says_so(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_STATIC_DIR=tmp_path / "nowhere") as bare:
        answer = await bare.client.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "text/html"
        assert "The web app is not built yet" in answer.text
        refused(await bare.client.get("/api/nope"), 404)
