"""``/api/audit/witness``: checkpoints of other servers are kept; what contradicts is evidence."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.audit.exports import KEY, STRANGER
from tests.http.wire import error_of, shaped
from tests.support import MASTER, Api, running_api
from vidwiz.audit.checkpoints.keys import SigningKey
from vidwiz.audit.witnesses.receipts import is_genuine
from vidwiz.events.chain import GENESIS
from vidwiz.http.errors import CODES
from vidwiz.http.responses import audit_models
from vidwiz.replay.verification import verify
from vidwiz.verify_export import Checkpoint

PATH = "/api/audit/witness"
OURS = SigningKey(bytes(range(1, 33)))


@pytest.fixture(scope="module")
async def api(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    keys = f"{KEY.public_key.upper()}, {OURS.public_key}"
    folder = tmp_path_factory.mktemp("data")
    async with running_api(module_dsn, folder, VIDWIZ_WITNESS_FOR=keys) as its:
        yield its


def checkpoint(position: int, at: str = "12:00", key: SigningKey = KEY, **its: Any) -> Checkpoint:
    fields = {"hash": f"{position:064x}", "events": position, "previous": GENESIS.hex(), **its}
    made_at = f"2026-01-01T{at}:00.000000Z"
    draft = Checkpoint(
        position=position, made_at=made_at, public_key=key.public_key, signature="", **fields
    )
    return draft._replace(signature=key.sign(draft.signed()).hex())


async def show(api: Api, it: Checkpoint) -> Any:
    return await api.client.post(PATH, json=it._asdict())


async def kept(api: Api, key: SigningKey, query: str = "") -> Any:
    answer = await api.client.get(f"{PATH}?public_key={key.public_key}{query}")
    return shaped(audit_models.WitnessedCheckpoints, answer)


async def events_about(api: Api, key: SigningKey) -> int:
    path = f"/api/audit/events?stream=witness:{key.public_key}"
    return len((await api.client.get(path, headers=api.admin)).raise_for_status().json()["events"])


async def test_a_checkpoint_is_kept_with_a_receipt_and_told_to_everybody(api: Api) -> None:
    first, second = checkpoint(5, "12:00"), checkpoint(9, "12:05")
    answers = [shaped(audit_models.WitnessedCheckpoint, await show(api, first)) for _ in range(2)]
    assert answers[0] == answers[1]  # again is no news
    assert answers[0]["checkpoint"] == first._asdict()
    await show(api, second)
    assert await events_about(api, KEY) == 2
    whole = await kept(api, KEY)
    assert [one["checkpoint"] for one in whole["checkpoints"]] == [
        first._asdict(),
        second._asdict(),
    ]
    page = await kept(api, KEY, "&limit=1")
    rest = await kept(api, KEY, f"&after={page['next']}")
    assert page["checkpoints"] + rest["checkpoints"] == whole["checkpoints"]
    for one in whole["checkpoints"]:
        it, receipt = Checkpoint(**one["checkpoint"]), one["receipt"]
        assert receipt["witness"] == api.services.witness.signer.public_key
        assert is_genuine(it, receipt)
        assert not is_genuine(it, {**receipt, "received_at": "2026-01-01T00:00:00.000000Z"})
        assert not is_genuine(first._replace(position=6), receipt)


@pytest.mark.parametrize(
    ("shown", "status"),
    [
        (checkpoint(5, key=STRANGER), 403),
        (checkpoint(5, key=OURS)._replace(hash="0" * 64), 422),
        (checkpoint(5, key=OURS)._replace(public_key=KEY.public_key), 422),
        (checkpoint(5, key=OURS)._replace(signature="0" * 128), 422),
        (checkpoint(5, key=OURS)._replace(signature="0"), 422),
        (checkpoint(5, key=OURS)._replace(position=0), 422),
        (checkpoint(5, key=OURS)._replace(made_at="2026-13-01T00:00:00.000000Z"), 422),
        (checkpoint(5, key=OURS)._replace(made_at="2026-01-01T00:00:00Z"), 422),
        (checkpoint(5, key=OURS)._replace(public_key=KEY.public_key.upper()), 422),
    ],
)
async def test_what_is_forged_or_a_strangers_is_refused(
    api: Api, shown: Checkpoint, status: int
) -> None:
    answer = await show(api, shown)
    assert (answer.status_code, error_of(answer)["code"]) == (status, CODES[status])
    assert await events_about(api, STRANGER) == 0


async def test_what_contradicts_is_refused_and_kept_as_evidence(api: Api, module_dsn: str) -> None:
    key = OURS
    known = checkpoint(10, "12:00", key)
    await show(api, known)
    contradictions = [
        checkpoint(10, "12:00", key, hash="1" * 64),  # written anew
        checkpoint(8, "12:10", key),  # cut, and signed later
        checkpoint(12, "11:50", key),
    ]
    for it in contradictions:
        answers = [await show(api, it) for _ in range(2)]
        for answer in answers:
            assert (answer.status_code, error_of(answer)["code"]) == (409, CODES[409])
            details = answer.json()["error"]["details"]
            assert details["contradicts"]["checkpoint"] == known._asdict()
    await show(api, checkpoint(11, "12:00", key))  # clocks may go back a little
    found = [
        (one["checkpoint"], one["contradicts"]) for one in (await kept(api, key))["checkpoints"]
    ]
    first = (await kept(api, key))["checkpoints"][0]["id"]
    assert found == [
        (known._asdict(), None),
        *((it._asdict(), first) for it in contradictions),
        (checkpoint(11, "12:00", key)._asdict(), None),
    ]
    assert await events_about(api, key) == len(found)
    assert list(verify(module_dsn, MASTER)[1]) == []
