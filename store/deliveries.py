"""Webhooks that are owed: booked with their run, due when it ends, tried until they are taken or given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .database import Database
from .insertion import insert_new
from .tables import DeliveryRow

__all__ = ["Deliveries", "Delivery"]


@dataclass(frozen=True)
class Delivery:
    """A webhook that is owed. `status` is the run's, once it ended; `next_at` is when to try (again)."""

    id: str
    run_id: str
    url: str
    status: str
    attempts: int
    next_at: datetime | None
    ended_at: datetime | None
    error: str


class Deliveries:
    """The webhooks of one database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def book(self, delivery_id: str, run_id: str, url: str) -> None:
        """Owe a webhook for when the run ends."""
        values = vars(Delivery(delivery_id, run_id, url, "", 0, None, None, ""))
        await self._database.write(lambda connection: insert_new(connection, DeliveryRow, values))

    async def arm(self, run_id: str, status: str) -> None:
        """The run has ended: its webhooks are due."""
        query = (
            sa.update(DeliveryRow)
            .where(DeliveryRow.run_id == run_id, DeliveryRow.ended_at.is_(None), DeliveryRow.next_at.is_(None))
            .values(status=status, next_at=self._now())
        )
        await self._database.write(lambda connection: connection.execute(query))

    async def claim(self, seconds: float, limit: int = 32) -> list[Delivery]:
        """Those that are due, each of them kept from other claimers for `seconds`."""
        now = self._now()
        due = (
            sa.select(DeliveryRow.id)
            .where(DeliveryRow.ended_at.is_(None), DeliveryRow.next_at <= now)
            .order_by(DeliveryRow.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        query = (
            sa.update(DeliveryRow)
            .where(DeliveryRow.id.in_(due))
            .values(next_at=now + timedelta(seconds=seconds), attempts=DeliveryRow.attempts + 1)
            .returning(DeliveryRow.__table__)
        )
        return await self._database.write(
            lambda connection: [Delivery(**row._mapping) for row in connection.execute(query)]
        )

    async def done(self, delivery_id: str) -> None:
        """It was taken."""
        await self._change(delivery_id, ended_at=self._now(), error="")

    async def failed(self, delivery_id: str, error: str, *, again_in: float | None) -> None:
        """It was not taken; try again in so many seconds, or (None) never."""
        now = self._now()
        when: dict[str, Any] = {"ended_at": now} if again_in is None else {"next_at": now + timedelta(seconds=again_in)}
        await self._change(delivery_id, error=error, **when)

    async def of_run(self, run_id: str) -> list[Delivery]:
        """The webhooks of one run."""
        query = sa.select(DeliveryRow.__table__).where(DeliveryRow.run_id == run_id).order_by(DeliveryRow.id)
        return await self._database.read(
            lambda connection: [Delivery(**row._mapping) for row in connection.execute(query)]
        )

    async def _change(self, delivery_id: str, **values: Any) -> None:
        query = sa.update(DeliveryRow).where(DeliveryRow.id == delivery_id).values(**values)
        await self._database.write(lambda connection: connection.execute(query))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)
