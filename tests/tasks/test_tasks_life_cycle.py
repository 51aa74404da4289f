"""The life of tasks as a state machine: the store against a model in plain Python."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.event_store.clocked import ClockedStore, clocked_store
from tests.support import MASTER, new_video_id
from vidwiz.commands.base import DomainError
from vidwiz.commands.notes import AddNote
from vidwiz.commands.tasks import (
    Claim,
    ClaimTask,
    Expired,
    ExpireTask,
    GiveBackTask,
    StoredTranscript,
    SubmitResult,
    TaskNotInProgress,
    TaskOfOtherWorker,
)
from vidwiz.commands.users import SignUp
from vidwiz.events import TaskType
from vidwiz.replay import engine, verification

STALE = timedelta(seconds=120)
WORKERS = st.sampled_from(("admin", "user:1", "user:2"))
KINDS = st.sampled_from(TaskType)


@dataclass
class Model:
    """A task as the contract has it."""

    task_id: int
    kind: TaskType
    video_id: str
    status: str = "pending"
    attempts: int = 0
    worker: str | None = None
    claimed_at: datetime | None = None

    def is_claimable(self, now: datetime) -> bool:
        if self.status == "in_progress":
            assert self.claimed_at is not None
            return now - self.claimed_at > STALE
        return self.status == "pending"

    def refusal(self, worker: str) -> type[DomainError] | None:
        if self.status != "in_progress":
            return TaskNotInProgress
        return None if self.worker == worker else TaskOfOtherWorker


class TaskLife(RuleBasedStateMachine):
    """Every rule is a command; what it answers must be what the model says."""

    service: ClassVar[ClockedStore]
    user_id: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.tasks: list[Model] = []

    @rule()
    def queue(self) -> None:
        video_id = new_video_id()
        self.service.execute(AddNote(self.user_id, video_id, "A title", "1:23", "hi"))
        with psycopg.connect(self.service.dsn) as connection:
            rows = connection.execute(
                "SELECT id, task_type FROM tasks WHERE task_details->>'video_id' = %s ORDER BY id",
                (video_id,),
            ).fetchall()
        self.tasks += [Model(task_id, TaskType(kind), video_id) for task_id, kind in rows]
        assert {kind for _, kind in rows} == {TaskType.TRANSCRIPT, TaskType.METADATA}

    @rule(seconds=st.sampled_from((0, 1, 60, 120, 121)))
    def time_passes(self, seconds: int) -> None:
        self.service.now += timedelta(seconds=seconds)

    @rule(worker=WORKERS, kind=KINDS)
    def claim(self, worker: str, kind: TaskType) -> None:
        now = self.service.now
        found = self.service.execute(ClaimTask(kind, worker, now - STALE))
        line = [task for task in self.tasks if task.kind is kind and task.is_claimable(now)]
        if not line:
            assert found is None
            return
        task = line[0]
        if task.attempts == 3:
            assert found == Expired(task.task_id, 3)
            self.service.execute(ExpireTask(found.task_id, found.attempt))
            task.status = "failed"
            return
        task.status, task.worker, task.claimed_at = "in_progress", worker, now
        task.attempts += 1
        assert found == Claim(task.task_id, kind, task.video_id, task.attempts)

    @rule(data=st.data(), off_by=st.sampled_from((0, 0, -1, 1)))
    def give_back(self, data: st.DataObject, off_by: int) -> None:
        if (task := self._one(data)) is None:
            return
        self.service.execute(GiveBackTask(task.task_id, task.attempts + off_by))
        if task.status == "in_progress" and off_by == 0:
            task.status, task.worker, task.claimed_at = "pending", None, None
            task.attempts -= 1

    @rule(data=st.data(), worker=WORKERS)
    def fail(self, data: st.DataObject, worker: str) -> None:
        if (task := self._one(data)) is not None and self._submit(task, worker, error="no"):
            task.status = "failed" if task.attempts == 3 else "pending"

    @rule(data=st.data(), worker=WORKERS)
    def complete(self, data: st.DataObject, worker: str) -> None:
        if (task := self._one(data)) is None:
            return
        stored = StoredTranscript(f"transcripts/{task.video_id}.json", "0" * 64, 1)
        of_transcript = task.kind is TaskType.TRANSCRIPT
        fruit: dict[str, Any] = {"transcript": stored} if of_transcript else {"metadata": {}}
        if self._submit(task, worker, **fruit):
            task.status = "completed"

    def _one(self, data: st.DataObject) -> Model | None:
        return data.draw(st.sampled_from(self.tasks)) if self.tasks else None

    def _submit(self, task: Model, worker: str, **result: Any) -> bool:
        command = SubmitResult(task.task_id, task.kind, task.video_id, worker, **result)
        expected = task.refusal(worker)
        try:
            status = self.service.execute(command)
        except DomainError as refusal:
            assert type(refusal) is expected  # noqa: PT017  the model decides whether it comes
            return False
        assert expected is None
        if "error" in result:
            assert status == ("failed" if task.attempts == 3 else "pending")
        else:
            assert status == "completed"
        return True

    @invariant()
    def the_table_is_as_the_model_has_it(self) -> None:
        with psycopg.connect(self.service.dsn) as connection:
            rows = connection.execute(
                "SELECT id, task_type, status, retry_count FROM tasks"
                " WHERE id = ANY(%s) ORDER BY id",
                ([task.task_id for task in self.tasks],),
            ).fetchall()
        assert rows == [(t.task_id, t.kind, t.status, t.attempts) for t in self.tasks]

    def teardown(self) -> None:
        """Every task ends, whatever its life was; so the next machine finds nobody in line."""
        while any(task.status in ("pending", "in_progress") for task in self.tasks):
            self.service.now += 2 * STALE
            for kind in TaskType:
                self.claim("admin", kind)


def test_tasks_live_as_the_contract_says_and_their_replay_is_equal(dsn: str) -> None:
    with clocked_store(dsn) as service:
        TaskLife.service = service
        TaskLife.user_id = service.execute(SignUp("ann@example.org", "Ann", "no hash"))
        run_state_machine_as_test(
            TaskLife,
            settings=settings(
                max_examples=20,
                stateful_step_count=30,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    _, differences = verification.verify(dsn, MASTER)
    assert list(differences) == []
    before = tasks_of(dsn)
    assert {row[2] for row in before} <= {"completed", "failed"}
    assert len(before) > 50
    engine.rebuild(dsn, MASTER)
    assert tasks_of(dsn) == before


def tasks_of(dsn: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "SELECT id, task_type, status, retry_count, worker_details, started_at, completed_at,"
            " updated_at, version FROM tasks ORDER BY id"
        ).fetchall()
