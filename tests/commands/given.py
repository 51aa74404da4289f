"""``given(past).when(command).then(events)``: a decision, told as a story, without a database."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from vidwiz.commands import DECISIONS
from vidwiz.commands.base import (
    Command,
    DomainError,
    Found,
    History,
    Lookup,
    NewestOf,
    Outcome,
    PastOf,
)
from vidwiz.commands.notes import EarlierUse, GroundFor, NoteGround
from vidwiz.commands.users import Account, Accounts, AccountsOf, FoundUser, User, UserOf
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    Event,
    GoogleAccountLinked,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    ProfilePictureChanged,
    UserRenamed,
    UserSignedUp,
    VideoAdded,
)

NEXT_USER, NEXT_NOTE, NEXT_VIDEO, NEXT_TRANSCRIPT_TASK, NEXT_METADATA_TASK = 9, 101, 201, 301, 302
"""The ids that the sequences would give next."""


@dataclass(frozen=True)
class Told:
    """What came of a command."""

    outcome: Outcome | None
    refusal: DomainError | None

    def then(self, *events: Event, result: Any = None, answer: Lookup[Any] | None = None) -> Self:
        """It was accepted, made exactly these events, and answers exactly this."""
        assert self.refusal is None, f"refused: {self.refusal!r}"
        assert self.outcome is not None
        assert tuple(self.outcome.events) == events
        assert (self.outcome.result, self.outcome.answer) == (result, answer)
        return self

    def recording(self, *records: object) -> None:
        """It also keeps exactly these records beside the log."""
        assert self.outcome is not None
        assert tuple(self.outcome.records) == records

    def refused(self, error: type[DomainError]) -> None:
        """It was refused for exactly this reason."""
        assert type(self.refusal) is error


class Given:
    """A past to decide upon."""

    def __init__(self, past: Sequence[Event], earlier: EarlierUse | None = None) -> None:
        self._past = past
        self._earlier = earlier

    def when(self, command: Command) -> Told:
        """Let the command decide."""
        return decide(command, self._found(command.lookup()))

    def _found(self, lookup: Lookup[Any]) -> Found:
        match lookup:
            case PastOf():
                return history(self._past, lookup)
            case NewestOf():
                whole = history(self._past, PastOf(lookup.streams))
                newest = {name: its[-1:] for name, its in whole.events.items()}
                return History(events=newest, versions=whole.versions)
            case UserOf():
                return account(self._past, lookup.user_id)
            case GroundFor():
                return self._ground(lookup)
            case AccountsOf():
                return accounts(self._past, lookup)
        raise AssertionError(f"a story does not tell what {lookup} finds")

    def _ground(self, lookup: GroundFor) -> NoteGround:
        known = any(isinstance(e, VideoAdded) and e.video_id == lookup.video_id for e in self._past)
        return NoteGround(
            user_exists=any(
                isinstance(e, UserSignedUp) and e.user_id == lookup.user_id for e in self._past
            ),
            note_id=NEXT_NOTE,
            video_number=None if known else NEXT_VIDEO,
            transcript_task_id=None if known else NEXT_TRANSCRIPT_TASK,
            metadata_task_id=None if known else NEXT_METADATA_TASK,
            earlier=self._earlier if lookup.idempotency_key else None,
        )


def given(*past: Event, earlier: EarlierUse | None = None) -> Given:
    """These events happened; ``earlier`` is what the idempotency key was used for."""
    return Given(past, earlier)


def decide(command: Command, found: Found) -> Told:
    """Let the command decide on what its look-up found."""
    try:
        return Told(DECISIONS[type(command)](command, found), None)
    except DomainError as refusal:
        return Told(None, refusal)


def history(past: Sequence[Event], lookup: PastOf) -> History:
    streams = defaultdict(list)
    for event in past:
        if event.stream in lookup.streams:
            streams[event.stream].append(event)
    return History(events=streams, versions={name: len(events) for name, events in streams.items()})


def accounts(past: Sequence[Event], lookup: AccountsOf) -> Accounts:
    by_email: dict[str, Account] = {}
    for event in past:
        match event:
            case UserSignedUp():
                account = Account(event.user_id, event.google_id, event.profile_image_url)
                by_email[event.email] = account
            case GoogleAccountLinked() | ProfilePictureChanged():
                (email,) = (e for e, its in by_email.items() if its.user_id == event.user_id)
                before = by_email[email]
                by_email[email] = Account(
                    before.user_id,
                    getattr(event, "google_id", before.google_id),
                    getattr(event, "profile_image_url", before.profile_image_url),
                )
    return Accounts(
        user_id=NEXT_USER,
        by_email=by_email.get(lookup.email),
        by_google_id=next(
            (
                account
                for account in by_email.values()
                if lookup.google_id is not None and account.google_id == lookup.google_id
            ),
            None,
        ),
    )


def account(past: Sequence[Event], user_id: int) -> FoundUser:
    """The account's row, as its projector would have made it."""
    its = [event for event in past if event.stream == f"user:{user_id}"]
    user: User | None = None
    for event in its:
        if isinstance(event, UserSignedUp):
            user = User(event.name)
        elif user is not None:
            user = after(user, event)
    return FoundUser(user, versions={f"user:{user_id}": len(its)} if its else {})


def after(user: User, event: Event) -> User:
    match event:
        case UserRenamed():
            return replace(user, name=event.name)
        case AiNotesEnabled():
            return replace(user, ai_notes_enabled=True)
        case AiNotesDisabled():
            return replace(user, ai_notes_enabled=False)
        case LongTermTokenIssued():
            return replace(user, token_id=event.token_id)
        case LongTermTokenRevoked():
            return replace(user, token_id=None)
        case _:
            return user
