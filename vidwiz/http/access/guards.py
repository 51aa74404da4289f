"""Who is asking: the guards of the routes, run before the body is looked at."""

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from quart import Response, request
from quart_schema import security_scheme
from sqlalchemy import BigInteger, select

from vidwiz.event_store.erased_users import Erasures
from vidwiz.events.recorded import ADMIN, Actor
from vidwiz.http.access.guesses import Guesses
from vidwiz.http.access.tokens import Tokens
from vidwiz.http.errors import ApiError
from vidwiz.http.limits.daily import count_write
from vidwiz.http.services import services
from vidwiz.postgres.pool import Database
from vidwiz.postgres.statement import Statement, parameter
from vidwiz.projections.tables import users

SECURITY_SCHEMES: dict[str, Any] = {
    "user": {
        "type": "http",
        "scheme": "bearer",
        "bearer_format": "JWT",
    },
    "admin": {"type": "http", "scheme": "bearer"},
    "guest": {"type": "apiKey", "in_": "header", "name": "X-Guest-Session-ID"},
}

CHANGES = frozenset(("POST", "PATCH", "DELETE"))
LONGEST_GUEST_ID = 255
"""Characters of the session id that a guest's client makes up."""

_bearer = re.compile(r"[ \t]*bearer[ \t]+(.*)", re.IGNORECASE)
"""RFC 9110, section 11.1: names of schemes are caseless."""
GUEST_ID_FORM = f"at most {LONGEST_GUEST_ID} characters, none of them a control character"
_control = re.compile(r"[\x00-\x1f\x7f]")

_token_id = Statement(
    select(users.c.long_term_token_id).where(users.c.id == parameter("user_id", BigInteger))
)


@dataclass(frozen=True, slots=True)
class User:
    """A person with an account; ``by_api_key``: by the long-term token, not a sign-in."""

    user_id: int
    by_api_key: bool = False

    @property
    def actor(self) -> Actor:
        """As the log names them."""
        return Actor.user(self.user_id)

    @property
    def worker(self) -> str:
        """As a task names them when they work for it."""
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Admin:
    """Whoever holds the admin token; all of them are one worker."""

    actor: Actor = ADMIN
    worker: str = "admin"


@dataclass(frozen=True, slots=True)
class Guest:
    """An anonymous visitor, known by the digest of the session id that their client made up."""

    guest_id: str

    @property
    def actor(self) -> Actor:
        """As the log names them."""
        return Actor.guest(self.guest_id)


Caller = User | Admin
Visitor = User | Guest


class Guard:
    """Reads credentials; those of a user who was erased, disabled or signed out are none."""

    def __init__(
        self,
        tokens: Tokens,
        admin_token: str,
        database: Database,
        erasures: Erasures,
        guesses: Guesses,
    ) -> None:
        self._tokens = tokens
        self._admin_token = admin_token.encode()
        self._database = database
        self._erasures = erasures
        self._guesses = guesses

    async def user(self) -> User:
        """The user, or a 401."""
        user = await self._user(bearer())
        if user is None:
            raise ApiError(401, "Invalid or expired token")
        return user

    async def signed_in_user(self) -> User:
        """The user by a sign-in; a 401 without one, a 403 by the long-term token."""
        user = await self.user()
        if user.by_api_key:
            raise ApiError(403, "This needs a sign-in; an API key is not enough")
        return user

    async def admin(self) -> Admin:
        """The admin; a 401 without a token, a 403 with any other."""
        token = bearer()
        if not self._is_admin(token):
            await self._wrong(token)
            raise ApiError(403, "Admin token required")
        return Admin()

    async def user_or_admin(self) -> Caller:
        """Either of them, or a 401."""
        token = bearer()
        if self._is_admin(token):
            return Admin()
        user = await self._user(token)
        if user is None:
            await self._wrong(token)
            raise ApiError(401, "Invalid or expired token")
        return user

    async def user_or_guest(self) -> Visitor:
        """The user of a valid token, else the guest that the header names, or a 401."""
        user = await self._user(_bearer_if_any())
        return await self.guest() if user is None else user

    async def guest(self) -> Guest:
        """The guest that the header names; a 401 without one, and for one who was erased."""
        session = request.headers.get("X-Guest-Session-ID", "").strip()
        if not session:
            raise ApiError(401, "Missing Auth or Guest ID")
        if len(session) > LONGEST_GUEST_ID or _control.search(session):
            raise ApiError(400, f"X-Guest-Session-ID must be {GUEST_ID_FORM}")
        # The session id lets whoever knows it read the guest's conversations: keep no copy.
        digest = hashlib.sha256(session.encode("utf-8", "surrogateescape")).hexdigest()
        guest = Guest(digest[:32])
        if self._erasures.has_guest(guest.guest_id):
            raise ApiError(401, "This guest was erased")
        return guest

    async def visitor_or_admin(self) -> Visitor | Admin:
        """The admin, the user of a valid token, or the guest that the header names, or a 401."""
        token = _bearer_if_any()
        if self._is_admin(token):
            return Admin()
        if token:
            await self._wrong(token)
        return await self.user_or_guest()

    async def again(self, caller: Caller) -> None:
        """Raise a 401 if the caller's token has died since it was looked at."""
        if isinstance(caller, User):
            await self.user()

    async def still_admits(self, user: User, token: str) -> bool:
        """Whether the token that was this user's is so yet; no request is needed."""
        return await self._user(token) == user

    def _is_admin(self, token: str) -> bool:
        """Whether it is the admin's; a network that guessed too much is not told."""
        given = token.encode("utf-8", "surrogateescape")
        return hmac.compare_digest(given, self._admin_token) and self._guesses.may_be_right()

    async def _wrong(self, token: str) -> None:
        """Count a guess at the admin's token; a user's token, live or dead, is none."""
        if not self._tokens.signed_here(token):
            await self._guesses.wrong_token()

    async def _user(self, token: str) -> User | None:
        claims = self._tokens.read(token)
        if claims is None:
            return None
        if claims.token_id is None:
            alive = self._erasures.admits(claims.user_id, claims.issued_at)
            return User(claims.user_id) if alive else None
        known = self._erasures.is_open(claims.user_id) and self._tokens.may_sign(claims.token_id)
        if not known:
            return None
        alive = await self._lives(claims.user_id, claims.token_id)
        return User(claims.user_id, by_api_key=True) if alive else None

    async def _lives(self, user_id: int, token_id: str) -> bool:
        row = await self._database.one(_token_id, user_id=user_id)
        return row is not None and row[0] == token_id


def bearer() -> str:
    """The token of the request, or a 401."""
    token = _bearer_if_any()
    if not token:
        raise ApiError(401, "Missing or invalid Authorization header")
    return token


def _bearer_if_any() -> str:
    found = _bearer.fullmatch(request.headers.get("Authorization", ""))
    return found[1].strip() if found else ""


Handler = Callable[..., Awaitable[Response]]


def user_only(handler: Handler) -> Handler:
    """Pass the ``User`` to the handler as its first argument."""
    return _guarded(handler, Guard.user, [{"user": []}])


def signed_in_only(handler: Handler) -> Handler:
    """Pass the ``User`` to the handler as its first argument; a long-term token is not enough."""
    return _guarded(handler, Guard.signed_in_user, [{"user": []}])


def admin_only(handler: Handler) -> Handler:
    """Pass the ``Admin`` to the handler as its first argument."""
    return _guarded(handler, Guard.admin, [{"admin": []}])


def user_or_admin(handler: Handler) -> Handler:
    """Pass the ``User`` or the ``Admin`` to the handler as its first argument."""
    return _guarded(handler, Guard.user_or_admin, [{"user": []}, {"admin": []}])


def user_or_guest(handler: Handler) -> Handler:
    """Pass the ``User`` or the ``Guest`` to the handler as its first argument."""
    return _guarded(handler, Guard.user_or_guest, [{"user": []}, {"guest": []}])


def guest_only(handler: Handler) -> Handler:
    """Pass the ``Guest`` to the handler as its first argument, whoever is signed in too."""
    return _guarded(handler, Guard.guest, [{"guest": []}])


def visitor_or_admin(handler: Handler) -> Handler:
    """Pass the ``User``, the ``Guest`` or the ``Admin`` to the handler as its first argument."""
    return _guarded(handler, Guard.visitor_or_admin, [{"user": []}, {"guest": []}, {"admin": []}])


async def reader_of_public_route() -> int | None:
    """The user whose token a public route was sent, if any; all others read what is shared."""
    try:
        visitor = await services().guard.user_or_guest()
    except ApiError:
        return None
    return visitor.user_id if isinstance(visitor, User) else None


def public(handler: Handler) -> Handler:
    """Mark a route that everybody may call."""
    handler.guard = "public"  # type: ignore[attr-defined]
    return handler


def _works_for_all(caller: Caller | Guest) -> bool:
    """Whether the caller is a worker, or a user who is trusted as one and reports on a task."""
    if isinstance(caller, Admin):
        return True
    is_task = request.path.startswith("/api/tasks/")
    return is_task and isinstance(caller, User) and services().own_work is None


def _guarded(
    handler: Handler,
    check: Callable[[Guard], Awaitable[Caller | Guest]],
    security: list[dict[str, list[str]]],
) -> Handler:
    ends_trust = getattr(handler, "rate_limit", None) == "login"

    @wraps(handler)
    async def guarded(**path: str) -> Response:
        caller = await check(services().guard)
        if request.method in CHANGES and not (ends_trust or _works_for_all(caller)):
            await count_write(caller.user_id if isinstance(caller, User) else None)
        return await handler(caller, **path)

    guarded.guard = check.__name__  # type: ignore[attr-defined]
    return security_scheme(security)(guarded)
