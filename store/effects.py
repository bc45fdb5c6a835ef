"""The effect ledger: what was called, and what is known of how it ended, so that nothing is paid for twice.

Nobody can promise that a call runs exactly once: a process may die between the call and the note of its result. What is
promised is that it is never *silently* run again. A call is noted before it starts and after it ends; one that was
started and whose end nobody noted is `Unknown`, and is repeated only where that is harmless or the user says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa

from ..errors import StoreError
from .database import Database
from .insertion import insert_new
from .tables import EffectRow

__all__ = ["Effects", "Finished", "Outcome", "Pending", "Started", "Unknown"]


_Name = tuple[str, str, str]

# Made once: building a statement costs more than running it.
_IS = (
    EffectRow.run_id == sa.bindparam("of_run"),
    EffectRow.effect == sa.bindparam("of_effect"),
    EffectRow.key == sa.bindparam("of_key"),
)
_FIND = sa.select(EffectRow.__table__).where(*_IS).with_for_update()
_CHANGE = sa.update(cast(sa.Table, EffectRow.__table__)).where(*_IS)


@dataclass(frozen=True)
class Started:
    """Go ahead: the call is noted as started, for the `attempt`-th time (from 1)."""

    attempt: int


@dataclass(frozen=True)
class Finished:
    """Don't call: this is what the call gave."""

    result: dict[str, Any]


@dataclass(frozen=True)
class Unknown:
    """Don't call: it was started, by this process or another, and nobody noted an end: somebody is still at it, or was
    killed. It may have been paid for."""

    started_at: datetime
    attempt: int


Outcome = Started | Finished | Unknown


@dataclass(frozen=True)
class Pending:
    """A call that was started and has no end."""

    effect: str
    key: str
    started_at: datetime
    attempt: int


class Effects:
    """Notes the beginning and the end of calls, by run, effect and the digest of their input."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def begin(
        self, run_id: str, effect: str, key: str, *, idempotent: bool = False, force: bool = False
    ) -> Outcome:
        """May this call be made? `key` is the digest of its input; of any number of askers, one is told `Started`.

        A call that is known to have failed may be made again. One whose end is unknown may be made again only if it is
        `idempotent` (repeating it costs and changes nothing) or the user insists (`force`).

        Raises:
            StoreError: the database failed: the call must not be made.
        """
        name = (run_id, effect, key)
        return await self._database.write(lambda connection: self._begin(connection, name, again=idempotent or force))

    async def finish(self, run_id: str, effect: str, key: str, result: dict[str, Any]) -> dict[str, Any]:
        """Note what the call gave. Returns the result that counts: the first that was noted, where there are two.

        Raises:
            StoreError: the call was never begun, or its run was erased; or the database failed.
        """
        name = (run_id, effect, key)

        def work(connection: sa.Connection) -> dict[str, Any]:
            row = _row(connection, name)
            if row is None:
                raise StoreError(f"The effect {effect!r} was not begun, or its run was erased.", run_id=run_id)
            if row.state == "finished":
                return dict(row.result)
            self._end(connection, name, state="finished", result=result, error="")
            return result

        return await self._database.write(work)

    async def fail(self, run_id: str, effect: str, key: str, error: str) -> None:
        """Note that the call failed and gave nothing. Only for a failure that is certain; otherwise note nothing.

        Raises:
            StoreError: the database failed.
        """
        name = (run_id, effect, key)

        def work(connection: sa.Connection) -> None:
            row = _row(connection, name)
            if row is not None and row.state != "finished":
                self._end(connection, name, state="failed", result=None, error=error)

        await self._database.write(work)

    async def pending(self, run_id: str) -> list[Pending]:
        """The calls of a run that were started and have no end, oldest first: in flight, or unknown after a kill."""
        query = (
            sa.select(EffectRow.effect, EffectRow.key, EffectRow.started_at, EffectRow.attempt)
            .where(EffectRow.run_id == run_id, EffectRow.state == "started")
            .order_by(EffectRow.started_at, EffectRow.effect, EffectRow.key)
        )
        return await self._database.read(lambda connection: [Pending(*row) for row in connection.execute(query)])

    def _begin(self, connection: sa.Connection, name: _Name, *, again: bool) -> Outcome:
        run_id, effect, key = name
        fresh = {"state": "started", "attempt": 1, "error": "", "started_at": self._now()}
        if insert_new(connection, EffectRow, {"run_id": run_id, "effect": effect, "key": key, **fresh}):
            return Started(1)
        row = _row(connection, name)
        if row is None:
            raise StoreError(f"The effect {effect!r} was erased while it was begun.", run_id=run_id)
        if row.state == "finished":
            return Finished(dict(row.result))
        if row.state == "started" and not again:
            return Unknown(row.started_at, row.attempt)
        anew = {**fresh, "attempt": row.attempt + 1, "ended_at": None}
        connection.execute(_CHANGE, {**_as_bound(name), **anew})
        return Started(row.attempt + 1)

    def _end(self, connection: sa.Connection, name: _Name, **values: Any) -> None:
        connection.execute(_CHANGE, {**_as_bound(name), "ended_at": self._now(), **values})

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def _row(connection: sa.Connection, name: _Name) -> sa.Row[Any] | None:
    return connection.execute(_FIND, _as_bound(name)).one_or_none()


def _as_bound(name: _Name) -> dict[str, str]:
    return dict(zip(("of_run", "of_effect", "of_key"), name, strict=True))
