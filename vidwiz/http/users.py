"""Accounts: sign up, log in, Google, profile, long-term token."""

import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, model_validator
from quart import Blueprint, Response

from vidwiz.adapters.google_sign_in import InvalidCredential
from vidwiz.commands.users import (
    NAME_LENGTH,
    ChangePassword,
    ChangeProfile,
    EndSessions,
    EraseGuest,
    EraseUser,
    GuestNotFound,
    IssueLongTermToken,
    LongTermTokenExists,
    RevokeLongTermToken,
    SignInWithGoogle,
    SignUp,
    SignUpClosed,
    UserNotFound,
)
from vidwiz.events.recorded import SYSTEM
from vidwiz.http.access.guards import Guest, User, guest_only, public, signed_in_only, user_only
from vidwiz.http.access.passwords import LONGEST_PASSWORD
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.limits import bodies
from vidwiz.http.limits.requests import limited
from vidwiz.http.requests.checked import CheckedAs
from vidwiz.http.requests.context import origin
from vidwiz.http.responses import models
from vidwiz.http.responses.answers import json_answer
from vidwiz.http.services import services
from vidwiz.projections import queries

users = Blueprint("users", __name__)

SHORTEST_PASSWORD = 7
DIGEST_BYTES = 16
LATER_S = 0.00001
"""How much later than the end of the others a session begins at least."""
LONGEST_EMAIL = 320

_email = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")


def _clean_email(value: str) -> str:
    value = value.strip().lower()
    if not value:
        raise ValueError("Email cannot be empty")
    if len(value) > LONGEST_EMAIL or _email.fullmatch(value) is None:
        raise ValueError("Invalid email format")
    return value


def _login_email(value: str) -> str:
    value = value.strip().lower()
    if not value:
        raise ValueError("Email cannot be empty")
    return value


def _some_password(value: str) -> str:
    if not value:
        raise ValueError("Password cannot be empty")
    return value


def _new_password(value: str) -> str:
    if len(_some_password(value)) < SHORTEST_PASSWORD:
        raise ValueError("Password must be more than 6 characters long")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_PASSWORD:
        raise ValueError(f"Password must be at most {LONGEST_PASSWORD} bytes long")
    return value


def _clean_name(value: str) -> str:
    value = value.strip()
    shortest, longest = NAME_LENGTH
    if not value:
        raise ValueError("Name cannot be empty")
    if len(value) < shortest:
        raise ValueError("Name must be at least 2 characters long")
    if len(value) > longest:
        raise ValueError("Name must be less than 100 characters")
    return value


def _clean_credential(value: str) -> str:
    if not value.strip():
        raise ValueError("Credential cannot be empty")
    return value.strip()


Name = Annotated[str, CheckedAs(_clean_name, minLength=NAME_LENGTH[0], pattern=r"\S")]
Password = Annotated[str, CheckedAs(_some_password, minLength=1, format="password")]
NewPassword = Annotated[
    str,
    CheckedAs(
        _new_password,
        minLength=SHORTEST_PASSWORD,
        maxLength=LONGEST_PASSWORD,
        format="password",
    ),
]
Credential = Annotated[str, CheckedAs(_clean_credential, minLength=1, pattern=r"\S")]


class NewUser(BaseModel):
    """An account to open."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, CheckedAs(_clean_email, pattern=r"\S@\S+\.[A-Za-z]{2,}")]
    password: NewPassword
    name: Name


class Login(BaseModel):
    """Who wants in."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, CheckedAs(_login_email, minLength=1, pattern=r"\S")]
    password: Password


class GoogleLogin(BaseModel):
    """The ID token that Google's button gave."""

    model_config = ConfigDict(extra="forbid")

    credential: Credential


class ProfileEdit(BaseModel):
    """What to change; null leaves a thing as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = None
    ai_notes_enabled: bool | None = None


class PasswordChange(BaseModel):
    """A new password, and what proves its owner: the old one, or a Google ID token."""

    model_config = ConfigDict(extra="forbid")

    new_password: NewPassword
    old_password: Password | None = None
    credential: Credential | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.old_password is None) == (self.credential is None):
            raise ValueError("either old_password or credential is required")
        return self


class SignInProof(BaseModel):
    """A sign-in, made anew: the account's password, or an ID token of its Google account."""

    model_config = ConfigDict(extra="forbid")

    password: Password | None = None
    credential: Credential | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.password is None) == (self.credential is None):
            raise ValueError("either password or credential is required")
        return self


@users.post("/user/signup")
@documented(
    "users", models.MessageResponse, 400, 403, 409, 413, 422, 429, 503, status=201, body=NewUser
)
@public
@limited("signup")
async def post_signup() -> Response:
    """Open an account with a password; a 403 where only the operator opens accounts."""
    if not services().page.sign_up_open:
        raise SignUpClosed
    body = await bodies.read(NewUser)
    password_hash = await services().passwords.hash(body.password)
    command = SignUp(email=body.email, name=body.name, password_hash=password_hash)
    await services().store.execute(command, origin(SYSTEM))
    return json_answer({"message": "User created successfully"}, 201)


@users.post("/user/login")
@documented("users", models.Token, 400, 401, 413, 422, 429, 503, body=Login)
@public
@limited("login")
async def post_login() -> Response:
    """A JWT for an address and a password; takes as long when the address is unknown.

    Hashes with older parameters take longer. An unknown address is as likely to take longer as a
    known one: it takes as long as an account that its digest picks, until that one is renewed.
    """
    body = await bodies.read(Login)
    began = time.time()  # a password that is changed meanwhile opens no session
    account = await services().database.one(queries.CREDENTIALS, email=body.email)
    user_id, password_hash = (account[0], account[-1]) if account else (None, None)
    alike = await _hash_of_another(body.email)
    async with services().guesses.at_account(body.email, user_id) as guess:
        matches = await services().passwords.verify(password_hash, body.password, alike)
        guess.right = matches and account is not None and account[5] is None
    if not guess.right or account is None:
        raise ApiError(401, "Invalid email or password")
    await _renew_hash(account[0], account[-1], body.password)
    return await _signed_in(account[:4], began, account[4])


@users.post("/user/google/login")
@documented("users", models.Token, 400, 401, 409, 413, 422, 429, 500, body=GoogleLogin)
@public
@limited("login")
async def post_google_login() -> Response:
    """A JWT for a Google ID token; opens or links an account where needed."""
    body = await bodies.read(GoogleLogin)
    google = services().google
    if google is None:
        raise ApiError(500, "Google OAuth not configured")
    async with services().guesses.at_google() as guess:
        identity = await google.verify(body.credential)
        guess.right = True
    if identity.email is None:
        raise ApiError(400, "Email is required for Google Sign-In")
    command = SignInWithGoogle(
        google_id=identity.subject,
        email=identity.email,
        email_verified=identity.email_verified,
        name=identity.name,
        picture=identity.picture,
        at=datetime.now(UTC),
        may_sign_up=services().page.sign_up_open,
    )
    began = time.time()
    user_id = await services().store.execute(command, origin(SYSTEM))
    await services().erasures.look()
    profile = await _profile_row(user_id)
    return await _signed_in(profile[:4], began, profile[8])


@users.post("/user/password")
@documented("users", models.Token, 400, 401, 403, 404, 413, 422, 429, 503, body=PasswordChange)
@signed_in_only
@limited("login")
async def post_password(caller: User) -> Response:
    """Change the caller's password; everybody else who is signed in is signed out.

    The answer's token is the caller's new session. The long-term token is revoked.
    """
    body = await bodies.read(PasswordChange)
    proof = SignInProof(password=body.old_password, credential=body.credential)
    await _require_proof(caller.user_id, proof)
    password_hash = await services().passwords.hash(body.new_password)
    command = ChangePassword(caller.user_id, password_hash, datetime.now(UTC))
    await services().store.execute(command, origin(caller.actor))
    await services().erasures.look()
    profile = await _profile_row(caller.user_id)
    return await _signed_in(profile[:4], time.time(), profile[8])


@users.post("/user/logout")
@documented("users", models.MessageResponse, 401, 403, 404, 429)
@signed_in_only
@limited("login")
async def post_logout(caller: User) -> Response:
    """Sign the caller out everywhere: every session ends, and the long-term token is revoked."""
    command = EndSessions(caller.user_id, datetime.now(UTC))
    await services().store.execute(command, origin(caller.actor))
    await services().erasures.look()
    return json_answer({"message": "Signed out everywhere"})


@users.post("/user/token")
@documented("users", models.LongTermToken, 400, 401, 404, 429)
@user_only
async def post_token(caller: User) -> Response:
    """Make the long-term token; there is one at a time."""
    command = IssueLongTermToken(
        user_id=caller.user_id,
        token_id=services().tokens.new_token_id(),
        issued_at=datetime.now(UTC).replace(microsecond=0),
    )
    try:
        await services().store.execute(command, origin(caller.actor))
    except LongTermTokenExists:
        token_id = (await _profile_row(caller.user_id))[6]
        if token_id is None or services().tokens.may_sign(token_id):
            raise
        await services().store.execute(RevokeLongTermToken(caller.user_id), origin(caller.actor))
        await services().store.execute(command, origin(caller.actor))
    token = services().tokens.long_term(
        user_id=caller.user_id, token_id=command.token_id, issued_at=command.issued_at
    )
    return json_answer({"message": "Long-term token generated successfully", "token": token})


@users.delete("/user/token")
@documented("users", models.MessageResponse, 401, 404, 429)
@user_only
async def delete_token(caller: User) -> Response:
    """Revoke the long-term token; it is dead at once, everywhere."""
    await services().store.execute(RevokeLongTermToken(caller.user_id), origin(caller.actor))
    return json_answer({"message": "Long-term token revoked successfully"})


@users.get("/user/profile")
@documented("users", models.Profile, 401, 404)
@user_only
async def get_profile(caller: User) -> Response:
    """The caller's account, with the long-term token itself."""
    return await _profile(caller.user_id, with_token=True)


@users.patch("/user/profile")
@documented("users", models.Profile, 400, 401, 404, 413, 422, 429, body=ProfileEdit)
@user_only
async def patch_profile(caller: User) -> Response:
    """Change the caller's name or whether an AI may write their empty notes."""
    body = await bodies.read(ProfileEdit)
    command = ChangeProfile(caller.user_id, body.name, body.ai_notes_enabled)
    await services().store.execute(command, origin(caller.actor))
    return await _profile(caller.user_id, with_token=False)


@users.delete("/user")
@documented(
    "users", models.MessageResponse, 400, 401, 403, 404, 413, 422, 429, 503, body=SignInProof
)
@user_only
@limited("login")
async def delete_user(caller: User) -> Response:
    """Erase the caller's account and everything of theirs, for ever; it takes a fresh proof.

    Every token of theirs is dead at once, everywhere.
    """
    body = await bodies.read(SignInProof)
    await _require_proof(caller.user_id, body)
    await services().store.execute(EraseUser(caller.user_id), origin(caller.actor))
    services().erasures.happened(caller.user_id)
    return json_answer({"message": "Account erased"})


@users.delete("/guest")
@documented("users", models.MessageResponse, 400, 401, 404, 429, 503)
@guest_only
@limited("login")
async def delete_guest(caller: Guest) -> Response:
    """Erase the guest that the header names and everything of theirs, for ever.

    The session id is dead at once, everywhere; a 404 for a guest who has said nothing.
    """
    try:
        await services().store.execute(EraseGuest(caller.guest_id), origin(caller.actor))
    except GuestNotFound:
        await services().guesses.wrong_token()
        raise
    services().erasures.guest_went(caller.guest_id)
    return json_answer({"message": "Guest erased"})


async def _require_proof(user_id: int, proof: SignInProof) -> None:
    if not await _proves(user_id, proof):
        shown = "password" if proof.password is not None else "Google account"
        raise ApiError(403, f"That is not the {shown} of this account")


async def _proves(user_id: int, proof: SignInProof) -> bool:
    row = await services().database.one(queries.PROOF, user_id=user_id)
    if row is None:
        raise UserNotFound
    _, google_id, password_hash = row
    async with services().guesses.at_proof(user_id) as guess:
        if proof.password is not None:
            guess.right = await services().passwords.verify(password_hash, proof.password)
        elif google_id is not None:
            guess.right = await _google_id(proof.credential or "") == google_id
    return guess.right


async def _google_id(credential: str) -> str | None:
    google = services().google
    if google is None:
        return None
    try:
        return (await google.verify(credential)).subject
    except InvalidCredential:
        return None


async def _profile(user_id: int, *, with_token: bool) -> Response:
    _, email, name, picture, ai_notes, created_at, token_id, issued_at, *_ = await _profile_row(
        user_id
    )
    token = None
    if token_id is not None and not services().tokens.may_sign(token_id):
        token_id = None  # the secret was changed since: nobody was given such a token
    if with_token and token_id is not None:
        token = services().tokens.long_term(user_id=user_id, token_id=token_id, issued_at=issued_at)
    return json_answer(
        {
            "id": user_id,
            "email": email,
            "name": name,
            "profile_image_url": picture,
            "ai_notes_enabled": ai_notes,
            "token_exists": token_id is not None,
            "long_term_token": token,
            "created_at": created_at,
        }
    )


async def _profile_row(user_id: int) -> tuple[Any, ...]:
    row = await services().database.one(queries.PROFILE, user_id=user_id)
    if row is None:
        raise UserNotFound
    return row


async def _hash_of_another(email: str) -> str | None:
    """The hash of an account that this address picks; None when nobody has a password."""
    digest = int.from_bytes(services().counts.digest("stand-in", email))
    place = digest / 2 ** (8 * DIGEST_BYTES)
    row = await services().database.one(queries.HASH_AT, place=place)
    return None if row is None else str(row[0])


async def _renew_hash(user_id: int, password_hash: str, password: str) -> None:
    """Hash a right password anew when its hash has old parameters, and nobody changed it."""
    if services().passwords.is_outdated(password_hash):
        renewed = await services().passwords.hash(password)
        async with services().database.borrowed() as connection:
            values = {"user_id": user_id, "old": password_hash, "new": renewed}
            await connection.execute(queries.RENEW_HASH.sql, values)


async def _signed_in(account: Sequence[Any], began: float, valid_from: datetime | None) -> Response:
    """A new session of the account: id, address, name, picture; it began at a time in seconds."""
    user_id, email, name, picture = account
    await services().guesses.remember(user_id)
    if valid_from is not None:  # another server's clock may be ahead of ours
        began = max(began, valid_from.timestamp() + LATER_S)
    token = services().tokens.issue(
        user_id=user_id, email=email, name=name, profile_image_url=picture, issued_at=began
    )
    return json_answer({"token": token})
