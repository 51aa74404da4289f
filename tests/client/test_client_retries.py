"""Which failures are tried again, how long the client waits, and when it gives up."""

import httpx
import pytest

from vidwiz.client.protocol import LONGEST_WAIT_S, EventLogError, RetryPolicy

REFUSED = httpx.ConnectError("refused")


def answer(status: int, **headers: str) -> httpx.Response:
    body = {"error": {"code": "ANY", "message": "in words"}}
    return httpx.Response(
        status, json=body, headers={k.replace("_", "-"): headers[k] for k in headers}
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
def test_a_refusal_is_told_at_once(status: int) -> None:
    with pytest.raises(EventLogError, match="in words") as refused:
        RetryPolicy(give_up_after_s=300).wait_s(None, answer(status))
    assert refused.value.status == status


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert RetryPolicy(give_up_after_s=300).wait_s(None, answer(status)) > 0


def test_the_service_says_how_long_to_wait_within_bounds() -> None:
    policy = RetryPolicy(give_up_after_s=300)
    assert policy.wait_s(None, answer(503, retry_after="7")) >= 7
    assert policy.wait_s(None, answer(503, retry_after="86400")) <= LONGEST_WAIT_S + 1
    assert policy.wait_s(None, answer(503, retry_after="soon")) <= LONGEST_WAIT_S


def test_waits_grow_to_a_bound_and_begin_anew_after_a_success() -> None:
    policy = RetryPolicy(give_up_after_s=300)
    waits = [policy.wait_s(REFUSED, None) for _ in range(20)]
    assert waits[0] < 1 < waits[10]
    assert max(waits) <= LONGEST_WAIT_S
    policy.succeeded()
    assert policy.wait_s(REFUSED, None) < 1


def test_failures_that_go_on_are_given_up_with_their_reason() -> None:
    policy = RetryPolicy(give_up_after_s=0)
    policy.wait_s(REFUSED, None)
    with pytest.raises(EventLogError, match="refused"):
        policy.wait_s(REFUSED, None)
