"""Conversations with Wiz: start one, ask within a daily quota, and end the turn of a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from vidwiz.commands.base import (
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    Follows,
    QuotaGivenBack,
    QuotaTaken,
)
from vidwiz.commands.users import UserNotFound
from vidwiz.commands.videos import VideoNotFound
from vidwiz.events import (
    ConversationStarted,
    Event,
    MessageSent,
    TurnCompleted,
    TurnFailed,
    TurnStarted,
    TurnStopped,
)

QUESTIONS_OF_USER = 20
QUESTIONS_OF_GUEST = 5
"""Questions that are accepted in one day, UTC."""


class ConversationNotFound(DomainError):
    """There is no such conversation about this video, or it is not the caller's."""

    code = "conversation_not_found"
    message = "Conversation not found"


class TurnNotFound(DomainError):
    """There is no such turn, or it is not the caller's."""

    code = "turn_not_found"
    message = "Turn not found"


class TranscriptUnavailable(DomainError):
    """Nobody has asked for the transcript, or it could not be fetched."""

    code = "transcript_unavailable"
    message = "Transcript unavailable. Please init session first."


class TranscriptProcessing(DomainError):
    """The transcript is on its way: not an error, but there is no answer yet."""

    code = "transcript_processing"
    message = "Transcript processing"


class UserQuotaExceeded(DomainError):
    """The user has asked as much as a day allows."""

    code = "quota_exceeded"
    message = f"Daily limit reached ({QUESTIONS_OF_USER} messages/day)"


class GuestQuotaExceeded(DomainError):
    """The guest has asked as much as a day allows."""

    code = "quota_exceeded"
    message = f"Daily limit reached ({QUESTIONS_OF_GUEST} guest messages/day)"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who talks: a user or, without a ``user_id``, the guest with this digest of a session id."""

    user_id: int | None = None
    guest_id: str | None = None

    @property
    def name(self) -> str:
        """As quotas and the log name them."""
        return f"guest:{self.guest_id}" if self.user_id is None else f"user:{self.user_id}"

    @property
    def questions_a_day(self) -> int:
        """How much they may ask from one UTC midnight to the next."""
        return QUESTIONS_OF_GUEST if self.user_id is None else QUESTIONS_OF_USER


@dataclass(frozen=True)
class ConversationContext(DecisionContext):
    """Where a new conversation would stand, and the id set aside for it."""

    user_exists: bool
    video_exists: bool
    conversation_id: int


@dataclass(frozen=True)
class ConversationContextQuery(ContextQuery[ConversationContext]):
    """Asks for the ground of a new conversation."""

    user_id: int | None
    video_id: str


@dataclass(frozen=True, slots=True)
class StartConversation:
    """Somebody opens a conversation about a video; the result is its id."""

    identity: Identity
    video_id: str

    def lookup(self) -> ConversationContextQuery:
        """User and video."""
        return ConversationContextQuery(self.identity.user_id, self.video_id)


def start_conversation(command: StartConversation, ground: ConversationContext) -> Decision:
    """Costs nothing; a new one each time."""
    if not ground.user_exists:
        raise UserNotFound
    if not ground.video_exists:
        raise VideoNotFound
    identity = command.identity
    started = ConversationStarted(
        conversation_id=ground.conversation_id,
        user_id=identity.user_id,
        guest_id=identity.guest_id,
        video_id=command.video_id,
    )
    return Decision(events=(started,), result=ground.conversation_id)


@dataclass(frozen=True)
class QuestionContext(DecisionContext):
    """What a question stands on, and the ids set aside for it.

    ``conversation_found`` is about the conversation that was named; ``conversation_id`` is that
    one, or a new one's when none was named.
    """

    user_exists: bool
    used: int
    video_exists: bool
    transcript_available: bool
    transcript_coming: bool
    conversation_found: bool
    conversation_id: int
    message_id: int


@dataclass(frozen=True)
class QuestionContextQuery(ContextQuery[QuestionContext]):
    """Asks for the ground of a question; ``conversation_id`` is None to start a conversation."""

    identity: Identity
    day: date
    video_id: str
    conversation_id: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was accepted; ``turn_id`` is also its message's id."""

    turn_id: int
    conversation_id: int


@dataclass(frozen=True, slots=True)
class AskQuestion:
    """Somebody asks Wiz; the server process of this number is to answer. Results in ``Asked``."""

    identity: Identity
    day: date
    video_id: str
    conversation_id: int | None
    text: str
    server: int

    def lookup(self) -> QuestionContextQuery:
        """Quota, video, transcript and conversation."""
        return QuestionContextQuery(self.identity, self.day, self.video_id, self.conversation_id)


def ask_question(command: AskQuestion, ground: QuestionContext) -> Decision:
    """Takes one of the day's questions together with the question itself."""
    identity = command.identity
    admit(identity, ground)
    require_conversation(ground)
    conversation_id, turn_id = ground.conversation_id, ground.message_id
    its: Mapping[str, Any] = {
        "conversation_id": conversation_id,
        "user_id": identity.user_id,
        "guest_id": identity.guest_id,
    }
    events: list[Event] = []
    if command.conversation_id is None:
        events.append(ConversationStarted(**its, video_id=command.video_id))
    asked = MessageSent(**its, message_id=turn_id, role="user", content=command.text, details=None)
    events += [asked, TurnStarted(**its, turn_id=turn_id, server=command.server)]
    quota = QuotaTaken(identity.name, command.day, identity.questions_a_day)
    return Decision(events=events, records=(quota,), result=Asked(turn_id, conversation_id))


def admit(identity: Identity, ground: QuestionContext) -> None:
    """Refuse what need not be answered, in the contract's order, before any transcript is read."""
    if not ground.user_exists:
        raise UserNotFound
    if ground.used >= identity.questions_a_day:
        raise GuestQuotaExceeded if identity.user_id is None else UserQuotaExceeded
    if not ground.video_exists:
        raise VideoNotFound
    if not ground.transcript_available:
        raise TranscriptProcessing if ground.transcript_coming else TranscriptUnavailable


def require_conversation(ground: QuestionContext) -> None:
    """Refuse a conversation that is unknown, about another video, or somebody else's."""
    if not ground.conversation_found:
        raise ConversationNotFound


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """How a turn ended: ``answer_id`` is the answer's message, ``reason`` why there is none."""

    status: Literal["completed", "stopped", "failed"]
    answer_id: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class TurnState:
    """A turn as it stands; ``end`` is None while it is being answered."""

    conversation_id: int
    identity: Identity
    end: TurnEnd | None = None


@dataclass(frozen=True)
class FoundTurn(DecisionContext):
    """A turn's row, the id set aside for its answer, and what began it; None: no such turn.

    ``day`` (UTC) is the one whose question the turn took.
    """

    turn: TurnState | None
    answer_id: int = 0
    day: date = date.min
    began: Follows | None = None


@dataclass(frozen=True)
class TurnQuery(ContextQuery[FoundTurn]):
    """Asks for a turn."""

    turn_id: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered: words, the citations in them, and what answered."""

    content: str
    citations: Sequence[Mapping[str, Any]]
    model: str
    is_cut: bool = False

    @property
    def details(self) -> dict[str, Any]:
        """What its message keeps beside the words; ``cut`` where a limit ended the answer."""
        details = {"citations": [dict(one) for one in self.citations], "model": self.model}
        return {**details, "cut": True} if self.is_cut else details


@dataclass(frozen=True, slots=True)
class CompleteTurn:
    """The answer is whole. The result is the ``TurnEnd``, also of a turn that has ended before."""

    turn_id: int
    answer: Answer

    def lookup(self) -> TurnQuery:
        """The turn."""
        return TurnQuery(self.turn_id)


def complete_turn(command: CompleteTurn, found: FoundTurn) -> Decision:
    """A turn ends once; whoever comes later changes nothing."""
    turn = _require_turn(found)
    if turn.end is not None:
        return Decision(result=turn.end)
    its = _of(turn)
    completed = TurnCompleted(**its, turn_id=command.turn_id, answer_id=found.answer_id)
    return Decision(
        events=(_answer(its, found.answer_id, command.answer), completed),
        result=TurnEnd("completed", found.answer_id),
        follows=found.began,
    )


@dataclass(frozen=True, slots=True)
class StopTurn:
    """The person has read enough; what there is of the answer is kept. Results as a completion."""

    turn_id: int
    answer: Answer

    def lookup(self) -> TurnQuery:
        """The turn."""
        return TurnQuery(self.turn_id)


def stop_turn(command: StopTurn, found: FoundTurn) -> Decision:
    """Without a word there is no message."""
    turn = _require_turn(found)
    if turn.end is not None:
        return Decision(result=turn.end)
    its = _of(turn)
    if not command.answer.content.strip():
        stopped = TurnStopped(**its, turn_id=command.turn_id, answer_id=None)
        return Decision(events=(stopped,), result=TurnEnd("stopped"), follows=found.began)
    stopped = TurnStopped(**its, turn_id=command.turn_id, answer_id=found.answer_id)
    return Decision(
        events=(_answer(its, found.answer_id, command.answer), stopped),
        result=TurnEnd("stopped", found.answer_id),
        follows=found.began,
    )


@dataclass(frozen=True, slots=True)
class FailTurn:
    """There will be no whole answer; ``reason`` is a stable code. Results as a completion."""

    turn_id: int
    reason: str
    partial: str = ""

    def lookup(self) -> TurnQuery:
        """The turn."""
        return TurnQuery(self.turn_id)


def fail_turn(command: FailTurn, found: FoundTurn) -> Decision:
    """The day's question is given back, with the turn's end and so once; the words are kept."""
    turn = _require_turn(found)
    if turn.end is not None:
        return Decision(result=turn.end)
    failed = TurnFailed(
        **_of(turn), turn_id=command.turn_id, reason=command.reason, partial=command.partial
    )
    end = TurnEnd("failed", reason=command.reason)
    given_back = QuotaGivenBack(turn.identity.name, found.day)
    return Decision(events=(failed,), records=(given_back,), result=end, follows=found.began)


def _require_turn(found: FoundTurn) -> TurnState:
    if found.turn is None:
        raise TurnNotFound
    return found.turn


def _of(turn: TurnState) -> dict[str, Any]:
    return {
        "conversation_id": turn.conversation_id,
        "user_id": turn.identity.user_id,
        "guest_id": turn.identity.guest_id,
    }


def _answer(its: Mapping[str, Any], message_id: int, answer: Answer) -> MessageSent:
    return MessageSent(
        **its,
        message_id=message_id,
        role="assistant",
        content=answer.content,
        details=answer.details,
    )
