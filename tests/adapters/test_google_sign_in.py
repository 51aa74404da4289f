"""Google ID tokens against a real server that publishes real certificates."""

import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from vidwiz.adapters.google_sign_in import (
    CertificatesUnavailable,
    GoogleIdentity,
    GoogleSignIn,
    InvalidCredential,
)

CLIENT_ID = "1234.apps.googleusercontent.com"
ABSENT = ...
ADA = GoogleIdentity(
    subject="108",
    email="ada@example.com",
    email_verified=True,
    name="Ada Lovelace",
    picture="https://lh3.googleusercontent.com/a/photo=s96-c",
)

# One example leaves nothing to the next but the fetched keys.
fuzzed = settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class Signer:
    """One of Google's keys: signs tokens and is published as a certificate or a JWK."""

    def __init__(self, key_id: str, bits: int = 2048) -> None:
        self.key_id = key_id
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
        self.pem = certificate(self.key)

    def jwk(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return public | {"kid": self.key_id, "alg": "RS256", "use": "sig"}

    def token(self, *, headers: dict[str, Any] | None = None, **changes: Any) -> str:
        """A valid token, but for these claims and headers."""
        payload = json.dumps(claims(**changes)).encode()
        return jwt.api_jws.encode(
            payload, self.key, "RS256", headers={"kid": self.key_id} | (headers or {})
        )

    def handmade(self, header: bytes) -> str:
        """A token with a header that PyJWT would refuse to write."""
        signed = segment(header) + b"." + segment(json.dumps(claims()).encode())
        signature = self.key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return (signed + b"." + segment(signature)).decode()


@dataclass
class Google:
    """What the certificate server answers, and how often it was asked."""

    url: str
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    hits: int = 0
    open: threading.Event = field(default_factory=threading.Event)

    def publish(self, *signers: Signer) -> None:
        self.body = json.dumps({signer.key_id: signer.pem for signer in signers}).encode()

    def publish_jwks(self, *keys: object) -> None:
        self.body = json.dumps({"keys": keys}).encode()


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def segment(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "federated-signon.system")])
    made_at = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(made_at)
        .not_valid_after(made_at + timedelta(days=16))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def claims(**changes: object) -> dict[str, object]:
    now = int(time.time())
    valid = {
        "iss": "https://accounts.google.com",
        "aud": CLIENT_ID,
        "azp": CLIENT_ID,
        "sub": "108",
        "email": " Ada@Example.com ",
        "email_verified": True,
        "name": "Ada Lovelace",
        "picture": "https://lh3.googleusercontent.com/a/photo=s96-c",
        "iat": now,
        "exp": now + 3600,
    }
    return {name: value for name, value in (valid | changes).items() if value is not ABSENT}


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer("first")


@pytest.fixture(scope="module")
def next_signer() -> Signer:
    return Signer("second")


@pytest.fixture
def google(signer: Signer) -> Iterator[Google]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            published.hits += 1
            published.open.wait()
            with suppress(ConnectionError):
                self.send_response(published.status)
                for header, value in published.headers.items():
                    self.send_header(header, value)
                self.end_headers()
                for start in range(0, len(published.body), 1024):
                    self.wfile.write(published.body[start : start + 1024])
                    time.sleep(published.pause_s)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    published = Google(f"http://127.0.0.1:{server.server_port}/oauth2/v1/certs")
    published.publish(signer)
    published.open.set()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield published
    published.open.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def signing_in(url: str, clock: Clock, timeout_s: float = 5.0) -> AsyncIterator[GoogleSignIn]:
    sign_in = GoogleSignIn(CLIENT_ID, certs_url=url, timeout_s=timeout_s, now=clock)
    try:
        yield sign_in
    finally:
        await sign_in.aclose()


@pytest.fixture
async def sign_in(google: Google, clock: Clock) -> AsyncIterator[GoogleSignIn]:
    async with signing_in(google.url, clock) as sign_in:
        yield sign_in


async def test_a_token_signed_by_google_names_a_person(
    sign_in: GoogleSignIn, signer: Signer
) -> None:
    assert await sign_in.verify(signer.token()) == ADA


async def test_keys_may_be_published_as_a_jwk_set(
    google: Google, sign_in: GoogleSignIn, signer: Signer, next_signer: Signer
) -> None:
    google.publish_jwks(next_signer.jwk(), signer.jwk())
    assert await sign_in.verify(signer.token()) == ADA
    assert await sign_in.verify(next_signer.token()) == ADA


@pytest.mark.parametrize("issuer", ["accounts.google.com", "https://accounts.google.com"])
async def test_google_signs_under_two_names(
    sign_in: GoogleSignIn, signer: Signer, issuer: str
) -> None:
    assert await sign_in.verify(signer.token(iss=issuer)) == ADA


@pytest.mark.parametrize(
    ("claim", "verified"),
    [(True, True), ("true", True), (False, False), ("false", False), ("", False), (ABSENT, False)],
)
async def test_an_address_is_verified_only_if_google_says_so(
    sign_in: GoogleSignIn, signer: Signer, claim: object, verified: bool
) -> None:
    identity = await sign_in.verify(signer.token(email_verified=claim))
    assert identity.email_verified is verified


@pytest.mark.parametrize("email", [ABSENT, None, "", "  "])
async def test_a_person_may_have_no_address(
    sign_in: GoogleSignIn, signer: Signer, email: object
) -> None:
    assert (await sign_in.verify(signer.token(email=email))).email is None


@pytest.mark.parametrize(
    "name", [ABSENT, None, 7, ["Ada"], "", "  ", "A\0da", "\ud800", "A\nB", "x" * 101]
)
async def test_a_name_that_is_not_clean_text_is_left_out(
    sign_in: GoogleSignIn, signer: Signer, name: object
) -> None:
    assert (await sign_in.verify(signer.token(name=name))).name is None


@pytest.mark.parametrize("name", ["O'Hara-Šćepanović", "क्\u200dषमा", "👩\u200d💻", "x" * 100])
async def test_names_are_not_only_english(sign_in: GoogleSignIn, signer: Signer, name: str) -> None:
    assert (await sign_in.verify(signer.token(name=f" {name} "))).name == name


@pytest.mark.parametrize(
    "picture",
    [
        ABSENT,
        None,
        7,
        "",
        "photo.png",
        "//example.com/a",
        "javascript:alert(1)",
        "data:image/png;base64,AAAA",
        "https://",
        "https:///a",
        "https://example.com/a b",
        "https://example.com/\0",
        "https://example.com/\ud800",
        "https://example.com/" + "x" * 2048,
    ],
)
async def test_a_picture_that_is_no_web_address_is_left_out(
    sign_in: GoogleSignIn, signer: Signer, picture: object
) -> None:
    assert (await sign_in.verify(signer.token(picture=picture))).picture is None


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": ABSENT},
        {"iat": ABSENT},
        {"sub": ABSENT},
        {"aud": ABSENT},
        {"iss": ABSENT},
        {"exp": 1_700_000_000},
        {"iat": 4_000_000_000},
        {"nbf": 4_000_000_000},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": []},
        {"iat": "0"},
        {"iat": {}},
        {"nbf": []},
        {"aud": "somebody-else"},
        {"aud": [CLIENT_ID]},
        {"aud": {CLIENT_ID: 1}},
        {"aud": ""},
        {"iss": "https://accounts.google.com.evil.example"},
        {"iss": 7},
        {"iss": ["accounts.google.com"]},
        {"sub": ""},
        {"sub": 108},
        {"sub": "1" * 256},
        {"sub": "1\0"},
        {"sub": "\ud800"},
        {"jti": 7},
        {"email": 7},
        {"email": ["ada@example.com"]},
        {"email": "ada"},
        {"email": "ada@localhost"},
        {"email": "ada@example.com@example.org"},
        {"email": "ada lovelace@example.com"},
        {"email": "ada\0@example.com"},
        {"email": "ada@example.com\ud800"},
        {"email": "\u212aate@example.com"},  # the Kelvin sign, whose small letter is "k"
        {"email": "a" * 243 + "@example.com"},
        {"email_verified": 1},
        {"email_verified": ["true"]},
    ],
    ids=repr,
)
async def test_a_signed_token_with_wrong_claims_is_refused(
    sign_in: GoogleSignIn, signer: Signer, changes: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCredential):
        await sign_in.verify(signer.token(**changes))


async def test_clocks_may_differ_by_some_seconds(sign_in: GoogleSignIn, signer: Signer) -> None:
    now = int(time.time())
    assert await sign_in.verify(signer.token(iat=now + 5, exp=now - 5)) == ADA


@pytest.mark.parametrize("payload", [b"[]", b"null", b"7", b"\xff", b"", b"{", b"[" * 9000])
async def test_a_signed_payload_that_is_no_object_is_refused(
    sign_in: GoogleSignIn, signer: Signer, payload: bytes
) -> None:
    token = jwt.api_jws.encode(payload, signer.key, "RS256", headers={"kid": signer.key_id})
    with pytest.raises(InvalidCredential):
        await sign_in.verify(token)


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"RS256","kid":7}',
        b'{"alg":"RS256","kid":["first"]}',
        b'{"alg":"RS256","kid":{}}',
        b'{"alg":"RS256","kid":null}',
        b'{"alg":"RS256"}',
        b'{"kid":"first"}',
        b'{"alg":null,"kid":"first"}',
        b'{"alg":["RS256"],"kid":"first"}',
        b'{"alg":{},"kid":"first"}',
        b'{"alg":"RS512","kid":"first"}',
        b'{"alg":"rs256","kid":"first"}',
        b'{"alg":"RS256","kid":"first","crit":["exp"],"exp":1}',
        b'{"alg":"RS256","kid":"first","crit":"\\ud800"}',
        b'["RS256"]',
        b'"RS256"',
        b"RS256",
        b"",
        b"\xff\xfe",
        b"[" * 9000,
    ],
)
async def test_an_odd_header_is_refused_and_not_worth_asking_google(
    google: Google, sign_in: GoogleSignIn, signer: Signer, header: bytes
) -> None:
    with pytest.raises(InvalidCredential):
        await sign_in.verify(signer.handmade(header))
    assert google.hits == 0


async def test_a_token_without_its_payload_is_refused(
    sign_in: GoogleSignIn, signer: Signer
) -> None:
    header = b'{"alg":"RS256","kid":"first","crit":["b64"],"b64":false}'
    whole = signer.handmade(header)
    header_only, _, signature = whole.split(".")
    for credential in (whole, f"{header_only}..{signature}"):
        with pytest.raises(InvalidCredential):
            await sign_in.verify(credential)


@pytest.mark.parametrize(
    "credential",
    ["", ".", "..", "a.b.c", "\0", "é.é.é", "\ud800", "ey" * 9000, "e30.e30.e30", "=.=.="],
)
async def test_garbage_is_refused_and_not_worth_asking_google(
    google: Google, sign_in: GoogleSignIn, credential: str
) -> None:
    with pytest.raises(InvalidCredential):
        await sign_in.verify(credential)
    assert google.hits == 0


async def test_a_valid_token_of_absurd_length_is_refused(
    sign_in: GoogleSignIn, signer: Signer
) -> None:
    with pytest.raises(InvalidCredential):
        await sign_in.verify(signer.token(padding="x" * 16_384))


async def test_an_unsigned_token_is_refused(sign_in: GoogleSignIn, signer: Signer) -> None:
    payload = json.dumps(claims()).encode()
    unsigned = jwt.api_jws.encode(payload, "", "none", headers={"kid": signer.key_id})
    with pytest.raises(InvalidCredential):
        await sign_in.verify(unsigned)
    disguised = segment(b'{"alg":"RS256","kid":"first"}') + b"." + segment(payload) + b"."
    with pytest.raises(InvalidCredential):
        await sign_in.verify(disguised.decode())


async def test_the_public_certificate_is_no_shared_secret(
    sign_in: GoogleSignIn, signer: Signer
) -> None:
    await sign_in.verify(signer.token())
    payload = segment(json.dumps(claims()).encode())
    for algorithm in (b"HS256", b"RS256"):
        signed = segment(b'{"alg":"%s","kid":"first"}' % algorithm) + b"." + payload
        mac = hmac.digest(signer.pem.encode(), signed, hashlib.sha256)
        with pytest.raises(InvalidCredential):
            await sign_in.verify((signed + b"." + segment(mac)).decode())


async def test_a_token_cannot_bring_its_own_key(
    google: Google, sign_in: GoogleSignIn, next_signer: Signer
) -> None:
    own = {
        "kid": "first",
        "jwk": next_signer.jwk(),
        "jku": google.url + "/jku",
        "x5u": google.url + "/x5u",
        "x5c": ["".join(next_signer.pem.splitlines()[1:-1])],
    }
    with pytest.raises(InvalidCredential):
        await sign_in.verify(next_signer.token(headers=own))
    assert google.hits == 1


async def test_a_token_altered_after_signing_is_refused(
    sign_in: GoogleSignIn, signer: Signer
) -> None:
    header, _, signature = signer.token().split(".")
    other = segment(json.dumps(claims(sub="109")).encode()).decode()
    with pytest.raises(InvalidCredential):
        await sign_in.verify(f"{header}.{other}.{signature}")


@fuzzed
@given(credential=st.text() | st.from_regex(r"\A[\w-]*\.[\w-]*\.[\w-]*\Z"))
async def test_any_text_is_refused(sign_in: GoogleSignIn, credential: str) -> None:
    with pytest.raises(InvalidCredential):
        await sign_in.verify(credential)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@fuzzed
@given(
    header=st.dictionaries(
        st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "zip", "cty"]), json_values
    )
)
async def test_any_header_is_accepted_or_refused(
    sign_in: GoogleSignIn, signer: Signer, header: dict[str, object]
) -> None:
    credential = signer.handmade(json.dumps({"alg": "RS256", "kid": "first"} | header).encode())
    with suppress(InvalidCredential):
        assert await sign_in.verify(credential) == ADA


@fuzzed
@given(changes=st.dictionaries(st.sampled_from([*claims(), "nbf", "jti"]), json_values))
async def test_any_claims_are_accepted_or_refused(
    sign_in: GoogleSignIn, signer: Signer, changes: dict[str, Any]
) -> None:
    with suppress(InvalidCredential):
        identity = await sign_in.verify(signer.token(**changes))
        for text in (identity.subject, identity.email, identity.name, identity.picture):
            assert "\0" not in (text or "").encode().decode()


async def test_keys_are_fetched_once_while_they_are_fresh(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer
) -> None:
    await asyncio.gather(*(sign_in.verify(signer.token()) for _ in range(20)))
    clock.now += 3599
    await sign_in.verify(signer.token())
    assert google.hits == 1
    clock.now += 1
    await asyncio.gather(*(sign_in.verify(signer.token()) for _ in range(20)))
    assert google.hits == 2


@pytest.mark.parametrize(
    ("cache_control", "lifetime_s"),
    [
        ("public, max-age=20000, must-revalidate, no-transform", 20_000),
        ("Max-Age=600", 600),
        ("max-age=0", 300),
        ("max-age=999999999", 86_400),
        ("s-maxage=600", 3600),
        ("max-age=soon", 3600),
        ("", 3600),
    ],
)
async def test_keys_are_kept_as_long_as_google_says_within_reason(
    google: Google, clock: Clock, signer: Signer, cache_control: str, lifetime_s: float
) -> None:
    google.headers = {"Cache-Control": cache_control}
    async with signing_in(google.url, clock) as sign_in:
        await sign_in.verify(signer.token())
        clock.now += lifetime_s - 1
        await sign_in.verify(signer.token())
        assert google.hits == 1
        clock.now += 1
        await sign_in.verify(signer.token())
        assert google.hits == 2


async def test_a_new_key_is_found_before_the_old_ones_expire(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer, next_signer: Signer
) -> None:
    await sign_in.verify(signer.token())
    google.publish(signer, next_signer)
    clock.now += 60
    assert await sign_in.verify(next_signer.token()) == ADA
    assert await sign_in.verify(signer.token()) == ADA
    assert google.hits == 2


async def test_a_withdrawn_key_is_forgotten(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer, next_signer: Signer
) -> None:
    await sign_in.verify(signer.token())
    google.publish(next_signer)
    clock.now += 3600
    with pytest.raises(InvalidCredential):
        await sign_in.verify(signer.token())


async def test_a_stranger_cannot_make_us_hammer_google(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer
) -> None:
    strange = [signer.token(headers={"kid": f"made-up-{n}"}) for n in range(10)]

    async def knock() -> None:
        answers = await asyncio.gather(*map(sign_in.verify, strange), return_exceptions=True)
        assert {type(answer) for answer in answers} == {InvalidCredential}

    await knock()
    clock.now += 59
    await knock()
    assert google.hits == 1
    clock.now += 1
    await knock()
    await knock()
    assert google.hits == 2
    google.status = 503
    clock.now += 60
    await knock()
    await knock()
    assert google.hits == 3


async def test_old_keys_serve_while_google_is_away(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer
) -> None:
    await sign_in.verify(signer.token())
    google.status = 503
    clock.now += 3600
    assert await sign_in.verify(signer.token()) == ADA
    assert await sign_in.verify(signer.token()) == ADA
    assert google.hits == 2
    google.status = 200
    clock.now += 60
    assert await sign_in.verify(signer.token()) == ADA
    assert google.hits == 3


async def test_without_any_keys_nothing_can_be_said_until_google_is_back(
    google: Google, clock: Clock, sign_in: GoogleSignIn, signer: Signer
) -> None:
    google.status = 500
    answers = await asyncio.gather(
        *(sign_in.verify(signer.token()) for _ in range(10)), return_exceptions=True
    )
    assert {type(answer) for answer in answers} == {CertificatesUnavailable}
    assert google.hits == 1
    google.status = 200
    clock.now += 5
    assert await sign_in.verify(signer.token()) == ADA


async def test_a_server_that_is_down_leaves_no_certificates(
    unused_tcp_port: int, clock: Clock, signer: Signer
) -> None:
    async with signing_in(f"http://127.0.0.1:{unused_tcp_port}/", clock) as sign_in:
        with pytest.raises(CertificatesUnavailable):
            await sign_in.verify(signer.token())


async def test_a_server_that_answers_drop_by_drop_is_given_up(
    google: Google, clock: Clock, signer: Signer
) -> None:
    google.pause_s, google.body = 0.05, google.body + b" " * 100 * 1024
    async with signing_in(google.url, clock, timeout_s=0.2) as sign_in:
        with pytest.raises(CertificatesUnavailable):
            await sign_in.verify(signer.token())


async def test_a_server_that_never_answers_is_given_up(
    google: Google, clock: Clock, signer: Signer
) -> None:
    google.open.clear()
    async with signing_in(google.url, clock, timeout_s=0.1) as sign_in:
        with pytest.raises(CertificatesUnavailable):
            await sign_in.verify(signer.token())


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://example.com", "http://[::1", "http://\0"])
async def test_a_url_that_is_none_leaves_no_certificates(
    clock: Clock, signer: Signer, url: str
) -> None:
    async with signing_in(url, clock) as sign_in:
        with pytest.raises(CertificatesUnavailable):
            await sign_in.verify(signer.token())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"keys":[]}',
        b'{"keys":[null,{},{"kid":"first"},{"kid":"first","kty":"RSA","n":1,"e":2}]}',
        b'{"keys":[{"kid":"first","kty":"oct","k":"c2VjcmV0"}]}',
        b'{"first":"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----"}',
        b'{"first":7}',
        b"[" * 9000,
    ],
)
async def test_an_answer_without_usable_keys_leaves_no_certificates(
    google: Google, sign_in: GoogleSignIn, signer: Signer, body: bytes
) -> None:
    google.body = body
    with pytest.raises(CertificatesUnavailable):
        await sign_in.verify(signer.token())


async def test_unusable_keys_do_not_spoil_the_others(
    google: Google, sign_in: GoogleSignIn, signer: Signer
) -> None:
    google.publish_jwks(None, {"kid": "odd", "kty": "RSA", "n": "?", "e": []}, signer.jwk())
    assert await sign_in.verify(signer.token()) == ADA


async def test_keys_that_are_short_or_not_rsa_are_not_used(
    google: Google, sign_in: GoogleSignIn, signer: Signer
) -> None:
    short = Signer("short", bits=1024)
    elliptic = certificate(ec.generate_private_key(ec.SECP256R1()))
    google.body = json.dumps(
        {"first": signer.pem, "short": short.pem, "elliptic": elliptic}
    ).encode()
    assert await sign_in.verify(signer.token()) == ADA
    for key_id in ("short", "elliptic"):
        with pytest.raises(InvalidCredential, match="does not publish"):
            await sign_in.verify(signer.token(headers={"kid": key_id}))


async def test_an_endless_answer_leaves_no_certificates(
    google: Google, sign_in: GoogleSignIn, signer: Signer
) -> None:
    google.body += b" " * 256 * 1024
    with pytest.raises(CertificatesUnavailable):
        await sign_in.verify(signer.token())


async def test_redirects_are_not_followed(
    google: Google, sign_in: GoogleSignIn, signer: Signer
) -> None:
    google.status, google.headers = 302, {"Location": google.url}
    with pytest.raises(CertificatesUnavailable):
        await sign_in.verify(signer.token())
    assert google.hits == 1
