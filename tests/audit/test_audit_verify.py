"""A superuser changes the live log, its checkpoints or their copies: each shows, with its place."""

import base64
import json
from collections.abc import Callable
from contextlib import closing
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
from tests.event_store.parts import ORIGIN, note, rows, running, value
from tests.projections.histories import beginnings, full_history, happen
from tests.support import MASTER
from vidwiz.adapters.object_store import FolderStore
from vidwiz.audit.checkpoints.copies import key_of
from vidwiz.audit.checks.schema_guard import as_migrated, guard_of
from vidwiz.audit.checks.verify import NO_TIME, Problem
from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range, page
from vidwiz.audit.snapshot import snapshot
from vidwiz.commands.users import EraseUser, UserNotFound
from vidwiz.event_store.startup_checks import require_master_key
from vidwiz.events.master_key import KeyUnusable, MasterKey
from vidwiz.replay import engine, verification
from vidwiz.replay.time_travel import TimeMachine
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


GUARD = "the log's guard was changed"
KEYS = "the keys do not fit the log"
LATE = "the evidence is behind"
RECOMPUTE = """
DO $$ DECLARE one record; before bytea := decode(repeat('00', 32), 'hex'); its bytea; field text;
BEGIN
  FOR one IN SELECT * FROM stored_events ORDER BY notification_id LOOP
    its := before;
    FOREACH field IN ARRAY ARRAY[one.notification_id::text, one.originator_id::text,
      one.originator_version::text, one.topic,
      to_char(one.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
      one.metadata::text] LOOP
      its := its || int4send(octet_length(field)) || convert_to(field, 'UTF8');
    END LOOP;
    its := sha256(its || int4send(octet_length(one.state)) || one.state);
    UPDATE stored_events SET previous_hash = before, hash = its
      WHERE notification_id = one.notification_id;
    before := its;
  END LOOP;
END $$
"""
"""An old log, whose trigger did not look at times and versions; it had no checkpoints."""


def plain(statement: str) -> Callable[[str], None]:
    """The attacker leaves what they do to the triggers as it is."""

    def done(dsn: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(statement.encode())

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
    "time beyond all calendars": (
        change("UPDATE stored_events SET recorded_at = 'infinity' WHERE notification_id = 30"),
        [Problem(30, NO_TIME)],
    ),
    "time before all calendars": (
        change("UPDATE stored_events SET recorded_at = '100-01-01 BC' WHERE notification_id = 30"),
        [Problem(30, NO_TIME)],
    ),
    "time of a checkpoint": (
        change("UPDATE log_checkpoints SET made_at = '-infinity' WHERE position = 40"),
        [Problem(40, NO_TIME)],
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
    **{
        f"guard: {statement}": (plain(statement), [Problem(None, what, GUARD)])
        for statement, what in {
            "ALTER TABLE stored_events DISABLE TRIGGER refuse_change": (
                "the trigger stored_events.refuse_change is switched off"
            ),
            "ALTER TABLE stored_events ENABLE TRIGGER chain_event": (
                "the trigger stored_events.chain_event is switched off for some sessions"
            ),
            "DROP TRIGGER refuse_change ON log_checkpoints": (
                "the trigger log_checkpoints.refuse_change is missing"
            ),
            "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN OLD; END'": (
                "the function refuse_change is not as the migrations made it"
            ),
            "CREATE TRIGGER also AFTER INSERT ON stored_events EXECUTE FUNCTION refuse_change()": (
                "the trigger stored_events.also is none of ours"
            ),
            "CREATE RULE away AS ON DELETE TO log_checkpoints DO INSTEAD NOTHING": (
                "the rule log_checkpoints.away is none of ours"
            ),
            "ALTER TABLE stored_events ENABLE ROW LEVEL SECURITY": (
                "the table stored_events is not as the migrations made it"
            ),
            "DROP INDEX stored_events_erased_idx": "the index stored_events_erased_idx is missing",
            "ALTER TABLE stored_events ALTER hash DROP NOT NULL": (
                "the column stored_events.hash is not as the migrations made it"
            ),
            "ALTER TABLE stored_events ADD CHECK (topic <> 'NoteDeleted') NOT VALID": (
                "the constraint stored_events.stored_events_topic_check is none of ours"
            ),
        }.items()
    },
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


KEY_ATTACKS: dict[str, tuple[Callable[[str], None], list[Problem]]] = {
    "a key is gone": (
        plain("UPDATE personal_keys SET wrapped_key = NULL WHERE person = 'user:2'"),
        [Problem(2, "is sealed for user:2, whose key is gone", KEYS)],
    ),
    "a key is gone, and said to be erased": (
        plain(
            "UPDATE personal_keys SET wrapped_key = NULL, erased_at = now() WHERE person = 'user:2'"
        ),
        [Problem(2, "is sealed for user:2, whose key is gone", KEYS)],
    ),
    "a key of nobody": (
        plain("INSERT INTO personal_keys SELECT 'user:99', wrapped_key FROM personal_keys LIMIT 1"),
        [
            Problem(None, "the key of user:99 is corrupt", KEYS),
            Problem(None, "there is a key of user:99, whom the log does not know", KEYS),
        ],
    ),
    "a key is corrupt": (
        plain(
            "UPDATE personal_keys SET wrapped_key ="
            " set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1) WHERE person = 'user:2'"
        ),
        [Problem(None, "the key of user:2 is corrupt", KEYS)],
    ),
    "every key is corrupt": (
        plain("UPDATE personal_keys SET wrapped_key = 'corrupt'"),
        [Problem(None, f"the key of user:{number} is corrupt", KEYS) for number in (1, 2, 3)],
    ),
    "the check value is another one": (
        plain("UPDATE master_keys SET check_value = 'another'"),
        [Problem(None, "master_keys has the check value of another master key", KEYS)],
    ),
    "keys are exchanged": (
        plain(
            "UPDATE personal_keys AS its SET wrapped_key = other.wrapped_key"
            " FROM personal_keys AS other WHERE its.person IN ('user:1', 'user:2')"
            " AND other.person IN ('user:1', 'user:2') AND its.person <> other.person"
        ),
        [
            Problem(None, "the key of user:1 was exchanged: it is that of user:2", KEYS),
            Problem(None, "the key of user:2 was exchanged: it is that of user:1", KEYS),
        ],
    ),
    "a key was deleted": (
        plain("DELETE FROM personal_keys WHERE person = 'user:2'"),
        [Problem(2, "is sealed for user:2, whose key is gone", KEYS)],
    ),
    "a key is another one": (
        plain(
            f"UPDATE personal_keys SET wrapped_key = '\\x{MASTER.new_key('user:2').hex()}'"
            " WHERE person = 'user:2'"
        ),
        [
            Problem(
                2, "does not open with the key of user:2, which is another one than before", KEYS
            )
        ],
    ),
}


@pytest.mark.parametrize("attack", KEY_ATTACKS)
async def test_every_key_that_does_not_fit_the_log_is_named(
    dsn: str, tmp_path: Path, attack: str
) -> None:
    require_master_key(dsn, MASTER)
    async with running(dsn) as parts:
        assert [await parts.sign_up() for _ in range(3)] == [1, 2, 3]
    attacked, problems = KEY_ATTACKS[attack]
    assert (await audited(dsn, FolderStore(tmp_path))).problems == []
    attacked(dsn)
    assert (await audited(dsn, FolderStore(tmp_path))).problems == problems


async def test_an_erased_person_whose_key_comes_back_is_named_and_reads_erased_to_all(
    dsn: str, tmp_path: Path
) -> None:
    objects = FolderStore(tmp_path / "objects")
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        await parts.store.execute(note(user_id, "W421vNri5hw", text="a secret"), ORIGIN)
        (kept,) = rows(dsn, "SELECT wrapped_key FROM personal_keys")
        await parts.store.execute(EraseUser(user_id), ORIGIN)
        position = value(dsn, "SELECT max(notification_id) FROM stored_events")
        restored = "UPDATE personal_keys SET wrapped_key = %s, erased_at = NULL"
        with psycopg.connect(dsn) as connection:
            connection.execute(restored, kept)
        said = f"erased user:{user_id}, but a key is there again"
        assert (await audited(dsn, objects)).problems == [Problem(position, said, KEYS)]
        seen = await page(Log(parts.database, MASTER), Filter(), Range(), 100)
        assert "a secret" not in repr(seen)
        with pytest.raises(UserNotFound):
            await parts.store.execute(note(user_id, "W421vNri5hw"), ORIGIN)
    engine.rebuild(dsn, MASTER)
    assert list(verification.verify(dsn, MASTER)[1]) == []
    with closing(TimeMachine(dsn, MASTER)) as machine, machine.at(position - 1) as state:
        assert "a secret" not in repr(state.rows("notes", {}, -1, 10))
    assert "[erased]" in repr(seen)


async def test_a_lost_key_stops_a_rebuild_and_reads_lost_to_others(dsn: str) -> None:
    async with running(dsn) as parts:
        user_id, other = await parts.sign_up(), await parts.sign_up()
        await parts.store.execute(note(user_id, "W421vNri5hw", text="a text"), ORIGIN)
        plain(f"UPDATE personal_keys SET wrapped_key = NULL WHERE person = 'user:{user_id}'")(dsn)
        with pytest.raises(KeyUnusable, match=f"the key of user:{user_id} is gone"):
            engine.rebuild(dsn, MASTER)
        assert value(dsn, "SELECT text FROM notes") == "a text"
        seen = await page(Log(parts.database, MASTER), Filter(), Range(), 100)
        assert "[key lost]" in repr(seen)
        assert "a text" not in repr(seen)
        with pytest.raises(KeyUnusable):
            await parts.store.execute(note(user_id, "W421vNri5hw"), ORIGIN)
        await parts.store.execute(note(other, "W421vNri5hw"), ORIGIN)


async def test_another_master_key_is_told_from_corrupt_keys(dsn: str, tmp_path: Path) -> None:
    async with running(dsn) as parts:
        await parts.sign_up()
    found = await audited(dsn, FolderStore(tmp_path), master=MasterKey(bytes(32)))
    said = "this is not the master key: it opens none of them"
    assert found.problems == [Problem(None, said, KEYS)]


@pytest.mark.parametrize(
    ("change_of_old_log", "problem"),
    [
        (
            "UPDATE stored_events SET recorded_at = '2020-01-01' WHERE notification_id = 30",
            Problem(30, "is dated 2020-01-01T00:00:00.000000Z, before what comes before it"),
        ),
        (
            "UPDATE stored_events SET originator_version = 7 WHERE notification_id = 60",
            Problem(60, "has version 7 of its stream, which had 2 before"),
        ),
    ],
)
async def test_times_that_go_back_and_gaps_of_versions_are_found_in_old_logs(
    dsn: str, tmp_path: Path, change_of_old_log: str, problem: Problem
) -> None:
    happen(dsn, *beginnings(8))
    with hands(dsn) as connection:
        connection.execute(change_of_old_log.encode())
        connection.execute(RECOMPUTE.encode())
    assert (await audited(dsn, FolderStore(tmp_path))).problems == [problem]


async def test_evidence_that_is_behind_is_named(log: tuple[str, FolderStore]) -> None:
    dsn, objects = log
    for position in PINS:
        await objects.delete(key_of(position))
    change("UPDATE log_checkpoints SET made_at = made_at - interval '1 hour'")(dsn)
    assert [one.position for one in (await audited(dsn, objects)).problems] == [20, 20]


async def test_transcripts_are_compared_with_their_digests(dsn: str, tmp_path: Path) -> None:
    objects = FolderStore(tmp_path)
    happen(dsn, *full_history())
    expected = rows(
        dsn,
        "SELECT event_field(state, 'object_key') COLLATE \"C\", max(notification_id)"
        " FROM stored_events WHERE event_field(state, 'object_key') IN ("
        "  SELECT object_key FROM personal_transcripts UNION"
        "  SELECT 'k' FROM videos WHERE video_id = 'video-1' AND transcript_available)"
        " AND NOT (topic = 'TranscriptReady' AND event_field(state, 'video_id') = 'video-4')"
        " GROUP BY 1 ORDER BY 1",
    )
    gone = {"personal/3", "personal/98"}  # removed, and of a person who was erased
    keys, in_order = {key for key, _ in expected}, sorted(expected, key=lambda it: it[1])
    assert "k" in keys
    assert not gone & keys
    await objects.put("transcripts/nobodys.json", b"[]")
    found = await audited(dsn, objects, with_objects=True)
    assert found.objects == len(expected)
    verdict = "the objects do not fit the log"
    assert [one for one in found.problems if one.verdict == verdict] == [
        *(Problem(at, f"tells of {key}, which is missing", verdict) for key, at in in_order),
        Problem(None, "transcripts/nobodys.json is an object that no event speaks of", verdict),
    ]
    key, position = expected[0]
    await objects.put(key, b"[]")
    changed = Problem(position, f"tells of {key}, which was changed", verdict)
    assert changed in (await audited(dsn, objects, with_objects=True)).problems


def test_the_guard_is_what_the_migrations_make(dsn: str) -> None:
    with snapshot(dsn) as connection:
        assert guard_of(connection) == as_migrated()
