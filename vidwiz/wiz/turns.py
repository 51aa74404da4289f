"""The turns under way: answering belongs to a task of this process, whoever listens or leaves."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import structlog

from vidwiz.adapters.language_model import CUT, ModelError, ModelRefused, ModelTimedOut
from vidwiz.commands.conversations import (
    Answer,
    Asked,
    AskQuestion,
    CompleteTurn,
    FailTurn,
    StopTurn,
    TurnEnd,
    TurnNotFound,
)
from vidwiz.commands.users import UserNotFound
from vidwiz.event_store.command_bus import Store
from vidwiz.event_store.command_queue import Conflict, Overloaded
from vidwiz.events.recorded import SYSTEM, EventMetadata
from vidwiz.metrics import ANSWERING, TURNS
from vidwiz.postgres.pool import Database, DatabaseUnavailable
from vidwiz.projections.wiz_queries import RECENT_MESSAGES
from vidwiz.supervision import Tasks
from vidwiz.wiz.answers import Answerer, Question, Said
from vidwiz.wiz.citations import CitationFinder
from vidwiz.wiz.library import Transcript
from vidwiz.wiz.transcripts import is_visible
from vidwiz.wiz.turn import Turn

MOST_TURNS = 2000
EARLIER_MESSAGES = 9
"""Messages that go to the model before the question: ten with it."""
LONGEST_ANSWER = 100_000
LONGEST_ANSWERING_S = 600.0
STORE_TRIES = 30
STORE_PAUSE_S = 2.0
LAST_TRIES = 3
"""To store an answer while the service stops; without it the turn is failed at the next start."""
LAST_PAUSE_S = 0.5
STORED_WITHIN_S = 10.0
"""Seconds that the last answers have to be stored."""
MANY_SEGMENTS = 300

FAILURES: Mapping[str, str] = {
    "interrupted": "The service was stopped before the answer was finished. Please ask again.",
    "not_stored": "The answer could not be stored. Please ask again.",
    "account_erased": "The account that asked was erased.",
    "internal_error": "Something went wrong while answering. Please ask again.",
    **{kind.code: kind.message for kind in ModelError.__subclasses__()},
}
"""What people are told, by the reason that a turn failed for."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class QuestionSubject:
    """The video that is asked about; ``length_s`` is its length in seconds, if that is known."""

    video_id: str
    title: str | None
    length_s: float | None
    transcript: Transcript


Ending = CompleteTurn | StopTurn | FailTurn


class Turns:
    """Answers questions, each in a task of its own, and stores what came of it."""

    def __init__(self, store: Store, database: Database, answerer: Answerer) -> None:
        self._store = store
        self._database = database
        self._answerer = answerer
        self._turns: dict[int, Turn] = {}
        self._answering: dict[int, asyncio.Task[None]] = {}
        self._running = Tasks("turns")
        self._answers = Tasks("answers")
        self._stopped: set[int] = set()
        self._asking = 0
        self._closing = False
        self._interrupted_at = 0.0

    async def ask(
        self, question: AskQuestion, about: QuestionSubject, origin: EventMetadata
    ) -> Turn:
        """Accept a question and begin to answer it.

        Raises what the decision and ``Store.execute`` raise; ``Overloaded`` while too much is
        being answered. Run it shielded: a question that was accepted must get its answer.
        """
        if self._closing or len(self._running) + self._asking >= MOST_TURNS:
            raise Overloaded
        self._asking += 1
        try:
            asked: Asked = await self._store.execute(question, origin)
        finally:
            self._asking -= 1
        turn = Turn(asked.turn_id, asked.conversation_id, question.identity)
        self._turns[turn.turn_id] = turn
        self._running.begin(self._run(turn, question, about, replace(origin, actor=SYSTEM)))
        return turn

    def here(self, turn_id: int) -> Turn | None:
        """The turn, if this process is answering it."""
        return self._turns.get(turn_id)

    def all_here(self) -> list[int]:
        """The turns that this process is answering."""
        return [*self._turns]

    def stop(self, turn_id: int) -> None:
        """End the answer where it is, if this process is answering it."""
        answering = self._answering.get(turn_id)
        if answering is not None:
            self._stopped.add(turn_id)
            answering.cancel()

    def forget(self, person: str) -> None:
        """Give up on what the person has asked; of one who was erased nothing is kept."""
        for turn_id, answering in self._answering.items():
            if self._turns[turn_id].identity.name == person:
                answering.cancel()

    def send_home(self, within_s: float) -> None:
        """Take no more questions, and give up on answers that are not finished within a time."""
        self._closing = True
        loop = asyncio.get_running_loop()
        self._interrupted_at = loop.time() + within_s
        loop.call_at(self._interrupted_at, self._interrupt)

    async def close(self) -> None:
        """Interrupt what is not finished in time, and wait until all of it is stored."""
        self._closing = True
        left_s = self._interrupted_at - asyncio.get_running_loop().time()
        await self._running.wait(max(0.0, left_s))  # though nobody may be connected any more
        self._interrupt()
        await self._running.finish(STORED_WITHIN_S)

    def _interrupt(self) -> None:
        for answering in self._answering.values():
            answering.cancel()

    async def _run(
        self, turn: Turn, question: AskQuestion, about: QuestionSubject, origin: EventMetadata
    ) -> None:
        answering = self._answers.begin(self._answer(turn, question, about), heard=True)
        self._answering[turn.turn_id] = answering
        ANSWERING.inc()
        try:
            await asyncio.wait((answering,))
            await self._settle(turn, self._ending(turn, answering), origin)
        finally:
            ANSWERING.dec()
            self._stopped.discard(turn.turn_id)
            del self._answering[turn.turn_id], self._turns[turn.turn_id]

    async def _answer(self, turn: Turn, asked: AskQuestion, about: QuestionSubject) -> None:
        try:
            async with asyncio.timeout(LONGEST_ANSWERING_S):
                earlier = () if asked.conversation_id is None else await self._earlier(turn)
                question = Question(
                    about.video_id,
                    about.title,
                    about.transcript.segments,
                    earlier,
                    asked.text,
                    about.transcript.index,
                )
                finder = await _finder(about)
                async with aclosing(self._answerer.answer(question)) as pieces:
                    await _take(turn, pieces, finder)
        except TimeoutError:
            raise ModelTimedOut("the answer went on for too long") from None
        if not is_visible(turn.content):
            raise ModelRefused("the answer has no words")

    async def _earlier(self, turn: Turn) -> Sequence[Said]:
        """What was said before; a question that was paid for waits until it can be read."""
        while True:
            try:
                rows = await self._database.all(
                    RECENT_MESSAGES,
                    conversation_id=turn.conversation_id,
                    before=turn.turn_id,
                    at_most=EARLIER_MESSAGES,
                )
            except DatabaseUnavailable as error:
                log.warning("a question waits for what was said before", error=str(error))
                await asyncio.sleep(STORE_PAUSE_S)
            else:
                return [Said(role, content) for role, content in reversed(rows)]

    def _ending(self, turn: Turn, answering: "asyncio.Task[None]") -> Ending:
        answer = Answer(turn.content, turn.citations, self._answerer.name, turn.is_cut)
        if answering.cancelled():
            if turn.turn_id in self._stopped:
                return StopTurn(turn.turn_id, answer)
            return FailTurn(turn.turn_id, "interrupted", turn.content)
        error = answering.exception()
        if error is None:
            return CompleteTurn(turn.turn_id, answer)
        if isinstance(error, ModelError):
            log.warning("no answer", turn_id=turn.turn_id, code=error.code, error=str(error))
            return FailTurn(turn.turn_id, error.code, turn.content)
        log.error("answering failed", turn_id=turn.turn_id, exc_info=error)
        return FailTurn(turn.turn_id, "internal_error", turn.content)

    async def _settle(self, turn: Turn, ending: Ending, origin: EventMetadata) -> None:
        """Store how it ended; only then is anybody told, and told what is stored."""
        try:
            end = await self._stored(ending, origin)
        except (TurnNotFound, UserNotFound):
            end = TurnEnd("failed", reason="account_erased")
        except Exception:
            log.exception("an answer could not be stored", turn_id=turn.turn_id)
            end = TurnEnd("failed", reason="not_stored")
        TURNS.labels(end.status).inc()
        turn.end(end.status, last_data(end.answer_id, end.reason))

    async def _stored(self, ending: Ending, origin: EventMetadata) -> TurnEnd:
        for tries in range(1, STORE_TRIES + 1):
            try:
                end: TurnEnd = await self._store.execute(ending, origin)
            except (DatabaseUnavailable, Overloaded, Conflict) as error:
                log.warning("an answer waits to be stored", error=repr(error))
                if self._closing and tries >= LAST_TRIES:
                    break
                await asyncio.sleep(LAST_PAUSE_S if self._closing else STORE_PAUSE_S)
            else:
                return end
        raise DatabaseUnavailable("the answer waited for too long")


async def _finder(about: QuestionSubject) -> CitationFinder:
    segments = about.transcript.segments
    if len(segments) <= MANY_SEGMENTS:
        return CitationFinder(segments, about.length_s)
    return await asyncio.to_thread(CitationFinder, segments, about.length_s)


async def _take(turn: Turn, pieces: AsyncGenerator[str, None], finder: CitationFinder) -> None:
    async for piece in pieces:
        words = storable(piece)
        if not words:
            continue
        turn.is_cut = piece == CUT
        turn.add(words)
        for citation in finder.feed(words):
            turn.cite(citation)
        if turn.place.characters > LONGEST_ANSWER:
            turn.is_cut = True
            turn.add(CUT)
            return


def storable(piece: str) -> str:
    """The piece without what neither PostgreSQL nor UTF-8 can hold."""
    if "\0" in piece:
        piece = piece.replace("\0", "")
    try:
        piece.encode()
    except UnicodeEncodeError:
        return piece.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return piece


def last_data(message_id: int | None, reason: str | None) -> dict[str, Any]:
    """What the last event of a turn says: the answer's message, or why there is none."""
    if reason is None:
        return {"message_id": message_id}
    return {"code": reason, "message": FAILURES.get(reason, FAILURES["internal_error"])}
