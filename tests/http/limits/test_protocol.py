"""What the server says, over a raw socket, to heads without end and to what is not HTTP."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import httpx
import pytest

from tests.support import Server, serving
from vidwiz.server.http_protocol import MOST_HEAD

LIVE = b"GET /api/health/live HTTP/1.1\r\nHost: test\r\n"
CHUNKED = b"POST /api/notes HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n"
TOO_LARGE = {
    "error": {
        "code": "REQUEST_HEADER_FIELDS_TOO_LARGE",
        "message": "Request headers must be at most 65536 bytes",
    }
}
NOT_HTTP = {"error": {"code": "BAD_REQUEST", "message": "Invalid HTTP request received."}}


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("data"), module_dsn) as its:
        yield its


@pytest.fixture
def line(server: Server) -> Iterator[socket.socket]:
    """A connection to the server."""
    with socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), 20) as its:
        its.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield its


def answer(line: socket.socket) -> HTTPResponse:
    its = HTTPResponse(line)
    its.begin()
    return its


def refused_and_closed(line: socket.socket, status: int, body: Any) -> None:
    its = answer(line)
    assert its.status == status
    assert json.loads(its.read()) == body
    headers = {name.lower(): value for name, value in its.getheaders()}
    assert headers.pop("x-request-id")
    assert headers == {
        "content-type": "application/json",
        "content-length": str(len(json.dumps(body, separators=(",", ":")))),
        "connection": "close",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": (
            "X-Request-ID, Retry-After, X-Wiz-Turn-ID, X-Wiz-Conversation-ID"
        ),
        "x-content-type-options": "nosniff",
        "referrer-policy": "strict-origin-when-cross-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "cross-origin-opener-policy": "same-origin-allow-popups",
    }
    assert line.recv(1) == b""


def one_header(size: int) -> bytes:
    return (LIVE + b"X-Long: ").ljust(size, b"x")


def many_headers(size: int) -> bytes:
    return (LIVE + b"A: b\r\n" * (size // 6))[:size]


def one_url(size: int) -> bytes:
    return b"GET /".ljust(size, b"x")


def empty_lines(size: int) -> bytes:
    return b"\r\n" * (size // 2) + b"\r" * (size % 2)


@pytest.mark.parametrize("head", [one_header, many_headers, one_url, empty_lines])
def test_a_head_without_end_is_431(line: socket.socket, head: Any) -> None:
    line.sendall(head(MOST_HEAD + 1))
    refused_and_closed(line, 431, TOO_LARGE)


def test_a_head_that_comes_in_small_pieces_is_bounded_all_the_same(line: socket.socket) -> None:
    head = one_header(MOST_HEAD + 1)
    for start in range(0, len(head), 100):
        line.sendall(head[start : start + 100])
    refused_and_closed(line, 431, TOO_LARGE)


def test_a_long_head_that_ends_is_served(line: socket.socket) -> None:
    for size in (60 * 1024, MOST_HEAD):
        line.sendall(one_header(size))
        line.sendall(b"\r\n\r\n")
        its = answer(line)
        assert (its.status, bool(its.read())) == (200, True)


def test_every_request_of_a_connection_has_a_bound_of_its_own(line: socket.socket) -> None:
    for _ in range(5):
        line.sendall(one_header(30 * 1024) + b"\r\n\r\n")
        its = answer(line)
        assert (its.status, bool(its.read())) == (200, True)
    line.sendall(one_header(MOST_HEAD + 1))
    refused_and_closed(line, 431, TOO_LARGE)


def test_a_body_is_no_head(line: socket.socket) -> None:
    length = 5 * MOST_HEAD
    line.sendall(b"POST /api/notes HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % length)
    line.sendall(b"x" * length)
    its = answer(line)
    assert its.status == 401
    its.read()
    line.sendall(CHUNKED + b"1\r\nx\r\n" * MOST_HEAD + b"0\r\n\r\n")
    its = answer(line)
    assert its.status == 401
    its.read()
    line.sendall(LIVE + b"\r\n")
    assert answer(line).status == 200


def test_trailers_without_end_are_431(line: socket.socket) -> None:
    line.sendall(CHUNKED + b"1\r\nx\r\n")
    its = answer(line)
    assert its.status == 401
    its.read()
    line.sendall(b"0\r\nX-Long: " + b"x" * MOST_HEAD)
    refused_and_closed(line, 431, TOO_LARGE)


@pytest.mark.parametrize(
    "nonsense",
    [b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"],
    ids=["TLS", "header", "version"],
)
def test_what_is_not_http_is_400(line: socket.socket, nonsense: bytes) -> None:
    line.sendall(nonsense)
    refused_and_closed(line, 400, NOT_HTTP)
