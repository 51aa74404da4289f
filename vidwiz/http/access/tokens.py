"""The bearer tokens of users: short-lived JWTs and the long-term token, both HS256.

A JWT that was signed elsewhere with the same secret is that user. The long-term token is
never kept: it is signed again, to the same letters, from the id and time in the log.
"""

import hashlib
import hmac
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any, TypeGuard

import jwt
from jwt.types import Options
from jwt.warnings import InsecureKeyLengthWarning

from vidwiz.postgres.statement import MAX_BIGINT

ALGORITHM = "HS256"
# The signature alone is verified there; the caller looks at the clock, and no more is needed.
SIGNATURE_ONLY = Options(
    verify_exp=False,
    verify_nbf=False,
    verify_iat=False,
    verify_aud=False,
    verify_iss=False,
    verify_sub=False,
    verify_jti=False,
)
LONG_TERM = "long_term"
NUMBER_LENGTH = 32
MAX_TOKEN_LENGTH = 4096

# `vidwiz doctor` says it once, where the operator looks, instead of every request.
warnings.simplefilter("ignore", InsecureKeyLengthWarning)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; ``token_id`` is set for a long-term token only."""

    user_id: int
    expires_at: float
    token_id: str | None = None
    not_before: float = float("-inf")
    issued_at: float = float("-inf")


class Tokens:
    """Issues and reads tokens; ``now`` gives the time in seconds since the epoch."""

    def __init__(
        self, secret: str, expiry_hours: float, now: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._life_s = expiry_hours * 3600
        self._now = now
        self._signed = lru_cache(maxsize=4096)(self._signed_claims)

    def issue(
        self,
        *,
        user_id: int,
        email: str,
        name: str,
        profile_image_url: str | None,
        issued_at: float,
    ) -> str:
        """A JWT for this user, with the claims that the web app decodes.

        ``issued_at`` (seconds) has to be later than the end of the person's other sessions.
        """
        claims = {
            "user_id": user_id,
            "email": email,
            "name": name,
            "profile_image_url": profile_image_url,
            "iat": round(issued_at, 6),
            "exp": int(self._now() + self._life_s),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def new_token_id(self) -> str:
        """The id of a long-term token that only the present secret signs."""
        number = token_hex(16)
        return number + self._mark(number)

    def may_sign(self, token_id: str) -> bool:
        """Whether the present secret may sign the long-term token with this id.

        It may not when the id was made under another secret: nobody was given such a token.
        Ids of older versions do not say under which.
        """
        number, mark = token_id[:NUMBER_LENGTH], token_id[NUMBER_LENGTH:]
        return not mark or hmac.compare_digest(mark.encode(), self._mark(number).encode())

    def _mark(self, number: str) -> str:
        digest = hmac.digest(self._secret.encode(), f"long-term:{number}".encode(), hashlib.sha256)
        return digest[:8].hex()

    def long_term(self, *, user_id: int, token_id: str, issued_at: datetime) -> str:
        """The long-term token with this id; always the same for the same arguments."""
        claims = {
            "user_id": user_id,
            "type": LONG_TERM,
            "jti": token_id,
            "iat": int(issued_at.timestamp()),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def read(self, token: str) -> Claims | None:
        """The claims of a token that is ours, has begun and has not expired.

        Whether a long-term token still lives, only the users table knows.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        claims = self._signed(token)
        if claims is None or not claims.not_before <= self._now() < claims.expires_at:
            return None
        return claims

    def signed_here(self, token: str) -> bool:
        """Whether it is a user's token of ours, be it dead or alive."""
        return len(token) <= MAX_TOKEN_LENGTH and self._signed(token) is not None

    def _signed_claims(self, token: str) -> Claims | None:
        try:
            claims = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=SIGNATURE_ONLY)
        except (jwt.InvalidTokenError, ValueError):
            return None
        return _claims(claims)


def _claims(claims: Mapping[str, Any]) -> Claims | None:
    user_id = claims.get("user_id")
    if type(user_id) is not int or not 0 < user_id <= MAX_BIGINT:
        return None
    not_before = claims.get("nbf", float("-inf"))
    if not _is_time(not_before):
        return None
    if claims.get("type") == LONG_TERM:
        token_id = claims.get("jti")
        if not isinstance(token_id, str) or not token_id.isascii():
            return None
        return Claims(user_id, float("inf"), token_id, not_before)
    expires_at = claims.get("exp")
    if not _is_time(expires_at):
        return None
    issued_at = claims.get("iat")
    known = issued_at if _is_time(issued_at) else float("-inf")
    return Claims(user_id, expires_at, None, not_before, known)


def _is_time(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
