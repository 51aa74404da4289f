"""What is personal is sealed where it stands, opens nowhere else, and is erased with its key."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from tests.projections.histories import TEXT, full_history
from tests.support import MASTER
from vidwiz.events import Event, MessageSent, NoteAdded, NoteEdited, UserSignedUp, event_types
from vidwiz.events.base import stream_id
from vidwiz.events.master_key import KEY_BYTES, KeyUnusable, MasterKey, WrongMasterKey
from vidwiz.events.recorded import EventMapper
from vidwiz.events.sealing import ERASED, LOST_KEY, EventAddress, Keys, SealBroken, seal, unseal

KEY = AESGCM(bytes(KEY_BYTES))
KEYS: Keys = {"user:5": KEY, "guest:g": KEY}
SEALED_GOLDEN = Path(__file__).parent / "golden_sealed"
NOTE = NoteAdded(note_id=17, user_id=5, video_id="v", timestamp="1:23", text="mine, and only mine")
ANN = UserSignedUp(user_id=5, email="ann@example.org", name="Ann", google_id="g-5")
SAID = MessageSent(
    conversation_id=3, user_id=None, guest_id="g", message_id=9, role="user", content="Why?",
    details=None,
)  # fmt: skip


def place_of(event: Event, version: int = 1) -> EventAddress:
    return EventAddress(stream_id(event.stream), version, event.TOPIC)


def sealed(event: Event, keys: Keys = KEYS, version: int = 1) -> bytes:
    mapper = EventMapper(keys)
    return mapper.sealed(event, mapper.encode(event), version)


@pytest.mark.parametrize("event", [NOTE, ANN, SAID], ids=lambda its: its.TOPIC)
def test_what_is_sealed_is_read_with_its_key_and_says_nothing_without(event: Event) -> None:
    state = sealed(event)
    assert EventMapper(KEYS).decode(place_of(event), state) == event
    for name in event.personal_fields():
        text = getattr(event, name)
        assert text is None or text.encode() not in state


@given(text=TEXT)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    event = NOTE.model_copy(update={"text": text})
    assert EventMapper(KEYS).decode(place_of(event), sealed(event)) == event


def test_two_equal_texts_are_sealed_differently() -> None:
    assert sealed(NOTE) != sealed(NOTE)


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_to_hide_is_not_sealed(text: str | None) -> None:
    event = NOTE.model_copy(update={"text": text})
    assert sealed(event) == EventMapper().encode(event)


@pytest.mark.parametrize("event", full_history(), ids=lambda its: its.TOPIC)
def test_only_personal_fields_are_sealed(event: Event) -> None:
    person = event.person
    state = orjson.loads(sealed(event, {} if person is None else {person: KEY}))
    plain = orjson.loads(EventMapper().encode(event))
    changed = {name for name in plain if state[name] != plain[name]}
    assert changed == {name for name in event.personal_fields() if plain[name]}


def test_every_kind_with_personal_fields_is_about_a_person() -> None:
    personal = [kind for kind in event_types().values() if kind.personal_fields()]
    assert all("user_id" in kind.model_fields for kind in personal)
    assert all(kind.unique_fields() <= kind.personal_fields() for kind in personal)


@pytest.mark.parametrize("keys", [{}, {"user:5": None}, None])
def test_without_its_key_a_field_reads_erased_and_stays_unique_where_it_has_to(
    keys: Keys | None,
) -> None:
    read = EventMapper(keys).decode(place_of(ANN), sealed(ANN))
    assert read == UserSignedUp(
        user_id=5, email=f"{ERASED} user:5", name=ERASED, google_id=f"{ERASED} user:5"
    )


@pytest.mark.parametrize("keys", [{}, {"user:5": None}])
def test_nothing_is_written_of_a_person_who_has_no_key(keys: Keys) -> None:
    with pytest.raises(KeyError):
        sealed(NOTE, keys)


def test_a_state_of_before_there_were_seals_is_read_as_it_is() -> None:
    assert EventMapper({"user:5": None}).decode(place_of(NOTE), EventMapper().encode(NOTE)) == NOTE


ELSEWHERE: dict[str, Callable[[EventAddress], EventAddress]] = {
    "another stream": lambda its: replace(its, stream=UUID(int=its.stream.int ^ 1)),
    "another version": lambda its: replace(its, version=its.version + 1),
    "another topic": lambda its: replace(its, topic="NoteEdited"),
    "a topic that ends in the field": lambda its: replace(its, topic=its.topic + "t"),
}


@pytest.mark.parametrize("move", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_field_that_was_moved_to_another_event_does_not_open(
    move: Callable[[EventAddress], EventAddress],
) -> None:
    fields = orjson.loads(sealed(NOTE))
    with pytest.raises(SealBroken):
        unseal(NoteEdited, fields, move(place_of(NOTE)), KEYS)


def test_a_field_that_was_moved_to_another_one_does_not_open() -> None:
    fields = orjson.loads(sealed(ANN))
    fields["name"], fields["email"] = fields["email"], fields["name"]
    with pytest.raises(SealBroken):
        EventMapper(KEYS).decode(place_of(ANN), orjson.dumps(fields))


def test_a_field_does_not_open_with_the_key_of_somebody_else() -> None:
    fields = {**orjson.loads(sealed(NOTE)), "user_id": 6}
    keys = {**KEYS, "user:6": AESGCM(b"6" * KEY_BYTES)}
    with pytest.raises(SealBroken):
        EventMapper(keys).decode(place_of(NOTE), orjson.dumps(fields))


@given(at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_does_not_open(at: int, bit: int) -> None:
    fields = orjson.loads(sealed(NOTE))
    raw = bytearray(b64decode(fields["text"]["sealed"]))
    raw[at % len(raw)] ^= 1 << bit
    fields["text"]["sealed"] = b64encode(raw).decode()
    with pytest.raises(SealBroken):
        unseal(NoteAdded, fields, place_of(NOTE), KEYS)


@pytest.mark.parametrize("odd", ["", "AAAA", 7, None, "é", [], {"sealed": ""}])
def test_what_is_no_seal_at_all_does_not_open(odd: Any) -> None:
    with pytest.raises(SealBroken):
        unseal(NoteAdded, {"user_id": 5, "text": {"sealed": odd}}, place_of(NOTE), KEYS)


def test_a_field_sealed_under_an_older_name_is_opened_before_it_is_upcast() -> None:
    old = {"user_id": 5, "words": "old"}
    state = {**old, "words": orjson.loads(_sealed_as("words", "old"))}
    unseal(NoteEdited, state, place_of(NOTE), KEYS)
    assert state == old


def _sealed_as(name: str, text: str) -> bytes:
    class Renamed(NoteEdited):
        @classmethod
        def personal_fields(cls) -> frozenset[str]:
            return frozenset({name})

    fields = orjson.dumps({"user_id": 5, name: text})
    return orjson.dumps(orjson.loads(seal(Renamed, fields, place_of(NOTE), KEYS))[name])


@pytest.mark.parametrize("path", sorted(SEALED_GOLDEN.glob("*.json")), ids=lambda its: its.stem)
def test_what_was_sealed_once_opens_for_ever(path: Path) -> None:
    golden = orjson.loads(path.read_bytes())
    wrapped = bytes.fromhex(golden["wrapped_key"])
    keys = MASTER.keys([(golden["person"], wrapped, False)])
    place = EventAddress(UUID(golden["stream"]), golden["version"], golden["topic"])
    event = EventMapper(keys).decode(place, orjson.dumps(golden["state"]))
    assert event.model_dump(mode="json") == golden["opened"]


def test_a_wrapped_key_opens_with_its_master_key_for_its_person_alone() -> None:
    wrapped = MASTER.new_key("user:5")
    found = [("user:5", wrapped, False), ("user:6", None, True), ("user:7", None, False)]
    keys = MASTER.keys(found)
    assert isinstance(keys["user:5"], AESGCM)
    assert (keys["user:6"], keys["user:7"]) == (None, LOST_KEY)
    for master, person, its in (
        (MASTER, "user:6", wrapped),
        (MasterKey(b"x" * KEY_BYTES), "user:5", wrapped),
        (MASTER, "user:5", wrapped[:-1]),
        (MASTER, "user:5", b""),
    ):
        assert master.keys([(person, its, False)]) == {person: LOST_KEY}
        with pytest.raises(KeyUnusable, match=f"the key of {person} is gone or corrupt"):
            master.bare(person, its)


def test_two_master_keys_open_while_one_replaces_the_other() -> None:
    known: list[bytes] = []
    changing = MasterKey(b"o" * KEY_BYTES, lambda: known)
    new = MasterKey(b"n" * KEY_BYTES)
    wrapped = new.new_key("user:5")
    assert changing.keys([("user:5", wrapped, False)]) == {"user:5": LOST_KEY}
    known.append(b"n" * KEY_BYTES)
    assert isinstance(changing.keys([("user:5", wrapped, False)])["user:5"], AESGCM)
    assert new.bare("user:5", changing.new_key("user:5", new.check_value))
    with pytest.raises(WrongMasterKey):
        changing.new_key("user:5", MASTER.check_value)


def test_every_new_key_is_another() -> None:
    keys = MASTER.keys((f"user:{n}", MASTER.new_key(f"user:{n}"), False) for n in (5, 6))
    state = sealed(NOTE, {"user:5": keys["user:5"]})
    with pytest.raises(SealBroken):
        EventMapper({"user:5": keys["user:6"]}).decode(place_of(NOTE), state)


def test_master_keys_are_told_apart_by_what_says_nothing_of_them() -> None:
    other = MasterKey(b"x" * KEY_BYTES)
    assert MASTER.check_value != other.check_value
    assert len(other.check_value) == 32
    assert b"xx" not in other.check_value
