"""Settings of the log's evidence: who signs its checkpoints, and who witnesses whose."""

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings

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

    @field_validator("witness_for")
    @classmethod
    def _public_keys(cls, keys: str) -> str:
        return ",".join(public_key(one) for one in _listed(keys))

    @property
    def witnessed_keys(self) -> frozenset[str]:
        """The keys whose checkpoints are kept here, in hex."""
        return frozenset(_listed(self.witness_for))


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
