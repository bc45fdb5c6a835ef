"""Where a service is, and how it may be used."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ..config import OPENAI_URL
from ..errors import ConfigError

__all__ = ["OPENAI_URL", "Endpoint", "account_hash"]


@dataclass(frozen=True)
class Endpoint:
    """One service in one role (`generator`, `moderator`, `monitor`, `reasoner`: the word that its messages use).

    `api_key` may be empty for a server of one's own that asks for none. `seconds` limits one attempt, from its first
    byte sent to its last one read; `deadline` all attempts of a call with the waits between them. `per_minute` limits
    how many requests are begun a minute, over all runs; None for no limit.

    Raises:
        ConfigError: the address is no http address, OpenAI's own without a key, or a number that limits nothing.
    """

    role: str
    base_url: str = OPENAI_URL
    api_key: str = field(default="", repr=False)
    seconds: float = 180.0
    connect_seconds: float = 5.0
    attempts: int = 4
    deadline: float = 300.0
    concurrency: int = 8
    per_minute: float | None = None

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise ConfigError(f"The base URL of the {self.role} must be http(s)://host/…, with no user in it.")
        if not self.api_key and self.is_openai:
            raise ConfigError(f"The {self.role} has no API key. Set OPENAI_API_KEY, or a base URL that needs none.")
        numbers = (self.seconds, self.connect_seconds, self.deadline, self.attempts, self.concurrency)
        if min(numbers) <= 0 or (self.per_minute is not None and self.per_minute <= 0):
            raise ConfigError(f"Seconds, attempts and limits of the {self.role} must be positive.")

    @property
    def is_openai(self) -> bool:
        """It is OpenAI's own service, which takes parameters that others refuse, and refuses some that others need."""
        return self.base_url.rstrip("/") == OPENAI_URL

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what an answer's own addresses must match to be followed."""
        return origin_of(self.base_url)


def origin_of(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address. Raises ValueError where it has no usable port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)


def account_hash(account: str, key: bytes) -> str:
    """The safety identifier of an account: HMAC-SHA256 under a key of this installation, 64 hex digits.

    A service can tell that two requests come from one person, and nobody without the key can tell from whom.
    """
    return hmac.new(
        key, b"safelight.account.v1\0" + account.encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hexdigest()
