"""Tokens and the clock, and what a token signed elsewhere may say besides."""

import time

import pytest

from tests.http.wire import claims, signed
from tests.support import SECRET_KEY
from vidwiz.http.access.tokens import Claims, Tokens


class Clock:
    """Gives the time that it was set to."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def test_a_token_that_was_refused_before_its_time_is_taken_from_then_on() -> None:
    clock = Clock()
    tokens = Tokens(SECRET_KEY, 24, clock)
    begins, ends = clock.now + 60, clock.now + 120
    token = signed(claims(7, nbf=begins, exp=ends))
    assert tokens.read(token) is None
    clock.now = begins
    assert tokens.read(token) == Claims(7, ends, None, begins)
    clock.now = ends
    assert tokens.read(token) is None


@pytest.mark.parametrize(
    "others",
    [
        {"aud": "elsewhere"},
        {"aud": ["a", "b"]},
        {"iss": "elsewhere"},
        {"iss": 5},
        {"sub": 5},
        {"jti": 5},
        {"iat": "yesterday"},
    ],
    ids=str,
)
def test_a_token_may_say_more_than_is_needed(others: dict[str, object]) -> None:
    ends = int(time.time()) + 60
    tokens = Tokens(SECRET_KEY, 24)
    assert tokens.read(signed(claims(7, exp=ends, **others))) == Claims(7, ends)


@pytest.mark.parametrize("token_id", ["\ud800" + "a" * 47, "é" * 48, 5, None], ids=repr)
def test_a_long_term_token_of_an_odd_id_is_none(token_id: object) -> None:
    tokens = Tokens(SECRET_KEY, 24)
    assert tokens.read(signed(claims(7, type="long_term", jti=token_id))) is None
