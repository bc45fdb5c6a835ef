"""Settings, read once at the edge: environment (`SAFELIGHT_*`), then `safelight.toml`, then defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from .errors import ConfigError

__all__ = ["OPENAI_URL", "Role", "Settings", "load_settings"]

OPENAI_URL = "https://api.openai.com/v1"
Role = Literal["reasoner", "generator", "moderator", "monitor"]

_Chain = Annotated[tuple[str, ...], NoDecode]
_Paths = Annotated[tuple[Path, ...], NoDecode]

# Who serves each role where nothing is set: by themselves, and where OpenAI's own service has a key.
_EMBEDDED: dict[str, tuple[str, ...]] = {
    "reasoner": ("embedded",),
    "generator": ("canvas",),
    "moderator": ("embedded",),
}
_WITH_KEY: dict[str, tuple[str, ...]] = {
    "reasoner": ("openai:gpt-6.2-sol", "embedded"),
    "generator": ("openai:gpt-image-2.6-sunburst", "canvas"),
    "moderator": ("embedded", "openai:omni-moderation-latest", "monitor:gpt-6-luna"),
}


def _default_home() -> Path:
    return Path(platformdirs.user_data_dir("safelight", appauthor=False))


class Settings(BaseSettings):
    """Everything that can be configured. Empty strings mean "the default under `home`".

    `reasoner`, `generator` and `search` are chains: the first that can serve does. All of `moderator` judge.
    Durations are in seconds. Keys are never shown: not in a repr, a log or an error.
    """

    model_config = SettingsConfigDict(
        env_prefix="SAFELIGHT_", extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True
    )

    home: Path = Field(default_factory=_default_home)
    database: str = ""  # SQLAlchemy URL
    blobs: str = ""  # file:///…, memory:// or s3://bucket/prefix
    policies: Path | None = None

    reasoner: _Chain = ()  # openai:MODEL, embedded
    generator: _Chain = ()  # openai:MODEL, diffusers:PATH, canvas
    moderator: _Chain = ()  # embedded, openai:MODEL, monitor:MODEL
    openai_api_key: SecretStr = Field(
        default=SecretStr(""), validation_alias=AliasChoices("openai_api_key", "OPENAI_API_KEY")
    )
    openai_base_url: str = Field(
        default=OPENAI_URL, validation_alias=AliasChoices("openai_base_url", "OPENAI_BASE_URL")
    )
    reasoner_base_url: str = ""
    reasoner_api_key: SecretStr = SecretStr("")
    generator_base_url: str = ""
    generator_api_key: SecretStr = SecretStr("")
    moderator_base_url: str = ""
    moderator_api_key: SecretStr = SecretStr("")
    monitor_base_url: str = ""
    monitor_api_key: SecretStr = SecretStr("")
    reasoner_effort: str = ""  # the service's own word: none, minimal, low, medium, high, …
    reasoner_tokens: int = Field(default=16_384, ge=64)  # of one answer, thinking included
    service_seconds: float = Field(default=180.0, gt=0)
    service_deadline: float = Field(default=300.0, gt=0)
    service_attempts: int = Field(default=4, ge=1, le=10)
    service_concurrency: int = Field(default=8, ge=1, le=4096)
    service_per_minute: float | None = Field(default=None, gt=0)
    prices: Path | None = None  # YAML, laid over the shipped price table
    max_cost: float | None = Field(default=None, gt=0)  # US dollars a run
    max_account_cost: float | None = Field(default=None, gt=0)  # US dollars an account in 24 hours

    image_options: dict[str, Any] = Field(default_factory=dict)  # of image services; JSON in the environment
    diffusers_options: dict[str, Any] = Field(default_factory=dict)
    partial_images: Literal["off", "judged", "blurred"] = "off"

    search: _Chain = ("ddgs",)  # ddgs, searxng:URL, folder:PATH, openai:MODEL, none
    search_seconds: float = Field(default=12.0, gt=0)
    max_queries: int = Field(default=5, ge=0, le=12)
    max_pages: int = Field(default=6, ge=0, le=40)
    max_rounds: int = Field(default=2, ge=1, le=5)
    max_research_tokens: int = Field(default=200_000, ge=0)
    max_research_seconds: float = Field(default=120.0, gt=0)
    max_revisions: int = Field(default=2, ge=0, le=8)

    monitor_unseen: bool = True
    monitor_lifts: bool = False
    monitor_votes: int = Field(default=1, ge=1, le=9)
    monitor_vision: bool = True
    monitor_effort: str = ""

    moderator_seconds: float = Field(default=60.0, gt=0)
    human_review: bool = False
    strict: _Chain = ()  # policy stacks that apply strictly: minors, bio
    clearance_seconds: float = Field(default=3600.0, gt=0)

    certificate: Path | None = None  # PEM chain, leaf first
    private_key: Path | None = None
    retired_certificates: _Paths = ()  # PEM chains that signed here before: their images are still ours
    tsa_url: str = ""  # RFC 3161 timestamp authority
    trust_list: Path | None = None  # PEM roots whose signatures are trusted beside our own
    claim_prompt: bool = False
    watermark_engine: Literal["classical", "neural"] = "classical"
    watermark_networks: Path | None = None  # a folder of encoder.onnx and decoder.onnx; None: our own

    concurrency: int = Field(default=2, ge=1, le=4096)
    stamp_processes: int | None = Field(default=None, ge=0, le=256)  # None: one a core in `safelight serve`, else none

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    require_keys: bool = False
    public_url: str = ""  # where clients reach the server, when that is not the address that they call
    cors: _Chain = ()
    rate: str = "600/minute"  # requests a key; `safelight keys create --rate` says otherwise for one
    max_runs: int = Field(default=512, ge=1)
    max_body_mib: int = Field(default=64, ge=1, le=1024)
    max_buffered_mib: int = Field(default=512, ge=1)
    answer_seconds: float = Field(default=600.0, gt=0)
    drain_seconds: float = Field(default=20.0, ge=0)
    link_seconds: int = Field(default=86_400, ge=1)
    private_webhooks: bool = False

    @model_validator(mode="before")
    @classmethod
    def _serve_every_role(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        found = {name.casefold(): value for name, value in data.items()}
        key = found.get("openai_api_key") or ""
        secret = key.get_secret_value() if isinstance(key, SecretStr) else key
        at_openai = (found.get("openai_base_url") or OPENAI_URL).rstrip("/") == OPENAI_URL
        defaults = {**_EMBEDDED, **(_WITH_KEY if secret and at_openai else {})}
        return {**data, **{role: chain for role, chain in defaults.items() if not found.get(role)}}

    @field_validator(
        "reasoner", "generator", "moderator", "search", "strict", "cors", "retired_certificates", mode="before"
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    def service_of(self, role: Role) -> tuple[str, str]:
        """Base URL and key of a role: its own, else the moderator's for the monitor, else OPENAI_BASE_URL's.

        A key goes only to the address that it was set beside: OPENAI_API_KEY never to a role's own base URL.
        """
        asked: list[Role] = ["monitor", "moderator"] if role == "monitor" else [role]
        for name in asked:
            url, key = getattr(self, f"{name}_base_url"), getattr(self, f"{name}_api_key").get_secret_value()
            if url or key:
                return url or self.openai_base_url, key
        return self.openai_base_url, self.openai_api_key.get_secret_value()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite+aiosqlite:///{self.home / 'safelight.db'}"

    @property
    def blobs_url(self) -> str:
        return self.blobs or (self.home / "blobs").as_uri()

    @property
    def checkpoints_path(self) -> Path:
        return self.home / "checkpoints.db"

    @property
    def keys_dir(self) -> Path:
        return self.home / "keys"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=_settings_file())


def _settings_file() -> Path:
    return Path(os.environ.get("SAFELIGHT_CONFIG", "safelight.toml"))


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. Raises ConfigError, naming the setting, where one cannot work."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors())
        raise ConfigError(
            f"The settings cannot be used: {faults}. Mend {_settings_file()} or the SAFELIGHT_ variables."
        ) from error
    except ValueError as error:  # a TOML file that does not parse
        raise ConfigError(f"{_settings_file()} cannot be read: {error}") from error
