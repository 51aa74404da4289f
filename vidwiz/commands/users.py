"""Accounts: sign up, sign in with Google, profile, long-term token."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from vidwiz.commands.base import (
    ContextQuery,
    Decision,
    DecisionContext,
    DomainError,
    PasswordDropped,
    PasswordSet,
    PersonErased,
)
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    Event,
    GoogleAccountLinked,
    GuestErased,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    PasswordChanged,
    PasswordRemoved,
    ProfilePictureChanged,
    SessionsEnded,
    TaskCancelled,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserRenamed,
    UserSignedUp,
)

NAME_LENGTH = (2, 100)


class EmailTaken(DomainError):
    """Another account has the address."""

    code = "email_taken"
    message = "Email already exists"


class UserNotFound(DomainError):
    """The token is good but its account is not there."""

    code = "user_not_found"
    message = "User not found"


class LongTermTokenExists(DomainError):
    """One long-term token at a time."""

    code = "long_term_token_exists"
    message = (
        "A long-term token already exists. "
        "Please revoke the existing token before generating a new one."
    )


class LongTermTokenNotFound(DomainError):
    """There is nothing to revoke."""

    code = "long_term_token_not_found"
    message = "No long-term token found"


class EmailNotVerified(DomainError):
    """Google does not vouch that the address, which has an account here, is this person's."""

    code = "email_not_verified"
    message = "Invalid Google credential"


class OtherGoogleAccountLinked(DomainError):
    """The address's account is entered by another Google account."""

    code = "other_google_account_linked"
    message = "Email is already linked to another Google account"


class AccountDisabled(DomainError):
    """The operator disabled the account; a stranger is not told that there is one."""

    code = "account_disabled"
    message = "Invalid Google credential"


class SignUpClosed(DomainError):
    """Only the operator opens accounts here."""

    code = "sign_up_closed"
    message = "Sign-up is closed on this server"


@dataclass(frozen=True)
class Account:
    """What sign-in needs to know of an account; ``token_id`` is None without a long-term token."""

    user_id: int
    google_id: str | None
    profile_image_url: str | None
    token_id: str | None = None
    disabled: bool = False


@dataclass(frozen=True)
class Accounts(DecisionContext):
    """The accounts that a newcomer might be, and the id set aside if they are none of them."""

    user_id: int
    by_email: Account | None = None
    by_google_id: Account | None = None


@dataclass(frozen=True)
class AccountsQuery(ContextQuery[Accounts]):
    """Asks who has this e-mail address or Google id."""

    email: str
    google_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignUp:
    """Somebody opens an account with a password, of which only the hash gets here."""

    email: str
    name: str
    password_hash: str

    def lookup(self) -> AccountsQuery:
        """Who has the address."""
        return AccountsQuery(self.email)


def sign_up(command: SignUp, accounts: Accounts) -> Decision:
    """One account per address."""
    if accounts.by_email is not None:
        raise EmailTaken
    user_id = accounts.user_id
    return Decision(
        events=(UserSignedUp(user_id=user_id, email=command.email, name=command.name),),
        records=(PasswordSet(user_id, command.password_hash),),
        result=user_id,
    )


@dataclass(frozen=True, slots=True)
class SignInWithGoogle:
    """Google vouches for this person, ``at`` this moment; ``may_sign_up``: also for a newcomer."""

    google_id: str
    email: str
    email_verified: bool
    name: str | None
    picture: str | None
    at: datetime
    may_sign_up: bool = True

    def lookup(self) -> AccountsQuery:
        """Who is linked to the Google id, and who has the address."""
        return AccountsQuery(self.email, self.google_id)


def sign_in_with_google(command: SignInWithGoogle, accounts: Accounts) -> Decision:
    """The account linked to the Google id; else the address's, which is linked; else a new one."""
    if accounts.by_google_id is not None:
        return _signed_in(command, accounts.by_google_id)
    if not command.email_verified:
        raise EmailNotVerified
    if accounts.by_email is not None:
        return _linked(command, accounts.by_email)
    if not command.may_sign_up:
        raise SignUpClosed
    signed_up = UserSignedUp(
        user_id=accounts.user_id,
        email=command.email,
        name=_google_name(command),
        google_id=command.google_id,
        profile_image_url=command.picture,
    )
    return Decision(events=(signed_up,), result=accounts.user_id)


def _signed_in(command: SignInWithGoogle, account: Account) -> Decision:
    if account.disabled:
        raise AccountDisabled
    return Decision(events=tuple(_new_picture(command, account)), result=account.user_id)


def _linked(command: SignInWithGoogle, account: Account) -> Decision:
    """Whoever opened the account never proved that the address is theirs.

    So what they can enter it by goes: password, long-term token and every session.
    """
    if account.google_id is not None:
        raise OtherGoogleAccountLinked
    if account.disabled:
        raise AccountDisabled
    user_id = account.user_id
    return Decision(
        events=(
            GoogleAccountLinked(user_id=user_id, google_id=command.google_id),
            PasswordRemoved(user_id=user_id),
            *_nobody_in(user_id, account.token_id, command.at),
            *_new_picture(command, account),
        ),
        records=(PasswordDropped(user_id),),
        result=user_id,
    )


def _nobody_in(user_id: int, token_id: str | None, at: datetime) -> Iterable[Event]:
    """Every session ends, and the long-term token dies: each session could read it."""
    yield SessionsEnded(user_id=user_id, before=at)
    if token_id is not None:
        yield LongTermTokenRevoked(user_id=user_id, token_id=token_id)


def _new_picture(command: SignInWithGoogle, account: Account) -> Iterable[Event]:
    if command.picture is not None and command.picture != account.profile_image_url:
        yield ProfilePictureChanged(user_id=account.user_id, profile_image_url=command.picture)


def _google_name(command: SignInWithGoogle) -> str:
    shortest, longest = NAME_LENGTH
    name = (command.name or "").strip()
    if len(name) < shortest:
        name = command.email.partition("@")[0]
    return name[:longest]


@dataclass(frozen=True)
class UserState:
    """An account as it stands; ``token_id`` is None without a long-term token."""

    name: str
    ai_notes_enabled: bool = False
    token_id: str | None = None
    disabled: bool = False


@dataclass(frozen=True)
class FoundUser(DecisionContext):
    """An account's row; None when nobody has the id."""

    user: UserState | None


@dataclass(frozen=True)
class UserQuery(ContextQuery[FoundUser]):
    """Asks for an account."""

    user_id: int


@dataclass(frozen=True, slots=True)
class ChangeProfile:
    """Change what is not None."""

    user_id: int
    name: str | None = None
    ai_notes_enabled: bool | None = None

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def change_profile(command: ChangeProfile, found: FoundUser) -> Decision:
    """Saying the same again is no event."""
    user = _existing(found)
    events: list[Event] = []
    if command.name not in (None, user.name):
        events.append(UserRenamed(user_id=command.user_id, name=command.name))
    if command.ai_notes_enabled not in (None, user.ai_notes_enabled):
        switched = AiNotesEnabled if command.ai_notes_enabled else AiNotesDisabled
        events.append(switched(user_id=command.user_id))
    return Decision(events=events)


@dataclass(frozen=True, slots=True)
class IssueLongTermToken:
    """Make a token that lives until it is revoked; the log keeps its id and time only."""

    user_id: int
    token_id: str
    issued_at: datetime

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def issue_long_term_token(command: IssueLongTermToken, found: FoundUser) -> Decision:
    """A second token needs the first one revoked."""
    if _existing(found).token_id is not None:
        raise LongTermTokenExists
    issued = LongTermTokenIssued(
        user_id=command.user_id, token_id=command.token_id, issued_at=command.issued_at
    )
    return Decision(events=(issued,))


@dataclass(frozen=True, slots=True)
class RevokeLongTermToken:
    """Kill the long-term token."""

    user_id: int

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def revoke_long_term_token(command: RevokeLongTermToken, found: FoundUser) -> Decision:
    """There must be one."""
    token_id = _existing(found).token_id
    if token_id is None:
        raise LongTermTokenNotFound
    return Decision(events=(LongTermTokenRevoked(user_id=command.user_id, token_id=token_id),))


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Set another password, of which only the hash gets here; all sessions end."""

    user_id: int
    password_hash: str
    at: datetime

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def change_password(command: ChangePassword, found: FoundUser) -> Decision:
    """Whoever came in by the old password is out."""
    user = _existing(found)
    ended = _nobody_in(command.user_id, user.token_id, command.at)
    return Decision(
        events=(PasswordChanged(user_id=command.user_id), *ended),
        records=(PasswordSet(command.user_id, command.password_hash),),
    )


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Sign the person out everywhere."""

    user_id: int
    at: datetime

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def end_sessions(command: EndSessions, found: FoundUser) -> Decision:
    """The long-term token goes too."""
    user = _existing(found)
    return Decision(events=tuple(_nobody_in(command.user_id, user.token_id, command.at)))


@dataclass(frozen=True, slots=True)
class DisableUser:
    """Shut the account; nothing of it is lost."""

    user_id: int
    at: datetime

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def disable_user(command: DisableUser, found: FoundUser) -> Decision:
    """Disabling again is no event."""
    user = _existing(found)
    if user.disabled:
        return Decision()
    ended = _nobody_in(command.user_id, user.token_id, command.at)
    return Decision(events=(UserDisabled(user_id=command.user_id), *ended))


@dataclass(frozen=True, slots=True)
class EnableUser:
    """Open the account again."""

    user_id: int

    def lookup(self) -> UserQuery:
        """The account."""
        return UserQuery(self.user_id)


def enable_user(command: EnableUser, found: FoundUser) -> Decision:
    """Enabling again is no event."""
    if not _existing(found).disabled:
        return Decision()
    return Decision(events=(UserEnabled(user_id=command.user_id),))


@dataclass(frozen=True)
class ErasureContext(DecisionContext):
    """What is to be erased: whether the account is there, and the open tasks on its notes."""

    user_exists: bool
    open_tasks: tuple[int, ...] = ()


@dataclass(frozen=True)
class ErasureContextQuery(ContextQuery[ErasureContext]):
    """Asks for the ground of an erasure."""

    user_id: int


@dataclass(frozen=True, slots=True)
class EraseUser:
    """Forget a person for ever, who has proved who they are."""

    user_id: int

    def lookup(self) -> ErasureContextQuery:
        """The account, and what workers do for it."""
        return ErasureContextQuery(self.user_id)


def erase_user(command: EraseUser, ground: ErasureContext) -> Decision:
    """Nobody needs to write the notes any more."""
    if not ground.user_exists:
        raise UserNotFound
    cancelled = [TaskCancelled(task_id=task_id) for task_id in ground.open_tasks]
    return Decision(
        events=(*cancelled, UserErased(user_id=command.user_id)),
        records=(PersonErased(command.user_id),),
    )


class GuestNotFound(DomainError):
    """The guest has said nothing, or was erased."""

    code = "guest_not_found"
    message = "There is nothing of this guest"


@dataclass(frozen=True)
class GuestContext(DecisionContext):
    """Whether a guest has conversations, without which there is nothing of them."""

    guest_exists: bool


@dataclass(frozen=True)
class GuestContextQuery(ContextQuery[GuestContext]):
    """Asks for a guest, whom the digest of a session id names."""

    guest_id: str


@dataclass(frozen=True, slots=True)
class EraseGuest:
    """Forget a guest for ever, who has proved who they are by their session id."""

    guest_id: str

    def lookup(self) -> GuestContextQuery:
        """What there is of them."""
        return GuestContextQuery(self.guest_id)


def erase_guest(command: EraseGuest, ground: GuestContext) -> Decision:
    """Of whom there is nothing there is nothing to forget: made-up ids leave no event."""
    if not ground.guest_exists:
        raise GuestNotFound
    return Decision(
        events=(GuestErased(guest_id=command.guest_id),),
        records=(PersonErased(guest_id=command.guest_id),),
    )


def _existing(found: FoundUser) -> UserState:
    if found.user is None:
        raise UserNotFound
    return found.user
