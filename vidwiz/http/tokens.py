"""The bearer tokens of users: short-lived JWTs and the long-term token, both HS256.

A JWT that was signed elsewhere with the same secret is that user. The long-term token is
never kept: it is signed again, to the same letters, from the id and time in the log.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import jwt
from jwt.types import Options
from jwt.warnings import InsecureKeyLengthWarning

ALGORITHM = "HS256"
LONG_TERM = "long_term"
MAX_TOKEN_LENGTH = 4096
MAX_USER_ID = 2**63 - 1

# `vidwiz doctor` says it once, where the operator looks, instead of every request.
warnings.simplefilter("ignore", InsecureKeyLengthWarning)


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says; ``token_id`` is set for a long-term token only."""

    user_id: int
    expires_at: float
    token_id: str | None = None


class Tokens:
    """Issues and reads tokens; ``now`` gives the time in seconds since the epoch."""

    def __init__(
        self, secret: str, expiry_hours: float, now: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._life_s = expiry_hours * 3600
        self._now = now
        self._signed = lru_cache(maxsize=4096)(self._signed_claims)

    def issue(self, *, user_id: int, email: str, name: str, profile_image_url: str | None) -> str:
        """A JWT for this user, with the claims that the web app decodes."""
        claims = {
            "user_id": user_id,
            "email": email,
            "name": name,
            "profile_image_url": profile_image_url,
            "exp": int(self._now() + self._life_s),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

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
        """The claims of a token that is ours and has not expired.

        Whether a long-term token still lives, only the users table knows.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            return None
        claims = self._signed(token)
        return claims if claims is not None and self._now() < claims.expires_at else None

    def _signed_claims(self, token: str) -> Claims | None:
        options = Options(verify_exp=False, verify_iat=False)  # the caller looks at the clock
        try:
            claims = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=options)
        except (jwt.InvalidTokenError, ValueError):
            return None
        return _claims(claims)


def _claims(claims: Mapping[str, Any]) -> Claims | None:
    user_id = claims.get("user_id")
    if type(user_id) is not int or not 0 < user_id <= MAX_USER_ID:
        return None
    if claims.get("type") == LONG_TERM:
        token_id = claims.get("jti")
        return Claims(user_id, float("inf"), token_id) if isinstance(token_id, str) else None
    expires_at = claims.get("exp")
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        return None
    return Claims(user_id, expires_at)
