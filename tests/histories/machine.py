"""The state machine of histories: each rule is a command, sent to the store and to the model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.histories.composing import (
    COMPOSERS,
    Compose,
    add_note,
    ask_as_user,
    ask_question,
    bring_video,
    claim_transcript,
    disable_user,
    erase_guest,
    first_sign_in,
    give_up_transcript,
    open_video,
    sign_in_with_google,
    sign_up,
    submit_result,
)
from tests.histories.playing import Player, Stage
from tests.support import MASTER
from vidwiz.commands.conversations import AskQuestion
from vidwiz.commands.tasks import ClaimTask
from vidwiz.replay import engine

T = TypeVar("T")

BEGINNINGS = st.sampled_from(
    (
        (bring_video,),
        (add_note,),
        (open_video,),
        (open_video, claim_transcript, give_up_transcript),
        (open_video, claim_transcript, submit_result),
        (first_sign_in, disable_user, sign_in_with_google),
        (bring_video, ask_as_user),
        (bring_video, ask_question, erase_guest),
    )
)
FIRST_OFTEN: Mapping[Compose, int] = {ask_as_user: 21}
"""More than the quota of a user's day."""
TIMES = st.sampled_from((10, 121, 601, 86_400)).map(lambda seconds: timedelta(seconds=seconds))
AGAIN: Mapping[type, Sequence[int]] = {
    AskQuestion: (1, 1, 6, 21),  # a guest has 5 questions a day, a user 20
    ClaimTask: (1, 1, 2, 4),  # of three attempts
}


@dataclass(frozen=True)
class Drawn:
    """Dice that Hypothesis throws."""

    data: st.DataObject

    def choice(self, among: Sequence[T]) -> T:
        return self.data.draw(st.sampled_from(among))


class Histories(RuleBasedStateMachine):
    """What the store answers, and what is in the tables in the end, is what the model says."""

    stage: ClassVar[Stage]

    def __init__(self) -> None:
        super().__init__()
        self.stage.clear_the_line()
        self.player = Player(self.stage)

    @initialize(data=st.data(), beginning=BEGINNINGS)
    def begin(self, data: st.DataObject, beginning: Sequence[Compose]) -> None:
        for compose in (sign_up, *beginning):
            self.player.step(compose, Drawn(data), FIRST_OFTEN.get(compose, 1))

    @rule(time=TIMES)
    def time_passes(self, time: timedelta) -> None:
        self.player.pass_time(time)

    def teardown(self) -> None:
        """Whoever was answered wrongly need not look into the tables."""
        if not self.player.at_odds:
            self.stage.done(self.player)


def _rule_of(compose: Compose, again: Sequence[int]) -> Any:
    def play(self: Histories, data: st.DataObject, times: int) -> None:
        self.player.step(compose, Drawn(data), times)

    play.__name__ = compose.__name__
    return rule(data=st.data(), times=st.sampled_from(again))(play)


for kind, compose in COMPOSERS.items():
    setattr(Histories, compose.__name__, _rule_of(compose, AGAIN.get(kind, (1, 1, 1, 2))))


class RebuiltHistories(Histories):
    """The same, while the tables are rebuilt again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    @invariant()
    def rebuilt(self) -> None:
        self.steps += 1
        if self.steps % 4 == 0:
            engine.rebuild(self.stage.store.dsn, MASTER)
