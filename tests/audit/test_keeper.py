"""The service pins the head of its log by itself, and keeps the copies up with the table."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.audit.exports import KEY, STRANGER
from tests.audit.live import audited, checkpoints
from tests.event_store.parts import ORIGIN, Parts, note, running, value
from tests.support import eventually
from vidwiz.adapters.object_store import FolderStore
from vidwiz.audit.checkpoints import records as pace
from vidwiz.audit.checkpoints import signer
from vidwiz.audit.checkpoints.copies import Copies, CopyDiffers, key_of
from vidwiz.audit.checkpoints.signer import Keeper, make_checkpoint
from vidwiz.metrics import CHECKPOINT_POSITION


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "objects")


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes a minute takes a moment."""
    for module in (pace, signer):
        monkeypatch.setattr(module, "EVERY_S", 0.05)


@asynccontextmanager
async def keeping(parts: Parts, objects: FolderStore) -> AsyncIterator[None]:
    its = Keeper(parts.database, parts.signals, objects, KEY)
    its.start()
    try:
        yield
    finally:
        await its.close()


def pinned_at(dsn: str, position: int) -> Callable[[], object]:
    async def it_is() -> bool:
        return bool(value(dsn, "SELECT max(position) FROM log_checkpoints") == position)

    return it_is


def copied_at(objects: FolderStore, position: int) -> Callable[[], object]:
    async def it_is() -> bool:
        return await objects.get(key_of(position)) is not None

    return it_is


async def test_what_is_new_is_pinned_and_copied_after_a_while(
    dsn: str, objects: FolderStore, hurry: None
) -> None:
    async with running(dsn) as parts, keeping(parts, objects):
        user_id = await parts.sign_up()
        await eventually(copied_at(objects, 1))
        await parts.store.execute(note(user_id, "W421vNri5hw"), ORIGIN)
        head = value(dsn, "SELECT max(notification_id) FROM stored_events")
        await eventually(copied_at(objects, head))
    found = await audited(dsn, objects)
    assert (found.pinned, found.problems) == (head, [])
    (metric,) = CHECKPOINT_POSITION.collect()
    assert metric.samples[0].value == head


async def test_many_events_are_pinned_at_once(
    dsn: str, objects: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pace, signer):
        monkeypatch.setattr(module, "EVERY_EVENTS", 10)
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        await make_checkpoint(parts.database, KEY, now=True)
        async with keeping(parts, objects):
            await eventually(copied_at(objects, 1))
            video_id = await parts.add_video(user_id)
            assert pinned(dsn) == [1]
            await parts.run(*(note(user_id, video_id) for _ in range(10)))
            await eventually(lambda: more_than_one(dsn))
    assert (await audited(dsn, objects)).problems == []


def pinned(dsn: str) -> list[int]:
    return [one.position for one in checkpoints(dsn)]


async def more_than_one(dsn: str) -> bool:
    return len(pinned(dsn)) > 1


async def test_nothing_new_is_not_pinned_again(dsn: str) -> None:
    async with running(dsn) as parts:
        assert await make_checkpoint(parts.database, KEY, now=True) is None
        await parts.sign_up()
        first = await make_checkpoint(parts.database, KEY, now=False)
        assert first is not None
        assert await make_checkpoint(parts.database, KEY, now=True) == first
        await parts.sign_up()
        assert await make_checkpoint(parts.database, KEY, now=False) == first  # not yet
        second = await make_checkpoint(parts.database, KEY, now=True)
    assert second is not None
    assert (second.position, second.previous) == (2, first.digest())


async def test_processes_that_pin_at_once_make_one_chain(dsn: str, objects: FolderStore) -> None:
    async with running(dsn) as parts, running(dsn) as others:
        user_id = await parts.sign_up()
        for _ in range(10):
            makers = (
                make_checkpoint(its.database, KEY, now=True) for its in (parts, others, parts)
            )
            await asyncio.gather(parts.add_video(user_id), *makers)
        await make_checkpoint(parts.database, KEY, now=True)
    found = await audited(dsn, objects)
    assert found.problems == []
    assert found.pinned == found.position


async def test_a_new_key_goes_on_where_the_old_one_ended(dsn: str, objects: FolderStore) -> None:
    async with running(dsn) as parts:
        for key in (KEY, STRANGER, KEY):
            await parts.sign_up()
            await make_checkpoint(parts.database, key, now=True)
    both = await audited(dsn, objects, KEY.public_key, STRANGER.public_key)
    assert (both.checkpoints, both.problems) == (3, [])
    assert [one.position for one in (await audited(dsn, objects)).problems] == [2]


async def test_an_object_store_that_is_down_holds_up_no_checkpoint(
    dsn: str, objects: FolderStore, tmp_path: Path, hurry: None
) -> None:
    (tmp_path / "objects").write_text("a file where a folder should be")
    async with running(dsn) as parts, keeping(parts, objects):
        await parts.sign_up()
        await eventually(pinned_at(dsn, 1))
        await parts.sign_up()
        await eventually(pinned_at(dsn, 2))
        (tmp_path / "objects").unlink()
        await eventually(copied_at(objects, 2))
    assert (await audited(dsn, objects)).copies == 2


async def test_a_copy_of_another_history_is_told_and_never_written_over(
    dsn: str, objects: FolderStore
) -> None:
    async with running(dsn) as parts:
        await parts.sign_up()
        await make_checkpoint(parts.database, KEY, now=True)
        await parts.add_video(1)
        made = await make_checkpoint(parts.database, KEY, now=True)
        assert made is not None
        for position in (1, 2, 5):
            await objects.put(key_of(position), b"evidence")
            copies = Copies(parts.database, objects)
            for _ in range(2):
                with pytest.raises(CopyDiffers, match=f"another checkpoint {position} than"):
                    await copies.catch_up(made)
            assert await objects.get(key_of(position)) == b"evidence"
            await objects.delete(key_of(position))
        await Copies(parts.database, objects).catch_up(made)
    assert (await audited(dsn, objects)).copies == 2
