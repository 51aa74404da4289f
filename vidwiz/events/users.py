"""What happens to a person's account. Passwords and tokens are never events."""

from datetime import datetime
from typing import ClassVar

from vidwiz.events.base import Event, Personal, PersonalUnique


class UserEvent(Event):
    """A fact about one account, in the stream ``user:<user_id>``."""

    NOUN: ClassVar[str] = "user"
    KEY: ClassVar[str] = "user_id"

    user_id: int


class UserSignedUp(UserEvent):
    """An account was opened, by password or (with a ``google_id``) by Google."""

    TOPIC: ClassVar[str] = "UserSignedUp"

    email: PersonalUnique[str]
    name: Personal[str]
    google_id: PersonalUnique[str | None] = None
    profile_image_url: Personal[str | None] = None


class GoogleAccountLinked(UserEvent):
    """An existing account can from now on be entered by this Google account."""

    TOPIC: ClassVar[str] = "GoogleAccountLinked"

    google_id: PersonalUnique[str]


class ProfilePictureChanged(UserEvent):
    """Google gave a new picture at sign-in."""

    TOPIC: ClassVar[str] = "ProfilePictureChanged"

    profile_image_url: Personal[str]


class UserRenamed(UserEvent):
    """The person changed the name they are shown by."""

    TOPIC: ClassVar[str] = "UserRenamed"

    name: Personal[str]


class AiNotesEnabled(UserEvent):
    """Empty notes of this person may be written by AI from now on."""

    TOPIC: ClassVar[str] = "AiNotesEnabled"


class AiNotesDisabled(UserEvent):
    """Empty notes of this person stay empty from now on."""

    TOPIC: ClassVar[str] = "AiNotesDisabled"


class LongTermTokenIssued(UserEvent):
    """A long-term token was made; the token itself is recomputed from these two fields."""

    TOPIC: ClassVar[str] = "LongTermTokenIssued"

    token_id: str
    issued_at: datetime


class LongTermTokenRevoked(UserEvent):
    """The long-term token is dead from now on."""

    TOPIC: ClassVar[str] = "LongTermTokenRevoked"

    token_id: str


class PasswordChanged(UserEvent):
    """The account has another password from now on; it is kept beside the log."""

    TOPIC: ClassVar[str] = "PasswordChanged"


class PasswordRemoved(UserEvent):
    """The account has no password any more."""

    TOPIC: ClassVar[str] = "PasswordRemoved"


class SessionsEnded(UserEvent):
    """Every JWT issued at ``before`` or earlier is dead, and each that does not say when it was."""

    TOPIC: ClassVar[str] = "SessionsEnded"

    before: datetime


class UserDisabled(UserEvent):
    """Nobody can use the account until it is enabled again."""

    TOPIC: ClassVar[str] = "UserDisabled"


class UserEnabled(UserEvent):
    """The account can be used again; sessions of before stay ended."""

    TOPIC: ClassVar[str] = "UserEnabled"


class UserErased(UserEvent):
    """The person asked to be forgotten: their key was shredded, and what they own is gone."""

    TOPIC: ClassVar[str] = "UserErased"


class GuestErased(Event):
    """The guest asked to be forgotten: their key was shredded, and what they said is gone."""

    TOPIC: ClassVar[str] = "GuestErased"
    NOUN: ClassVar[str] = "guest"
    KEY: ClassVar[str] = "guest_id"

    guest_id: str
