"""Our log under the eventsourcing library's own test cases, and read by the library's readers.

Its cases for tracking and process recorders do not apply: our schema has no tracking table, a
projection is written in the transaction of its events.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from eventsourcing.application import LocalNotificationLog
from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)
from eventsourcing.postgres import (
    PostgresAggregateRecorder,
    PostgresApplicationRecorder,
    PostgresDatastore,
)
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from tests.event_store import library_cases as library
from tests.event_store.parts import assert_dense_and_chained, note, rows, running, value, whole_log
from tests.support import MASTER
from vidwiz.event_store import statements
from vidwiz.events import NoteAdded, event_types
from vidwiz.events.recorded import SYSTEM, EventMapper, EventMetadata, RecordedEvent

PARALLEL = 12


@pytest.fixture
def datastore(dsn: str) -> Iterator[PostgresDatastore]:
    """The library's door to our database, with the composite type that it sends events in."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "CREATE TYPE stored_event_uuid AS"
            " (originator_id uuid, originator_version bigint, topic text, state bytea)"
        )
    its = conninfo_to_dict(dsn)
    with PostgresDatastore(
        dbname=str(its["dbname"]),
        host=str(its["host"]),
        port=str(its["port"]),
        user=str(its["user"]),
        password="",
        pool_size=PARALLEL,
    ) as opened:
        yield opened


@pytest.fixture
def recorder(datastore: PostgresDatastore) -> PostgresApplicationRecorder:
    """The library's recorder over our table."""
    return PostgresApplicationRecorder(datastore)


class OurAggregateRecorder(AggregateRecorder):
    """Appends by ``vidwiz.event_store.statements.APPEND``; says no positions."""

    def __init__(self, dsn: str) -> None:
        self._pool = ConnectionPool(
            dsn, min_size=1, max_size=PARALLEL, open=True, kwargs={"autocommit": True}
        )

    def close(self) -> None:
        self._pool.close()

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:
        self._append(stored_events)
        return None

    def _append(self, stored_events: Sequence[StoredEvent]) -> list[int]:
        found = self._rows(
            statements.APPEND.sql,
            streams=[event.originator_id for event in stored_events],
            versions=[event.originator_version for event in stored_events],
            topics=[event.topic for event in stored_events],
            states=[event.state for event in stored_events],
            metadata=[statements.origin_json(EventMetadata(SYSTEM)) for _ in stored_events],
            recorded_at=datetime.now(UTC),
        )
        return [position for (position,) in found]

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        found = self._rows(
            "SELECT originator_id, originator_version, topic, state FROM stored_events"
            " WHERE originator_id = %(stream)s"
            " AND originator_version > %(gt)s AND originator_version <= %(lte)s"
            f" ORDER BY originator_version {'DESC' if desc else 'ASC'} LIMIT %(limit)s",
            stream=originator_id,
            gt=-1 if gt is None else gt,
            lte=2**62 if lte is None else lte,
            limit=limit,
        )
        return [StoredEvent(*row) for row in found]

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self._pool.connection() as connection:
            try:
                return connection.execute(query, values).fetchall()
            except psycopg.IntegrityError as error:
                raise IntegrityError(str(error)) from error


class OurApplicationRecorder(OurAggregateRecorder, ApplicationRecorder):
    """Appends and reads by ``APPEND``, ``BEHIND`` and ``HEAD`` of ``event_store.statements``."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int]:
        return self._append(stored_events)

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        after = (start or 0) - (1 if inclusive_of_start else 0)
        found = self._rows(statements.BEHIND.sql, after=after, at_most=2**31, at_most_bytes=2**40)
        notifications = (self._notification(row[0]) for row in found)
        chosen = (
            its
            for its in notifications
            if (stop is None or its.id <= stop) and (not topics or its.topic in topics)
        )
        return [its for its, _ in zip(chosen, range(limit), strict=False)]

    def _notification(self, position: int) -> Notification:
        ((stream, version, topic, state),) = self._rows(
            "SELECT originator_id, originator_version, topic, state FROM stored_events"
            " WHERE notification_id = %(position)s",
            position=position,
        )
        return Notification(stream, version, topic, state, position)

    def max_notification_id(self) -> int | None:
        ((head,),) = self._rows(statements.HEAD.sql)
        return head or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        return OurSubscription(self, gt, topics)


class OurSubscription(Subscription[OurApplicationRecorder]):
    """Looks until there is something or it is stopped."""

    def __next__(self) -> Notification:
        while not self._has_been_stopped:
            after = self._last_notification_id or 0
            for found in self._recorder.select_notifications(
                after, 1, topics=self._topics, inclusive_of_start=False
            ):
                self._last_notification_id = found.id
                return found
            time.sleep(0.01)
        raise StopIteration


class TestTheLibrarysAggregateRecorderOverOurTable(library.AggregateRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _fixtures(self, datastore: PostgresDatastore) -> None:
        self.datastore = datastore

    def create_recorder(self) -> AggregateRecorder:
        return PostgresAggregateRecorder(self.datastore)


class TestTheLibrarysApplicationRecorderOverOurTable(
    library.ApplicationRecorderTestCase[PostgresApplicationRecorder]
):
    @pytest.fixture(autouse=True)
    def _fixtures(self, recorder: PostgresApplicationRecorder, dsn: str) -> Iterator[None]:
        self.recorder = recorder
        yield
        assert_dense_and_chained(whole_log(dsn))

    def create_recorder(self) -> PostgresApplicationRecorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestOurAggregateRecorder(library.AggregateRecorderTestCase):
    @pytest.fixture(autouse=True)
    def _fixtures(self, dsn: str) -> Iterator[None]:
        self.recorder = OurAggregateRecorder(dsn)
        yield
        self.recorder.close()

    def create_recorder(self) -> AggregateRecorder:
        return self.recorder


class TestOurApplicationRecorder(library.ApplicationRecorderTestCase[OurApplicationRecorder]):
    @pytest.fixture(autouse=True)
    def _fixtures(self, dsn: str) -> Iterator[None]:
        self.recorder = OurApplicationRecorder(dsn)
        yield
        self.recorder.close()
        assert_dense_and_chained(whole_log(dsn))

    def create_recorder(self) -> OurApplicationRecorder:
        return self.recorder

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


async def test_the_librarys_notification_log_reads_what_our_store_appended(
    dsn: str, recorder: PostgresApplicationRecorder
) -> None:
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        await parts.add_video(user_id)
    section = LocalNotificationLog(recorder, section_size=10)["1,10"]
    assert section.id == "1,5"
    assert [item.id for item in section.items] == [1, 2, 3, 4, 5]
    assert [item.topic for item in section.items] == [
        "UserSignedUp",
        "VideoAdded",
        "TaskQueued",
        "TaskQueued",
        "NoteAdded",
    ]


async def test_the_librarys_subscription_reads_what_our_store_appended(
    dsn: str, recorder: PostgresApplicationRecorder
) -> None:
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        video_id = await parts.add_video(user_id)
        await parts.store.execute(note(user_id, video_id, text="later"), EventMetadata(SYSTEM))
    mapper = EventMapper(
        MASTER.keys(rows(dsn, "SELECT person, wrapped_key, true FROM personal_keys"))
    )
    with recorder.subscribe(gt=0, topics=["NoteAdded"]) as subscription:
        found = [next(subscription), next(subscription)]
    events = [mapper.to_domain_event(its).event for its in found]
    assert [(its.id, event.text) for its, event in zip(found, events, strict=True)] == [
        (5, "hi"),
        (6, "later"),
    ]


async def test_our_store_reads_on_behind_what_the_librarys_recorder_appended(
    dsn: str, recorder: PostgresApplicationRecorder
) -> None:
    event = NoteAdded(note_id=7, user_id=1, video_id="v", timestamp="0:01", text="it's 🎬")
    recorded = RecordedEvent(event, 1, datetime.fromtimestamp(0, UTC), EventMetadata(SYSTEM))
    stored = EventMapper().to_stored_event(recorded)
    assert recorder.insert_events([stored]) == [1]
    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        assert await parts.store.past_of("note:7") == [event]
    assert user_id > 0
    assert value(dsn, "SELECT max(notification_id) FROM stored_events") == 2
    assert_dense_and_chained(whole_log(dsn))


async def test_the_librarys_recorder_and_our_store_append_side_by_side(
    dsn: str, recorder: PostgresApplicationRecorder
) -> None:
    import asyncio

    def record() -> list[int]:
        positions: list[int] = []
        for _ in range(40):
            event = StoredEvent(uuid4(), 1, "Foreign", b"{}")
            positions.extend(recorder.insert_events([event, _next(event)]) or ())
        return positions

    async with running(dsn) as parts:
        user_id = await parts.sign_up()
        video_id = await parts.add_video(user_id)
        recording = [asyncio.create_task(asyncio.to_thread(record)) for _ in range(3)]
        for _ in range(40):
            await parts.store.execute(note(user_id, video_id), EventMetadata(SYSTEM))
        positions = [position for its in await asyncio.gather(*recording) for position in its]
    log = whole_log(dsn)
    assert_dense_and_chained(log)
    assert sorted(positions) == [row[0] for row in log if row[3] == "Foreign"]
    assert len(positions) == 3 * 40 * 2
    assert len(log) == 5 + 40 + len(positions)


def _next(event: StoredEvent) -> StoredEvent:
    return StoredEvent(event.originator_id, event.originator_version + 1, event.topic, event.state)


@pytest.mark.parametrize("topic", sorted(event_types()))
def test_every_event_that_the_library_reads_resolves_by_its_topic(topic: str) -> None:
    from eventsourcing.utils import get_topic, resolve_topic

    assert resolve_topic(topic) is event_types()[topic]
    assert get_topic(event_types()[topic]) == topic


def test_the_mapper_round_trips_through_the_librarys_stored_event() -> None:
    mapper = EventMapper()
    event = NoteAdded(note_id=7, user_id=1, video_id="v", timestamp="0:01", text='"\\ 🎬\u2028')
    recorded = RecordedEvent(event, 3, datetime.fromtimestamp(0, UTC), EventMetadata(SYSTEM))
    stored = mapper.to_stored_event(recorded)
    assert type(stored) is StoredEvent
    assert stored.originator_id == recorded.originator_id
    assert (stored.originator_version, stored.topic) == (3, "NoteAdded")
    assert mapper.to_domain_event(stored) == recorded
