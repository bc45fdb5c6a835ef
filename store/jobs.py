"""Jobs: the runs that servers drive. Each is leased by one of them; a lease that runs out is for whoever asks first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from .database import Database
from .insertion import insert_new
from .tables import JobRow

__all__ = ["Job", "Jobs"]


@dataclass(frozen=True)
class Job:
    """A run that a server drives.

    `kind` names the endpoint that asked, `request` is what it needs to answer again (JSON; empty once erased).
    `detached` runs go on without their asker. `idempotency` and `body` are digests (hex) of the asker's key and body.
    """

    run_id: str
    kind: str
    request: dict[str, Any]
    detached: bool
    owner: str
    lease_until: datetime
    idempotency: str | None
    body: str
    created_at: datetime
    finished_at: datetime | None


class Jobs:
    """The jobs of one database. Owners are named by whoever leases; a lease lasts `seconds`."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self,
        run_id: str,
        *,
        kind: str,
        request: dict[str, Any],
        detached: bool,
        owner: str,
        seconds: float,
        idempotency: str | None = None,
        body: str = "",
    ) -> Job:
        """The new job, leased by `owner`; or the one that was there first under the same idempotency key."""
        now = self._now()
        until = now + timedelta(seconds=seconds)
        job = Job(run_id, kind, request, detached, owner, until, idempotency, body, now, None)

        def work(connection: sa.Connection) -> Job:
            if insert_new(connection, JobRow, vars(job)):
                return job
            return _job(connection.execute(_query().where(JobRow.idempotency == idempotency)).one())

        return await self._database.write(work)

    async def get(self, run_id: str) -> Job | None:
        """The job of that run, None where no server drives it."""
        return await self._one(JobRow.run_id == run_id)

    async def by_idempotency(self, idempotency: str) -> Job | None:
        """The job under that key, None where there is none."""
        return await self._one(JobRow.idempotency == idempotency)

    async def renew(self, owner: str, seconds: float) -> None:
        """Go on holding everything that `owner` holds."""
        until = self._now() + timedelta(seconds=seconds)
        query = sa.update(JobRow).where(JobRow.owner == owner, JobRow.finished_at.is_(None)).values(lease_until=until)
        await self._database.write(lambda connection: connection.execute(query))

    async def claim(self, owner: str, seconds: float, *, dead: frozenset[str] = frozenset()) -> list[Job]:
        """Take over what nobody drives: unfinished jobs whose lease has run out, or whose owner is known to be dead."""
        now = self._now()
        free = (JobRow.lease_until < now) | JobRow.owner.in_(sorted(dead))
        query = (
            sa.update(JobRow)
            .where(JobRow.finished_at.is_(None), JobRow.owner != owner, free)
            .values(owner=owner, lease_until=now + timedelta(seconds=seconds))
            .returning(JobRow.__table__)
        )
        return await self._database.write(lambda connection: [_job(row) for row in connection.execute(query)])

    async def owners(self) -> frozenset[str]:
        """Who holds unfinished jobs."""
        query = sa.select(JobRow.owner).where(JobRow.finished_at.is_(None)).distinct()
        return await self._database.read(lambda connection: frozenset(connection.execute(query).scalars()))

    async def release(self, owner: str) -> None:
        """Let go of everything that `owner` holds, for another to take over at once."""
        query = sa.update(JobRow).where(JobRow.owner == owner, JobRow.finished_at.is_(None)).values(lease_until=_NEVER)
        await self._database.write(lambda connection: connection.execute(query))

    async def finish(self, run_id: str) -> None:
        """The run has ended, or waits for a human: nobody needs to drive it."""
        await self._change(run_id, finished_at=self._now())

    async def reopen(self, run_id: str, owner: str, seconds: float) -> None:
        """The run goes on, driven by `owner`."""
        await self._change(run_id, finished_at=None, owner=owner, lease_until=self._now() + timedelta(seconds=seconds))

    async def forget(self, run_id: str) -> None:
        """Give up the job altogether, its idempotency key too."""
        query = sa.delete(JobRow).where(JobRow.run_id == run_id)
        await self._database.write(lambda connection: connection.execute(query))

    async def _change(self, run_id: str, **values: Any) -> None:
        query = sa.update(JobRow).where(JobRow.run_id == run_id).values(**values)
        await self._database.write(lambda connection: connection.execute(query))

    async def _one(self, condition: sa.ColumnElement[bool]) -> Job | None:
        query = _query().where(condition)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _job(row)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


_NEVER = datetime(1970, 1, 2, tzinfo=UTC)


def _query() -> sa.Select[Any]:
    return sa.select(JobRow.__table__)


def _job(row: sa.Row[Any]) -> Job:
    return Job(**row._mapping)
