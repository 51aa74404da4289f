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


@pytest.mark.parametrize(
    ("path", "allowed", "longest_s"), [(LOGIN, 30, 60), (GOOGLE, 30, 60), (SIGNUP, 20, 3600)]
)
async def test_an_address_has_so_many_tries_and_others_have_theirs(
    dsn: str, tmp_path: Path, path: str, allowed: int, longest_s: int
) -> None:
    async with (
        app_at(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as at,
        at("10.0.0.1") as one,
        at("10.0.0.2") as other,
    ):
        assert await times(one, allowed, path, {"x": 1}) == {422}
        limited(await one.post(path, json={"x": 1}), longest_s)
        limited(await one.post(path, content=b"{"), longest_s)
        assert await times(other, 1, path, {"x": 1}) == {422}
        refused(await one.get("/api/search"), 401)


async def test_an_account_has_so_many_tries_from_anywhere(dsn: str, tmp_path: Path) -> None:
    body = {"email": "victim@example.org", "password": "guess"}
    async with app_at(dsn, tmp_path, VIDWIZ_RATE_LIMITS=True) as at:
        for number in range(60):
            async with at(f"10.0.0.{number}") as client:
                email = [" Victim@Example.org ", "victim@example.org"][number % 2]
                answer = await client.post(LOGIN, json={**body, "email": email})
                refused(answer, 401, "Invalid email or password")
        async with at("10.0.1.1") as client:
            limited(await client.post(LOGIN, json=body), 60)
            another = {**body, "email": "another@example.org"}
            refused(await client.post(LOGIN, json=another), 401)


async def test_limits_can_be_switched_off(dsn: str, tmp_path: Path) -> None:
    async with running_api(dsn, tmp_path, VIDWIZ_RATE_LIMITS=False) as api:
        assert await times(api.client, 40, LOGIN, {"x": 1}) == {422}
        assert await times(api.client, 40, SIGNUP, {"x": 1}) == {422}
