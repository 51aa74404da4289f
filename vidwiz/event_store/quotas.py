"""What a day allows, for all processes together; the settings say how much.

Model calls are counted when they are asked for, and stay counted when they fail: a summary, an AI
note and a question are one each, until the worker says how often it asked.
"""

from typing import Literal

from vidwiz.event_store.counts import DAY, Charge, Counts, Full, Limit
from vidwiz.metrics import MODEL_CALLS, MODEL_CALLS_CEILING, QUOTAS_FULL
from vidwiz.settings.daily import DailySettings

ALL = "all"


class Quotas:
    """Takes what a day allows.

    ``of_persons`` false lets persons and networks ask, change and send as much as they like; what
    costs money (summaries, AI notes and model calls) is bounded in any case. ``has_model`` says
    that writing and answering may cost model calls. All of it raises ``DatabaseUnavailable``.
    """

    def __init__(
        self, counts: Counts, settings: DailySettings, *, of_persons: bool, has_model: bool
    ) -> None:
        self._counts = counts
        self._of_persons = of_persons
        self._has_model = has_model
        self._ai_notes = Limit("ai_note", settings.ai_notes_a_day, DAY)
        self._of_user = {
            what: Limit(what, most, DAY)
            for what, most in (
                ("new_video", settings.new_videos_a_day),
                ("write", settings.writes_a_day),
                ("byte", settings.bytes_a_day),
            )
        }
        self._of_guests = {
            what: Limit(f"guest_{what}", limit.most, DAY, strangers=True)
            for what, limit in self._of_user.items()
        }
        self._own_summaries = Limit("own_summary", settings.own_summaries_a_day, DAY)
        self._summaries = Limit("summary", settings.summaries_a_day, DAY)
        self._model_calls = Limit("model_call", settings.model_calls_a_day, DAY)

    def of_person(
        self,
        what: Literal["new_video", "write", "byte"],
        user_id: int | None,
        network: str,
        n: int = 1,
    ) -> list[Charge]:
        """What a user costs, or a guest (None), who is counted with all others of the network.

        Nothing where persons are not counted.
        """
        if not self._of_persons:
            return []
        if user_id is None:
            return [Charge(self._of_guests[what], network, n)]
        return [Charge(self._of_user[what], f"user:{user_id}", n)]

    def of_ai_note(self, user_id: int) -> list[Charge]:
        """What an AI note for this user costs."""
        return [Charge(self._ai_notes, f"user:{user_id}"), *self.of_model_call()]

    def of_summary(self, user_id: int | None) -> list[Charge]:
        """What a summary costs; with a ``user_id`` that of a transcript which the user brought."""
        own = [] if user_id is None else [Charge(self._own_summaries, f"user:{user_id}")]
        return [*own, Charge(self._summaries, ALL), *self.of_model_call()]

    def of_model_call(self) -> list[Charge]:
        """What a question costs."""
        return [Charge(self._model_calls, ALL)] if self._has_model else []

    async def take(self, charges: list[Charge]) -> Full | None:
        """Count all the charges, or none and say which limit is full."""
        if not charges:
            return None
        full = await self._counts.take(*charges)
        if full is not None:
            QUOTAS_FULL.labels(full.limit.purpose).inc()
        return full

    async def full(self, charges: list[Charge]) -> Full | None:
        """Which limit would refuse the charges now; nothing is counted."""
        if not charges:
            return None
        return await self._counts.full(*charges)

    async def give_back(self, charges: list[Charge]) -> None:
        """Uncount what was taken and did not happen."""
        if charges:
            await self._counts.give_back(*charges)

    async def correct_model_calls(self, calls: int, attempt: int) -> None:
        """A worker asked so often in this attempt at a task, for which one call was counted."""
        extra = calls - 1 if attempt <= 1 else calls
        if extra < 0:
            await self.give_back(self.of_model_call())
        for _ in range(extra):
            if await self.take(self.of_model_call()) is not None:  # no more than the ceiling
                return

    async def model_calls(self) -> tuple[int, int]:
        """How many of today's model calls are used, and of how many."""
        return await self._counts.used(self._model_calls, ALL), self._model_calls.most

    async def measure(self) -> None:
        """Tell the metrics how many model calls are used."""
        used, most = await self.model_calls()
        MODEL_CALLS.set(used)
        MODEL_CALLS_CEILING.set(most)
