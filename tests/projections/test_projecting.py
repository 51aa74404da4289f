"""Any history makes the same rows, however it is cut into batches."""

from collections.abc import Callable
from itertools import cycle, groupby
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.conftest import fresh_database
from tests.projections.histories import (
    Connection,
    beginnings,
    come_and_gone,
    full_history,
    guest_come_and_gone,
    happen,
    histories,
    numbered,
    project,
)
from tests.support import MASTER
from vidwiz.events import (
    CheckpointContradicted,
    CheckpointWitnessed,
    Event,
    GuestErased,
    MessageSent,
    NoteDeleted,
    NoteRestored,
    UserErased,
    UserSignedUp,
    VideoAdded,
    event_types,
)
from vidwiz.events.base import stream_id
from vidwiz.projections.projector import ProjectableEvent, ProjectionFailed, in_runs, in_waves
from vidwiz.projections.projectors import PROJECTORS
from vidwiz.projections.tables import PROJECTED
from vidwiz.replay import verification

FACTS = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 5)), max_size=40).map(
    lambda pairs: [
        ProjectableEvent(topic, stream_id(str(stream)), b"%d" % index)
        for index, (topic, stream) in enumerate(pairs)
    ]
)


@given(FACTS)
def test_waves_hold_every_event_once_and_keep_the_order_within_a_stream(
    facts: list[ProjectableEvent],
) -> None:
    told = [(topic, state) for topic, states in in_waves(facts) for state in states]
    assert sorted(told) == sorted((fact.topic, fact.state) for fact in facts)
    place = {state: index for index, (_, state) in enumerate(told)}
    for _, its in groupby(sorted(facts, key=lambda f: f.stream.int), key=lambda f: f.stream):
        places = [place[fact.state] for fact in its]
        assert places == sorted(places)


@given(FACTS)
def test_no_stream_has_two_events_in_one_statement(facts: list[ProjectableEvent]) -> None:
    stream = {fact.state: fact.stream for fact in facts}
    for _, states in in_waves(facts):
        assert len({stream[state] for state in states}) == len(states)


@given(FACTS)
def test_runs_keep_the_whole_order_with_one_topic_and_no_stream_twice(
    facts: list[ProjectableEvent],
) -> None:
    runs = list(in_runs(facts))
    assert [state for _, states in runs for state in states] == [fact.state for fact in facts]
    by_state = {fact.state: fact for fact in facts}
    for topic, states in runs:
        assert {by_state[state].topic for state in states} == {topic}
        assert len({by_state[state].stream for state in states}) == len(states)


@given(FACTS)
def test_there_are_as_many_waves_as_the_longest_stream_needs(facts: list[ProjectableEvent]) -> None:
    lengths = [sum(f.stream == fact.stream for f in facts) for fact in facts]
    assert len(list(in_waves(facts))) <= 3 * max(lengths, default=0)


def rows_of(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    return {
        table.name: connection.execute(
            sql.SQL("SELECT to_jsonb(its) FROM {} its ORDER BY id").format(
                sql.Identifier(table.name)
            )
        ).fetchall()
        for table in PROJECTED
    }


def rows_after(
    connection: Connection, facts: list[ProjectableEvent], sizes: list[int]
) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that these events make in batches of these sizes, over and over."""
    with connection.transaction(force_rollback=True):
        left, turns = facts, cycle(sizes)
        while left:
            size = next(turns)
            project(connection, left[:size])
            left = left[size:]
        return rows_of(connection)


LENIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@settings(LENIENT, max_examples=40)
@given(events=histories(), sizes=st.lists(st.integers(1, 12), min_size=1, max_size=5))
def test_one_by_one_and_in_any_batches_the_same_rows_come_about(
    module_dsn: str, events: list[Event], sizes: list[int]
) -> None:
    facts = [one.fact for one in numbered(events)]
    with psycopg.connect(module_dsn) as connection:
        one_by_one = rows_after(connection, facts, [1])
        assert rows_after(connection, facts, sizes) == one_by_one
        assert rows_after(connection, facts, [1000]) == one_by_one


@settings(LENIENT, max_examples=5)
@given(events=histories())
def test_a_replay_makes_the_rows_that_came_about(server_dsn: str, events: list[Event]) -> None:
    with fresh_database(server_dsn) as dsn:
        happen(dsn, *events)
        replayed, differences = verification.verify(dsn, MASTER)
        assert list(differences) == []
        assert replayed.events == replayed.position == len(events)


def test_the_full_history_is_full(dsn: str) -> None:
    events = full_history()
    assert {event.TOPIC for event in events} == set(event_types())
    happen(dsn, *events)
    _, differences = verification.verify(dsn, MASTER)
    assert list(differences) == []


def test_every_event_changes_a_table() -> None:
    projected = {topic for projector in PROJECTORS for topic in projector.topics}
    assert projected == set(event_types())


BEGINNINGS = {type(event) for event in beginnings(1)} - {MessageSent} | {
    NoteRestored,
    UserErased,
    GuestErased,
    CheckpointWitnessed,
    CheckpointContradicted,
}
CHANGES = {type(event): event for event in full_history() if type(event) not in BEGINNINGS}


@pytest.mark.parametrize("event", CHANGES.values(), ids=lambda its: its.TOPIC)
def test_an_event_that_finds_no_row_fails_its_projection(module_dsn: str, event: Event) -> None:
    with psycopg.connect(module_dsn) as connection:
        with pytest.raises(ProjectionFailed, match=f"1 {event.TOPIC} events touched 0 rows"):
            project(connection, [one.fact for one in numbered([event])])
        connection.rollback()


def test_one_missing_row_among_many_fails_the_batch(dsn: str) -> None:
    happen(dsn, *beginnings(2))
    edits = [NoteDeleted(note_id=note_id, user_id=1) for note_id in (1, 2, 3)]
    with (
        psycopg.connect(dsn) as connection,
        pytest.raises(ProjectionFailed, match="3 NoteDeleted events touched 2 rows"),
    ):
        project(connection, [one.fact for one in numbered(edits)])


def test_a_thing_begins_only_once(dsn: str) -> None:
    happen(dsn, *beginnings(1))
    for event in (event for event in beginnings(1) if not isinstance(event, MessageSent)):
        with (
            psycopg.connect(dsn) as connection,
            pytest.raises(psycopg.errors.UniqueViolation),
        ):
            project(connection, [one.fact for one in numbered([event])])


@pytest.mark.parametrize("gone", [come_and_gone, guest_come_and_gone])
def test_nothing_overtakes_an_erasure(gone: Callable[[int], list[Event]]) -> None:
    before, after = gone(1), gone(2)
    facts = [its.fact for its in numbered([*before, *after])]
    topics = [topic for topic, _ in in_waves(facts)]
    first, second = (n for n, topic in enumerate(topics) if topic == before[-1].TOPIC)
    assert (
        set(topics[:first]) == set(topics[first + 1 : second]) == {its.TOPIC for its in before[:-1]}
    )


def test_the_address_of_an_erased_person_is_free_in_the_same_chunk(dsn: str) -> None:
    events = come_and_gone(1)
    again = UserSignedUp(user_id=2, email="1@example.org", name="New", google_id="g-1")
    happen(dsn, VideoAdded(id=1, video_id="video-1", title=None), *events, again)
    replayed, found = verification.verify(dsn, MASTER)
    assert list(found) == []
    assert {table: count for table, count in replayed.rows.items() if count} == {
        "users": 1,
        "videos": 1,
    }
