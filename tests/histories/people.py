"""What must come of the commands about accounts."""

from datetime import datetime

from tests.histories.told import Told
from tests.histories.world import User, World
from vidwiz.commands.users import (
    AccountDisabled,
    ChangePassword,
    ChangeProfile,
    DisableUser,
    EmailNotVerified,
    EmailTaken,
    EnableUser,
    EndSessions,
    EraseUser,
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
from vidwiz.events import TaskType


def existing(world: World, user_id: int) -> User:
    if user_id not in world.users:
        raise UserNotFound
    return world.users[user_id]


def sign_up(world: World, command: SignUp, told: Told) -> int:
    if any(user.email == command.email for user in world.users.values()):
        raise EmailTaken
    user = _newcomer(world, told, command.email, command.name)
    world.credentials[user.id] = command.password_hash
    return user.id


def _newcomer(world: World, told: Told, email: str, name: str) -> User:
    assert told.result not in world.users_ever
    user = User(told.result, email, name, **world.new)
    world.users[user.id] = user
    world.users_ever.append(user.id)
    world.persons[f"user:{user.id}"] = None
    return user


def sign_in_with_google(world: World, command: SignInWithGoogle, told: Told) -> int:
    for user in world.users.values():
        if user.google_id == command.google_id:
            if user.disabled_at is not None:
                raise AccountDisabled
            return _shown(world, user, command.picture)
    if not command.email_verified:
        raise EmailNotVerified
    for user in world.users.values():
        if user.email == command.email:
            return _linked(world, user, command)
    if not command.may_sign_up:
        raise SignUpClosed
    local_part = command.email.split("@")[0]
    name = (command.name or "").strip()
    user = _newcomer(world, told, command.email, (name if len(name) > 1 else local_part)[:100])
    user.google_id, user.profile_image_url = command.google_id, command.picture
    return user.id


def _linked(world: World, user: User, command: SignInWithGoogle) -> int:
    if user.google_id is not None:
        raise OtherGoogleAccountLinked
    if user.disabled_at is not None:
        raise AccountDisabled
    user.google_id = command.google_id
    user.happened(world.now)
    user.happened(world.now)  # the password is removed
    world.credentials.pop(user.id, None)
    _nobody_in(world, user, command.at)
    return _shown(world, user, command.picture)


def _nobody_in(world: World, user: User, at: datetime) -> None:
    user.tokens_valid_from = at
    user.happened(world.now)
    if user.long_term_token_id is not None:
        user.long_term_token_id = user.long_term_token_issued_at = None
        user.happened(world.now)


def change_password(world: World, command: ChangePassword, _: Told) -> None:
    user = existing(world, command.user_id)
    world.credentials[user.id] = command.password_hash
    user.happened(world.now)
    _nobody_in(world, user, command.at)


def end_sessions(world: World, command: EndSessions, _: Told) -> None:
    _nobody_in(world, existing(world, command.user_id), command.at)


def disable_user(world: World, command: DisableUser, _: Told) -> None:
    user = existing(world, command.user_id)
    if user.disabled_at is None:
        user.disabled_at = world.now
        user.happened(world.now)
        _nobody_in(world, user, command.at)


def enable_user(world: World, command: EnableUser, _: Told) -> None:
    user = existing(world, command.user_id)
    if user.disabled_at is not None:
        user.disabled_at = None
        user.happened(world.now)


def _shown(world: World, user: User, picture: str | None) -> int:
    if picture not in (None, user.profile_image_url):
        user.profile_image_url = picture
        user.happened(world.now)
    return user.id


def change_profile(world: World, command: ChangeProfile, _: Told) -> None:
    user = existing(world, command.user_id)
    if command.name not in (None, user.name):
        user.name = str(command.name)
        user.happened(world.now)
    if command.ai_notes_enabled not in (None, user.ai_notes_enabled):
        user.ai_notes_enabled = not user.ai_notes_enabled
        user.happened(world.now)


def issue_long_term_token(world: World, command: IssueLongTermToken, _: Told) -> None:
    user = existing(world, command.user_id)
    if user.long_term_token_id is not None:
        raise LongTermTokenExists
    user.long_term_token_id = command.token_id
    user.long_term_token_issued_at = command.issued_at
    user.happened(world.now)


def revoke_long_term_token(world: World, command: RevokeLongTermToken, _: Told) -> None:
    user = existing(world, command.user_id)
    if user.long_term_token_id is None:
        raise LongTermTokenNotFound
    user.long_term_token_id = user.long_term_token_issued_at = None
    user.happened(world.now)


def erase_user(world: World, command: EraseUser, _: Told) -> None:
    """Nothing is left of the person but that they were erased, and when."""
    whose = existing(world, command.user_id).id
    _cancel_ai_notes(world, whose)
    world.persons[f"user:{whose}"] = world.now
    del world.users[whose]
    world.credentials.pop(whose, None)
    world.openings = {i: its for i, its in world.openings.items() if its.user_id != whose}
    world.notes = {i: its for i, its in world.notes.items() if its.user_id != whose}
    brought = world.personal_transcripts.items()
    world.personal_transcripts = {i: its for i, its in brought if its.user_id != whose}
    world.tasks = {i: its for i, its in world.tasks.items() if its.user_id != whose}
    pasts = world.note_pasts.items()
    world.note_pasts = {i: its for i, its in pasts if its.user_id != whose}
    world.turns = {i: its for i, its in world.turns.items() if its.user_id != whose}
    world.messages = {i: its for i, its in world.messages.items() if its.user_id != whose}
    spoken = world.conversations.items()
    world.conversations = {i: its for i, its in spoken if its.user_id != whose}
    used = world.idempotency_keys.items()
    world.idempotency_keys = {key: use for key, use in used if key[0] != whose}
    taken = world.quotas.items()
    world.quotas = {key: its for key, its in taken if key[0] != f"user:{whose}"}


def _cancel_ai_notes(world: World, user_id: int) -> None:
    for note in [its for its in world.notes.values() if its.user_id == user_id]:
        for task in world.open_tasks(TaskType.AI_NOTE, note.video_id):
            if task.task_details["note_id"] == note.id:
                task.ended("cancelled", world.now)
