"""Whom a Google ID token speaks for.

The rules are https://developers.google.com/identity/gsi/web/guides/verify-google-id-token.
"""

import asyncio
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import orjson
import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"

_ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
_CLAIMS = ["exp", "iat", "sub", "aud", "iss"]
_LEEWAY_S = 10
_MAX_CREDENTIAL_LENGTH = 16 * 1024
_MAX_SUBJECT_LENGTH = 255
_MAX_EMAIL_LENGTH = 254
_MAX_NAME_LENGTH = 100
_MAX_PICTURE_LENGTH = 2048
# ASCII only: lowering some other letters gives ASCII ones, and so somebody else's address.
_EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+")
_PICTURE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?([/?#][!-~]*)?")
_UNCLEAN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_MIN_KEY_BITS = 2048
_MAX_DOCUMENT_BYTES = 256 * 1024
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=([0-9]{1,9})", re.IGNORECASE)
_DEFAULT_LIFETIME_S = 3600.0
_MIN_LIFETIME_S = 300.0
_MAX_LIFETIME_S = 86400.0
_UNKNOWN_KEY_PAUSE_S = 60.0
_STALE_PAUSE_S = 60.0
_EMPTY_PAUSE_S = 5.0
_FETCH_FAILURES = (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError)

log = structlog.get_logger(__name__)


class InvalidCredential(Exception):
    """The credential is no ID token that Google issued to us and that holds now."""


class CertificatesUnavailable(Exception):
    """Google's certificates were never fetched and cannot be now, so nothing can be verified."""


@dataclass(frozen=True, slots=True)
class GoogleIdentity:
    """A person as Google knows them; ``subject`` never changes, the rest may."""

    subject: str
    email: str | None
    email_verified: bool
    name: str | None
    picture: str | None


class GoogleSignIn:
    """Verifies ID tokens issued to ``client_id``; ``now`` (seconds) times the cached keys."""

    def __init__(
        self,
        client_id: str,
        *,
        certs_url: str = GOOGLE_CERTS_URL,
        timeout_s: float = 5.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client_id = client_id
        self._keys = _GoogleKeys(certs_url, timeout_s, now)

    async def verify(self, credential: str) -> GoogleIdentity:
        """Whom the credential speaks for; raises InvalidCredential or CertificatesUnavailable."""
        key = await self._keys.find(_key_id(credential))
        if key is None:
            raise InvalidCredential("signed with a key that Google does not publish")
        return _identity(self._claims(credential, key))

    async def aclose(self) -> None:
        """Close connections; nothing is verified afterwards."""
        await self._keys.aclose()

    def _claims(self, credential: str, key: RSAPublicKey) -> Mapping[str, Any]:
        try:
            return jwt.decode(
                credential,
                key,
                algorithms=["RS256"],
                audience=self._client_id,
                issuer=_ISSUERS,
                leeway=_LEEWAY_S,
                options={"require": _CLAIMS, "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise _invalid(error) from error


class _GoogleKeys:
    """Google's public keys by key id, fetched when due; old ones serve while Google is away."""

    def __init__(self, url: str, timeout_s: float, now: Callable[[], float]) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._now = now
        self._http = httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)
        self._fetching = asyncio.Lock()
        self._keys: dict[str, RSAPublicKey] = {}
        self._due_at = -math.inf
        self._due_for_unknown_key_at = -math.inf

    async def find(self, key_id: str) -> RSAPublicKey | None:
        """The key of that id, or None if Google publishes none."""
        if self._is_due(key_id):
            async with self._fetching:
                # Whoever held the lock before us may have fetched what we need.
                if self._is_due(key_id):
                    await self._refresh()
        if not self._keys:
            raise CertificatesUnavailable("Google's certificates could not be fetched just now")
        return self._keys.get(key_id)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _is_due(self, key_id: str) -> bool:
        now = self._now()
        unknown = key_id not in self._keys
        return now >= self._due_at or (unknown and now >= self._due_for_unknown_key_at)

    async def _refresh(self) -> None:
        try:
            self._keys, lifetime_s = await self._fetch()
        except _FETCH_FAILURES as error:
            self._next_fetch_in(_STALE_PAUSE_S if self._keys else _EMPTY_PAUSE_S)
            if not self._keys:
                raise CertificatesUnavailable("Google's certificates cannot be fetched") from error
            log.warning("google_certificates_not_refreshed", error=repr(error))
        else:
            self._next_fetch_in(lifetime_s)

    def _next_fetch_in(self, seconds: float) -> None:
        now = self._now()
        self._due_at = now + seconds
        self._due_for_unknown_key_at = now + _UNKNOWN_KEY_PAUSE_S

    async def _fetch(self) -> tuple[dict[str, RSAPublicKey], float]:
        async with (
            asyncio.timeout(self._timeout_s),
            # Not compressed, so that what arrives is as long as what is kept.
            self._http.stream("GET", self._url, headers={"accept-encoding": "identity"}) as answer,
        ):
            document = await _bounded_body(answer)
        return _published_keys(document), _lifetime_s(answer.headers.get("cache-control", ""))


def _key_id(credential: str) -> str:
    """Which key the credential claims; nothing is fetched for what cannot be an ID token."""
    if len(credential) > _MAX_CREDENTIAL_LENGTH or not credential.isascii():
        raise InvalidCredential("not a token")
    try:
        header = jwt.get_unverified_header(credential)
    except jwt.PyJWTError as error:
        raise _invalid(error) from error
    key_id = header.get("kid")
    if header.get("alg") != "RS256" or not isinstance(key_id, str):
        raise InvalidCredential("not signed the way Google signs")
    return key_id


def _invalid(error: jwt.PyJWTError) -> InvalidCredential:
    # Not its text, which may quote the token.
    return InvalidCredential(type(error).__name__)


def _identity(claims: Mapping[str, Any]) -> GoogleIdentity:
    if not (_is_number(claims["exp"]) and _is_number(claims["iat"])):
        raise InvalidCredential("its times are not numbers")
    return GoogleIdentity(
        subject=_subject(claims["sub"]),
        email=_email(claims.get("email")),
        email_verified=_is_verified(claims.get("email_verified")),
        name=_name(claims.get("name")),
        picture=_picture(claims.get("picture")),
    )


def _is_number(claim: object) -> bool:
    return isinstance(claim, int | float) and not isinstance(claim, bool)


def _is_clean(text: str) -> bool:
    return _UNCLEAN.search(text) is None


def _subject(claim: object) -> str:
    if isinstance(claim, str) and 0 < len(claim) <= _MAX_SUBJECT_LENGTH and _is_clean(claim):
        return claim
    raise InvalidCredential("its subject is no account id")


def _email(claim: object) -> str | None:
    if claim is None:
        return None
    if not isinstance(claim, str):
        raise InvalidCredential("its e-mail address is no text")
    email = claim.strip()
    if len(email) > _MAX_EMAIL_LENGTH or (email and not _EMAIL.fullmatch(email)):
        raise InvalidCredential("its e-mail address is malformed")
    return email.lower() or None


def _is_verified(claim: object) -> bool:
    if claim is not None and not isinstance(claim, bool | str):
        raise InvalidCredential("its email_verified is neither true nor false")
    return claim in (True, "true")


def _name(claim: object) -> str | None:
    name = claim.strip() if isinstance(claim, str) else ""
    return name if 0 < len(name) <= _MAX_NAME_LENGTH and _is_clean(name) else None


def _picture(claim: object) -> str | None:
    if not isinstance(claim, str) or len(claim) > _MAX_PICTURE_LENGTH:
        return None
    return claim if _PICTURE.fullmatch(claim) else None


async def _bounded_body(answer: httpx.Response) -> bytes:
    if answer.status_code != httpx.codes.OK:
        raise ValueError(f"answered {answer.status_code}")
    body = bytearray()
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > _MAX_DOCUMENT_BYTES:
            raise ValueError("answered at too great length")
    return bytes(body)


def _lifetime_s(cache_control: str) -> float:
    max_age = _MAX_AGE.search(cache_control)
    if max_age is None:
        return _DEFAULT_LIFETIME_S
    return min(max(float(max_age[1]), _MIN_LIFETIME_S), _MAX_LIFETIME_S)


def _published_keys(document: bytes) -> dict[str, RSAPublicKey]:
    """The usable keys in either form Google publishes: a JWK set, or certificates by key id."""
    published = orjson.loads(document)
    if not isinstance(published, dict):
        raise ValueError("answered no JSON object")  # noqa: TRY004 - it is the answer that is wrong
    jwks = published.get("keys")
    found = _jwk_keys(jwks) if isinstance(jwks, list) else _certificate_keys(published)
    keys = {
        key_id: key
        for key_id, key in found
        if isinstance(key, RSAPublicKey) and key.key_size >= _MIN_KEY_BITS
    }
    if not keys:
        raise ValueError("answered no usable key")
    return keys


def _jwk_keys(jwks: list[Any]) -> Iterator[tuple[str, object]]:
    for jwk in jwks:
        if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str):
            with suppress(jwt.InvalidKeyError, ValueError, TypeError):
                yield jwk["kid"], RSAAlgorithm.from_jwk(jwk)


def _certificate_keys(certificates: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for key_id, pem in certificates.items():
        if isinstance(pem, str):
            with suppress(ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
                yield key_id, x509.load_pem_x509_certificate(pem.encode()).public_key()
