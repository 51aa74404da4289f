"""What is said between a person and Wiz."""

from typing import Any, ClassVar, Literal

from vidwiz.events.base import Event, Personal


class ConversationEvent(Event):
    """A fact about one conversation, in the stream ``conversation:<conversation_id>``.

    It belongs to a user or, when ``user_id`` is null, to the guest session ``guest_id``.
    """

    NOUN: ClassVar[str] = "conversation"
    KEY: ClassVar[str] = "conversation_id"

    conversation_id: int
    user_id: int | None
    guest_id: str | None


class ConversationStarted(ConversationEvent):
    """A conversation about one video began."""

    TOPIC: ClassVar[str] = "ConversationStarted"

    video_id: str


class MessageSent(ConversationEvent):
    """A question was asked or an answer was finished.

    The ``details`` of an answer quote the transcript, which may be one that the person brought.
    """

    TOPIC: ClassVar[str] = "MessageSent"
    class_version: ClassVar[int] = 2

    message_id: int
    role: Literal["user", "assistant"]
    content: Personal[str]
    details: Personal[dict[str, Any] | None]

    @staticmethod
    def upcast_v1_v2(_state: dict[str, Any]) -> None:
        """The details, which quote what was answered from, were in the clear."""


class TurnEvent(ConversationEvent):
    """A fact about one turn, which the id of its question names."""

    turn_id: int


class TurnStarted(TurnEvent):
    """The server process of this number began to answer the question."""

    TOPIC: ClassVar[str] = "TurnStarted"

    server: int


class TurnCompleted(TurnEvent):
    """The answer is whole; it is the message ``answer_id``."""

    TOPIC: ClassVar[str] = "TurnCompleted"

    answer_id: int


class TurnStopped(TurnEvent):
    """The person stopped the answer; what there was of it is the message ``answer_id``, if any."""

    TOPIC: ClassVar[str] = "TurnStopped"

    answer_id: int | None


class TurnFailed(TurnEvent):
    """There will be no (whole) answer, for this reason; ``partial`` is what came before."""

    TOPIC: ClassVar[str] = "TurnFailed"

    reason: str
    partial: Personal[str]
