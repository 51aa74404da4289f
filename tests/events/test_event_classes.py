"""What every event class keeps to: its name, its stream, its persons, its versions."""

import inspect
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import new_class
from typing import Any, ClassVar
from uuid import UUID, uuid5

import eventsourcing.utils
import orjson
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.utils import get_topic, resolve_topic
from pydantic import ValidationError

from vidwiz.events import (
    ConversationStarted,
    Event,
    MessageSent,
    NoteAdded,
    NoteDeleted,
    TaskQueued,
    TaskType,
    UserSignedUp,
    VideoAdded,
    base,
    event_types,
)
from vidwiz.events.base import STREAM_NAMESPACE, stream_id
from vidwiz.events.recorded import (
    SYSTEM,
    Actor,
    EventMapper,
    EventMetadata,
    RecordedEvent,
    UnknownEvent,
)
from vidwiz.events.recorded import with_envelope as enveloped
from vidwiz.events.sealing import EventAddress

PERSONAL = {
    "UserSignedUp": {"email", "name", "google_id", "profile_image_url"},
    "GoogleAccountLinked": {"google_id"},
    "ProfilePictureChanged": {"profile_image_url"},
    "UserRenamed": {"name"},
    "NoteAdded": {"text"},
    "NoteEdited": {"text"},
    "NoteRestored": {"text"},
    "MessageSent": {"content", "details"},
    "PersonalSummaryWritten": {"summary"},
    "TurnFailed": {"partial"},
}
PAST_PARTICIPLE = re.compile(r"([a-z]ed|Sent|Written|Chosen|Lost|Ready|Given|SignedUp|GivenBack)$")
DELETED = NoteDeleted(note_id=17, user_id=5)

each_event = pytest.mark.parametrize("kind", event_types().values(), ids=lambda its: its.TOPIC)


def place(topic: str) -> EventAddress:
    return EventAddress(stream_id("note:17"), 1, topic)


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Event classes that the test defines are forgotten after it."""
    monkeypatch.setattr(base, "_types", dict(base._types))
    caches = eventsourcing.utils
    monkeypatch.setattr(caches, "_topic_cache", dict(caches._topic_cache))
    monkeypatch.setattr(caches, "_type_cache", dict(caches._type_cache))


@each_event
def test_an_event_writes_its_own_topic_down(kind: type[Event]) -> None:
    assert kind.__dict__["TOPIC"] == kind.__name__
    assert get_topic(kind) == kind.TOPIC
    assert resolve_topic(kind.TOPIC) is kind


@each_event
def test_an_event_is_named_for_what_happened(kind: type[Event]) -> None:
    assert PAST_PARTICIPLE.search(kind.TOPIC)
    assert not kind.TOPIC.endswith("Updated")
    assert inspect.getdoc(kind)


@each_event
def test_an_event_is_frozen_and_closed(kind: type[Event]) -> None:
    assert kind.model_config["frozen"] is True
    assert kind.model_config["extra"] == "forbid"
    assert kind.KEY in kind.model_fields


@each_event
def test_personal_fields_are_marked_and_their_owner_is_named(kind: type[Event]) -> None:
    assert kind.personal_fields() == PERSONAL.get(kind.TOPIC, set())
    if kind.personal_fields():
        assert "user_id" in kind.model_fields


def test_a_message_names_the_conversations_owner_even_if_that_is_a_guest() -> None:
    assert {"user_id", "guest_id"} <= MessageSent.model_fields.keys()
    assert {"user_id", "guest_id"} <= ConversationStarted.model_fields.keys()


def test_a_fact_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DELETED.note_id = 18  # type: ignore[misc]


def test_a_fact_is_what_its_fields_are() -> None:
    assert NoteDeleted(note_id=17, user_id=5) == DELETED
    assert NoteDeleted(note_id=18, user_id=5) != DELETED


@pytest.mark.parametrize(
    ("event", "stream"),
    [
        (UserSignedUp(user_id=5, email="a@b.org", name="Ann"), "user:5"),
        (VideoAdded(video_id="W421vNri5hw", id=3, title=None), "video:W421vNri5hw"),
        (DELETED, "note:17"),
        (TaskQueued(task_id=8, task_type=TaskType.METADATA, video_id="v"), "task:8"),
        (
            ConversationStarted(conversation_id=11, user_id=None, guest_id="g", video_id="v"),
            "conversation:11",
        ),
    ],
    ids=lambda its: its if isinstance(its, str) else its.TOPIC,
)
def test_a_stream_has_a_readable_name_and_a_uuid_made_of_it(event: Event, stream: str) -> None:
    assert event.stream == stream
    assert stream_id(stream) == uuid5(STREAM_NAMESPACE, stream)


def test_the_namespace_of_stream_ids_never_changes() -> None:
    assert UUID("6f1f7a53-2b0e-5b52-9d5c-0c8a1f3f7e11") == STREAM_NAMESPACE
    assert stream_id("note:17") == UUID("d1f75fcc-e104-5710-a46d-1b63ac2877ed")


def test_the_librarys_mapper_interface_keeps_the_event() -> None:
    recorded = RecordedEvent(
        DELETED, 3, datetime(2026, 1, 1, tzinfo=UTC), EventMetadata(Actor.user(5))
    )
    stored = EventMapper().to_stored_event(recorded)
    assert stored == StoredEvent(
        originator_id=stream_id("note:17"),
        originator_version=3,
        topic="NoteDeleted",
        state=b'{"note_id":17,"user_id":5}',
    )
    read = EventMapper().to_domain_event(stored)
    assert (read.event, read.originator_version) == (DELETED, 3)
    assert read.recorded_at == datetime.fromtimestamp(0, UTC)
    assert read.origin == EventMetadata(SYSTEM)


@pytest.mark.parametrize(
    "topic", ["NoteSold", "", "os:system", "this:s", "vidwiz.events:NoteDeleted", "noteDeleted"]
)
def test_a_topic_is_looked_up_and_never_imported(topic: str) -> None:
    mapper = EventMapper()
    stored = StoredEvent(stream_id("note:17"), 1, topic, b"{}")
    reads: list[Callable[[], Any]] = [
        lambda: mapper.decode(place(topic), b"{}"),
        lambda: mapper.current_state(place(topic), b"{}"),
        lambda: mapper.to_domain_event(stored),
    ]
    for read in reads:
        with pytest.raises(UnknownEvent, match=f"no event class has the topic '{topic}'"):
            read()
    assert "this" not in sys.modules


def test_two_events_cannot_claim_one_topic(own_registry: None) -> None:
    with pytest.raises(TypeError, match="two events claim the topic NoteAdded"):

        class NoteAddedToo(NoteAdded):
            TOPIC: ClassVar[str] = "NoteAdded"

    assert event_types()["NoteAdded"] is NoteAdded


class Lamp(Event):
    """An abstract event: without a topic it is not registered."""

    NOUN: ClassVar[str] = "lamp"
    KEY: ClassVar[str] = "lamp_id"
    lamp_id: int


def lamp_lit() -> type[Event]:
    """Version 1 had ``watt``; version 2 has ``lumen``; version 3 adds ``colour``."""

    class LampLit(Lamp):
        TOPIC: ClassVar[str] = "LampLit"
        class_version: ClassVar[int] = 3
        lumen: int
        colour: str

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            state["lumen"] = state.pop("watt") * 15

        @staticmethod
        def upcast_v2_v3(state: dict[str, Any]) -> None:
            state["colour"] = "bright" if state["lumen"] > 1000 else "warm"

    return LampLit


LIT = {"lamp_id": 1, "lumen": 1500, "colour": "bright"}


@pytest.mark.parametrize(
    "state",
    [
        {"lamp_id": 1, "watt": 100},
        {"class_version": 1, "lamp_id": 1, "watt": 100},
        {"class_version": 2, "lamp_id": 1, "lumen": 1500},
        {"class_version": 3, **LIT},
    ],
    ids=["v1", "v1 said", "v2", "v3"],
)
def test_an_older_event_is_read_through_every_version_since(
    own_registry: None, state: dict[str, Any]
) -> None:
    kind = lamp_lit()
    mapper = EventMapper()
    written = orjson.dumps(state)
    assert mapper.decode(place("LampLit"), written) == kind(**LIT)
    assert orjson.loads(mapper.current_state(place("LampLit"), written)) == LIT


def test_a_later_version_is_written_in_front(own_registry: None) -> None:
    event = lamp_lit()(**LIT)
    written = b'{"class_version":3,"lamp_id":1,"lumen":1500,"colour":"bright"}'
    assert EventMapper().encode(event) == written


def test_a_version_from_the_future_is_unknown(own_registry: None) -> None:
    lamp_lit()
    with pytest.raises(UnknownEvent, match="LampLit version 4 is newer than this program"):
        EventMapper().decode(place("LampLit"), b'{"class_version":4,"lamp_id":1}')
    with pytest.raises(UnknownEvent, match="NoteDeleted version 2 is newer than this program"):
        EventMapper().current_state(place("NoteDeleted"), b'{"class_version":2,"note_id":1}')


@pytest.mark.parametrize(("has", "lacks"), [("upcast_v1_v2", 2), ("upcast_v2_v3", 1)])
def test_a_gap_in_the_chain_is_refused_when_the_class_is_made(
    own_registry: None, has: str, lacks: int
) -> None:
    body = {
        "__module__": __name__,
        "__annotations__": {"TOPIC": "ClassVar[str]", "class_version": "ClassVar[int]"},
        "TOPIC": "LampLit",
        "class_version": 3,
        has: staticmethod(lambda _: None),
    }
    with pytest.raises(TypeError, match=f"LampLit cannot read its version {lacks}: no upcaster"):
        new_class("LampLit", (Lamp,), exec_body=lambda namespace: namespace.update(body))
    assert "LampLit" not in event_types()


def test_classes_that_a_test_made_are_gone() -> None:
    assert "LampLit" not in event_types()


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (b"{}", b'{"at":"2026-01-01T00:00:00+00:00","version":2}'),
        (b'{"a":1}', b'{"at":"2026-01-01T00:00:00+00:00","version":2,"a":1}'),
    ],
)
def test_the_envelope_stands_in_front_of_the_fields(state: bytes, expected: bytes) -> None:
    assert enveloped(state, 2, datetime(2026, 1, 1, tzinfo=UTC)) == expected
