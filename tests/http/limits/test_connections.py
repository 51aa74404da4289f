"""Slow, silent and too many connections, over raw sockets: they shut nobody out."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPResponse

import httpx
import pytest

from tests.support import ADMIN_TOKEN, Server, bearer, serving
from vidwiz.http.limits.connections import (
    FULL,
    FULL_FOR_ONE,
    MADE_ROOM,
    Bounds,
    Connections,
    proxies_of,
)

MOST = 20
LATE_S = 1.0
SOON_S = 10
LIVE = b"GET /api/health/live HTTP/1.1\r\nHost: test\r\n"
TOKEN = b"Authorization: " + bearer(ADMIN_TOKEN)["Authorization"].encode() + b"\r\n"
PATCH = b"PATCH /api/videos/unknown_one HTTP/1.1\r\nHost: test\r\n" + TOKEN
TEN = PATCH + b"Content-Type: application/json\r\nContent-Length: 10\r\n"
CHUNKED = PATCH + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n"


def bounded() -> dict[str, str]:
    return {
        "VIDWIZ_CONNECTIONS": str(MOST),
        "VIDWIZ_HEAD_TIMEOUT_SECONDS": str(LATE_S),
        "VIDWIZ_BODY_TIMEOUT_SECONDS": str(LATE_S),
    }


@pytest.fixture(scope="module")
def server(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("served") / "data"
    with serving(data, module_dsn, **bounded()) as its:
        yield its


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", httpx.URL(server.url).port or 0), SOON_S)


@pytest.fixture
def line(server: Server) -> Iterator[socket.socket]:
    with connected(server) as its:
        yield its


def status_of(line: socket.socket) -> int:
    answer = HTTPResponse(line)
    answer.begin()
    answer.read()
    return answer.status


def message_of(line: socket.socket) -> tuple[int, str]:
    answer = HTTPResponse(line)
    answer.begin()
    return answer.status, json.loads(answer.read())["error"]["message"]


def is_live(server: Server) -> bool:
    answer = httpx.get(f"{server.url}/api/health/live", timeout=SOON_S)
    return answer.status_code == 200


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"G", "headers"),
        (b"\r\n", "headers"),
        (LIVE, "headers"),
        (LIVE + b"X: ", "headers"),
        (TEN + b"\r\n", "body"),
        (TEN + b"\r\n12345", "body"),
        (CHUNKED + b"\r\n5\r\nab", "body"),
        (CHUNKED + b"\r\n5\r\nabcde\r\n", "body"),
    ],
    ids=range(8),
)
def test_what_comes_too_slowly_is_408(line: socket.socket, sent: bytes, expected: str) -> None:
    line.sendall(sent)
    assert message_of(line) == (408, f"The request's {expected} took too long")
    assert line.recv(1) == b""


def test_a_body_that_nobody_wanted_is_not_waited_for_either(line: socket.socket) -> None:
    line.sendall(TEN.replace(TOKEN, b"") + b"\r\n12345")
    assert message_of(line)[0] == 401
    with contextlib.suppress(ConnectionError):
        assert line.recv(12) in (b"", b"HTTP/1.1 408")


def test_a_head_that_trickles_is_late_all_the_same(line: socket.socket) -> None:
    began = time.monotonic()
    with contextlib.suppress(ConnectionError):
        for byte in LIVE * 10:
            line.sendall(bytes([byte]))
            time.sleep(LATE_S / 20)
            if time.monotonic() - began > 3 * LATE_S:
                break
    line.settimeout(SOON_S)
    with contextlib.suppress(ConnectionError):
        assert line.recv(100).startswith(b"HTTP/1.1 408") or line.recv(1) == b""
    assert time.monotonic() - began < SOON_S


def test_silence_is_closed_without_a_word(line: socket.socket) -> None:
    assert line.recv(1) == b""


def test_the_second_head_of_a_connection_has_its_time_too(line: socket.socket) -> None:
    for _ in range(2):
        line.sendall(LIVE + b"\r\n")
        assert status_of(line) == 200
    line.sendall(LIVE)
    assert message_of(line) == (408, "The request's headers took too long")


def test_a_body_that_keeps_coming_has_time(server: Server, line: socket.socket) -> None:
    """Twice as long as a body may take that does not."""
    piece, pieces = b" " * 400, 16
    length = b"Content-Length: %d\r\n\r\n" % (len(piece) * pieces + 2)
    line.sendall(PATCH + b"Content-Type: application/json\r\n" + length)
    began = time.monotonic()
    for _ in range(pieces):
        line.sendall(piece)
        time.sleep(2 * LATE_S / pieces)
    assert time.monotonic() - began > 1.5 * LATE_S
    line.sendall(b"{}")
    assert message_of(line)[0] in (400, 404)


def test_silent_connections_shut_nobody_out_and_the_log_says_so(server: Server) -> None:
    with contextlib.ExitStack() as lines:
        for _ in range(3):
            for _ in range(MOST):
                lines.enter_context(connected(server))
            assert is_live(server)
    lines_of_log = [json.loads(text) for text in server.log.read_text().splitlines()]
    reasons = {its.get("reason") for its in lines_of_log if its["event"] == "connections closed"}
    assert MADE_ROOM in reasons


def test_connections_at_work_make_no_room(server: Server) -> None:
    poll = b"GET /api/tasks/metadata?timeout=30 HTTP/1.1\r\nHost: test\r\n" + TOKEN + b"\r\n"
    with contextlib.ExitStack() as lines:
        working = [lines.enter_context(connected(server)) for _ in range(MOST)]
        for its in working:
            its.sendall(poll)
        refused = lines.enter_context(connected(server))
        answer = HTTPResponse(refused)
        answer.begin()
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        for its in working:
            its.settimeout(0.01)
            with pytest.raises(TimeoutError):
                its.recv(1)
    deadline = time.monotonic() + SOON_S
    while not _admits(server):
        assert time.monotonic() < deadline


def _admits(server: Server) -> bool:
    try:
        return is_live(server)
    except httpx.HTTPError:
        return False


def test_metrics_count_what_was_closed(server: Server) -> None:
    metrics = httpx.get(f"{server.url}/metrics", headers=bearer(ADMIN_TOKEN), timeout=SOON_S).text
    for reason in ("head_late", "body_late", MADE_ROOM, FULL):
        assert f'vidwiz_connections_closed_total{{reason="{reason}"}}' in metrics


class Line:
    def __init__(self) -> None:
        self.open = True

    def make_room(self) -> None:
        self.open = False


def test_one_address_has_its_share_and_a_proxy_speaks_for_many() -> None:
    bounds = Bounds(most=100, most_of_one=2, proxies="10.0.0.1, 192.168.0.0/16,/run/proxy.sock")
    here = Connections(bounds)
    one = [Line() for _ in range(4)]
    assert [here.opened(its, "2001:db8::1") for its in one[:2]] == [None, None]
    assert here.opened(one[2], "2001:db8::2") == FULL_FOR_ONE  # the same /64
    assert here.opened(Line(), "203.0.113.7") is None
    here.ended(one[0])
    here.ended(one[2])
    assert here.opened(one[3], "2001:db8::3") is None
    for address in ("10.0.0.1", "192.168.7.7", None):
        assert [here.opened(Line(), address) for _ in range(9)] == [None] * 9


def test_those_that_wait_the_longest_make_room_first() -> None:
    here = Connections(Bounds(most=3, most_of_one=100))
    busy, old, older, new = Line(), Line(), Line(), Line()
    for its in (busy, older, old):
        assert here.opened(its, "192.0.2.1") is None
        here.waits(its)
    here.is_busy(busy)
    here.is_busy(old)
    here.waits(old)
    assert here.opened(new, "192.0.2.1") is None
    assert [its.open for its in (busy, old, older)] == [True, True, False]
    here.is_busy(old)
    here.is_busy(new)
    assert here.opened(Line(), "192.0.2.1") == FULL


def test_everybody_may_be_a_proxy() -> None:
    assert proxies_of("127.0.0.1,*") is None
    here = Connections(Bounds(most_of_one=1, proxies="*"))
    assert [here.opened(Line(), "192.0.2.1") for _ in range(3)] == [None] * 3
