"""Accounts: sign up, log in, Google, profile, long-term token."""

import re
from datetime import UTC, datetime
from secrets import token_hex
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, model_validator
from quart import Blueprint, Response

from vidwiz.adapters.google_sign_in import InvalidCredential
from vidwiz.commands.users import (
    NAME_LENGTH,
    ChangeProfile,
    EraseUser,
    IssueLongTermToken,
    RevokeLongTermToken,
    SignInWithGoogle,
    SignUp,
    UserNotFound,
)
from vidwiz.events.recorded import SYSTEM
from vidwiz.http import bodies, shapes
from vidwiz.http.answers import json_answer
from vidwiz.http.checked import CheckedAs
from vidwiz.http.context import origin
from vidwiz.http.documented import documented
from vidwiz.http.errors import ApiError
from vidwiz.http.guards import User, public, user_only
from vidwiz.http.limits import limited
from vidwiz.http.services import services
from vidwiz.projections import queries

users = Blueprint("users", __name__)

SHORTEST_PASSWORD = 7
LONGEST_PASSWORD = 1024
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
    if len(value) > LONGEST_PASSWORD:
        raise ValueError(f"Password must be at most {LONGEST_PASSWORD} characters long")
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
Credential = Annotated[str, CheckedAs(_clean_credential, minLength=1, pattern=r"\S")]


class NewUser(BaseModel):
    """An account to open."""

    model_config = ConfigDict(extra="forbid")

    email: Annotated[str, CheckedAs(_clean_email, pattern=r"\S@\S+\.[A-Za-z]{2,}")]
    password: Annotated[
        str,
        CheckedAs(
            _new_password,
            minLength=SHORTEST_PASSWORD,
            maxLength=LONGEST_PASSWORD,
            format="password",
        ),
    ]
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


class Proof(BaseModel):
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
@documented("users", shapes.Message, 400, 409, 413, 422, 429, status=201, body=NewUser)
@public
@limited("signup")
async def post_signup() -> Response:
    """Open an account with a password."""
    body = await bodies.read(NewUser)
    password_hash = await services().passwords.hash(body.password)
    command = SignUp(email=body.email, name=body.name, password_hash=password_hash)
    await services().store.execute(command, origin(SYSTEM))
    return json_answer({"message": "User created successfully"}, 201)


@users.post("/user/login")
@documented("users", shapes.Token, 400, 401, 413, 422, 429, body=Login)
@public
@limited("login")
async def post_login() -> Response:
    """A JWT for an address and a password; takes as long when the address is unknown."""
    body = await bodies.read(Login)
    await services().limits.spend_for_account("login", body.email)
    account = await services().database.one(queries.CREDENTIALS, email=body.email)
    password_hash = account[-1] if account else None
    if not await services().passwords.verify(password_hash, body.password) or account is None:
        raise ApiError(401, "Invalid email or password")
    user_id, email, name, picture, _ = account
    return _token(user_id, email, name, picture)


@users.post("/user/google/login")
@documented("users", shapes.Token, 400, 401, 409, 413, 422, 429, 500, body=GoogleLogin)
@public
@limited("login")
async def post_google_login() -> Response:
    """A JWT for a Google ID token; opens or links an account where needed."""
    body = await bodies.read(GoogleLogin)
    google = services().google
    if google is None:
        raise ApiError(500, "Google OAuth not configured")
    identity = await google.verify(body.credential)
    if identity.email is None:
        raise ApiError(400, "Email is required for Google Sign-In")
    command = SignInWithGoogle(
        google_id=identity.subject,
        email=identity.email,
        email_verified=identity.email_verified,
        name=identity.name,
        picture=identity.picture,
    )
    user_id = await services().store.execute(command, origin(SYSTEM))
    profile = await _profile_row(user_id)
    return _token(user_id, profile[1], profile[2], profile[3])


@users.post("/user/token")
@documented("users", shapes.LongTermToken, 400, 401, 404)
@user_only
async def post_token(caller: User) -> Response:
    """Make the long-term token; there is one at a time."""
    command = IssueLongTermToken(
        user_id=caller.user_id,
        token_id=token_hex(16),
        issued_at=datetime.now(UTC).replace(microsecond=0),
    )
    await services().store.execute(command, origin(caller.actor))
    token = services().tokens.long_term(
        user_id=caller.user_id, token_id=command.token_id, issued_at=command.issued_at
    )
    return json_answer({"message": "Long-term token generated successfully", "token": token})


@users.delete("/user/token")
@documented("users", shapes.Message, 401, 404)
@user_only
async def delete_token(caller: User) -> Response:
    """Revoke the long-term token; it is dead at once, everywhere."""
    await services().store.execute(RevokeLongTermToken(caller.user_id), origin(caller.actor))
    return json_answer({"message": "Long-term token revoked successfully"})


@users.get("/user/profile")
@documented("users", shapes.Profile, 401, 404)
@user_only
async def get_profile(caller: User) -> Response:
    """The caller's account, with the long-term token itself."""
    return await _profile(caller.user_id, with_token=True)


@users.patch("/user/profile")
@documented("users", shapes.Profile, 400, 401, 404, 413, 422, body=ProfileEdit)
@user_only
async def patch_profile(caller: User) -> Response:
    """Change the caller's name or whether an AI may write their empty notes."""
    body = await bodies.read(ProfileEdit)
    command = ChangeProfile(caller.user_id, body.name, body.ai_notes_enabled)
    await services().store.execute(command, origin(caller.actor))
    return await _profile(caller.user_id, with_token=False)


@users.delete("/user")
@documented("users", shapes.Message, 400, 401, 403, 404, 413, 422, 429, 503, body=Proof)
@user_only
@limited("login")
async def delete_user(caller: User) -> Response:
    """Erase the caller's account and everything of theirs, for ever; it takes a fresh proof.

    Every token of theirs is dead at once, everywhere.
    """
    body = await bodies.read(Proof)
    if not await _proves(caller.user_id, body):
        shown = "password" if body.password is not None else "Google account"
        raise ApiError(403, f"That is not the {shown} of this account")
    await services().store.execute(EraseUser(caller.user_id), origin(caller.actor))
    services().erasures.happened(caller.user_id)
    return json_answer({"message": "Account erased"})


async def _proves(user_id: int, proof: Proof) -> bool:
    row = await services().database.one(queries.PROOF, user_id=user_id)
    if row is None:
        raise UserNotFound
    email, google_id, password_hash = row
    await services().limits.spend_for_account("login", email)
    if proof.password is not None:
        return await services().passwords.verify(password_hash, proof.password)
    return google_id is not None and await _google_id(proof.credential or "") == google_id


async def _google_id(credential: str) -> str | None:
    google = services().google
    if google is None:
        return None
    try:
        return (await google.verify(credential)).subject
    except InvalidCredential:
        return None


async def _profile(user_id: int, *, with_token: bool) -> Response:
    _, email, name, picture, ai_notes, created_at, token_id, issued_at = await _profile_row(user_id)
    token = None
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


def _token(user_id: int, email: str, name: str, picture: str | None) -> Response:
    token = services().tokens.issue(
        user_id=user_id, email=email, name=name, profile_image_url=picture
    )
    return json_answer({"token": token})
