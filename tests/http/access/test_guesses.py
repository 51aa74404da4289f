"""Guesses at passwords and tokens: counted for all processes; the owner gets in meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from secrets import token_hex

import httpx
import pytest

from tests.event_store.parts import rows
from tests.http.wire import app_at, claims, error_of, refused, signed
from tests.support import ADMIN_TOKEN, bearer
from vidwiz.event_store.counts import Charge, Limit
from vidwiz.http.access import guesses
from vidwiz.http.access.guesses import OF_ACCOUNT, OF_KNOWN

At = Callable[[str], httpx.AsyncClient]
LOGIN, WRONG = "/api/user/login", "Invalid email or password"
ATTACKERS = [f"198.51.100.{number}" for number in range(3)]


@dataclass(frozen=True)
class Site:
    """Two processes on one database, spoken to from any address."""

    one: At
    other: At
    dsn: str

    async def sign_up(self, address: str = "192.0.2.99") -> str:
        """A new account, from an address at which nobody signs in."""
        email = f"{token_hex(6)}@example.org"
        body = {"email": email, "password": "correct horse", "name": "Ann"}
        rows(self.dsn, "DELETE FROM counts WHERE starts_with(key, 'signup:')")
        async with self.one(address) as client:
            (await client.post("/api/user/signup", json=body)).raise_for_status()
        return email

    async def sign_in(
        self, address: str, email: str, password: str = "correct horse", *, at: At | None = None
    ) -> httpx.Response:
        async with (at or self.one)(address) as client:
            return await client.post(LOGIN, json={"email": email, "password": password})


@pytest.fixture(scope="module")
async def site(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    folder = tmp_path_factory.mktemp("data")
    async with (
        app_at(module_dsn, folder, VIDWIZ_RATE_LIMITS=True) as one,
        app_at(module_dsn, folder, VIDWIZ_RATE_LIMITS=True) as other,
    ):
        yield Site(one, other, module_dsn)


def locked_out(answer: httpx.Response) -> None:
    assert answer.status_code == 429, answer.text
    error = error_of(answer)
    assert error["message"] == guesses.TOO_MANY
    seconds = int(answer.headers["retry-after"])
    assert error["details"] == {"reset_in_seconds": seconds}
    assert 1 <= seconds <= 24 * 3600


async def attack(site: Site, email: str, times: int) -> list[int]:
    """Wrong guesses from three addresses, half of them at each process."""
    statuses = []
    for number in range(times):
        at = (site.one, site.other)[number % 2]
        spelt = (email, f" {email.upper()} ")[number % 2]
        address = ATTACKERS[number % len(ATTACKERS)]
        statuses.append((await site.sign_in(address, spelt, "guess", at=at)).status_code)
    return statuses


async def test_the_owner_gets_in_while_attackers_are_locked_out(site: Site) -> None:
    ann = await site.sign_up()
    assert (await site.sign_in("192.0.2.1", ann)).status_code == 200
    assert await attack(site, ann, OF_ACCOUNT.most) == [401] * OF_ACCOUNT.most
    locked_out(await site.sign_in(ATTACKERS[0], ann, "guess"))
    locked_out(await site.sign_in("203.0.113.7", ann))  # also with the right one, unknown as it is
    assert (await site.sign_in("192.0.2.1", ann, at=site.other)).status_code == 200
    bob = await site.sign_up()
    assert (await site.sign_in("203.0.113.7", bob)).status_code == 200


async def test_a_known_network_has_its_own_bounded_guesses(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guesses, "OF_KNOWN", Limit(OF_KNOWN.purpose, 3, OF_KNOWN.every))
    ann = await site.sign_up()
    assert (await site.sign_in("2001:db8::1", ann)).status_code == 200
    for number in range(3):
        refused(await site.sign_in(f"2001:db8::{number}", ann, "typo"), 401, WRONG)
    locked_out(await site.sign_in("2001:db8::ffff", ann))
    assert (await site.sign_in("2001:db8:0:1::1", ann)).status_code == 200


async def test_an_unknown_address_is_counted_and_refused_like_a_known_one(site: Site) -> None:
    ann, nobody = await site.sign_up(), f"{token_hex(6)}@example.org"
    rows(site.dsn, "DELETE FROM counts")
    answers = {}
    for email in (ann, nobody):
        rows(site.dsn, "DELETE FROM counts")
        statuses = await attack(site, email, OF_ACCOUNT.most + 2)
        last = await site.sign_in(ATTACKERS[1], email, "guess")
        kept = rows(site.dsn, "SELECT split_part(key, ':', 1), used FROM counts ORDER BY 1, 2")
        answers[email] = statuses, last.status_code, error_of(last)["message"], kept
    assert answers[ann] == answers[nobody]


async def test_right_passwords_cost_nothing(site: Site) -> None:
    ann = await site.sign_up()
    rows(site.dsn, "DELETE FROM counts")
    for _ in range(40):
        assert (await site.sign_in("192.0.2.44", ann)).status_code == 200
    assert rows(site.dsn, "SELECT sum(used) FROM counts") == [(0,)]


async def test_many_guesses_at_once_are_not_more_than_many_in_a_row(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guesses, "OF_ACCOUNT", Limit(OF_ACCOUNT.purpose, 5, OF_ACCOUNT.every))
    ann = await site.sign_up()
    answers = await asyncio.gather(
        *(
            site.sign_in(f"203.0.113.{number}", ann, "guess", at=(site.one, site.other)[number % 2])
            for number in range(30)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 25


async def test_one_network_has_so_many_guesses_at_all_accounts_together(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = guesses.OF_NETWORK
    monkeypatch.setattr(guesses, "OF_NETWORK", Limit(its.purpose, 4, its.every, strangers=True))
    for number in range(4):
        answer = await site.sign_in("203.0.113.200", f"{number}-{token_hex(4)}@example.org", "x")
        refused(answer, 401, WRONG)
    locked_out(await site.sign_in("203.0.113.200", f"{token_hex(4)}@example.org", "x"))
    refused(await site.sign_in("203.0.113.201", f"{token_hex(4)}@example.org", "x"), 401, WRONG)


async def test_all_networks_together_have_so_many_guesses(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await site.sign_up()
    assert (await site.sign_in("192.0.2.1", ann)).status_code == 200
    rows(site.dsn, "DELETE FROM counts")
    monkeypatch.setattr(guesses, "IN_ALL", Limit("guess_all", 2, OF_KNOWN.every))
    monkeypatch.setattr(guesses, "_EVERYBODY", Charge(guesses.IN_ALL, "all"))
    for number in range(2):
        answer = await site.sign_in(f"203.0.113.{number}", f"{token_hex(4)}@example.org", "x")
        refused(answer, 401, WRONG)
    locked_out(await site.sign_in("203.0.113.3", f"{token_hex(4)}@example.org", "x"))
    assert (await site.sign_in("192.0.2.1", ann)).status_code == 200
    rows(site.dsn, "DELETE FROM counts")


async def test_admin_tokens_are_not_to_be_guessed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = guesses.OF_TOKEN
    monkeypatch.setattr(guesses, "OF_TOKEN", Limit(its.purpose, 6, its.every, strangers=True))
    admin = bearer(ADMIN_TOKEN)
    user_token = bearer(signed(claims(10**9, exp=1)))  # dead, but a user's
    paths = ["/api/audit/health", "/api/tasks/transcript?timeout=0"]
    async with AsyncExitStack() as stack:
        one, worker, other = [
            await stack.enter_async_context(at(address))
            for at, address in (
                (site.one, "203.0.113.50"),
                (site.one, "203.0.113.51"),
                (site.other, "203.0.113.50"),
            )
        ]
        for number in range(12):
            answer = await one.get(paths[number % 2], headers=user_token)
            assert answer.status_code == (403, 401)[number % 2]
        for number in range(6):
            answer = await (one, other)[number // 2 % 2].get(
                paths[number % 2], headers=bearer(f"guess {number}")
            )
            assert answer.status_code == (403, 401)[number % 2]
        for client in (one, other):
            locked_out(await client.get(paths[0], headers=bearer("guess")))
            assert (await client.get(paths[0], headers=admin)).status_code == 429  # not told
        # A worker that was right before works on beside one with a wrong token.
        assert (await worker.get(paths[1], headers=admin)).status_code in (200, 204)
        for _ in range(7):
            await worker.get(paths[0], headers=bearer("typo"))
        locked_out(await worker.get(paths[0], headers=bearer("typo")))
        assert (await worker.get(paths[1], headers=admin)).status_code in (200, 204)


async def test_ids_of_guests_talks_are_not_to_be_tried(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    its = guesses.OF_TOKEN
    monkeypatch.setattr(guesses, "OF_TOKEN", Limit(its.purpose, 3, its.every, strangers=True))
    async with site.one("203.0.113.90") as client:
        for number in range(3):
            guest = {"X-Guest-Session-ID": f"guess-{number}"}
            answer = await client.get("/api/wiz/conversations/1", headers=guest)
            refused(answer, 404)
        locked_out(
            await client.get("/api/wiz/conversations/1", headers={"X-Guest-Session-ID": "another"})
        )


async def test_an_old_hash_is_renewed_at_sign_in(site: Site) -> None:
    from argon2 import PasswordHasher

    ann = await site.sign_up()
    (whose,) = rows(site.dsn, f"SELECT id FROM users WHERE email = '{ann}'")
    old = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4).hash("correct horse")
    rows(site.dsn, f"UPDATE credentials SET password_hash = '{old}' WHERE user_id = {whose[0]}")
    refused(await site.sign_in("192.0.2.7", ann, "guess"), 401, WRONG)
    query = f"SELECT password_hash FROM credentials WHERE user_id = {whose[0]}"
    assert rows(site.dsn, query) == [(old,)]
    assert (await site.sign_in("192.0.2.7", ann)).status_code == 200
    ((new,),) = rows(site.dsn, query)
    assert "$m=19456,t=2,p=1$" in new
    assert (await site.sign_in("192.0.2.7", ann)).status_code == 200
    assert rows(site.dsn, query) == [(new,)]


@pytest.mark.parametrize("length", [1025, 900_000])
async def test_an_endless_password_is_never_hashed(site: Site, length: int) -> None:
    refused(await site.sign_in("192.0.2.8", await site.sign_up(), "x" * length), 401, WRONG)


async def test_more_sign_ins_than_can_be_hashed_are_told_to_come_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidwiz.http.access.passwords.MOST_WAITING", 2)
    ann = await site.sign_up()
    rows(site.dsn, "DELETE FROM counts")
    answers = await asyncio.gather(*(site.sign_in("192.0.2.9", ann) for _ in range(12)))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    busy = next(answer for answer in answers if answer.status_code == 503)
    assert busy.headers["retry-after"] == "1"
    error_of(busy)
    assert rows(site.dsn, "SELECT sum(used) FROM counts") == [(0,)]


async def test_rows_of_people_name_nobody(site: Site) -> None:
    assert (await site.sign_in("192.0.2.1", await site.sign_up())).status_code == 200
    kept = rows(site.dsn, "SELECT network FROM known_networks")
    assert kept
    assert all(len(network) == 32 and int(network, 16) for (network,) in kept)
