"""Histories to start from, written into the log in bulk and projected by a rebuild."""

import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from bench.keys import MASTER
from vidwiz.event_store import statements
from vidwiz.events import (
    Event,
    MetadataFetched,
    NoteAdded,
    NoteDeleted,
    NoteEdited,
    TaskClaimed,
    TaskCompleted,
    TaskQueued,
    TaskType,
    TranscriptReady,
    UserSignedUp,
    VideoAdded,
)
from vidwiz.events.base import stream_id
from vidwiz.events.recorded import EventMapper
from vidwiz.events.sealing import Keys
from vidwiz.projections.personal_keys import ADD_KEYS, KEYS
from vidwiz.reactions.health import NAMES as REACTIONS
from vidwiz.replay import engine

CHUNK = 4000
MIXED = 50
"""So many videos are worked on at the same time."""
NOTES_OF_A_VIDEO = 12
EDITED, DELETED = (2, 5, 7), (4,)
WORDS = ("apollo", "orbit", "signal", "crater", "module", "engine", "window", "fuel", "moon")

_random = random.Random(13)


def video_id(number: int) -> str:
    return f"vid{number:08d}"


def words(count: int) -> str:
    return " ".join(_random.choices(WORDS, k=count))


def people(count: int) -> Iterator[Event]:
    """Users 1 to ``count``."""
    for n in range(1, count + 1):
        yield UserSignedUp(user_id=n, email=f"{n}@example.org", name=f"Person {n}")


def video(number: int) -> VideoAdded:
    return VideoAdded(id=number, video_id=video_id(number), title=f"{words(6)} {number}")


def queued(number: int, task_id: int, task_type: TaskType) -> TaskQueued:
    return TaskQueued(task_id=task_id, task_type=task_type, video_id=video_id(number))


def described(number: int) -> MetadataFetched:
    """Metadata as the workers send it; the description makes it a few KB."""
    its = video_id(number)
    metadata = {
        "id": its,
        "title": f"{words(6)} {number}",
        "uploader": "A channel of some name",
        "channel": "A channel of some name",
        "upload_date": "20260131",
        "duration": 3723,
        "duration_string": "1:02:03",
        "view_count": 1234567,
        "like_count": 54321,
        "channel_url": "https://www.youtube.com/channel/UCxxxxxxxxxxxxxxxxxxxxxx",
        "thumbnail": f"https://i.ytimg.com/vi/{its}/maxresdefault.jpg",
        "description": words(350),
    }
    return MetadataFetched(video_id=its, metadata=metadata)


def note(note_id: int, user_id: int, number: int) -> NoteAdded:
    return NoteAdded(
        note_id=note_id,
        user_id=user_id,
        video_id=video_id(number),
        timestamp=f"{number % 60}:{note_id % 60:02d}",
        text=words(12),
    )


def history(count: int, users: int = 1000) -> Iterator[Event]:
    """``count`` events of every day: people, and videos with their tasks, fruits and notes."""
    return itertools.islice(itertools.chain(people(users), _videos(users)), count)


def _videos(users: int) -> Iterator[Event]:
    for first in itertools.count(1, MIXED):
        lives = (_life(number, users) for number in range(first, first + MIXED))
        for events in itertools.zip_longest(*lives):
            yield from (event for event in events if event is not None)


def _life(number: int, users: int) -> Sequence[Event]:
    its = video_id(number)
    transcript, metadata = number * 2 - 1, number * 2
    return [
        video(number),
        queued(number, transcript, TaskType.TRANSCRIPT),
        queued(number, metadata, TaskType.METADATA),
        *_notes(number, users),
        *(TaskClaimed(task_id=id_, worker="admin", attempt=1) for id_ in (transcript, metadata)),
        TaskCompleted(task_id=transcript, attempt=1),
        TranscriptReady(
            video_id=its, object_key=f"transcripts/{its}.json", sha256="0" * 64, segment_count=300
        ),
        TaskCompleted(task_id=metadata, attempt=1),
        described(number),
    ]


def _notes(number: int, users: int) -> Iterator[Event]:
    first = (number - 1) * NOTES_OF_A_VIDEO + 1
    for n in range(NOTES_OF_A_VIDEO):
        note_id, user_id = first + n, (number * 7 + n // 4) % users + 1
        yield note(note_id, user_id, number)
        if n in EDITED:
            yield NoteEdited(
                note_id=note_id, user_id=user_id, text=words(15), generated_by_ai=False
            )
        if n in DELETED:
            yield NoteDeleted(note_id=note_id, user_id=user_id)


def plant(dsn: str, events: Iterable[Event]) -> None:
    """Append the events through the log's own statement and trigger, then project them.

    The reactions take them for handled, so that a server has nothing to do but what is measured.
    """
    versions = dict[str, int]()
    remaining = iter(events)
    with psycopg.connect(dsn, autocommit=True) as connection:
        while chunk := list(itertools.islice(remaining, CHUNK)):
            mapper = EventMapper(_keys(connection, chunk))
            values = _appended(mapper, versions, chunk)
            connection.execute(statements.APPEND.sql.encode(), values)
        engine.rebuild(dsn, MASTER)
        for noun in ("user", "video", "note", "task"):
            connection.execute(
                f"SELECT setval('{noun}_ids', max(id)) FROM {noun}s HAVING max(id) > 0".encode()
            )
        connection.execute(
            "INSERT INTO reaction_checkpoints SELECT unnest(%s::text[]), max(notification_id)"
            " FROM stored_events",
            ([*REACTIONS],),
        )
        connection.execute("VACUUM ANALYZE")


def _keys(connection: psycopg.Connection[Any], events: Sequence[Event]) -> Keys:
    """The keys of all whom the events are about, who are given one if they have none."""
    persons = [*{event.person for event in events if event.person is not None}]
    new = {"persons": persons, "keys": [MASTER.new_key(person) for person in persons]}
    connection.execute(ADD_KEYS.sql.encode(), new)
    return MASTER.keys(connection.execute(KEYS.sql.encode(), {"persons": persons}).fetchall())


def _appended(
    mapper: EventMapper, versions: dict[str, int], events: Sequence[Event]
) -> dict[str, Any]:
    numbers, states = [], []
    for event in events:
        versions[event.stream] = number = versions.get(event.stream, 0) + 1
        numbers.append(number)
        states.append(mapper.sealed(event, mapper.encode(event), number))
    return {
        "streams": [stream_id(event.stream) for event in events],
        "versions": numbers,
        "topics": [event.TOPIC for event in events],
        "states": states,
        "metadata": ['{"actor":"system"}'] * len(events),
        "recorded_at": datetime.now(UTC),
    }
