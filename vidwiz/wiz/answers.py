"""What is asked, and the ways to answer it: a language model, or the transcript itself."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from vidwiz.wiz.passages import Index
from vidwiz.wiz.transcripts import Segment


@dataclass(frozen=True, slots=True)
class Said:
    """An earlier message of the conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one video, what was said before it, and the whole transcript.

    ``index`` is the one of these segments, if it is at hand.
    """

    video_id: str
    title: str | None
    segments: Sequence[Segment]
    earlier: Sequence[Said]
    text: str
    index: Index | None = None


class Answerer(Protocol):
    """Answers questions. Times in the answer stand in brackets, such as ``[7:55:35]``."""

    @property
    def name(self) -> str:
        """What answers, for people: the model's name."""

    def answer(self, question: Question) -> AsyncGenerator[str, None]:
        """The answer, piece by piece as it is made; raises ``ModelError``."""
