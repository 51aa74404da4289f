"""A superuser changes the live log, its checkpoints or their copies: each shows, with its place."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.audit.exports import KEY, STRANGER
from tests.audit.live import (
    EVENTS,
    PINS,
    audited,
    checkpoints,
    events,
    hands,
    recorded,
    rewrite,
    sign,
)
from tests.cli.command import Vidwiz
from vidwiz.adapters.object_store import FolderStore
from vidwiz.audit.copies import key_of
from vidwiz.audit.verify import Problem
from vidwiz.verify_export import checkpoint_line, ed25519_genuine

COPY_DIFFERS = "has another checkpoint than its copy in the object store"


@pytest.fixture
async def log(dsn: str, tmp_path: Path) -> tuple[str, FolderStore]:
    objects = FolderStore(tmp_path / "data" / "objects")
    await recorded(dsn, objects)
    return dsn, objects


def change(statement: str) -> Callable[[str], None]:
    def done(dsn: str) -> None:
        with hands(dsn) as connection:
            connection.execute(statement.encode())

    return done


def rewrite_and_sign(key: object) -> Callable[[str], None]:
    def done(dsn: str) -> None:
        rewrite(dsn, 25)
        sign(dsn, key)  # type: ignore[arg-type]

    return done


ATTACKS: dict[str, tuple[Callable[[str], None], list[Problem]]] = {
    "flip": (
        change(
            "UPDATE stored_events SET state = set_byte(state, 3, get_byte(state, 3) # 1)"
            " WHERE notification_id = 25"
        ),
        [Problem(25, "does not have the hash of what it says")],
    ),
    "time": (
        change(
            "UPDATE stored_events SET recorded_at = recorded_at + interval '1 microsecond'"
            " WHERE notification_id = 1"
        ),
        [Problem(1, "does not have the hash of what it says")],
    ),
    "delete": (
        change("DELETE FROM stored_events WHERE notification_id = 30"),
        [Problem(30, "is missing; 31 comes next")],
    ),
    "insert": (
        change(
            "INSERT INTO stored_events SELECT gen_random_uuid(), 1, topic, state, 65, recorded_at,"
            " metadata, hash, hash FROM stored_events WHERE notification_id = 64"
        ),
        [Problem(65, "does not have the hash of what it says")],
    ),
    "swap": (
        change(
            "UPDATE stored_events SET notification_id = -notification_id WHERE notification_id"
            " IN (11, 12); UPDATE stored_events SET notification_id = 23 + notification_id"
            " WHERE notification_id < 0"
        ),
        [Problem(11, "does not follow from the one before it")],
    ),
    "truncate": (
        change("DELETE FROM stored_events WHERE notification_id > 45"),
        [Problem(46, "is missing, but checkpoint 64 was signed")],
    ),
    "truncate with its checkpoints": (
        change(
            "DELETE FROM stored_events WHERE notification_id > 45;"
            " DELETE FROM log_checkpoints WHERE position > 45"
        ),
        [Problem(46, "is missing, but a copy of checkpoint 64 is kept")],
    ),
    "truncate everything": (
        change("TRUNCATE stored_events, log_checkpoints"),
        [Problem(1, "is missing, but a copy of checkpoint 20 is kept")],
    ),
    "fork": (
        lambda dsn: rewrite(dsn, 25),
        [Problem(40, "is not what its checkpoint signed: positions 21 to 40 were written anew")],
    ),
    "fork, signed by another": (
        rewrite_and_sign(STRANGER),
        [
            Problem(
                20,
                f"has a checkpoint signed with {STRANGER.public_key}, which is not trusted",
                "a stranger vouches for the log",
            ),
            Problem(20, COPY_DIFFERS),
        ],
    ),
    "fork, signed with our own key": (rewrite_and_sign(KEY), [Problem(20, COPY_DIFFERS)]),
    "removed checkpoint": (
        change("DELETE FROM log_checkpoints WHERE position = 40"),
        [
            Problem(40, "has no checkpoint any more, but a copy of one is kept"),
            Problem(64, "has a checkpoint that does not follow from the one before it"),
        ],
    ),
    "altered checkpoint": (
        change("UPDATE log_checkpoints SET made_at = now() WHERE position = 40"),
        [
            Problem(40, "has a checkpoint whose signature is not genuine"),
            Problem(40, COPY_DIFFERS),
        ],
    ),
}


async def test_a_log_that_nobody_touched_is_whole(log: tuple[str, FolderStore]) -> None:
    dsn, objects = log
    found = await audited(dsn, objects)
    assert found.problems == []
    assert (found.position, found.checkpoints, found.pinned, found.copies) == (EVENTS, 3, 64, 3)
    assert found.head == events(dsn)[-1].hash.hex()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_every_attack_is_named_with_its_first_position(
    log: tuple[str, FolderStore], attack: str
) -> None:
    dsn, objects = log
    attacked, problems = ATTACKS[attack]
    attacked(dsn)
    assert (await audited(dsn, objects)).problems == problems


async def test_a_copy_that_is_gone_or_changed_is_named(log: tuple[str, FolderStore]) -> None:
    dsn, objects = log
    copy = checkpoint_line(checkpoints(dsn)[1])
    for body in (b"", copy[:-2], copy.replace(b'"events":40', b'"events":41')):
        await objects.put(key_of(40), body)
        assert (await audited(dsn, objects)).problems == [Problem(40, COPY_DIFFERS)]
    await objects.delete(key_of(40))
    gone = [Problem(40, "has a checkpoint whose copy is gone")]
    assert (await audited(dsn, objects)).problems == gone


async def test_what_else_lies_beside_the_copies_does_not_matter(
    log: tuple[str, FolderStore],
) -> None:
    dsn, objects = log
    await objects.put("audit/checkpoints/readme.json", b"{}")
    await objects.put("audit/checkpoints/41.json", b"{}")
    found = await audited(dsn, objects)
    assert (found.copies, found.problems) == (3, [])


async def test_both_implementations_find_a_checkpoint_genuine(
    log: tuple[str, FolderStore],
) -> None:
    dsn, _ = log
    for it in checkpoints(dsn):
        key, signature = bytes.fromhex(it.public_key), bytes.fromhex(it.signature)
        assert ed25519_genuine(key, it.signed(), signature)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log_checkpoints SET hash = hash",
        "DELETE FROM log_checkpoints",
        "TRUNCATE log_checkpoints",
    ],
)
async def test_not_even_the_owner_changes_a_checkpoint(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET session_replication_role = 'replica'")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(statement.encode())


async def test_the_command_exits_with_1_and_names_the_position(
    log: tuple[str, FolderStore], tmp_path: Path
) -> None:
    dsn, _ = log
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    key = {"VIDWIZ_SIGNING_KEY": base64.b64encode(bytes(range(32))).decode()}
    assert vidwiz.ok("audit", "key", **key) == f"{KEY.public_key}\n"
    sound = vidwiz.ok("audit", "verify", **key)
    assert sound.startswith("The log is whole: 64 events, head ")
    assert f"3 genuine checkpoints up to 64, 3 copies of them in folder {tmp_path}" in sound

    stranger = vidwiz.run("audit", "verify")
    assert stranger.code == 1
    assert stranger.out.startswith("a stranger vouches for the log: position ")
    assert f"has a checkpoint signed with {KEY.public_key}, which is not trusted" in stranger.out
    assert "Give its signer's key and ours" in stranger.out
    assert vidwiz.ok("audit", "verify", "--public-key", KEY.public_key) == sound

    change("DELETE FROM stored_events WHERE notification_id = 30")(dsn)
    done = vidwiz.run("audit", "verify", "--json", **key)
    assert done.code == 1
    found = json.loads(done.out)
    assert found["problems"] == [
        {
            "position": 30,
            "what": "is missing; 31 comes next",
            "verdict": "the log was changed",
        }
    ]
    assert (found["position"], found["pinned"], found["copies"]) == (29, PINS[0], 3)
