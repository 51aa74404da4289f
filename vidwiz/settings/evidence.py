"""Settings of the log's evidence and past: who signs and witnesses, and the row history."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

from vidwiz.settings.forms import is_url
from vidwiz.verify_export import public_key


class EvidenceSettings(BaseSettings):
    """A part of ``Settings``."""

    audit_seed: SecretStr | None = Field(
        None,
        validation_alias="VIDWIZ_SIGNING_KEY",
        description="signs the log's checkpoints: 32 bytes in base64; made on first run likewise",
    )
    witness_for: str = Field(
        "",
        validation_alias="VIDWIZ_WITNESS_FOR",
        description="public keys of the servers whose checkpoints are kept here, with commas",
    )

    witnesses: str = Field(
        "",
        validation_alias="VIDWIZ_WITNESSES",
        description="URLs of the servers that are shown each checkpoint, with commas",
    )

    row_history: bool = Field(
        True,
        validation_alias="VIDWIZ_ROW_HISTORY",
        description="whether every version of every row is kept, for time travel",
    )

    @field_validator("witnesses")
    @classmethod
    def _urls(cls, urls: str) -> str:
        return ",".join(witness_url(one) for one in _listed(urls))

    @field_validator("witness_for")
    @classmethod
    def _public_keys(cls, keys: str) -> str:
        return ",".join(public_key(one) for one in _listed(keys))

    @property
    def witnessed_keys(self) -> frozenset[str]:
        """The keys whose checkpoints are kept here, in hex."""
        return frozenset(_listed(self.witness_for))

    @property
    def witness_urls(self) -> list[str]:
        """The servers that are shown each checkpoint."""
        return _listed(self.witnesses)


def witness_url(text: str) -> str:
    """The URL under which a server is a witness; raises ``ValueError``."""
    parts = urlsplit(text)
    if not is_url(text, "http", "https") or parts.query or parts.fragment:
        raise ValueError("a witness is named by a URL like https://vidwiz.example.org")
    return text.rstrip("/")


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
