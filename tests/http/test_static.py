"""Section 7 of the contract: the web app's files, as a browser asks for them."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.robotparser import RobotFileParser

import httpx
import pytest

from tests.http.wire import refused
from tests.support import Api, running_api
from vidwiz.http.responses.static import ROBOTS

PACKED = "/assets/packed-4d5e6f.js"
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


async def raw_answer(api: Api, path: str, **headers: str) -> tuple[bytes, httpx.Response]:
    """The body as it is sent, not decoded."""
    async with api.client.stream("GET", path, headers=headers) as answer:
        return b"".join([chunk async for chunk in answer.aiter_raw()]), answer


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
        ("deflate, zstd", None, b"run(more)"),
        ("BR", "br", b"as brotli"),
        ("*", "br", b"as brotli"),
        ("br;q=0, *", "gzip", b"as gzip"),
        ("br;q=0.2, gzip;q=0.8", "gzip", b"as gzip"),
        ("gzip;q=0.5, identity", None, b"run(more)"),
        ("identity;q=1, *;q=0", None, b"run(more)"),
        ("identity;q=0, br", "br", b"as brotli"),
        ("br;q=0, gzip;q=0", None, b"run(more)"),
        ("identity;q=0, gzip;q=0.001", "gzip", b"as gzip"),
        (";;;,", None, b"run(more)"),
    ],
)
async def test_what_the_build_compressed_goes_to_who_takes_it(
    api: Api, accepted: str, encoding: str | None, content: bytes
) -> None:
    raw, answer = await raw_answer(api, PACKED, **{"Accept-Encoding": accepted})
    assert raw == content
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["content-type"].partition(";")[0] == "text/javascript"
    assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("accepted", ["identity;q=0", "*;q=0", "identity;q=0, br;q=0, gzip;q=0"])
async def test_who_takes_no_form_of_a_file_is_told_so(api: Api, accepted: str) -> None:
    answer = await api.client.get(PACKED, headers={"Accept-Encoding": accepted})
    assert answer.status_code == 406
    assert answer.json()["error"]["code"] == "NOT_ACCEPTABLE"
    assert answer.headers["vary"] == "Accept-Encoding"


async def test_every_form_has_a_tag_of_its_own(api: Api) -> None:
    tags = {}
    for accepted in ("br", "gzip", "identity"):
        _, answer = await raw_answer(api, PACKED, **{"Accept-Encoding": accepted})
        tags[accepted] = answer.headers["etag"]
        head = await api.client.head(PACKED, headers={"Accept-Encoding": accepted})
        kept = ("etag", "content-encoding", "content-length", "content-type", "vary")
        assert [head.headers.get(one) for one in kept] == [answer.headers.get(one) for one in kept]
        assert head.content == b""
    assert len(set(tags.values())) == 3
    for accepted, tag in tags.items():
        for known in (tag, f"W/{tag}", "*", f'"another", {tag}'):
            asked = {"Accept-Encoding": accepted, "If-None-Match": known}
            body, answer = await raw_answer(api, PACKED, **asked)
            assert (answer.status_code, body) == (304, b"")
            assert answer.headers["etag"] == tag
            assert answer.headers["vary"] == "Accept-Encoding"
    _, other = await raw_answer(
        api, PACKED, **{"Accept-Encoding": "gzip", "If-None-Match": tags["br"]}
    )
    assert other.status_code == 200


async def test_another_build_has_another_tag_though_dates_and_sizes_are_the_same(
    dsn: str, tmp_path: Path
) -> None:
    """As in a wheel: all its files have one date, and hashes of one length."""
    index = tmp_path / "static" / "index.html"
    index.parent.mkdir()
    tags: list[str] = []
    async with running_api(dsn, tmp_path) as its:
        for content in ("app-1a2b3c.js", "app-9f8e7d.js"):
            index.unlink(missing_ok=True)
            index.write_text(content)
            os.utime(index, (1_580_601_600, 1_580_601_600))
            answer = await its.client.get("/", headers={"If-None-Match": "".join(tags)})
            assert answer.text == content
            assert "last-modified" not in answer.headers
            tags.append(answer.headers["etag"])
    assert len(set(tags)) == 2


@pytest.mark.parametrize("ending", [".br", ".gz"])
async def test_the_compressed_copies_are_no_files_of_their_own(api: Api, ending: str) -> None:
    answer = await api.client.get(PACKED + ending)
    assert answer.content == INDEX


async def test_a_part_of_a_file_can_be_asked_for(api: Api) -> None:
    part = await api.client.get("/favicon.svg", headers={"Range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"svg")
    beyond = await api.client.get("/favicon.svg", headers={"Range": "bytes=99-"})
    assert beyond.status_code == 416
    assert beyond.json()["error"]["code"] == "REQUESTED_RANGE_NOT_SATISFIABLE"
    assert beyond.headers["content-range"] == "bytes */6"
    whole = await api.client.get("/favicon.svg")
    tag = whole.headers["etag"]
    for asked in (
        {"Range": "bytes=0-1,3-4"},
        {"Range": "bytes=x"},
        {"Range": "lines=1-2"},
        {"Range": "bytes=1-3", "If-Range": '"another"'},
    ):
        answer = await api.client.get("/favicon.svg", headers=asked)
        assert (answer.status_code, answer.content) == (200, b"<svg/>")
    same = await api.client.get("/favicon.svg", headers={"Range": "bytes=1-3", "If-Range": tag})
    assert (same.status_code, same.headers["content-range"]) == (206, "bytes 1-3/6")
    known = await api.client.get(
        "/favicon.svg", headers={"Range": "bytes=1-3", "If-None-Match": tag}
    )
    assert known.status_code == 304
    head = await api.client.head("/favicon.svg", headers={"Range": "bytes=1-3"})
    assert (head.status_code, head.headers["content-length"]) == (200, "6")
    asked = {"Range": "bytes=3-5", "Accept-Encoding": "gzip"}
    packed, answer = await raw_answer(api, PACKED, **asked)
    assert (answer.status_code, packed) == (206, b"gzi")
    assert answer.headers["content-encoding"] == "gzip"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_files_are_only_read(api: Api, method: str) -> None:
    refused(await api.client.request(method, "/favicon.svg"), 404)


async def test_without_a_build_a_page_says_so(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_STATIC_DIR=tmp_path / "nowhere") as bare:
        answer = await bare.client.get("/")
        assert answer.status_code == 200
        assert answer.headers["content-type"].partition(";")[0] == "text/html"
        assert "The web app is not built yet" in answer.text
        assert_robots(await bare.client.get("/robots.txt"))
        refused(await bare.client.get("/api/nope"), 404)


async def test_robots_are_told_in_plain_text_what_is_for_them(api: Api) -> None:
    assert_robots(await api.client.get("/robots.txt"))
    head = await api.client.head("/robots.txt")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(ROBOTS)))


async def test_a_robots_file_in_the_static_folder_replaces_the_servers(
    dsn: str, tmp_path: Path
) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: *\nDisallow: /\n")
    async with running_api(dsn, tmp_path / "data", VIDWIZ_STATIC_DIR=tmp_path) as closed:
        answer = await closed.client.get("/robots.txt")
        assert answer.text == "User-agent: *\nDisallow: /\n"


def assert_robots(answer: httpx.Response) -> None:
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == "text/plain"
    rules = RobotFileParser()
    rules.parse(answer.text.splitlines())
    may = {path: rules.can_fetch("any", path) for path in ("/", "/help", "/api/config", "/admin")}
    assert may == {"/": True, "/help": True, "/api/config": False, "/admin": False}
