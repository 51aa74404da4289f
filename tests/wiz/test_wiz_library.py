"""The library reads a transcript once for all who ask, and keeps no more than it may."""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import orjson
import pytest

from tests.support import eventually
from vidwiz.adapters.object_store import FolderStore, ObjectStoreError, transcript_key
from vidwiz.wiz.library import Library, Transcript
from vidwiz.wiz.transcripts import Segment

VIDEO = "W421vNri5hw"


class SlowStore(FolderStore):
    """A folder that counts its readers and lets them wait until they may read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: list[str] = []
        self.digests: dict[str, str] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def get(self, key: str) -> bytes | None:
        self.reads.append(key)
        await self.open.wait()
        return await super().get(key)

    async def keep(self, video_id: str, *words: str) -> int:
        """Put a transcript there; its size."""
        items = [{"text": its, "offset": n * 5, "duration": 5} for n, its in enumerate(words)]
        return await self.hold(video_id, orjson.dumps(items))

    async def hold(self, video_id: str, content: bytes) -> int:
        """Put this there, whose digest is known; its size."""
        await self.put(transcript_key(video_id), content)
        self.digests[video_id] = sha256(content).hexdigest()
        return len(content)


async def read(library: Library, store: SlowStore, video_id: str = VIDEO) -> Transcript | None:
    return await library.transcript(transcript_key(video_id), store.digests.get(video_id, "a"))


@pytest.fixture
def store(tmp_path: Path) -> SlowStore:
    return SlowStore(tmp_path)


@pytest.fixture
def library(store: SlowStore) -> Library:
    return Library(store)


def begin(library: Library, store: SlowStore) -> "asyncio.Task[Transcript | None]":
    return asyncio.create_task(read(library, store))


async def until_read(store: SlowStore, times: int) -> None:
    async def read() -> bool:
        return len(store.reads) == times

    await eventually(read)


async def test_a_transcript_comes_with_the_index_of_its_words(
    store: SlowStore, library: Library
) -> None:
    await store.keep(VIDEO, "Houston", "we've had a problem")
    found = await read(library, store)
    assert found is not None
    assert found.segments == (
        Segment(0.0, 5.0, "Houston"),
        Segment(5.0, 10.0, "we've had a problem"),
    )
    assert found.index.segments == found.segments


async def test_a_transcript_is_read_once(store: SlowStore, library: Library) -> None:
    await store.keep(VIDEO, "words")
    first = await read(library, store)
    assert await read(library, store) is first
    assert store.reads == [transcript_key(VIDEO)]


async def test_many_who_ask_at_once_share_one_reading(store: SlowStore, library: Library) -> None:
    await store.keep(VIDEO, "words")
    store.open.clear()
    asking = [begin(library, store) for _ in range(50)]
    await until_read(store, 1)
    store.open.set()
    found = await asyncio.gather(*asking)
    assert found[0] is not None
    assert all(its is found[0] for its in found)
    assert len(store.reads) == 1


async def test_who_goes_away_takes_it_from_nobody(store: SlowStore, library: Library) -> None:
    await store.keep(VIDEO, "words")
    store.open.clear()
    leaving, staying = begin(library, store), begin(library, store)
    await until_read(store, 1)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    store.open.set()
    assert await staying is not None
    assert leaving.cancelled()
    assert len(store.reads) == 1


async def test_a_transcript_with_another_digest_is_read_anew(
    store: SlowStore, library: Library
) -> None:
    await store.keep(VIDEO, "before")
    before = await read(library, store)
    await store.keep(VIDEO, "after")
    after = await read(library, store)
    assert before is not None
    assert after is not None
    assert [its.segments[0].text for its in (before, after)] == ["before", "after"]


async def test_a_transcript_that_is_not_there_is_looked_for_again(
    store: SlowStore, library: Library
) -> None:
    assert await read(library, store) is None
    await store.keep(VIDEO, "words")
    assert await read(library, store) is not None


async def test_a_transcript_that_was_changed_is_not_given_out(
    store: SlowStore, library: Library
) -> None:
    await store.keep(VIDEO, "words")
    told = store.digests[VIDEO]
    await store.keep(VIDEO, "forged")
    assert await library.transcript(transcript_key(VIDEO), told) is None
    assert await library.content(transcript_key(VIDEO), told) is None


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"{}", b"null", b'"words"', b"\xff\xfe", b"7"]
)
async def test_what_is_no_transcript_is_none(
    store: SlowStore, library: Library, content: bytes
) -> None:
    await store.hold(VIDEO, content)
    assert await read(library, store) is None


async def test_a_transcript_without_words_is_one(store: SlowStore, library: Library) -> None:
    await store.hold(VIDEO, b'[{"text": ""}, 7, null, {"offset": 1}]')
    found = await read(library, store)
    assert found is not None
    assert found.segments == ()


async def test_all_who_ask_hear_that_the_store_fails_and_the_next_one_tries_again(
    store: SlowStore, library: Library, tmp_path: Path
) -> None:
    in_the_way = tmp_path / transcript_key(VIDEO)
    in_the_way.mkdir(parents=True)
    store.open.clear()
    asking = [begin(library, store) for _ in range(3)]
    await until_read(store, 1)
    store.open.set()
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(its) for its in outcomes] == [ObjectStoreError] * 3
    in_the_way.rmdir()
    await store.keep(VIDEO, "words")
    assert await read(library, store) is not None


async def test_a_failure_that_nobody_waits_for_any_more_harms_nobody(
    store: SlowStore, library: Library, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    complaints: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        (tmp_path / transcript_key(VIDEO)).mkdir(parents=True)
        store.open.clear()
        leaving = begin(library, store)
        await until_read(store, 1)
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        store.open.set()
        with pytest.raises(ObjectStoreError):
            await read(library, store)
    finally:
        loop.set_exception_handler(None)
    assert complaints == []


async def kept(library: Library, store: SlowStore, *videos: str) -> list[bool]:
    """Whether each of these is at hand without reading it."""
    found = []
    for video_id in videos:
        before = len(store.reads)
        await read(library, store, video_id)
        found.append(len(store.reads) == before)
    return found


@pytest.fixture
def bounded(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda most: monkeypatch.setattr("vidwiz.wiz.library.MOST_BYTES", most)


async def test_what_was_not_asked_for_the_longest_goes_first(
    store: SlowStore, library: Library, bounded: Callable[[int], None]
) -> None:
    for video_id in ("v1", "v2", "v3"):
        size = await store.keep(video_id, "one", "two")
    bounded(2 * size)
    await read(library, store, "v1")
    await read(library, store, "v2")
    await read(library, store, "v1")
    await read(library, store, "v3")
    assert await kept(library, store, "v3", "v1", "v2") == [True, True, False]


async def test_one_transcript_is_kept_however_long_it_is(
    store: SlowStore, library: Library, bounded: Callable[[int], None]
) -> None:
    bounded(await store.keep("long", *["word"] * 5) - 1)
    await store.keep("short", "one")
    assert await kept(library, store, "short", "long", "long", "short") == [
        False,
        False,
        True,
        False,
    ]
