"""What the environment says: every setting, its default, and what is off without it."""

import base64
import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from platformdirs import user_data_path
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from vidwiz.settings.daily import DailySettings
from vidwiz.settings.environment import AWS_SECRETS, Environment, SettingsError, read_environment
from vidwiz.settings.evidence import EvidenceSettings
from vidwiz.settings.forms import Bucket, HeaderSecret, Languages, Proxies, ProxyUrl, Url, Word
from vidwiz.settings.secret_files import KEY_BYTES, keep_secret, new_key, new_token

SHORTEST = {"SECRET_KEY": 32, "ADMIN_TOKEN": 16}
"""Bytes. RFC 7518, section 3.2, asks 32 of an HS256 key; nobody tries all tokens of 16."""
FEW = 6
"""A random secret of the shortest length has more different characters than this."""
PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "change this",
    "your-secret",
    "your_secret",
    "password",
)
INTERNAL = ("VIDWIZ_SERVED_DATABASE", "VIDWIZ_SERVED_BY")
"""What one process of ours tells another through the environment."""
URL_FORM = "postgresql://user:password@host/name"
OPENAI_URL = "https://api.openai.com/v1"
_BASE_PATH = re.compile(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
TAKEN = ("api", "assets", "docs", "metrics")
"""What no base path begins with: a path with and one without its prefix would look the same."""
WEB_APP = Path(__file__).parents[1] / "_web"
WEB_APP_OF_A_CHECKOUT = Path(__file__).parents[2] / "frontend" / "dist"
GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"


class _EnvironmentSource(PydanticBaseSettingsSource):
    """Takes each setting from ``read_environment`` under the first of its names that is given."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self._values = environment().values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The value, the name it is validated under, and that it is not to be parsed as JSON."""
        first, *_ = names = names_of(field)
        given = (self._values[name] for name in names if name in self._values)
        return next(given, None), first if names else field_name, False

    def __call__(self) -> dict[str, Any]:
        """Every setting that is given, by its first name."""
        found = (
            self.get_field_value(field, name)
            for name, field in self.settings_cls.model_fields.items()
        )
        return {name: value for value, name, _ in found if value is not None}


class Settings(EvidenceSettings, DailySettings):
    """Read once, at start, from the environment, a .env file and the files of secrets.

    Empty values count as missing. Raises ``SettingsError`` for a file that cannot be used.
    """

    model_config = SettingsConfigDict(frozen=False, extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  ours knows .env and secrets' files
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the caller gives, then the environment."""
        return init_settings, _EnvironmentSource(settings_cls)

    database_url: str | None = Field(
        None,
        validation_alias=AliasChoices("DATABASE_URL", "DB_URL"),
        description="PostgreSQL >= 15; without it an embedded one runs in the data folder",
    )
    secret_key: SecretStr | None = Field(
        None,
        validation_alias="SECRET_KEY",
        description="signs the tokens; made on first run and kept in the data folder",
    )
    admin_token: HeaderSecret | None = Field(
        None,
        validation_alias="ADMIN_TOKEN",
        description="what workers and admins present; made on first run likewise",
    )
    master_key: SecretStr | None = Field(
        None,
        validation_alias="VIDWIZ_MASTER_KEY",
        description="wraps the keys of persons: 32 bytes in base64; made on first run likewise",
    )
    master_key_next: SecretStr | None = Field(
        None,
        validation_alias="VIDWIZ_MASTER_KEY_NEXT",
        description="the master key to be, known to every process while `vidwiz rekey` changes it",
    )
    jwt_expiry_hours: float = Field(
        24, gt=0, le=24 * 366, validation_alias="JWT_EXPIRY_HOURS", description="life of a JWT"
    )
    aws_region: Word | None = Field(
        None,
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="region of the bucket and the queues",
    )
    aws_endpoint_url: Url | None = Field(
        None, validation_alias="AWS_ENDPOINT_URL", description="another S3 and SQS than Amazon's"
    )
    s3_bucket_name: Bucket | None = Field(
        None,
        validation_alias="S3_BUCKET_NAME",
        description="bucket of transcripts and checkpoints; without it they lie in the data folder",
    )
    sqs_ai_note_queue_url: Url | None = Field(
        None,
        validation_alias="SQS_AI_NOTE_QUEUE_URL",
        description="queue of the notes to write; without it the built-in workers take them",
    )
    sqs_summary_queue_url: Url | None = Field(
        None,
        validation_alias="SQS_SUMMARY_QUEUE_URL",
        description="queue of the videos to summarise; without it the built-in workers take them",
    )
    gemini_api_key: HeaderSecret | None = Field(
        None, validation_alias="GEMINI_API_KEY", description="Google's Gemini answers and writes"
    )
    gemini_model_name: Word = Field(
        "gemini-2.5-flash", validation_alias="GEMINI_MODEL_NAME", description="which Gemini"
    )
    google_gemini_base_url: Url | None = Field(
        None,
        validation_alias="GOOGLE_GEMINI_BASE_URL",
        description="another place that speaks Gemini's protocol",
    )
    openai_base_url: Url | None = Field(
        None,
        validation_alias="OPENAI_BASE_URL",
        description="any OpenAI-compatible API answers and writes, such as Ollama's",
    )
    openai_api_key: HeaderSecret | None = Field(
        None, validation_alias="OPENAI_API_KEY", description="its key, where it wants one"
    )
    openai_model: Word | None = Field(
        None, validation_alias="OPENAI_MODEL", description="its model; turns it on"
    )
    prompt_tokens: int = Field(
        32_000,
        ge=1000,
        le=10_000_000,
        validation_alias="VIDWIZ_PROMPT_TOKENS",
        description="tokens of a prompt; of a longer transcript it holds the relevant passages",
    )
    api_url: Url = Field(
        "http://127.0.0.1:8000",
        validation_alias="VIDWIZ_API_URL",
        description="where `vidwiz worker` finds the service",
    )
    caption_languages: Languages = Field(
        "en",
        validation_alias="VIDWIZ_CAPTION_LANGUAGES",
        description="preferred languages of subtitles, separated by commas, best first",
    )
    youtube_proxy: ProxyUrl | None = Field(
        None,
        validation_alias="VIDWIZ_YOUTUBE_PROXY",
        description="proxy through which YouTube is asked, such as http://user:password@host:3128",
    )
    youtube_url: Url | None = Field(
        None,
        validation_alias="VIDWIZ_YOUTUBE_URL",
        description="another place that answers like www.youtube.com",
    )
    google_client_id: Word | None = Field(
        None,
        validation_alias="GOOGLE_CLIENT_ID",
        description="turns Google sign-in on",
    )
    google_certs_url: Url = Field(
        GOOGLE_CERTS_URL,
        validation_alias="GOOGLE_CERTS_URL",
        description="where Google's certificates are published",
    )
    player_api_url: str = Field(
        "https://www.youtube.com/iframe_api",
        validation_alias="VIDWIZ_PLAYER_API_URL",
        pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?$",
        description="where the web app finds YouTube's IFrame API, or a stand-in for it",
    )
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("vidwiz", appauthor=False),
        validation_alias="VIDWIZ_DATA_DIR",
        description="folder of the embedded database, the transcripts and the secrets",
    )
    rate_limits: bool = Field(
        default=True,
        validation_alias="VIDWIZ_RATE_LIMITS",
        description="off: nobody is counted a minute or a day; what costs money stays bounded",
    )
    sign_up: Literal["open", "closed"] = Field(
        "open",
        validation_alias="VIDWIZ_SIGN_UP",
        description="closed: only `vidwiz user add` opens accounts",
    )
    user_workers: Literal["own", "any"] = Field(
        "own",
        validation_alias="VIDWIZ_USER_WORKERS",
        description="own: what a user fetches as a worker is theirs alone; any: users are workers",
    )
    stale_claim_s: float = Field(
        120,
        gt=0,
        le=31_536_000,
        validation_alias="VIDWIZ_STALE_CLAIM_SECONDS",
        description="a claim without a result is offered again after this many seconds",
    )
    pool_size: int = Field(
        12, ge=2, le=100, validation_alias="VIDWIZ_POOL_SIZE", description="reading connections"
    )
    lock_timeout_s: float = Field(
        3,
        ge=0,
        le=3600,
        validation_alias="VIDWIZ_LOCK_TIMEOUT_SECONDS",
        description="a table or row that others lock for longer is a 503; 0 waits for ever",
    )
    statement_timeout_s: float = Field(
        10,
        ge=0,
        le=3600,
        validation_alias="VIDWIZ_STATEMENT_TIMEOUT_SECONDS",
        description="a statement that takes longer is a 503; 0 waits for ever",
    )
    static_dir: Path = Field(
        default_factory=lambda: WEB_APP if WEB_APP.is_dir() else WEB_APP_OF_A_CHECKOUT,
        validation_alias="VIDWIZ_STATIC_DIR",
        description="the built web app",
    )
    connections: int = Field(
        10_000,
        ge=16,
        le=65_536,
        validation_alias="VIDWIZ_CONNECTIONS",
        description="open connections of a process; those that wait for a request make room",
    )
    connections_per_address: int = Field(
        256,
        ge=1,
        le=65_536,
        validation_alias="VIDWIZ_CONNECTIONS_PER_ADDRESS",
        description="those of one address, trusted proxies apart; more are a 503",
    )
    head_timeout_s: float = Field(
        10,
        gt=0,
        le=300,
        validation_alias="VIDWIZ_HEAD_TIMEOUT_SECONDS",
        description="a request's headers that take longer are a 408",
    )
    body_timeout_s: float = Field(
        20,
        gt=0,
        le=300,
        validation_alias="VIDWIZ_BODY_TIMEOUT_SECONDS",
        description="a body that takes longer, and slower than 500 bytes a second, is a 408",
    )
    trusted_proxies: Proxies = Field(
        "127.0.0.1",
        validation_alias="VIDWIZ_TRUSTED_PROXIES",
        description="addresses whose X-Forwarded headers are believed, separated by commas",
    )
    base_path: str = Field(
        "",
        max_length=200,
        validation_alias="VIDWIZ_BASE_PATH",
        description="the path of a shared host that is VidWiz's, such as /vidwiz",
    )
    metrics: Literal["guarded", "open"] = Field(
        "guarded",
        validation_alias="VIDWIZ_METRICS",
        description="open: everybody may read /metrics; else this host and the bearers of a token",
    )
    metrics_token: HeaderSecret | None = Field(
        None,
        validation_alias="VIDWIZ_METRICS_TOKEN",
        description="what Prometheus presents to read /metrics; the admin token does too",
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto",
        validation_alias="VIDWIZ_LOG_FORMAT",
        description="auto: text in a terminal, JSON elsewhere",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        validation_alias="VIDWIZ_LOG_LEVEL",
        description="least level that is logged; debug also has what idle workers and probes ask",
    )

    @field_validator("database_url")
    @classmethod
    def _libpq_form(cls, url: str | None) -> str | None:
        """Take SQLAlchemy's spelling of the scheme too."""
        if url is not None and "://" in url:
            scheme, _, rest = url.partition("://")
            if scheme.partition("+")[0] not in ("postgresql", "postgres"):
                raise ValueError(f"only PostgreSQL is supported: {URL_FORM}")
            url = f"postgresql://{rest}"
        try:
            conninfo_to_dict(url or "")
        except ProgrammingError:  # its text may hold the password
            raise ValueError(f"cannot be read; the form is {URL_FORM}") from None
        return url

    @field_validator("base_path")
    @classmethod
    def _base_path(cls, path: str) -> str:
        """Without the slash at its end; what browsers and proxies write in one way only."""
        path = path.rstrip("/")
        if path and not _BASE_PATH.fullmatch(path):
            raise ValueError("has to be like /vidwiz: names of letters, digits, '-' and '_'")
        if path and path.split("/")[1] in TAKEN:
            raise ValueError(f"VidWiz itself has {', '.join(f'/{name}' for name in TAKEN)}")
        return path

    @model_validator(mode="after")
    def _own_api_url(self) -> Self:
        if "api_url" not in self.model_fields_set:
            self.api_url += self.base_path
        return self

    @model_validator(mode="after")
    def _absolute_data_dir(self) -> Self:
        self.data_dir = self.data_dir.expanduser().absolute()
        return self

    def weaknesses(self) -> list[str]:
        """What is wrong with the secrets, a sentence each; raises ``SettingsError``.

        Only secrets that are there are looked at: nothing is made.
        """
        secrets_ = {
            "SECRET_KEY": self._known(self.secret_key, "secret_key"),
            "ADMIN_TOKEN": self._known(self.admin_token, "admin_token"),
        }
        found = [
            f"{name} {problem}"
            for name, secret in secrets_.items()
            if secret is not None and (problem := _weakness(secret, SHORTEST[name]))
        ]
        if None not in secrets_.values() and len(set(secrets_.values())) == 1:
            found.append("SECRET_KEY and ADMIN_TOKEN are the same")
        for name, given, file in (
            ("VIDWIZ_MASTER_KEY", self.master_key, "master_key"),
            ("VIDWIZ_SIGNING_KEY", self.audit_seed, "audit_key"),
        ):
            if self._known(given, file) and len(set(self.key(given, name, file))) < FEW:
                found.append(f"{name} repeats a few bytes")
        return found

    @property
    def embedded(self) -> bool:
        """Whether PostgreSQL runs in the data folder."""
        return self.database_url is None

    @property
    def known_signing_key(self) -> str | None:
        """The secret that signs tokens, unless it has still to be made."""
        return self._known(self.secret_key, "secret_key")

    @cached_property
    def signing_key(self) -> str:
        """The secret that signs tokens, from the setting or the data folder's file."""
        return self._secret(self.secret_key, "secret_key")

    @cached_property
    def admin_bearer(self) -> str:
        """The admin token, from the setting or the data folder's file."""
        return self._secret(self.admin_token, "admin_token").strip()  # as a header's value is read

    @property
    def metrics_bearer(self) -> str | None:
        """The token that may read the metrics and do nothing else; None without one."""
        return None if self.metrics_token is None else self.metrics_token.get_secret_value().strip()

    @cached_property
    def master_key_bytes(self) -> bytes:
        """The master key, from the setting or the data folder's file; 32 bytes."""
        return self.key(self.master_key, "VIDWIZ_MASTER_KEY", "master_key")

    @property
    def has_master_key(self) -> bool:
        """Whether the master key is set or kept, so that none would be made."""
        return self.master_key is not None or self.secret_file("master_key").exists()

    @cached_property
    def audit_key(self) -> bytes:
        """The Ed25519 seed that signs checkpoints, from the setting or the data folder's file."""
        return self.key(self.audit_seed, "VIDWIZ_SIGNING_KEY", "audit_key")

    def secret_file(self, name: str) -> Path:
        """Where a secret that nobody set is kept."""
        return self.data_dir / name

    def _known(self, given: SecretStr | None, name: str) -> str | None:
        """A secret that is set, or kept already; None if it has still to be made."""
        if given is None and not self.secret_file(name).exists():
            return None
        return self._secret(given, name)

    def _secret(
        self, given: SecretStr | None, name: str, new: Callable[[], str] = new_token
    ) -> str:
        if given is not None:
            return given.get_secret_value()
        return keep_secret(self.secret_file(name), new)

    def key(self, given: SecretStr | None, setting: str, name: str) -> bytes:
        """A key of 32 bytes, from the setting or the data folder's file; or ``SettingsError``."""
        text = self._secret(given, name, new_key)
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            where = setting if given else self.secret_file(name)
            raise SettingsError(f"{where} has to be {KEY_BYTES} bytes in base64")
        return key


def _is_secret(name: str, field: FieldInfo) -> bool:
    return name == "database_url" or "SecretStr" in str(field.annotation)


def names_of(field: FieldInfo) -> list[str]:
    """The names that a setting can be given under, the one to use first."""
    alias = field.validation_alias
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [name for name in choices if isinstance(name, str)]


SECRETS = tuple(
    name
    for key, field in Settings.model_fields.items()
    if _is_secret(key, field)
    for name in names_of(field)
)
"""The variables that hold a secret; each may also be given by a file."""


def environment() -> Environment:
    """What was found to make settings of; raises ``SettingsError``."""
    return read_environment(SECRETS)


def unknown_settings(found: Environment) -> list[str]:
    """A sentence for each variable that looks like a setting and is none."""
    known = {name for field in Settings.model_fields.values() for name in names_of(field)}
    known |= {*INTERNAL, *AWS_SECRETS}
    return [
        f"{name} is no setting" + (f"; did you mean {meant}?" if meant else "")
        for name, meant in found.unknown(known).items()
    ]


def _weakness(secret: str, shortest: int) -> str | None:
    """Why a secret can be guessed, to be put behind its name."""
    if len(secret.encode()) < shortest:
        return f"has only {len(secret.encode())} bytes of at least {shortest}"
    if len(set(secret)) < FEW or secret in (secret + secret)[1:-1]:
        return "repeats a few characters"
    if any(word in secret.lower() for word in PLACEHOLDERS):
        return "is the placeholder of an example"
    return None
