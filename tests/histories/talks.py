"""What must come of the commands about conversations with Wiz."""

from typing import Any

from tests.histories.people import existing
from tests.histories.told import Told
from tests.histories.videos import known
from tests.histories.world import Conversation, Message, Turn, World
from vidwiz.commands.conversations import (
    Answer,
    Asked,
    AskQuestion,
    CompleteTurn,
    ConversationNotFound,
    FailTurn,
    GuestQuotaExceeded,
    Identity,
    StartConversation,
    StopTurn,
    TranscriptProcessing,
    TranscriptUnavailable,
    TurnEnd,
    TurnNotFound,
    UserQuotaExceeded,
)
from vidwiz.commands.users import EraseGuest, GuestNotFound, UserNotFound
from vidwiz.events import TaskType

QUESTIONS_OF_USER, QUESTIONS_OF_GUEST = 20, 5


def start_conversation(world: World, command: StartConversation, told: Told) -> int:
    if command.identity.user_id is not None:
        existing(world, command.identity.user_id)
    known(world, command.video_id)
    _require_unforgotten(world, command.identity)
    _begun(world, told.result, command.identity, command.video_id)
    return int(told.result)


def _begun(world: World, conversation_id: int, who: Identity, video_id: str) -> None:
    assert conversation_id not in world.conversations_ever
    its = (who.user_id, who.guest_id, video_id)
    world.conversations[conversation_id] = Conversation(conversation_id, *its, **world.new)
    world.conversations_ever.append(conversation_id)
    world.persons.setdefault(who.name, None)


def ask_question(world: World, command: AskQuestion, told: Told) -> Asked:
    who = command.identity
    used = _admitted(world, command)
    asked: Asked = told.result
    if command.conversation_id is None:
        _begun(world, asked.conversation_id, who, command.video_id)
    assert command.conversation_id in (None, asked.conversation_id)
    world.quotas[who.name, command.day] = used + 1
    _say(world, asked.conversation_id, asked.turn_id, "user", command.text, None)
    _begin_turn(world, asked, command.server)
    return asked


def _admitted(world: World, command: AskQuestion) -> int:
    """How much of the day's quota was used before."""
    who = command.identity
    if who.user_id is not None:
        existing(world, who.user_id)
    used = world.quotas.get((who.name, command.day), 0)
    if used >= _most(who):
        raise GuestQuotaExceeded if who.user_id is None else UserQuotaExceeded
    video = known(world, command.video_id)
    if not video.transcript_available and not _reads_own(world, who, command.video_id):
        coming = world.on_its_way(TaskType.TRANSCRIPT, command.video_id)
        raise TranscriptProcessing if coming else TranscriptUnavailable
    if command.conversation_id is not None:
        _require_own(world, command.conversation_id, who, command.video_id)
    _require_unforgotten(world, who)
    return used


def _require_unforgotten(world: World, who: Identity) -> None:
    """A guest who was erased is nobody any more."""
    if world.persons.get(who.name) is not None:
        raise UserNotFound


def _reads_own(world: World, who: Identity, video_id: str) -> bool:
    return any(
        (its.user_id, its.video_id, its.chosen) == (who.user_id, video_id, True)
        for its in world.personal_transcripts.values()
    )


def _most(who: Identity) -> int:
    return QUESTIONS_OF_GUEST if who.user_id is None else QUESTIONS_OF_USER


def _require_own(world: World, conversation_id: int, who: Identity, video_id: str) -> None:
    its = world.conversations.get(conversation_id)
    wanted = (who.user_id, who.guest_id, video_id)
    if its is None or (its.user_id, its.guest_id, its.video_id) != wanted:
        raise ConversationNotFound


def _say(
    world: World,
    conversation_id: int,
    message_id: int,
    role: str,
    content: str,
    metadata: dict[str, Any] | None,
) -> None:
    assert message_id not in world.messages
    conversation = world.conversations[conversation_id]
    conversation.happened(world.now)
    whose = (conversation.user_id, conversation.guest_id)
    its = (conversation_id, role, content, metadata, *whose, world.now)
    world.messages[message_id] = Message(message_id, *its)


def _begin_turn(world: World, asked: Asked, server: int) -> None:
    conversation = world.conversations[asked.conversation_id]
    conversation.happened(world.now)
    its = (asked.conversation_id, server, conversation.user_id, conversation.guest_id)
    turn = Turn(asked.turn_id, *its, **world.new, version=conversation.version)
    world.turns[asked.turn_id] = turn
    world.turns_ever.append(asked.turn_id)


def complete_turn(world: World, command: CompleteTurn, told: Told) -> TurnEnd:
    return _answered(world, command.turn_id, command.answer, "completed", told)


def stop_turn(world: World, command: StopTurn, told: Told) -> TurnEnd:
    said = command.answer if command.answer.content.strip() else None
    return _answered(world, command.turn_id, said, "stopped", told)


def _answered(
    world: World, turn_id: int, answer: Answer | None, status: str, told: Told
) -> TurnEnd:
    turn = _turn(world, turn_id)
    if turn.status == "answering":
        if answer is not None:
            turn.answer_id = int(told.result.answer_id)
            details = {"citations": answer.citations, "model": answer.model}
            said = ("assistant", answer.content, details)
            _say(world, turn.conversation_id, turn.answer_id, *said)
        _end(world, turn, status)
    return _end_of(turn)


def fail_turn(world: World, command: FailTurn, _: Told) -> TurnEnd:
    turn = _turn(world, command.turn_id)
    if turn.status == "answering":
        turn.reason, turn.partial = command.reason, command.partial
        _give_back(world, turn)
        _end(world, turn, "failed")
    return _end_of(turn)


def _give_back(world: World, turn: Turn) -> None:
    """The question of the day that the turn began on, if the day is still counted."""
    its = world.conversations[turn.conversation_id]
    key = (Identity(its.user_id, its.guest_id).name, turn.created_at.date())
    if world.quotas.get(key):
        world.quotas[key] -= 1


def _turn(world: World, turn_id: int) -> Turn:
    if turn_id not in world.turns:
        raise TurnNotFound
    return world.turns[turn_id]


def _end(world: World, turn: Turn, status: str) -> None:
    conversation = world.conversations[turn.conversation_id]
    conversation.happened(world.now)
    turn.status, turn.updated_at, turn.version = status, world.now, conversation.version


def _end_of(turn: Turn) -> TurnEnd:
    status: Any = turn.status
    return TurnEnd(status, turn.answer_id, turn.reason)


def erase_guest(world: World, command: EraseGuest, _: Told) -> None:
    """Nothing is left of the guest but that they were erased, and when."""
    whose = command.guest_id
    if not any(its.guest_id == whose for its in world.conversations.values()):
        raise GuestNotFound
    world.persons[f"guest:{whose}"] = world.now
    world.turns = {i: its for i, its in world.turns.items() if its.guest_id != whose}
    world.messages = {i: its for i, its in world.messages.items() if its.guest_id != whose}
    spoken = world.conversations.items()
    world.conversations = {i: its for i, its in spoken if its.guest_id != whose}
    taken = world.quotas.items()
    world.quotas = {key: its for key, its in taken if key[0] != f"guest:{whose}"}
