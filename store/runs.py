"""Runs: what was asked, where it stands, what came of it, and its events for replay."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from ..errors import StoreError
from ..events import Event, parse_event
from .database import Database
from .insertion import insert_new
from .tables import EventRow, RunRow

__all__ = ["RunRecord", "Runs"]


# Made once: building a statement costs more than running it.
_RUN = sa.select(RunRow.__table__).where(RunRow.id == sa.bindparam("id"))
_KNOWN = sa.select(RunRow.id).where(RunRow.id == sa.bindparam("id"))
_EVENTS = (
    sa.select(EventRow.seq, sa.type_coerce(EventRow.body, sa.Text))
    .where(EventRow.run_id == sa.bindparam("run_id"), EventRow.seq > sa.bindparam("after"))
    .order_by(EventRow.seq)
    .limit(sa.bindparam("most"))
)
_LAST = sa.select(sa.func.max(EventRow.seq)).where(EventRow.run_id == sa.bindparam("run_id"))


class _Unset:
    pass


_UNSET: Final = _Unset()


@dataclass(frozen=True)
class RunRecord:
    """A run as it is kept. `brief` and `result` are JSON, `cost` is in US dollars; `erased_at` is set once
    its content was erased."""

    id: str
    mode: str
    status: str
    account: str | None
    brief: dict[str, Any]
    result: dict[str, Any] | None
    cost: float
    created_at: datetime
    updated_at: datetime
    erased_at: datetime | None


class Runs:
    """The runs of one database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def create(
        self,
        run_id: str,
        *,
        brief: dict[str, Any],
        mode: str = "",
        account: str | None = None,
        status: str = "running",
    ) -> RunRecord:
        """A new run.

        Raises:
            StoreError: there is a run of that id, or the database failed.
        """
        now = self._now()
        record = RunRecord(run_id, mode, status, account, brief, None, 0.0, now, now, None)
        if not await self._database.write(lambda connection: insert_new(connection, RunRow, vars(record))):
            raise StoreError(f"There is a run {run_id} already.", run_id=run_id)
        return record

    async def update(
        self,
        run_id: str,
        *,
        status: str | None = None,
        result: dict[str, Any] | _Unset | None = _UNSET,
        cost: float | None = None,
    ) -> None:
        """Change what is given, leave the rest.

        Raises:
            StoreError: there is no such run, or the database failed.
        """
        values: dict[str, Any] = {"updated_at": self._now()}
        if status is not None:
            values["status"] = status
        if not isinstance(result, _Unset):
            values["result"] = result
        if cost is not None:
            values["cost"] = cost
        query = sa.update(RunRow).where(RunRow.id == run_id).values(**values)
        if not await self._database.write(lambda connection: connection.execute(query).rowcount):
            raise _unknown(run_id)

    async def get(self, run_id: str) -> RunRecord | None:
        """The run of that id, None where there is none."""
        row = await self._database.read(lambda connection: connection.execute(_RUN, {"id": run_id}).one_or_none())
        return None if row is None else RunRecord(**row._mapping)

    async def recent(
        self,
        *,
        limit: int = 50,
        before: RunRecord | None = None,
        account: str | None = None,
        status: str | None = None,
    ) -> list[RunRecord]:
        """Up to `limit` runs, newest first; `before` is the last of the page before. `account` None means everybody's,
        the empty string those of whoever sits at this machine."""
        query = sa.select(RunRow.__table__).order_by(RunRow.created_at.desc(), RunRow.id.desc()).limit(limit)
        if before is not None:
            older = RunRow.created_at < before.created_at
            query = query.where(older | ((RunRow.created_at == before.created_at) & (RunRow.id < before.id)))
        if account is not None:
            query = query.where(RunRow.account == account if account else RunRow.account.is_(None))
        if status is not None:
            query = query.where(RunRow.status == status)
        return await self._database.read(
            lambda connection: [RunRecord(**row._mapping) for row in connection.execute(query)]
        )

    async def spent(self, account: str | None, since: datetime) -> float:
        """US dollars that the runs of an account (None: whoever sits at this machine) have cost which began after."""
        query = sa.select(sa.func.coalesce(sa.func.sum(RunRow.cost), 0.0)).where(
            RunRow.created_at > since, RunRow.account == account if account else RunRow.account.is_(None)
        )
        return float(await self._database.read(lambda connection: connection.execute(query).scalar_one()))

    async def append_event(self, event: Event) -> None:
        """Keep one event under its run. Raises as `add_events`."""
        await self.add_events(event.run_id, [event])

    async def add_events(self, run_id: str, events: Sequence[Event]) -> None:
        """Keep events of a run, all or none.

        Raises:
            StoreError: there is no such run, an event has another run's id or a number that is taken, or the database
                failed.
        """
        if any(event.run_id != run_id for event in events):
            raise StoreError("An event belongs to another run.", run_id=run_id)
        rows = [{"run_id": run_id, "seq": event.seq, "body": event.model_dump(mode="json")} for event in events]

        def work(connection: sa.Connection) -> None:
            if connection.execute(_KNOWN, {"id": run_id}).one_or_none() is None:
                raise _unknown(run_id)
            for row in rows:
                if not insert_new(connection, EventRow, row):
                    raise StoreError(
                        f"Event {row['seq']} of run {run_id} is taken: it runs elsewhere too.", run_id=run_id
                    )

        if rows:
            await self._database.write(work)

    async def events(self, run_id: str, *, after: int = -1, limit: int = 10_000) -> list[Event]:
        """The events of a run after number `after`, in order."""
        stored = await self.stored_events(run_id, after=after, limit=limit)
        # Not pydantic's own parser: text may hold half a character, as people paste it.
        return [parse_event(json.loads(text)) for _, text in stored]

    async def stored_events(self, run_id: str, *, after: int = -1, limit: int = 10_000) -> list[tuple[int, str]]:
        """The same as they are kept: number and JSON."""
        which = {"run_id": run_id, "after": after, "most": limit}
        return await self._database.read(
            lambda connection: [(seq, text) for seq, text in connection.execute(_EVENTS, which)]
        )

    async def next_seq(self, run_id: str) -> int:
        """The number that the next event of a run gets."""
        last = await self._database.read(lambda connection: connection.execute(_LAST, {"run_id": run_id}).scalar_one())
        return 0 if last is None else int(last) + 1

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _unknown(run_id: str) -> StoreError:
    return StoreError(f"There is no run {run_id}: `safelight runs` lists the runs there are.", run_id=run_id)
