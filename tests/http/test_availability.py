"""The service outlives whatever happens to its tasks and to its database, and says so meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import errors

from tests.event_store.parts import ORIGIN, backends, closed_to_everybody, note, terminated, value
from tests.faults import (
    burst,
    frozen,
    in_place_of,
    killed,
    locked_table,
    read_only,
    set_read_only,
    tasks_named,
)
from tests.support import MASTER, Api, Person, eventually, new_video_id, running_api
from vidwiz.audit.checkpoints import signer
from vidwiz.audit.filters import Filter
from vidwiz.audit.reading import Range, follow
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.command_queue import Overloaded
from vidwiz.event_store.erased_users import Erasures
from vidwiz.event_store.notifications import Signals
from vidwiz.event_store.startup_checks import require_master_key
from vidwiz.event_store.statements import head_of
from vidwiz.events import TaskType
from vidwiz.postgres.pool import DatabaseUnavailable, means_unavailable
from vidwiz.reactions.follower import Follower
from vidwiz.tasks.dispatcher import Dispatcher
from vidwiz.wiz.elsewhere import OrphanedTurnReaper

LOOPS = [
    "store writer",
    "signals sender",
    "signals receiver",
    "erasures",
    *(f"{kind.value} dispatcher" for kind in TaskType),
    "checkpoint keeper",
    "housekeeping",
    "measuring of reactions",
    "reaction summaries",
    "reaction ai-notes",
    "reaction passages",
    "orphaned turns",
]


@pytest.fixture(scope="module")
async def patient(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The app with short time-outs, on a database that the module's tests share."""
    async with running_api(
        module_dsn,
        tmp_path_factory.mktemp("data"),
        VIDWIZ_LOCK_TIMEOUT_SECONDS=0.4,
        VIDWIZ_STATEMENT_TIMEOUT_SECONDS=5,
    ) as its:
        yield its


@pytest.fixture(scope="module")
async def ann(patient: Api) -> Person:
    return await patient.sign_up()


async def posted(api: Api, person: Person, **fields: Any) -> httpx.Response:
    usual = {"video_id": new_video_id(), "video_title": "A title", "timestamp": "1:23"}
    words = {**usual, "text": "hi", **fields}
    return await api.client.post("/api/notes", json=words, headers=person.headers)


async def until_it_works(api: Api, person: Person) -> None:
    """Wait until a note can be written, and the service calls itself ready."""

    async def works() -> bool:
        if (await posted(api, person)).status_code != 201:
            return False
        return (await api.client.get("/api/health/ready")).status_code == 200

    await eventually(works)


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert int(answer.headers["Retry-After"]) >= 1


async def test_every_task_of_the_service_is_supervised(patient: Api) -> None:
    """By ``Loop``, whose name a task has; so that this list of them is whole."""
    assert patient.services.store.running
    assert [name for name in LOOPS if not tasks_named(name)] == []


@pytest.mark.parametrize("name", LOOPS)
async def test_a_killed_task_is_replaced_and_the_service_works(
    patient: Api, ann: Person, name: str
) -> None:
    await killed(name)
    await until_it_works(patient, ann)


STEPS: list[tuple[type, str, str]] = [
    (Store, "_write", "store writer"),
    (Store, "_settle", "store writer"),
    (Signals, "_send", "signals sender"),
    (Signals, "_received", "signals receiver"),
    (Erasures, "_look", "erasures"),
    (Dispatcher, "_dispatch", f"{TaskType.TRANSCRIPT.value} dispatcher"),
    (signer.Keeper, "_try", "checkpoint keeper"),
    (Follower, "_lead", "reaction summaries"),
    (OrphanedTurnReaper, "_sweep", "orphaned turns"),
]


@pytest.mark.parametrize(
    ("kind", "step", "name"), STEPS, ids=lambda it: getattr(it, "__name__", it)
)
@pytest.mark.parametrize("error", [ValueError("of anything"), asyncio.CancelledError()], ids=repr)
async def test_an_error_at_work_ends_no_task_for_good(
    patient: Api,
    ann: Person,
    monkeypatch: pytest.MonkeyPatch,
    kind: type,
    step: str,
    name: str,
    error: BaseException,
) -> None:
    failed, before, as_before = asyncio.Event(), tasks_named(name), getattr(kind, step)

    def fail(*arguments: Any) -> Any:
        if asyncio.current_task() not in before:
            return as_before(*arguments)
        failed.set()
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(kind, step, fail)
        if name == "signals receiver":
            with psycopg.connect(patient.services.database.dsn, autocommit=True) as connection:
                connection.execute("NOTIFY vidwiz_events, '{}'")
        elif name == "checkpoint keeper":
            patient.services.signals._heard(10**6, frozenset())
        answer = await posted(patient, ann)
        await asyncio.wait_for(failed.wait(), 10)
    if kind is Store:
        assert_unavailable(answer)

    async def replaced() -> bool:
        now = tasks_named(name)
        return bool(now) and not {*now} & {*before}

    await eventually(replaced)
    await until_it_works(patient, ann)


async def test_those_who_wait_for_a_dispatcher_that_fails_are_told_at_once(
    patient: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Dispatcher, "_serve", lambda *_: asyncio.sleep(0, 1 / 0))
    began = time.monotonic()
    answer = await patient.client.get("/api/tasks/metadata?timeout=60", headers=patient.admin)
    assert_unavailable(answer)
    assert time.monotonic() - began < 30


async def test_those_who_wait_for_a_killed_writer_are_told_at_once(
    patient: Api, ann: Person, module_dsn: str
) -> None:
    with locked_table(module_dsn, "notes"):
        writing = [asyncio.create_task(posted(patient, ann)) for _ in range(3)]

        async def at_it() -> bool:
            query = (
                "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'vidwiz writer'"
                " AND datname = current_database() AND wait_event_type = 'Lock'"
            )
            return bool(value(module_dsn, query))

        await eventually(at_it)
        await killed("store writer")
        for answer in await asyncio.gather(*writing):
            assert_unavailable(answer)
    await until_it_works(patient, ann)


async def test_a_writer_whose_connections_are_lost_as_fast_as_they_come_goes_on(
    patient: Api, ann: Person, module_dsn: str
) -> None:
    bursting = asyncio.create_task(asyncio.to_thread(burst, module_dsn, "vidwiz%", 0.5))
    statuses = []
    while not bursting.done():
        answers = await asyncio.gather(*(posted(patient, ann) for _ in range(4)))
        statuses += [answer.status_code for answer in answers]
    await bursting
    assert {*statuses} <= {201, 503}
    await until_it_works(patient, ann)


async def test_a_read_only_database_is_unavailable_and_the_service_comes_back(
    patient: Api, ann: Person, module_dsn: str
) -> None:
    parked = value(module_dsn, "SELECT count(*) FROM parked_events")
    with read_only(module_dsn):
        assert_unavailable(await posted(patient, ann))
        ready = await patient.client.get("/api/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "read-only")
        assert (await patient.client.get("/api/health/live")).status_code == 200
        notes = await patient.client.get(f"/api/notes/{new_video_id()}", headers=ann.headers)
        assert notes.status_code in (200, 404)
        for _ in range(3):  # connections of now remember it
            assert_unavailable(await posted(patient, ann))
    await until_it_works(patient, ann)

    async def at_work() -> bool:
        return all(map(tasks_named, LOOPS))

    await eventually(at_work)
    assert value(module_dsn, "SELECT count(*) FROM parked_events") == parked


async def test_sessions_that_became_read_only_are_replaced(
    patient: Api, ann: Person, module_dsn: str
) -> None:
    """An old primary: nobody is disconnected, but nothing can be written any more."""
    set_read_only(module_dsn, "on")
    set_read_only(module_dsn, "off")
    await until_it_works(patient, ann)


async def test_a_locked_table_is_a_503_in_a_while_and_other_tables_are_not_held_up(
    patient: Api, ann: Person, module_dsn: str
) -> None:
    with locked_table(module_dsn, "notes"):
        began = time.monotonic()
        writing = [asyncio.create_task(posted(patient, ann)) for _ in range(30)]
        reading = [
            asyncio.create_task(
                patient.client.get(f"/api/notes/{new_video_id()}", headers=ann.headers)
            )
            for _ in range(30)
        ]
        await patient.sign_up("Bob")
        polled = await patient.client.get("/api/tasks/metadata?timeout=0", headers=patient.admin)
        assert polled.status_code in (200, 204)
        for answer in await asyncio.gather(*writing, *reading):
            assert_unavailable(answer)
        assert time.monotonic() - began < 30
        assert_unavailable(await posted(patient, ann))
        assert (await patient.client.get("/api/health/ready")).status_code == 200
    await until_it_works(patient, ann)


CHANGES = {
    "a table": ("ALTER TABLE notes RENAME TO notes_", "ALTER TABLE notes_ RENAME TO notes"),
    "a column": (
        "ALTER TABLE notes RENAME COLUMN text TO text_",
        "ALTER TABLE notes RENAME COLUMN text_ TO text",
    ),
    "the schema": (
        "ALTER SCHEMA public RENAME TO private",
        "ALTER SCHEMA private RENAME TO public",
    ),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_schema_that_was_changed_by_hand_is_not_ready_and_parks_nothing(
    patient: Api, ann: Person, module_dsn: str, what: str
) -> None:
    changed, back = CHANGES[what]
    with psycopg.connect(module_dsn, autocommit=True) as connection:
        connection.execute(changed.encode())
        try:
            assert_unavailable(await posted(patient, ann))
            path = f"/api/notes/{new_video_id()}"
            assert_unavailable(await patient.client.get(path, headers=ann.headers))
            ready = await patient.client.get("/api/health/ready")
            assert ready.status_code == 503
            assert ready.json()["database"] in ("incomplete", "unavailable")
            assert (await patient.client.get("/api/health/live")).status_code == 200
        finally:
            connection.execute(back.encode())
    await until_it_works(patient, ann)
    assert value(module_dsn, "SELECT count(*) FROM parked_events") == 0


OTHERS = {
    "an empty one": "DELETE FROM master_keys",
    "one of another master key": "UPDATE master_keys SET check_value = 'another'",
    "one without tables": "DROP SCHEMA public CASCADE; CREATE SCHEMA public",
}


@pytest.mark.parametrize("what", OTHERS)
async def test_another_database_in_the_place_of_ours_is_neither_read_nor_written(
    dsn: str, server_dsn: str, tmp_path: Path, what: str
) -> None:
    """As when a name comes to lead to another server, or somebody restores the wrong backup."""
    require_master_key(dsn, MASTER)
    async with running_api(dsn, tmp_path) as api:
        ann = await api.sign_up()
        with in_place_of(dsn, server_dsn, OTHERS[what]):
            for _ in range(2):
                assert_unavailable(await posted(api, ann))
                path = f"/api/notes/{new_video_id()}"
                assert_unavailable(await api.client.get(path, headers=ann.headers))
                assert (await api.client.get("/api/health/ready")).status_code == 503
        await until_it_works(api, ann)


@pytest.fixture(scope="module")
async def hasty(module_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The app that gives a statement one second, and a silent server a few more."""
    async with running_api(
        module_dsn, tmp_path_factory.mktemp("hasty"), VIDWIZ_STATEMENT_TIMEOUT_SECONDS=1
    ) as its:
        yield its


async def test_a_server_that_is_silent_on_open_connections_is_a_503_and_they_are_replaced(
    hasty: Api, module_dsn: str
) -> None:
    """It heeds no time-out of its own then, and TCP does not notice."""
    ann = await hasty.sign_up()
    with frozen(module_dsn, "vidwiz writer"):
        assert_unavailable(await posted(hasty, ann))
        assert (await posted(hasty, ann)).status_code == 201
    with frozen(module_dsn, "vidwiz"):
        path = f"/api/notes/{new_video_id()}"
        assert_unavailable(await hasty.client.get(path, headers=ann.headers))
        await until_it_works(hasty, ann)


async def test_an_outage_is_told_at_once_and_over_in_a_moment(
    patient: Api, ann: Person, module_dsn: str, server_dsn: str
) -> None:
    with closed_to_everybody(module_dsn, server_dsn):
        for name in ("vidwiz", "vidwiz writer", "vidwiz signals"):
            await terminated(server_dsn, *backends_of(server_dsn, module_dsn, name))
        assert_unavailable(await posted(patient, ann))
        ready = await patient.client.get("/api/health/ready")
        assert (ready.status_code, ready.json()["database"]) == (503, "unavailable")
    await until_it_works(patient, ann)


def backends_of(server_dsn: str, dsn: str, name: str) -> list[int]:
    database = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(server_dsn) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name = %s"
        return [pid for (pid,) in connection.execute(query, (database, name)).fetchall()]


async def test_a_stream_of_the_log_outlives_an_outage(
    patient: Api, ann: Person, module_dsn: str, server_dsn: str
) -> None:
    its = patient.services
    within = Range(await head_of(its.database))
    following = follow(its.desk.log, its.signals, Filter(), within, lambda: False)
    next_events = asyncio.create_task(anext(following))
    with closed_to_everybody(module_dsn, server_dsn):
        await terminated(server_dsn, *backends_of(server_dsn, module_dsn, "vidwiz"))
        assert_unavailable(await patient.client.get("/api/audit/health", headers=patient.admin))
        assert not next_events.done()
    await until_it_works(patient, ann)
    events = await asyncio.wait_for(next_events, 20)
    assert events[0].position == within.after + 1
    await following.aclose()


async def test_a_service_whose_database_is_gone_ends_soon(
    dsn: str, server_dsn: str, tmp_path: Path
) -> None:
    context = running_api(dsn, tmp_path)
    api = await context.__aenter__()
    with closed_to_everybody(dsn, server_dsn):
        with psycopg.connect(server_dsn, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
                (psycopg.conninfo.conninfo_to_dict(dsn)["dbname"],),
            )
        writing = asyncio.create_task(api.services.store.execute(note(1, "video"), ORIGIN))
        await asyncio.sleep(0)
        began = time.monotonic()
        await context.__aexit__(None, None, None)
        assert time.monotonic() - began < 20
        with pytest.raises((DatabaseUnavailable, Overloaded)):
            await writing
    assert backends(dsn, "vidwiz writer") == []


UNAVAILABLE = [
    *("08000", "08001", "08003", "08004", "08006", "08007", "08P01"),
    *("25006", "25P02", "25P03", "25P04", "53000", "53100", "53200", "53300", "53400"),
    *("3D000", "3F000", "42501", "42703", "42883", "42P01"),
    *("55P03", "57014", "57P01", "57P02", "57P03", "57P04", "57P05"),
    *("58000", "58030", "58P01", "58P02"),
]
OURS = ["23505", "23503", "22001", "42804", "42601", "40001", "40P01", "0A000", "25001", "55000"]


@pytest.mark.parametrize("state", UNAVAILABLE)
def test_what_means_that_the_database_is_in_trouble(state: str) -> None:
    error = psycopg.DatabaseError("said")
    error.sqlstate = state
    assert means_unavailable(error)


@pytest.mark.parametrize("state", OURS)
def test_what_is_wrong_with_what_was_asked(state: str) -> None:
    error = errors.lookup(state)("said")
    assert error.sqlstate == state
    assert not means_unavailable(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (psycopg.OperationalError("the connection is lost"), True),
        (psycopg.InterfaceError("the cursor is closed"), True),
        (psycopg.ProgrammingError("ours"), False),
        (psycopg.DataError("ours"), False),
        (ValueError("ours"), False),
    ],
)
def test_what_an_error_without_a_state_means(error: Exception, *, expected: bool) -> None:
    assert means_unavailable(error) is expected
