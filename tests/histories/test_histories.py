"""Any history of commands leaves what a model in plain Python says, live, replayed and rebuilt."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from prometheus_client import REGISTRY
from psycopg.rows import dict_row

from tests.event_store.clocked import clocked_store
from tests.histories.composing import COMPOSERS
from tests.histories.expectations import EXPECTATIONS
from tests.histories.machine import Histories, RebuiltHistories
from tests.histories.playing import Player, Stage
from tests.histories.tables import OWNED
from tests.support import MASTER
from vidwiz.commands import DECISIONS
from vidwiz.commands.base import DomainError
from vidwiz.replay import engine, verification

PARTS, ROUNDS, HISTORIES, STEPS = 3, 14, 25, 8
"""Hypothesis varies what it tries more from round to round than within one."""
MORE_PARTS = 3
"""For when a rare command was never accepted, or a rare refusal never given."""
LONG = settings(
    deadline=None,
    database=None,
    derandomize=False,  # or each round would be the first one again wherever CI is set
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def stage(dsn: str) -> Iterator[Stage]:
    with (
        clocked_store(dsn) as store,
        psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection,
    ):
        yield Stage(store, connection)


def test_every_command_has_its_rule_and_its_expectation() -> None:
    assert DECISIONS.keys() == COMPOSERS.keys() == EXPECTATIONS.keys()
    assert {compose.__name__ for compose in COMPOSERS.values()} <= vars(Histories).keys()


def test_a_thousand_histories_leave_what_the_model_says_live_and_replayed(stage: Stage) -> None:
    Histories.stage = stage
    for part in range(PARTS + MORE_PARTS):
        if part >= PARTS and has_seen_all(stage):
            break
        for _ in range(ROUNDS):
            play(Histories, HISTORIES)
        assert_replay_is_equal(stage)
        engine.rebuild(stage.store.dsn, MASTER)
        assert_replay_is_equal(stage)
    assert stage.histories >= 1000
    assert stage.commands > 10 * stage.histories
    assert stage.accepted.keys() == DECISIONS.keys()
    assert stage.refusals.keys() == refusals()


def has_seen_all(stage: Stage) -> bool:
    return stage.accepted.keys() == DECISIONS.keys() and stage.refusals.keys() == refusals()


def test_histories_go_on_while_the_tables_are_rebuilt(stage: Stage) -> None:
    RebuiltHistories.stage = stage
    play(RebuiltHistories, 10)
    assert_replay_is_equal(stage)


@settings(LONG, max_examples=10)
@given(seeds=st.lists(st.integers(0, 2**32), min_size=6, max_size=6, unique=True))
def test_histories_that_share_transactions_leave_what_they_would_alone(
    stage: Stage, seeds: list[int]
) -> None:
    players = [Player(stage) for _ in seeds]
    before, commands = transactions(), stage.commands
    stage.store.run(improvised(players, seeds))
    assert transactions() - before < stage.commands - commands
    for player in players:
        stage.done(player)
    assert_replay_is_equal(stage)


async def improvised(players: list[Player], seeds: list[int]) -> None:
    """All play at once; what each does depends on its seed alone."""
    dice = [Random(seed) for seed in seeds]
    await asyncio.gather(
        *(its.improvise(its_dice, 20) for its, its_dice in zip(players, dice, strict=True))
    )


def transactions() -> float:
    """How many there were in this process."""
    count = REGISTRY.get_sample_value("vidwiz_commit_batch_size_count")
    assert count is not None
    return count


def play(machine: type[Histories], histories: int) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(LONG, max_examples=histories, stateful_step_count=STEPS),
    )


def assert_replay_is_equal(stage: Stage) -> None:
    """Also to the worlds of all histories together: no row belongs to nobody."""
    replayed, differences = verification.verify(stage.store.dsn, MASTER)
    assert list(differences) == []
    assert replayed.rows == {name: stage.rows[name] for name in replayed.rows}
    assert Counter(count_rows(stage)) == stage.rows


def count_rows(stage: Stage) -> dict[str, int]:
    return {name: count(stage, name) for name in OWNED}


def count(stage: Stage, table: str) -> int:
    row = stage.connection.execute(f"SELECT count(*) AS rows FROM {table}").fetchone()
    assert row is not None
    return int(row["rows"])


def refusals() -> set[type[DomainError]]:
    """Everything that a decision may refuse with."""
    return set(DomainError.__subclasses__())
