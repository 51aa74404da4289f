"""A database knows its object store: what another one has not is not lost."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import new_video_id, running_api
from tests.wiz_support import ask, guest
from tests.workers import claimed, submit, success
from vidwiz.adapters.object_store import FolderStore, ObjectStoreError
from vidwiz.event_store.store_mark import MARK, StoreMark, adopt, known_store, mark_of
from vidwiz.postgres.pool import Database


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    its = Database(dsn, pool_size=4)
    await its.open()
    yield its
    await its.close()


async def test_the_first_store_is_the_one_for_all_processes(
    database: Database, tmp_path: Path
) -> None:
    ours = [StoreMark(database, FolderStore(tmp_path / "ours")) for _ in range(8)]
    assert await asyncio.gather(*(its.is_ours() for its in ours)) == [True] * 8
    other = StoreMark(database, FolderStore(tmp_path / "other"))
    assert not await other.is_ours()
    with pytest.raises(ObjectStoreError, match="is not the one of this database"):
        await other.require()
    known = await known_store(database)
    assert known is not None
    assert known == (await mark_of(FolderStore(tmp_path / "ours")), f"folder {tmp_path / 'ours'}")


async def test_a_folder_that_was_copied_with_its_mark_is_the_one(
    database: Database, tmp_path: Path
) -> None:
    here, there = FolderStore(tmp_path / "here"), FolderStore(tmp_path / "there")
    assert await StoreMark(database, here).is_ours()
    mark = await here.get(MARK)
    assert mark is not None
    await there.put(MARK, mark)
    assert await StoreMark(database, there).is_ours()


async def test_a_volume_that_was_not_mounted_is_not_the_one(
    database: Database, tmp_path: Path
) -> None:
    assert await StoreMark(database, FolderStore(tmp_path / "mounted")).is_ours()
    assert not await StoreMark(database, FolderStore(tmp_path / "empty")).is_ours()
    assert await mark_of(FolderStore(tmp_path / "empty")) is None


async def test_another_store_is_adopted(database: Database, tmp_path: Path) -> None:
    old, new = (FolderStore(tmp_path / name) for name in ("old", "new"))
    assert await StoreMark(database, old).is_ours()
    await adopt(database, new)
    assert await StoreMark(database, new).is_ours()
    assert not await StoreMark(database, old).is_ours()


async def test_a_host_without_the_transcripts_reports_none_as_lost(
    dsn: str, tmp_path: Path
) -> None:
    async with running_api(dsn, tmp_path / "one") as one, running_api(dsn, tmp_path / "two") as two:
        assert await one.services.store_mark.is_ours()
        ann = await one.sign_up()
        video_id = str((await one.add_note(ann, new_video_id()))["video_id"])
        await submit(one.client, "transcript", success(await claimed(one.client)))
        path = f"/api/videos/{video_id}/transcript"
        assert (await one.client.get(path, headers=ann.headers)).status_code == 200
        for _ in range(2):
            missing = await two.client.get(path, headers=ann.headers)
            assert (missing.status_code, "Retry-After" in missing.headers) == (503, True)
            assert (await ask(two.client, guest(), video_id)).status_code == 503
        assert (await one.client.get(path, headers=ann.headers)).status_code == 200
        past = await one.services.store.past_of(f"video:{video_id}")
        assert "TranscriptLost" not in {event.TOPIC for event in past}
