"""The row history is verified like everything, can begin a verification, and forgets the erased."""

import asyncio
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from tests.event_store.parts import ORIGIN, note, rows, running, value
from tests.projections.histories import full_history, happen
from tests.projections.test_time_travel import shown
from tests.support import MASTER
from vidwiz.audit.checkpoints.keys import SigningKey, genuine
from vidwiz.commands.notes import EditNote
from vidwiz.commands.users import EraseUser, SignUp
from vidwiz.events import event_types
from vidwiz.events.chain import ChainBroken
from vidwiz.projections.forgetting import personal_columns
from vidwiz.projections.projector import plan
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.row_history_state import form
from vidwiz.replay import row_history
from vidwiz.replay.comparing import Difference
from vidwiz.replay.engine import Replayed, log_head
from vidwiz.replay.row_history import StoredHistory, drop_stored, ensure_stored
from vidwiz.replay.time_travel import TimeMachine
from vidwiz.replay.verification import verify, verify_from
from vidwiz.replay.verified_snapshots import Signer, SnapshotUnusable

HISTORY = full_history()
AT = 120
KEY = SigningKey(bytes(32))
SIGNER = Signer(KEY.public_key, KEY.sign)


def fill(dsn: str, up_to: int | None = None) -> None:
    """Fill the stored history up to a position, or to the head."""
    ensure_stored(dsn, take_over=True)
    with closing(StoredHistory(dsn, MASTER, "history")) as history:
        head = log_head(history.connection)
        history.fill(head if up_to is None else up_to, lambda _at, _of: None)


def change(dsn: str, *statements: str) -> None:
    """What somebody does who can write to the database."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def changed_log(dsn: str, statement: str) -> None:
    change(
        dsn,
        "ALTER TABLE stored_events DISABLE TRIGGER ALL",
        statement,
        "ALTER TABLE stored_events ENABLE TRIGGER ALL",
    )


def from_snapshot(dsn: str, position: int | None = None) -> tuple[int, Replayed, list[Difference]]:
    at, replayed, differences = verify_from(dsn, MASTER, position, SIGNER, genuine)
    return at, replayed, [*differences]


@pytest.fixture
def verified(dsn: str) -> Iterator[str]:
    """A history that a whole verification found right at position 120, and what followed."""
    happen(dsn, *HISTORY)
    fill(dsn, AT)
    assert [*verify(dsn, MASTER, signer=SIGNER)[1]] == []
    yield dsn
    drop_stored(dsn)


def test_verify_compares_every_version_of_every_row(verified: str) -> None:
    fill(verified)
    assert [*verify(verified, MASTER)[1]] == []
    change(
        verified,
        "UPDATE row_history.users_ended SET name = 'Forged' WHERE id = 1 AND since = 1",
        "UPDATE row_history.notes SET since = since - 1 WHERE id = 2",
        "DELETE FROM row_history.tasks WHERE id = 7",
        "UPDATE row_history.counted SET tables = jsonb_set(tables, '{videos}', '99')",
    )
    since = value(verified, "SELECT since FROM row_history.notes WHERE id = 2")
    queued = next(
        position for position, event in enumerate(HISTORY, start=1) if event.stream == "task:7"
    )
    counted = rows(verified, "SELECT position FROM row_history.counted ORDER BY 1")
    assert {*verify(verified, MASTER)[1]} == {
        Difference("row_history.users_ended", 1, "different", ("name",), 1),
        Difference("row_history.notes", 2, "unexpected", (), since),
        Difference("row_history.notes", 2, "missing", (), since + 1),
        Difference("row_history.tasks", 7, "missing", (), queued),
        *(
            Difference("row_history.counted", position, "different", ("videos",))
            for (position,) in counted
        ),
    }


def test_a_verification_begins_at_a_snapshot_that_was_verified(verified: str) -> None:
    at, replayed, differences = from_snapshot(verified)
    whole, _ = verify(verified, MASTER)
    assert (at, replayed.position, replayed.events) == (AT, len(HISTORY), len(HISTORY) - AT)
    assert (replayed.rows, replayed.head, differences) == (whole.rows, whole.head, [])
    change(verified, "UPDATE users SET name = 'Forged' WHERE id = 7")
    assert from_snapshot(verified, AT)[2] == [Difference("users", 7, "different", ("name",))]


def test_what_was_not_verified_begins_nothing(verified: str) -> None:
    with pytest.raises(SnapshotUnusable, match=f"at position 7 was verified.* at {AT}"):
        from_snapshot(verified, 7)
    fill(verified)
    change(verified, "UPDATE users SET name = 'Forged' WHERE id = 7")
    assert [*verify(verified, MASTER, signer=SIGNER)[1]] != []
    assert rows(verified, "SELECT position FROM verified_snapshots") == [(AT,)]
    change(verified, "DELETE FROM verified_snapshots")
    with pytest.raises(SnapshotUnusable, match="run vidwiz verify"):
        from_snapshot(verified)


@pytest.mark.parametrize(
    "forged",
    [
        f"UPDATE row_history.users SET name = 'Forged' WHERE id = 7 AND since <= {AT}",
        "DELETE FROM row_history.users WHERE id = 7",
        "INSERT INTO row_history.users SELECT (jsonb_populate_record(users, '{\"id\": 777}')).*"
        " FROM row_history.users WHERE id = 7",
    ],
)
def test_a_snapshot_that_was_changed_afterwards_is_named_and_not_trusted(
    verified: str, forged: str
) -> None:
    change(verified, forged)
    with pytest.raises(SnapshotUnusable, match=f"position {AT} is not as it was .* in users"):
        from_snapshot(verified)


def test_a_record_that_was_changed_with_its_snapshot_is_not_signed(verified: str) -> None:
    change(verified, 'UPDATE verified_snapshots SET tables = tables || \'{"users": "00"}\'')
    with pytest.raises(SnapshotUnusable, match=f"position {AT} is not signed by our key"):
        from_snapshot(verified)
    other = SigningKey(b"x" * 32)
    assert [*verify(verified, MASTER, signer=Signer(other.public_key, other.sign))[1]] == []
    with pytest.raises(SnapshotUnusable, match="not signed by our key"):
        from_snapshot(verified)


@pytest.mark.parametrize("position", [AT, AT + 1, AT + 9])
def test_a_log_that_was_changed_at_or_behind_the_snapshot_is_found(
    verified: str, position: int
) -> None:
    where = f"WHERE notification_id = {position}"
    changed_log(verified, f"UPDATE stored_events SET recorded_at = recorded_at + '1s' {where}")
    with pytest.raises(ChainBroken, match=f"position {position} does not have the hash"):
        from_snapshot(verified)


def test_a_log_that_was_written_anew_before_the_snapshot_has_another_link(verified: str) -> None:
    changed_log(verified, f"UPDATE stored_events SET hash = '\\x00' WHERE notification_id = {AT}")
    with pytest.raises(ChainBroken, match=f"position {AT} has another hash than when"):
        from_snapshot(verified)


def test_a_link_before_the_snapshot_is_left_to_a_whole_verification(verified: str) -> None:
    changed_log(verified, "UPDATE stored_events SET state = '{}' WHERE notification_id = 7")
    assert from_snapshot(verified)[2] == []
    with pytest.raises(ChainBroken, match="position 7 "):
        verify(verified, MASTER)


def test_a_history_that_was_dropped_is_made_anew_and_what_was_verified_is_forgotten(
    verified: str,
) -> None:
    with closing(TimeMachine(verified, MASTER)) as machine:
        with machine.at(AT) as state:
            before = shown(state)
        drop_stored(verified)
        with pytest.raises(SnapshotUnusable):
            from_snapshot(verified)
        with machine.at(AT) as state:
            assert shown(state) == before
        assert machine.position == AT


def test_a_history_of_another_program_is_left_alone_until_it_is_taken_over(verified: str) -> None:
    change(verified, "UPDATE row_history_state SET form = 'newer'")
    change(verified, "UPDATE row_history.users SET name = 'Forged'")
    with closing(TimeMachine(verified, MASTER)) as machine, machine.at(AT) as state:
        assert "Forged" not in "".join(shown(state)["users"])
    assert [*verify(verified, MASTER)[1]] == []
    assert rows(verified, "SELECT form FROM row_history_state") == [(b"newer",)]
    fill(verified, 7)
    assert rows(verified, "SELECT position, form FROM row_history_state") == [(7, form())]


def test_two_who_fill_at_once_fill_it_once(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidwiz.replay.engine.CHUNK", 10)
    happen(dsn, *HISTORY)
    ensure_stored(dsn, take_over=True)

    async def both() -> None:
        await asyncio.gather(*(asyncio.to_thread(fill, dsn) for _ in range(2)))

    asyncio.run(both())
    assert [*verify(dsn, MASTER)[1]] == []
    assert value(dsn, "SELECT position FROM row_history_state") == len(HISTORY)


def test_every_personal_field_that_is_projected_is_known_to_erasures() -> None:
    known = {
        (topic, field)
        for columns in personal_columns().values()
        for sources in columns.values()
        for topic, field in sources
    }
    projected = {
        (topic, field)
        for topic in plan(PROJECTORS)
        for field in event_types()[topic].personal_fields()
    }
    assert projected <= known


CANARY = "canary7f3a"


def words_of(dsn: str) -> list[str]:
    """Every table with the canary in any of its rows, but for the log, where it is sealed."""
    tables = rows(
        dsn,
        "SELECT schemaname || '.' || tablename FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    )
    return [
        name
        for (name,) in tables
        if value(dsn, f"SELECT count(*) FROM {name} AS its WHERE strpos(its::text, '{CANARY}') > 0")
    ]


@pytest.mark.parametrize("filled", ["before", "in part", "after"])
async def test_an_erasure_takes_the_words_out_of_everything_that_is_kept(
    dsn: str, filled: str
) -> None:
    async with running(dsn) as parts:
        signup = SignUp(f"{CANARY}@example.org", CANARY, "x")
        user_id = int(await parts.store.execute(signup, ORIGIN))
        await parts.store.execute(note(user_id, "video-1", text=f"{CANARY} one"), ORIGIN)
        note_id = value(dsn, "SELECT id FROM notes")
        await parts.store.execute(EditNote(note_id, user_id, f"{CANARY} two", False), ORIGIN)
        await parts.sign_up()
        head = value(dsn, "SELECT max(notification_id) FROM stored_events")
        fill(dsn, head if filled == "before" else 2 if filled == "in part" else 0)
        assert filled == "after" or "row_history.users" in words_of(dsn)
        assert filled != "before" or "row_history.notes_ended" in words_of(dsn)
        assert [*verify(dsn, MASTER, signer=SIGNER)[1]] == []
        await parts.store.execute(EraseUser(user_id), ORIGIN)
        assert words_of(dsn) == []
        assert rows(dsn, "SELECT * FROM verified_snapshots") == []
        assert [*verify(dsn, MASTER)[1]] == []
        fill(dsn)
    assert words_of(dsn) == []
    assert [*verify(dsn, MASTER)[1]] == []
    with closing(TimeMachine(dsn, MASTER)) as machine, machine.at(head) as state:
        assert f'"email":"[erased] user:{user_id}"' in (state.row("users", user_id) or "")


async def test_an_erasure_gives_a_history_up_that_it_does_not_know(dsn: str) -> None:
    async with running(dsn) as parts:
        user_id = int(await parts.store.execute(SignUp("a@b.org", CANARY, "x"), ORIGIN))
        fill(dsn)
        change(dsn, "UPDATE row_history_state SET form = 'newer'")
        await parts.store.execute(EraseUser(user_id), ORIGIN)
    assert rows(dsn, "SELECT * FROM row_history_state") == []
    fill(dsn)
    assert words_of(dsn) == []


async def test_what_was_read_before_an_erasure_is_read_again(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(dsn) as parts:
        user_id = int(await parts.store.execute(SignUp("a@b.org", CANARY, "x"), ORIGIN))
        ensure_stored(dsn, take_over=True)
        real, loop = row_history._StoringReplay._apply, asyncio.get_running_loop()
        tries: list[object] = []

        def erased_meanwhile(its: row_history._StoringReplay, chunk: object) -> None:
            if not tries:
                erasing = parts.store.execute(EraseUser(user_id), ORIGIN)
                asyncio.run_coroutine_threadsafe(erasing, loop).result()
            tries.append(chunk)
            real(its, chunk)  # type: ignore[arg-type]

        monkeypatch.setattr(row_history._StoringReplay, "_apply", erased_meanwhile)
        await asyncio.to_thread(fill, dsn)
        assert len(tries) == 2
    assert words_of(dsn) == []
    assert [*verify(dsn, MASTER)[1]] == []
