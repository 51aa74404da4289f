"""What a command is: an intent, the one look-up it decides on, and the outcome of the decision.

The store answers the look-ups of many commands together, lets each decide, projects and appends
what they decided, and asks what they want to know in return, all in one transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from vidwiz.events import Event

Answer = TypeVar("Answer")
E = TypeVar("E", bound=Event)


class ContextQuery(Generic[Answer]):
    """A hashable question to the tables or the log; ``Answer`` is the type of what it finds."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Follows:
    """Names the event that a command's events follow from, by its place in its stream."""

    stream: str
    version: int


@dataclass(frozen=True, kw_only=True)
class DecisionContext:
    """What a look-up found, and the versions of the streams it speaks of.

    A stream that is missing from ``versions`` is taken to be new; the log refuses the events if
    it is not.
    """

    versions: Mapping[str, int] = field(default_factory=dict)

    def newest_in(self, stream: str) -> Follows | None:
        """The newest event of a stream; None when nothing happened in it yet."""
        version = self.versions.get(stream)
        return None if version is None else Follows(stream, version)


@dataclass(frozen=True)
class History(DecisionContext):
    """The past of some streams, oldest event first, by stream name."""

    events: Mapping[str, Sequence[Event]]

    def of(self, stream: str) -> Sequence[Event]:
        """The stream's events; empty when nothing happened yet."""
        return self.events.get(stream, ())


@dataclass(frozen=True)
class StreamQuery(ContextQuery[History]):
    """Asks for everything that happened in these streams."""

    streams: tuple[str, ...]


@dataclass(frozen=True)
class LatestEventQuery(ContextQuery[History]):
    """Asks for the newest event of each of these streams, for a noun whose events tell all."""

    streams: tuple[str, ...]


@dataclass(frozen=True)
class NoteShape(ContextQuery[bytes | None]):
    """Asks for a note as the API shows it: a JSON object, or None."""

    note_id: int


@dataclass(frozen=True)
class VideoShape(ContextQuery[bytes | None]):
    """Asks for a video as the API shows it: a JSON object, or None."""

    video_id: str


@dataclass(frozen=True, slots=True)
class PasswordSet:
    """A record beside the log: the argon2 hash by which the account's owner signs in."""

    user_id: int
    password_hash: str

    @property
    def once(self) -> str:
        """What there can be only one of."""
        return f"password:{self.user_id}"


@dataclass(frozen=True, slots=True)
class PasswordDropped:
    """A record beside the log: the account's password, if it has one, opens nothing any more."""

    user_id: int

    @property
    def once(self) -> str:
        """What there can be only one of."""
        return f"password:{self.user_id}"


@dataclass(frozen=True, slots=True)
class IdempotencyKeyUsed:
    """A record beside the log: this key of this user made this note out of this request."""

    user_id: int
    key: str
    fingerprint: str
    note_id: int

    @property
    def once(self) -> str:
        """What there can be only one of."""
        return f"idempotency_key:{self.user_id}:{self.key}"


@dataclass(frozen=True, slots=True)
class QuotaTaken:
    """A record beside the log: one of the ``most`` questions of this identity's day (UTC)."""

    identity: str
    day: date
    most: int

    @property
    def once(self) -> str:
        """What there can be only one of in a transaction, so that each is counted."""
        return f"quota:{self.identity}:{self.day}"


@dataclass(frozen=True, slots=True)
class QuotaGivenBack:
    """A record beside the log: one of the questions of this identity's day was not answered."""

    identity: str
    day: date

    @property
    def once(self) -> str:
        """The same as of what is taken: both are never counted in one transaction."""
        return f"quota:{self.identity}:{self.day}"


@dataclass(frozen=True, slots=True)
class PersonErased:
    """A record beside the log: the key of this user, or else of this guest, is shredded.

    All that is kept of them there goes too.
    """

    user_id: int | None = None
    guest_id: str | None = None

    @property
    def once(self) -> str:
        """What there can be only one of."""
        return f"person:{self.user_id}:{self.guest_id}"


Record = (
    PasswordSet | PasswordDropped | IdempotencyKeyUsed | QuotaTaken | QuotaGivenBack | PersonErased
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What a command decided.

    ``records`` are rows kept beside the log and never replayed. The sender gets ``result`` or,
    when there is an ``answer`` to look up after the projection, what that finds. The events share
    the correlation of the one that they follow from, or else of the command.
    """

    events: Sequence[Event] = ()
    records: Sequence[Record] = ()
    answer: ContextQuery[Any] | None = None
    result: Any = None
    follows: Follows | None = None

    @property
    def erases(self) -> bool:
        """Whether a person is forgotten."""
        return any(isinstance(record, PersonErased) for record in self.records)


class Command(Protocol):
    """An intent. The function that decides it stands beside it, named in snake case."""

    def lookup(self) -> ContextQuery[Any]:
        """What the decision needs to know."""
        ...


class DomainError(Exception):
    """A refusal. ``code`` is stable; ``message`` is for people."""

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.message)


def newest(events: Iterable[Event], kind: type[E]) -> E | None:
    """The newest event of this kind."""
    found = None
    for event in events:
        if isinstance(event, kind):
            found = event
    return found
