"""Rate limits of the routes that a stranger may call."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.http.wire import app_at, error_of, refused
from tests.support import running_api

At = Callable[[str], httpx.AsyncClient]
LOGIN, SIGNUP, GOOGLE = "/api/user/login", "/api/user/signup", "/api/user/google/login"


def limited(answer: httpx.Response, longest_s: int) -> None:
    assert answer.status_code == 429
    error = error_of(answer)
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= longest_s
    assert error["details"] == {"reset_in_seconds": seconds}


async def times(client: httpx.AsyncClient, count: int, path: str, body: Any) -> set[int]:
    return {(await client.post(path, json=body)).status_code for _ in range(count)}


async def test_a_network_has_so_many_sign_ups_in_all_processes_and_others_have_theirs(
    dsn: str, tmp_path: Path
) -> None:
    async with (
        app_at(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as at,
        app_at(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as elsewhere,
        at("10.0.0.1") as one,
        elsewhere("10.0.0.1") as again,
        at("10.0.0.2") as other,
    ):
        assert await times(one, 10, SIGNUP, {"x": 1}) == {422}
        assert await times(again, 10, SIGNUP, {"x": 1}) == {422}
        limited(await one.post(SIGNUP, json={"x": 1}), 3600)
        limited(await again.post(SIGNUP, content=b"{"), 3600)
        assert await times(other, 1, SIGNUP, {"x": 1}) == {422}
        refused(await one.get("/api/search"), 401)


@pytest.mark.parametrize("path", [LOGIN, GOOGLE])
async def test_a_flood_of_sign_ins_is_cut(dsn: str, tmp_path: Path, path: str) -> None:
    async with (
        app_at(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as at,
        at("2001:db8:1:2::1") as one,
        at("2001:db8:1:2::2") as neighbour,
        at("2001:db8:1:3::1") as other,
    ):
        assert await times(one, 300, path, {"x": 1}) == {422}
        limited(await neighbour.post(path, json={"x": 1}), 60)
        assert await times(other, 1, path, {"x": 1}) == {422}


async def test_limits_can_be_switched_off(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_RATE_LIMITS=False) as api:
        assert await times(api.client, 40, LOGIN, {"x": 1}) == {422}
        assert await times(api.client, 40, SIGNUP, {"x": 1}) == {422}
