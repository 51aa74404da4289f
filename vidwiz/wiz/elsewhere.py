"""Turns that another process answers, or answered, and turns that nobody answers any more.

What was stored is the truth. Until then the process that answers passes the pieces on to those
that ask for them, over the signals' connections; a piece that gets lost on the way comes with the
stored answer.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog

from vidwiz.commands.conversations import FailTurn, Identity, TurnNotFound
from vidwiz.commands.users import UserNotFound
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.notifications import Signals
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.postgres.pool import Database
from vidwiz.projections.wiz_queries import ENDED, ORPHANED, TURN
from vidwiz.supervision import Loop, Tasks
from vidwiz.wiz.turn import Kind, StreamedTurnEvent, Turn, TurnOffset, past_events
from vidwiz.wiz.turns import Turns, last_data

LOOK_S = 1.0
AT_ONCE = 100
"""Turns in one word to the other processes."""
SWEEP_S = 5.0
SECOND_LOOK_S = 1.0

log = structlog.get_logger(__name__)


class RemoteTurns:
    """Finds turns, wherever they are."""

    def __init__(self, turns: Turns, database: Database, signals: Signals) -> None:
        self._turns = turns
        self._database = database
        self._signals = signals
        self._mirrors: dict[int, Turn] = {}
        self._watching = Loop("turns elsewhere", self._watch)
        self._tasks = Tasks("turns for elsewhere")
        signals.hear(self._heard)

    async def find(self, turn_id: int, identity: Identity) -> Turn:
        """The turn, to be followed; raises ``TurnNotFound`` if it is not this identity's."""
        turn = self._turns.here(turn_id) or self._mirrors.get(turn_id)
        if turn is None:
            turn = await self._stored(turn_id)
        if turn.identity != identity:
            raise TurnNotFound
        if not turn.ended and self._turns.here(turn_id) is None:
            return self._mirrored(turn)
        return turn

    def stop(self, turn: Turn) -> None:
        """Have the answer ended where it is, by whoever makes it."""
        self._turns.stop(turn.turn_id)
        if not turn.ended and self._turns.here(turn.turn_id) is None:
            self._say({"stop": turn.turn_id})

    async def close(self) -> None:
        """Stop looking."""
        await self._watching.stop()
        await self._tasks.cancel()

    def _mirrored(self, turn: Turn) -> Turn:
        mirror = self._mirrors.setdefault(turn.turn_id, turn)
        self._want([mirror])
        self._watching.start()
        return mirror

    async def _watch(self) -> None:
        """Look which mirrored turns are stored by now, and ask for more of the others."""
        while self._mirrors:
            await asyncio.sleep(LOOK_S)
            await self._look()
            self._want([*self._mirrors.values()])

    async def _look(self) -> None:
        for (turn_id,) in await self._database.all(ENDED, ids=[*self._mirrors]):
            mirror = self._mirrors[turn_id]
            try:
                for event in (await self._stored(turn_id)).events:
                    mirror.receive(event)
            except TurnNotFound:
                mirror.end("failed", last_data(None, "account_erased"))
            del self._mirrors[turn_id]

    def _want(self, mirrors: Sequence[Turn]) -> None:
        for start in range(0, len(mirrors), AT_ONCE):
            wanted = [[its.turn_id, *its.place] for its in mirrors[start : start + AT_ONCE]]
            self._say({"want": wanted})

    async def _stored(self, turn_id: int) -> Turn:
        row = await self._database.one(TURN, turn_id=turn_id)
        if row is None:
            raise TurnNotFound
        conversation_id, user_id, guest_id, status, reason, partial, answer_id, *answer = row
        turn = Turn(turn_id, conversation_id, Identity(user_id, guest_id))
        if status != "answering":
            content, citations = answer
            for event in past_events(
                content or partial or "", citations or (), status, last_data(answer_id, reason)
            ):
                turn.receive(event)
        return turn

    def _heard(self, word: str) -> None:
        said = orjson.loads(word)
        match said:
            case {"want": wanted}:
                for turn_id, characters, citations in wanted:
                    turn = self._turns.here(turn_id)
                    if turn is not None:
                        self._tasks.begin(self._pass_on(turn, TurnOffset(characters, citations)))
            case {"stop": turn_id}:
                self._turns.stop(turn_id)
            case {"turn": turn_id, "kind": kind, "data": data, "place": [characters, citations]}:
                self._receive(turn_id, kind, data, TurnOffset(characters, citations))

    def _receive(
        self, turn_id: int, kind: Kind, data: Mapping[str, Any], place: TurnOffset
    ) -> None:
        mirror = self._mirrors.get(turn_id)
        if mirror is not None:
            mirror.receive(StreamedTurnEvent(kind, orjson.dumps(data), place))

    async def _pass_on(self, turn: Turn, after: TurnOffset) -> None:
        """Say what happens in the next moments; whoever wants more asks again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LOOK_S
        async for event in turn.follow(after, heartbeat_s=LOOK_S):
            if event is not None:
                self._say(
                    {
                        "turn": turn.turn_id,
                        "kind": event.kind,
                        "data": orjson.Fragment(event.data),
                        "place": [*event.place],
                    }
                )
            if loop.time() > until:
                return

    def _say(self, said: Mapping[str, Any]) -> None:
        self._signals.say(orjson.dumps(said).decode())


class OrphanedTurnReaper:
    """Marks turns failed whose process is gone, so that nobody waits for ever."""

    def __init__(self, turns: Turns, database: Database, store: Store, server: int) -> None:
        self._turns = turns
        self._database = database
        self._store = store
        self._server = server
        self._suspects: set[int] = set()
        self._loop = Loop("orphaned turns", self._sweep_forever)

    def start(self) -> None:
        """Look at once, and now and then."""
        self._loop.start()

    async def close(self) -> None:
        """Stop looking."""
        await self._loop.stop()

    async def _sweep_forever(self) -> None:
        while True:
            await self._sweep()
            await asyncio.sleep(SECOND_LOOK_S if self._suspects else SWEEP_S)

    async def _sweep(self) -> None:
        """Fail what was orphaned at the last look too: a process may be connecting again."""
        here = self._turns.all_here()
        rows = await self._database.all(ORPHANED, server=self._server, here=here)
        orphaned = {turn_id for (turn_id,) in rows}
        await asyncio.gather(*map(self._fail, orphaned & self._suspects))
        self._suspects = orphaned

    async def _fail(self, turn_id: int) -> None:
        try:
            await self._store.execute(FailTurn(turn_id, "interrupted"), EventMetadata(SYSTEM))
        except (TurnNotFound, UserNotFound):
            log.info("an orphaned turn is gone with its person", turn_id=turn_id)
        except Exception:
            log.exception("an orphaned turn cannot be ended", turn_id=turn_id)
        else:
            log.info("nobody answers a turn any more", turn_id=turn_id)
