"""Any history of commands leaves what a model in plain Python says, live and replayed."""

from collections.abc import Iterator
from secrets import randbits

import psycopg
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg import sql
from psycopg.rows import dict_row

from tests.histories.composing import COMPOSERS
from tests.histories.expectations import EXPECTATIONS
from tests.histories.machine import Histories
from tests.histories.playing import Stage
from tests.histories.tables import OWNED
from tests.store.clocked import clocked_store
from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import DomainError
from vidwiz.projections import replay

ROUNDS, HISTORIES_A_ROUND, STEPS = 8, 130, 10


@pytest.fixture
def stage(dsn: str) -> Iterator[Stage]:
    with (
        clocked_store(dsn) as store,
        psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection,
    ):
        yield Stage(store, connection)


def test_every_command_has_its_rule_and_its_expectation() -> None:
    assert DECISIONS.keys() == COMPOSERS.keys() == EXPECTATIONS.keys()


def test_a_thousand_histories_leave_what_the_model_says_live_and_replayed(stage: Stage) -> None:
    Histories.stage = stage
    for _ in range(ROUNDS):
        run_state_machine_as_test(
            Histories,
            settings=settings(
                max_examples=HISTORIES_A_ROUND,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            ),
        )
        assert_replay_is_equal(stage)
    assert stage.histories >= 1000


def assert_replay_is_equal(stage: Stage) -> None:
    replayed, differences = replay.verify(stage.store.dsn, MASTER)
    assert list(differences) == []
    print(replayed, stage.histories, stage.commands)
