"""Keys to the HTTP API. A secret is shown once, when it is made; what is kept is its hash."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ..errors import StoreError
from .database import Database
from .tables import AccountRow, ApiKeyRow

__all__ = ["ApiKey", "ApiKeys"]

_PREFIX = "sl"
_SUSPENDED = sa.select(AccountRow.id).where(AccountRow.suspended_at.is_not(None))
_OPEN = sa.select(ApiKeyRow.__table__).where(ApiKeyRow.account.not_in(_SUSPENDED))


@dataclass(frozen=True)
class ApiKey:
    """A key as it is kept. `account` is the pseudonym of its owner, `limits` holds `rate` (such as `60/minute`),
    `concurrency` and `images_per_day`, each only where it is set."""

    id: str
    account: str
    name: str
    hash: bytes = field(repr=False)
    scopes: tuple[str, ...]
    limits: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None

    def usable(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class ApiKeys:
    """The keys of one database. A key reads `sl_<id>_<secret>`; the secret has 256 bits, so a plain hash will do."""

    def __init__(
        self, database: Database, clock: Callable[[], float], entropy: Callable[[int], bytes] = secrets.token_bytes
    ) -> None:
        self._database = database
        self._clock = clock
        self._entropy = entropy

    async def create(
        self,
        account: str,
        name: str,
        *,
        scopes: tuple[str, ...],
        limits: dict[str, Any] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[str, ApiKey]:
        """A new key: its text, which is shown this once, and what is kept of it."""
        key_id, secret = self._entropy(6).hex(), self._entropy(32).hex()
        kept = ApiKey(key_id, account, name, _hash(secret), scopes, limits or {}, self._now(), expires_at, None)
        values = {**vars(kept), "scopes": list(scopes)}
        await self._database.write(lambda connection: connection.execute(sa.insert(ApiKeyRow).values(**values)))
        return f"{_PREFIX}_{key_id}_{secret}", kept

    async def find(self, text: str) -> ApiKey | None:
        """The key of that text if it is one of ours and may be used now; else None. A suspended account has none."""
        prefix, _, rest = text.partition("_")
        key_id, _, secret = rest.partition("_")
        query = _OPEN.where(ApiKeyRow.id == key_id)
        if prefix != _PREFIX or not secret.isascii() or len(key_id) != 12:
            return None
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        # Hashed and compared where there is no such key too: the time taken tells nothing about ids.
        matches = hmac.compare_digest(_hash(secret), bytes(row.hash) if row is not None else bytes(32))
        if row is None or not matches:
            return None
        key = _key(row)
        return key if key.usable(self._now()) else None

    async def get(self, key_id: str) -> ApiKey | None:
        """The key of that id if it may be used now, as `find` has it, else None."""
        query = _OPEN.where(ApiKeyRow.id == key_id)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return key if row is not None and (key := _key(row)).usable(self._now()) else None

    async def all(self) -> list[ApiKey]:
        """Every key, oldest first."""
        query = sa.select(ApiKeyRow.__table__).order_by(ApiKeyRow.created_at, ApiKeyRow.id)
        return await self._database.read(lambda connection: [_key(row) for row in connection.execute(query)])

    async def revoke(self, key_id: str) -> None:
        """Let the key open nothing from now on. Raises StoreError where there is none of that id."""
        query = sa.update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(revoked_at=self._now())
        if not await self._database.write(lambda connection: connection.execute(query).rowcount):
            raise StoreError(f"There is no key {key_id}: `safelight keys list` lists the keys there are.")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(b"safelight.api-key" + secret.encode()).digest()


def _key(row: sa.Row[Any]) -> ApiKey:
    return ApiKey(**{**row._mapping, "scopes": tuple(row.scopes), "hash": bytes(row.hash)})
