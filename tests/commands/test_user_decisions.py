"""What becomes of commands about accounts."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.commands.given import NEXT_USER, given
from vidwiz.commands.base import Command, PasswordDropped, PasswordSet, PersonErased
from vidwiz.commands.users import (
    AccountDisabled,
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EmailNotVerified,
    EmailTaken,
    EnableUser,
    EndSessions,
    EraseGuest,
    EraseUser,
    GuestNotFound,
    IssueLongTermToken,
    LongTermTokenExists,
    LongTermTokenNotFound,
    OtherGoogleAccountLinked,
    RevokeLongTermToken,
    SignInWithGoogle,
    SignUp,
    SignUpClosed,
    UserNotFound,
)
from vidwiz.events import (
    AiNotesDisabled,
    AiNotesEnabled,
    ConversationStarted,
    GoogleAccountLinked,
    GuestErased,
    LongTermTokenIssued,
    LongTermTokenRevoked,
    NoteAdded,
    PasswordChanged,
    PasswordRemoved,
    ProfilePictureChanged,
    SessionsEnded,
    TaskCancelled,
    TaskCompleted,
    TaskQueued,
    TaskType,
    UserDisabled,
    UserEnabled,
    UserErased,
    UserRenamed,
    UserSignedUp,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ANN = UserSignedUp(user_id=1, email="ann@example.org", name="Ann")
LINKED = GoogleAccountLinked(user_id=1, google_id="g-1")
PICTURE = ProfilePictureChanged(user_id=1, profile_image_url="https://p/1")
ENABLED, DISABLED = AiNotesEnabled(user_id=1), AiNotesDisabled(user_id=1)
ISSUED = LongTermTokenIssued(user_id=1, token_id="t-1", issued_at=NOW)
REVOKED = LongTermTokenRevoked(user_id=1, token_id="t-1")
ENDED = SessionsEnded(user_id=1, before=NOW)
REMOVED, CHANGED = PasswordRemoved(user_id=1), PasswordChanged(user_id=1)
SHUT, OPENED = UserDisabled(user_id=1), UserEnabled(user_id=1)

SIGN_UP = SignUp("ann@example.org", "Ann", "$argon2id$hash")
GOOGLE = SignInWithGoogle(
    google_id="g-1",
    email="ann@example.org",
    email_verified=True,
    name="Ann of Google",
    picture="https://p/1",
    at=NOW,
)
PROFILE = ChangeProfile(user_id=1)
ISSUE = IssueLongTermToken(user_id=1, token_id="t-2", issued_at=NOW)
REVOKE = RevokeLongTermToken(user_id=1)
ERASE = EraseUser(user_id=1)


def test_a_new_address_opens_an_account_and_its_password_stays_beside_the_log() -> None:
    told = given().when(SIGN_UP)
    told.then(
        UserSignedUp(user_id=NEXT_USER, email="ann@example.org", name="Ann"), result=NEXT_USER
    ).recording(PasswordSet(NEXT_USER, "$argon2id$hash"))


def test_an_address_has_one_account() -> None:
    given(ANN).when(SIGN_UP).refused(EmailTaken)


def test_a_stranger_with_a_google_account_gets_an_account_without_a_password() -> None:
    told = given().when(GOOGLE)
    told.then(
        UserSignedUp(
            user_id=NEXT_USER,
            email="ann@example.org",
            name="Ann of Google",
            google_id="g-1",
            profile_image_url="https://p/1",
        ),
        result=NEXT_USER,
    ).recording()


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        (None, "ann"),
        ("", "ann"),
        ("  ", "ann"),
        (" A ", "ann"),
        (" Al ", "Al"),
        ("x" * 101, "x" * 100),
    ],
)
def test_a_name_that_google_does_not_give_is_the_mailbox(given_name: str | None, name: str) -> None:
    signed_up = UserSignedUp(user_id=NEXT_USER, email="ann@example.org", name=name, google_id="g-1")
    command = replace(GOOGLE, name=given_name, picture=None)
    given().when(command).then(signed_up, result=NEXT_USER)


def test_a_verified_address_links_the_google_account_to_the_account_there_is() -> None:
    given(ANN).when(GOOGLE).then(LINKED, REMOVED, ENDED, PICTURE, result=1)


def test_linking_without_a_picture_leaves_the_picture() -> None:
    given(ANN).when(replace(GOOGLE, picture=None)).then(LINKED, REMOVED, ENDED, result=1)


def test_an_unverified_address_links_nothing() -> None:
    given(ANN).when(replace(GOOGLE, email_verified=False)).refused(EmailNotVerified)


def test_an_unverified_address_opens_no_account() -> None:
    given().when(replace(GOOGLE, email_verified=False)).refused(EmailNotVerified)


def test_an_account_is_linked_to_one_google_account() -> None:
    command = replace(GOOGLE, google_id="g-2")
    given(ANN, LINKED).when(command).refused(OtherGoogleAccountLinked)


def test_a_linked_account_is_entered_without_an_event_when_nothing_changed() -> None:
    given(ANN, LINKED, PICTURE).when(GOOGLE).then(result=1)


def test_a_linked_account_keeps_its_name_and_takes_the_new_picture() -> None:
    told = given(ANN, LINKED, PICTURE).when(replace(GOOGLE, picture="https://p/2"))
    told.then(ProfilePictureChanged(user_id=1, profile_image_url="https://p/2"), result=1)


def test_the_google_id_counts_even_when_google_tells_another_or_unverified_address() -> None:
    command = replace(GOOGLE, email="new@example.org", email_verified=False)
    given(ANN, LINKED, PICTURE).when(command).then(result=1)


def test_the_google_id_wins_over_the_account_of_the_address() -> None:
    bob = UserSignedUp(user_id=2, email="bob@example.org", name="Bob")
    command = replace(GOOGLE, email="bob@example.org")
    given(ANN, LINKED, PICTURE, bob).when(command).then(result=1)


def test_a_profile_changes_by_what_is_given() -> None:
    told = given(ANN).when(replace(PROFILE, name="Anna", ai_notes_enabled=True))
    told.then(UserRenamed(user_id=1, name="Anna"), ENABLED)


def test_a_profile_that_stays_is_no_event() -> None:
    given(ANN).when(PROFILE).then()
    given(ANN).when(replace(PROFILE, name="Ann", ai_notes_enabled=False)).then()
    renamed = UserRenamed(user_id=1, name="Anna")
    given(ANN, renamed, ENABLED).when(replace(PROFILE, name="Anna", ai_notes_enabled=True)).then()


def test_ai_notes_are_switched_off_again() -> None:
    given(ANN, ENABLED).when(replace(PROFILE, ai_notes_enabled=False)).then(DISABLED)
    given(ANN, ENABLED, DISABLED).when(replace(PROFILE, ai_notes_enabled=False)).then()


def test_a_long_term_token_is_its_id_and_its_time() -> None:
    issued = LongTermTokenIssued(user_id=1, token_id="t-2", issued_at=NOW)
    given(ANN).when(ISSUE).then(issued)
    given(ANN, ISSUED, REVOKED).when(ISSUE).then(issued)


def test_there_is_one_long_term_token_at_a_time() -> None:
    given(ANN, ISSUED).when(ISSUE).refused(LongTermTokenExists)


def test_a_long_term_token_is_revoked_by_its_id() -> None:
    given(ANN, ISSUED).when(REVOKE).then(REVOKED)


def test_a_token_that_is_not_there_cannot_be_revoked() -> None:
    given(ANN).when(REVOKE).refused(LongTermTokenNotFound)
    given(ANN, ISSUED, REVOKED).when(REVOKE).refused(LongTermTokenNotFound)


@pytest.mark.parametrize(
    "command", [PROFILE, ISSUE, REVOKE, ERASE], ids=lambda its: type(its).__name__
)
def test_an_account_that_is_not_there_changes_in_nothing(command: Command) -> None:
    given().when(command).refused(UserNotFound)


def test_an_erasure_shreds_the_key_and_calls_off_the_work_on_the_persons_notes() -> None:
    told = given(ANN, *(of_note(n, user_id=1) for n in (7, 8)), *work_on(7, 8)).when(ERASE)
    told.then(TaskCancelled(task_id=107), TaskCancelled(task_id=108), UserErased(user_id=1))
    told.recording(PersonErased(1))


def test_an_erasure_leaves_the_work_for_others_and_what_is_done() -> None:
    others = given(ANN, of_note(7, user_id=2), *work_on(7)).when(ERASE)
    others.then(UserErased(user_id=1))
    done = TaskCompleted(task_id=107, attempt=1)
    given(ANN, of_note(7, user_id=1), *work_on(7), done).when(ERASE).then(UserErased(user_id=1))


GUEST = ConversationStarted(conversation_id=1, user_id=None, guest_id="g", video_id="v")


def test_a_guest_who_said_something_is_forgotten_with_their_key() -> None:
    told = given(GUEST).when(EraseGuest("g")).then(GuestErased(guest_id="g"))
    told.recording(PersonErased(guest_id="g"))


@pytest.mark.parametrize("past", [(), (GUEST, GuestErased(guest_id="g"))])
def test_of_a_guest_who_said_nothing_there_is_nothing_to_forget(past: tuple[Any, ...]) -> None:
    given(*past).when(EraseGuest("g")).refused(GuestNotFound)
    given(GUEST).when(EraseGuest("other")).refused(GuestNotFound)


def of_note(note_id: int, *, user_id: int) -> NoteAdded:
    return NoteAdded(note_id=note_id, user_id=user_id, video_id="v", timestamp="0:01", text=None)


def work_on(*note_ids: int) -> list[TaskQueued]:
    return [
        TaskQueued(task_id=100 + its, task_type=TaskType.AI_NOTE, video_id="v", note_id=its)
        for its in note_ids
    ]


def test_a_link_drops_all_by_which_whoever_opened_the_account_gets_in() -> None:
    told = given(ANN, ISSUED).when(GOOGLE)
    told.then(LINKED, REMOVED, ENDED, REVOKED, PICTURE, result=1).recording(PasswordDropped(1))


def test_a_disabled_account_is_neither_entered_nor_linked() -> None:
    given(ANN, SHUT).when(GOOGLE).refused(AccountDisabled)
    given(ANN, LINKED, SHUT).when(GOOGLE).refused(AccountDisabled)
    given(ANN, LINKED, PICTURE, SHUT, OPENED).when(GOOGLE).then(result=1)


def test_closed_sign_up_lets_only_those_in_who_have_an_account() -> None:
    closed = replace(GOOGLE, may_sign_up=False)
    given().when(closed).refused(SignUpClosed)
    given(ANN, LINKED, PICTURE).when(closed).then(result=1)


def test_another_password_ends_every_session_and_the_long_term_token() -> None:
    command = ChangePassword(1, "$argon2id$new", NOW)
    told = given(ANN, ISSUED).when(command)
    told.then(CHANGED, ENDED, REVOKED).recording(PasswordSet(1, "$argon2id$new"))
    given(ANN).when(command).then(CHANGED, ENDED)
    given().when(command).refused(UserNotFound)


def test_signing_out_everywhere_ends_the_long_term_token_too() -> None:
    given(ANN, ISSUED).when(EndSessions(1, NOW)).then(ENDED, REVOKED)
    given(ANN).when(EndSessions(1, NOW)).then(ENDED)
    given().when(EndSessions(1, NOW)).refused(UserNotFound)


def test_an_account_is_disabled_and_enabled_once() -> None:
    disable, enable = DisableUser(1, NOW), EnableUser(1)
    given(ANN, ISSUED).when(disable).then(SHUT, ENDED, REVOKED)
    given(ANN, SHUT).when(disable).then()
    given(ANN, SHUT).when(enable).then(OPENED)
    given(ANN).when(enable).then()
    given().when(disable).refused(UserNotFound)
    given().when(enable).refused(UserNotFound)
