"""The master key is changed under a running store, killed between batches: nothing is lost."""

from pathlib import Path

import psycopg
import pytest

from tests.audit.live import audited
from tests.cli.command import Vidwiz
from tests.event_store.parts import ORIGIN, note, rows, running, value
from tests.support import MASTER, MASTER_KEY
from vidwiz.adapters.object_store import FolderStore
from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Log, Range, page
from vidwiz.cli import rekey as change
from vidwiz.event_store.startup_checks import require_master_key
from vidwiz.events.master_key import MasterKey, WrongMasterKey

NEXT = b"the next master key of the tests"
(OLD,) = MASTER.known()


class Killed(Exception):
    """The process that changes the key is gone."""


async def test_nothing_is_lost_however_often_the_change_is_killed(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change, "BATCH", 2)
    changing, new = MasterKey(OLD, lambda: [NEXT]), MasterKey(NEXT)
    require_master_key(dsn, MASTER)

    def killed(_count: int) -> None:
        raise Killed

    async with running(dsn, master=changing) as parts:
        for tried in range(5):
            user_id = await parts.sign_up()
            await parts.store.execute(note(user_id, "W421vNri5hw", text=f"text {tried}"), ORIGIN)
            changing.check_values  # noqa: B018  the settings have both by now
            with pytest.raises(Killed):
                change.rekey(dsn, changing, new.check_value, killed)
            seen = repr(await page(Log(parts.database, changing), Filter(), Range(), 100))
            assert all(f"text {one}" in seen for one in range(tried + 1))
            for alone in (MASTER, new):
                with pytest.raises(WrongMasterKey):
                    require_master_key(dsn, alone)
            require_master_key(dsn, changing)
        assert change.rekey(dsn, changing, new.check_value).unusable == ()
        assert change.rekey(dsn, changing, new.check_value).wrapped == 0
        await parts.sign_up()  # this process began with the old one
    require_master_key(dsn, new)
    for person, wrapped in rows(dsn, "SELECT person, wrapped_key FROM personal_keys"):
        assert new.bare(person, wrapped)
    assert (await audited(dsn, FolderStore(tmp_path), master=new)).problems == []


async def test_a_corrupt_key_is_left_and_named(dsn: str) -> None:
    changing = MasterKey(OLD, lambda: [NEXT])
    require_master_key(dsn, MASTER)
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE personal_keys SET wrapped_key = 'nonsense'")
    (new,) = changing.check_values - {changing.check_value}
    assert change.rekey(dsn, changing, new).unusable == (f"user:{user_id}",)
    with pytest.raises(WrongMasterKey, match="is being changed"):
        raise_if_unknown(dsn)


def raise_if_unknown(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("UPDATE master_keys SET previous_check_value = 'another'")
    require_master_key(dsn, MasterKey(NEXT))


async def test_the_command_wants_the_next_key_known_first(dsn: str, tmp_path: Path) -> None:
    vidwiz = Vidwiz(tmp_path / "data", dsn)
    async with running(dsn) as parts:
        await parts.sign_up()
    refused = vidwiz.run("rekey")
    assert refused.code == 1
    assert "set VIDWIZ_MASTER_KEY_NEXT to the new key for every process" in refused.err
    files = {"VIDWIZ_MASTER_KEY": ""}  # none: the data folder has it
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "master_key").write_text(MASTER_KEY)
    assert vidwiz.ok("rekey", **files) == "1 keys were wrapped by the new master key.\n"
    assert (tmp_path / "data" / "master_key").read_text() != MASTER_KEY
    assert not (tmp_path / "data" / "master_key.next").exists()
    assert "Ann Example" in vidwiz.ok("events", **files)
    assert value(dsn, "SELECT previous_check_value FROM master_keys") is None
