"""Accounts: who asks, by keyed pseudonym, and whether they may."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from ..errors import StoreError
from .database import Database
from .insertion import insert_new
from .tables import AccountRow

__all__ = ["Account", "Accounts", "pseudonym"]


def pseudonym(key: bytes, name: str) -> str:
    """The id of the account called `name`: 32 hex digits, the same each time, and of no use without the key."""
    return hmac.new(key, b"safelight.account" + name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


@dataclass(frozen=True)
class Account:
    """An account as it is kept; `suspended_for` is a reviewer's reason."""

    id: str
    created_at: datetime
    suspended_at: datetime | None
    suspended_for: str

    @property
    def suspended(self) -> bool:
        return self.suspended_at is not None


class Accounts:
    """The accounts of one database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def ensure(self, account: str) -> Account:
        """The account of that id, made where there is none."""
        values = {"id": account, "created_at": self._now(), "suspended_for": ""}

        def work(connection: sa.Connection) -> Account:
            insert_new(connection, AccountRow, values)
            return Account(**connection.execute(_by(account)).one()._mapping)

        found = await self._database.read(lambda connection: connection.execute(_by(account)).one_or_none())
        return Account(**found._mapping) if found is not None else await self._database.write(work)

    async def suspend(self, account: str, reason: str) -> None:
        """Suspend the account: its keys open nothing. Raises StoreError where there is none."""
        await self._change(account, suspended_at=self._now(), suspended_for=reason)

    async def restore(self, account: str) -> None:
        """Lift a suspension. Raises StoreError where there is no such account."""
        await self._change(account, suspended_at=None, suspended_for="")

    async def _change(self, account: str, *, suspended_at: datetime | None, suspended_for: str) -> None:
        query = (
            sa.update(AccountRow)
            .where(AccountRow.id == account)
            .values(suspended_at=suspended_at, suspended_for=suspended_for)
        )
        if not await self._database.write(lambda connection: connection.execute(query).rowcount):
            raise StoreError(f"There is no account {account}.")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _by(account: str) -> sa.Select[str, datetime, datetime | None, str]:
    return sa.select(
        AccountRow.id, AccountRow.created_at, AccountRow.suspended_at, AccountRow.suspended_for
    ).where(AccountRow.id == account)  # fmt: skip
