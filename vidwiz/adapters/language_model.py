"""What a language model is to us: a prompt in, pieces of text out, and the ways it can fail."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

CUT = " \u2026 (cut: the model reached its limit)"
"""The last piece of a text that ends because the model may say no more."""


class ModelError(Exception):
    """The model did not (or not wholly) answer. ``code`` is stable; ``message`` is for people.

    The exception's own text is for operators and may name the provider's status, never a key.
    """

    code: ClassVar[str]
    message: ClassVar[str]


class ModelUnavailable(ModelError):
    """The provider cannot be reached, failed, or broke off."""

    code = "model_unavailable"
    message = "The language model is not available right now. Please try again."


class ModelTimedOut(ModelError):
    """No (further) piece came in time."""

    code = "model_timed_out"
    message = "The language model took too long. Please try again."


class ModelOverQuota(ModelError):
    """The provider refuses for now: too many requests, or the account's quota is used up."""

    code = "model_over_quota"
    message = "The language model is over its quota. Please try again later."


class ModelRefused(ModelError):
    """The provider will not answer this: its policy forbids it, or the request is unacceptable."""

    code = "model_refused"
    message = "The language model refused to answer this."


@dataclass(frozen=True, slots=True)
class PromptMessage:
    """One turn of the conversation with the model."""

    role: Literal["user", "model"]
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """System text, and the conversation with the newest message last."""

    system: str
    messages: Sequence[PromptMessage]


class LanguageModel(Protocol):
    """Completes prompts."""

    @property
    def name(self) -> str:
        """The model's name, for people and for the history."""

    def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """The completion, piece by piece as the model makes it, none of them empty.

        ``CUT`` is the last piece where it was cut by the model's limit.
        Closing the iterator ends the request upstream. Raises ``ModelError``; tries again by
        itself only while nothing was produced and only where that is right.
        """

    async def complete(self, prompt: Prompt) -> str:
        """The completion in one piece; raises ``ModelError``."""

    async def aclose(self) -> None:
        """Let go of connections; the model is not used afterwards."""
