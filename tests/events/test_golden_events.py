"""Every version of every event, as it once was written, stays readable for ever.

``golden/<Topic>.v<version>.json`` is the ``state`` column to the letter (and a line feed). A
released file never changes; a new version of an event brings a new file.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from vidwiz.events import Event, event_types
from vidwiz.events.recorded import EventMapper, UnknownEvent
from vidwiz.events.sealing import EventAddress

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
NAME = re.compile(r"(?P<topic>[A-Za-z]+)\.v(?P<version>\d+)\.json")
UPCAST: Mapping[str, dict[str, Any]] = {
    "MessageSent.v1": {},
    "TaskQueued.v1": {"note_id": None, "user_id": None},
    "TaskQueued.v2": {"user_id": None},
    "TranscriptReady.v1": {"origin": "unknown"},
    "TaskAttemptFailed.v1": {"reason": None},
    "TaskFailed.v1": {"reason": None},
}
"""What an older version says today beside what it said then; ``docs/events.md`` has the fields."""
mapper = EventMapper()


def topic_and_version(path: Path) -> tuple[str, int]:
    name = NAME.fullmatch(path.name)
    assert name is not None
    return name["topic"], int(name["version"])


def decoded(topic: str, its: bytes) -> Event:
    return mapper.decode(EventAddress(UUID(int=0), 1, topic), its)


def state(path: Path) -> bytes:
    return path.read_bytes().removesuffix(b"\n")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_is_read(path: Path) -> None:
    topic, _ = topic_and_version(path)
    event = decoded(topic, state(path))
    assert type(event) is event_types()[topic]
    assert decoded(topic, mapper.encode(event)) == event


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_says_today_what_it_said_then(path: Path) -> None:
    written = json.loads(state(path))
    written.pop("class_version", None)
    assert _read(path).model_dump(mode="json") == {**written, **UPCAST.get(path.stem, {})}


def test_every_older_version_is_upcast_to_something_written_down() -> None:
    assert UPCAST.keys() == {
        f"{topic}.v{version}"
        for topic, kind in event_types().items()
        for version in range(1, kind.class_version)
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_of_the_newest_version_is_written_to_the_letter(path: Path) -> None:
    topic, version = topic_and_version(path)
    if version == event_types()[topic].class_version:
        assert mapper.encode(decoded(topic, state(path))) == state(path)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_golden_event_says_its_version_from_the_second_on(path: Path) -> None:
    _, version = topic_and_version(path)
    head = b'{"class_version":%d,' % version
    assert state(path).startswith(head) == (version > 1)


@pytest.mark.parametrize("topic", sorted(event_types()))
def test_every_version_of_an_event_is_golden(topic: str) -> None:
    golden = {version for its, version in map(topic_and_version, GOLDEN) if its == topic}
    assert golden == set(range(1, event_types()[topic].class_version + 1))


def test_no_golden_event_is_forgotten_by_the_program() -> None:
    assert {topic for topic, _ in map(topic_and_version, GOLDEN)} == set(event_types())


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_field_more_or_a_version_from_the_future_is_not_read_wrongly(path: Path) -> None:
    topic, version = topic_and_version(path)
    newest = event_types()[topic].class_version
    fields = state(path).removeprefix(b'{"class_version":%d,' % version).removeprefix(b"{")
    with pytest.raises(ValueError, match="extra_forbidden"):
        decoded(topic, mapper.encode(_read(path))[:-1] + b',"one_more":1}')
    with pytest.raises(UnknownEvent, match=rf"{topic} version {newest + 1} is newer"):
        decoded(topic, b'{"class_version":%d,' % (newest + 1) + fields)


def _read(path: Path) -> Event:
    return decoded(topic_and_version(path)[0], state(path))
