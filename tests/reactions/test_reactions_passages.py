"""Transcripts become passages that can be searched: of the newest one, again, or not at all."""

import hashlib
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.event_store.parts import ORIGIN, Parts, rows, running, value
from tests.reactions.parts import caught_up, plenty, state_of
from tests.support import eventually
from vidwiz.adapters.object_store import FolderStore, transcript_key
from vidwiz.commands.tasks import StoredTranscript
from vidwiz.commands.videos import AddTranscript
from vidwiz.reactions.health import health
from vidwiz.reactions.health import retry as retry_parked
from vidwiz.reactions.indexing import Passages, passages_of, refill
from vidwiz.reactions.running import Reactions
from vidwiz.wiz.transcripts import Segment

NAME = Passages.name


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
async def parts(dsn: str, objects: FolderStore) -> AsyncIterator[Parts]:
    async with running(dsn) as its:
        reactions = Reactions(
            its.database,
            its.signals,
            its.store,
            objects,
            plenty(its),
            summaries=None,
            ai_notes=None,
        )
        reactions.start()
        yield its
        await reactions.close()


async def bring(
    parts: Parts, objects: FolderStore, video_id: str, *words: str, body: bytes | None = None
) -> None:
    """A transcript of these segments; ``body`` is what the store has instead."""
    items = [{"text": one, "offset": n, "duration": 1} for n, one in enumerate(words)]
    content = json.dumps(items).encode()
    key = transcript_key(video_id)
    await objects.put(key, content if body is None else body)
    stored = StoredTranscript(key, hashlib.sha256(content).hexdigest(), len(items))
    await parts.store.execute(AddTranscript(video_id, stored), ORIGIN)


async def looked_at(parts: Parts) -> None:
    async def without_lag() -> bool:
        return all(one.lag == 0 for one in await health(parts.database))

    await eventually(without_lag)


def texts(dsn: str) -> list[str]:
    return [text for (text,) in rows(dsn, "SELECT text FROM passages ORDER BY video_id, number")]


async def test_a_transcript_is_searched_and_another_replaces_it(
    dsn: str, parts: Parts, objects: FolderStore
) -> None:
    video_id = await parts.add_video(await parts.sign_up())
    await bring(parts, objects, video_id, "one", "two")
    await looked_at(parts)
    assert texts(dsn) == ["one two"]
    await bring(parts, objects, video_id, "three")
    await looked_at(parts)
    assert texts(dsn) == ["three"]


@pytest.mark.parametrize("body", [b"", b"{", b"{}", b"[]", b"\xff" * 9], ids=repr)
async def test_an_object_that_is_not_the_transcript_is_parked_until_it_is(
    dsn: str, parts: Parts, objects: FolderStore, body: bytes
) -> None:
    user_id = await parts.sign_up()
    bad, good = await parts.add_video(user_id), await parts.add_video(user_id)
    await bring(parts, objects, bad, "bad", body=body)
    await bring(parts, objects, good, "good")
    await looked_at(parts)
    assert texts(dsn) == ["good"]
    stands = await state_of(parts, NAME)
    assert stands.parked == 1
    assert stands.oldest is not None
    assert stands.oldest.error == "the transcript in the object store is another one"

    items = [{"text": "bad", "offset": 0, "duration": 1}]
    await objects.put(transcript_key(bad), json.dumps(items).encode())
    await retry_parked(parts.database, NAME)

    async def released() -> bool:
        return (await state_of(parts, NAME)).parked == 0

    await eventually(released)
    assert sorted(texts(dsn)) == ["bad", "good"]


async def test_an_object_that_is_gone_is_parked(
    parts: Parts, objects: FolderStore, dsn: str
) -> None:
    video_id = await parts.add_video(await parts.sign_up())
    await objects.delete(transcript_key(video_id))
    stored = StoredTranscript(transcript_key(video_id), "0" * 64, 1)
    await parts.store.execute(AddTranscript(video_id, stored), ORIGIN)
    await looked_at(parts)
    stands = await state_of(parts, NAME)
    assert stands.oldest is not None
    assert stands.oldest.error == "the object store does not have the transcript"
    assert texts(dsn) == []


async def test_what_was_lost_is_filled_again_from_every_newest_transcript(
    dsn: str, parts: Parts, objects: FolderStore
) -> None:
    user_id = await parts.sign_up()
    for number in range(3):
        video_id = await parts.add_video(user_id)
        await bring(parts, objects, video_id, "older")
        await bring(parts, objects, video_id, f"newer {number}")
    await caught_up(parts)
    await looked_at(parts)
    rows(dsn, "TRUNCATE passages")

    assert await refill(parts.database) == 6

    async def filled() -> bool:
        return bool(value(dsn, "SELECT count(*) FROM parked_events") == 0)

    await eventually(filled)
    assert sorted(texts(dsn)) == ["newer 0", "newer 1", "newer 2"]


def test_passages_hold_every_segment_once_and_the_beginning_of_the_next() -> None:
    segments = [Segment(float(n), n + 1.0, f"segment {n} {'x' * 90}") for n in range(40)]
    found = [*passages_of(segments)]
    assert len(found) > 3
    assert [start for one in found for start in one.starts] == [one.start for one in segments]
    own = " ".join(one.text[: one.own] for one in found)
    assert own == " ".join(one.text for one in segments)
    for one, following in pairwise(found):
        assert one.text[one.own :].strip() == following.text[: len(one.text) - one.own - 1].strip()
    for one in found:
        for offset, start in zip(one.offsets, one.starts, strict=True):
            assert one.text[offset:].startswith(f"segment {int(start)} ")


def test_a_transcript_without_words_has_no_passages() -> None:
    assert [*passages_of([])] == []
