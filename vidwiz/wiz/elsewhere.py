"""Turns that another process answers, or answered, and turns that nobody answers any more.

What was stored is the truth. Until then the process that answers passes the pieces on to those
that ask for them, over the signals' connections; a piece that gets lost on the way comes with the
stored answer.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

from vidwiz.commands.conversations import FailTurn, Identity, TurnNotFound
from vidwiz.database import Database, DatabaseUnavailable
from vidwiz.events.recorded import SYSTEM, Origin
from vidwiz.projections.wiz_queries import ORPHANED, TURN
from vidwiz.signals import Signals
from vidwiz.store import Conflict, Overloaded, Store
from vidwiz.wiz.turn import Kind, Place, Turn, TurnEvent, past_events
from vidwiz.wiz.turns import Turns, last_data

LOOK_S = 1.0
FIRST_SWEEP_S = 1.0
SWEEP_S = 5.0

log = structlog.get_logger(__name__)


class Elsewhere:
    """Finds turns, wherever they are."""

    def __init__(self, turns: Turns, database: Database, signals: Signals) -> None:
        self._turns = turns
        self._database = database
        self._signals = signals
        self._mirrors: dict[int, Turn] = {}
        self._tasks: set[asyncio.Task[None]] = set()
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _mirrored(self, turn: Turn) -> Turn:
        mirror = self._mirrors.get(turn.turn_id)
        if mirror is None:
            mirror = self._mirrors[turn.turn_id] = turn
            self._begin(self._watch(mirror))
        return mirror

    async def _watch(self, mirror: Turn) -> None:
        """Ask for what is missing, and look whether the whole of it is stored by now."""
        try:
            while not mirror.ended:
                self._say({"want": mirror.turn_id, "after": [*mirror.place]})
                await asyncio.sleep(LOOK_S)
                await self._catch_up(mirror)
        finally:
            del self._mirrors[mirror.turn_id]

    async def _catch_up(self, mirror: Turn) -> None:
        try:
            stored = await self._stored(mirror.turn_id)
        except DatabaseUnavailable as error:
            log.warning("cannot look after a turn", turn_id=mirror.turn_id, error=str(error))
            return
        if stored.ended:
            for event in stored.events:
                mirror.receive(event)

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
            case {"want": turn_id, "after": [characters, citations]}:
                turn = self._turns.here(turn_id)
                if turn is not None:
                    self._begin(self._pass_on(turn, Place(characters, citations)))
            case {"stop": turn_id}:
                self._turns.stop(turn_id)
            case {"turn": turn_id, "kind": kind, "data": data, "place": [characters, citations]}:
                self._receive(turn_id, kind, data, Place(characters, citations))

    def _receive(self, turn_id: int, kind: Kind, data: Mapping[str, Any], place: Place) -> None:
        mirror = self._mirrors.get(turn_id)
        if mirror is not None:
            mirror.receive(TurnEvent(kind, orjson.dumps(data), place))

    async def _pass_on(self, turn: Turn, after: Place) -> None:
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

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class Orphans:
    """Marks turns failed whose process is gone, so that nobody waits for ever."""

    def __init__(self, turns: Turns, database: Database, store: Store, server: int) -> None:
        self._turns = turns
        self._database = database
        self._store = store
        self._server = server
        self._suspects: set[int] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look at once, and now and then."""
        self._task = asyncio.create_task(self._sweep_forever())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _sweep_forever(self) -> None:
        pause = FIRST_SWEEP_S
        while True:
            try:
                await self._sweep()
            except (DatabaseUnavailable, Conflict, Overloaded) as error:
                log.warning("cannot look for orphaned turns", error=repr(error))
            await asyncio.sleep(pause)
            pause = SWEEP_S if not self._suspects else FIRST_SWEEP_S

    async def _sweep(self) -> None:
        """Fail what was orphaned at the last look too: a process may be connecting again."""
        rows = await self._database.all(ORPHANED, server=self._server)
        orphaned = {turn_id for (turn_id,) in rows if self._turns.here(turn_id) is None}
        for turn_id in sorted(orphaned & self._suspects):
            origin = Origin(SYSTEM, causation_id=f"turn:{turn_id}")
            await self._store.execute(FailTurn(turn_id, "interrupted"), origin)
            log.info("nobody answers a turn any more", turn_id=turn_id)
        self._suspects = orphaned
