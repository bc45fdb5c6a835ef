"""Everything that is kept, in one hand: opened once, passed to whoever needs it, closed at the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import sqlalchemy as sa

from ..errors import StoreError
from .accounts import Accounts
from .api_keys import ApiKeys
from .blobs import Blobs, ref_of
from .chain import Seal
from .database import Database
from .deliveries import Deliveries
from .effects import Effects
from .image_index import note_erased
from .images import Images
from .insertion import insert_new
from .jobs import Jobs
from .keys import Keys
from .ledger import Ledger
from .recorder import LedgerRecorder
from .runs import Runs
from .tables import BelongingRow, DeliveryRow, EffectRow, EventRow, ImageRow, JobRow, RunRow, VeilRow, VerdictRow

__all__ = ["Erased", "Store"]

_ERASE_LOCK = 0x5AFE_11_6A


@dataclass(frozen=True)
class Erased:
    """What an erasure removed: how many blobs; `shared` is how many stay because other runs have them too."""

    blobs: int
    shared: int


class Store:
    """The database, the blobs and the ledger, and what is built on them."""

    def __init__(self, database: Database, blobs: Blobs, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.db = database
        self.blobs = blobs
        self.ledger = ledger
        self.recorder = LedgerRecorder(database, ledger, clock)
        self.effects = Effects(database, clock)
        self.runs = Runs(database, clock)
        self.images = Images(database, clock)
        self.accounts = Accounts(database, clock)
        self.api_keys = ApiKeys(database, clock)
        self.jobs = Jobs(database, clock)
        self.deliveries = Deliveries(database, clock)
        self._clock = clock

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database_url: str,
        blobs_url: str,
        ledger_key: bytes | Keys,
        *,
        clock: Callable[[], float] = time.time,
        anchor: Path | None = None,
    ) -> AsyncIterator[Self]:
        """The store at these addresses, for as long as the `async with` lasts; what is missing is made.

        `ledger_key` signs the ledger: 32 bytes or more, or a ring's keys (`KeyRing.get("ledger")`). `anchor` is a file,
        away from the database, that notes how far the ledger has come.

        Raises:
            ConfigError: an address or a key cannot work.
            StoreError: something is unreachable, damaged, not writable, of a newer version, or of another key.
        """
        seal = Seal(ledger_key.key, ledger_key.secrets) if isinstance(ledger_key, Keys) else Seal(ledger_key)
        blobs = await Blobs.open(blobs_url)
        database = await Database.open(database_url)
        try:
            ledger = await Ledger.open(database, seal, clock=clock, anchor=anchor)
            try:
                yield cls(database, blobs, ledger, clock)
            finally:
                await ledger.aclose()
        finally:
            await database.aclose()

    async def keep(self, run_id: str, data: bytes) -> str:
        """Keep bytes as a run's own; returns their reference. They go when the run is erased, unless another has them.

        Raises:
            StoreError: they could not be kept.
        """
        values = {"run_id": run_id, "ref": ref_of(data)}

        def work(connection: sa.Connection) -> None:
            # Whoever erases waits until the row is there, and then sees that the blob has another owner.
            _lock(connection, shared=True)
            insert_new(connection, BelongingRow, values)

        await self.db.write(work)
        return await self.blobs.put(data)

    async def erase(self, run_id: str) -> Erased:
        """Erase what a run holds of a person's: brief, result, events, effects, blobs, thumbnails, manifests, and the
        secret that ties the ledger's digests to it.

        The ledger still verifies: it says that things happened, and no longer to what. What stays of an image are its
        id, hash and fingerprint, so that it is still recognized as ours. Checkpoints are LangGraph's to delete
        (`await saver.adelete_thread(run_id)`).

        Raises:
            StoreError: there is no such run, or something could not be erased: then ask again.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        known = await self.db.write(lambda connection: _clear(connection, run_id, now))
        if not known:
            raise StoreError(f"There is no run {run_id}: nothing was erased.", run_id=run_id)
        self.recorder.forget(run_id)
        erased = await self._erase_blobs(run_id)
        await self.db.scrub()
        await self.ledger.append("erased", run_id=run_id, payload={"blobs": erased.blobs})
        return erased

    async def _erase_blobs(self, run_id: str) -> Erased:
        loop = asyncio.get_running_loop()

        def release(connection: sa.Connection, ref: str) -> bool:
            """Give up the run's claim; without another the blob goes, while nobody can lay a new one."""
            _lock(connection, shared=False)
            mine = (BelongingRow.run_id == run_id) & (BelongingRow.ref == ref)
            others = sa.select(BelongingRow.ref).where(BelongingRow.ref == ref, BelongingRow.run_id != run_id).limit(1)
            connection.execute(sa.delete(BelongingRow).where(mine))
            if connection.execute(others).first() is not None:
                return False
            asyncio.run_coroutine_threadsafe(self.blobs.delete(ref), loop).result()
            return True

        refs = await self.db.read(lambda connection: _refs(connection, run_id))
        gone = [await self.db.write(lambda connection, ref=ref: release(connection, ref)) for ref in refs]  # type: ignore[misc]
        return Erased(gone.count(True), gone.count(False))


def _clear(connection: sa.Connection, run_id: str, now: datetime) -> bool:
    """Empty what the run's rows hold; True where it had any."""
    run = sa.update(RunRow).where(RunRow.id == run_id).values(brief={}, result=None, erased_at=now, updated_at=now)
    image = sa.update(ImageRow).where(ImageRow.run_id == run_id).values(thumbnail=None, manifest=None, stamp=None)
    claims = sa.select(BelongingRow.ref).where(BelongingRow.run_id == run_id).limit(1)
    images = sa.select(ImageRow.image_id).where(ImageRow.run_id == run_id)
    note_erased(connection, connection.execute(images).scalars().all())
    touched = [connection.execute(run).rowcount, connection.execute(image).rowcount]
    for table in (EventRow, EffectRow, VerdictRow, VeilRow, JobRow, DeliveryRow):
        touched.append(connection.execute(sa.delete(table).where(table.run_id == run_id)).rowcount)
    return any(touched) or connection.execute(claims).first() is not None


def _refs(connection: sa.Connection, run_id: str) -> list[str]:
    """The blobs of a run: what it kept, and its images."""
    kept = connection.execute(sa.select(BelongingRow.ref).where(BelongingRow.run_id == run_id)).scalars()
    images = connection.execute(sa.select(ImageRow.sha256).where(ImageRow.run_id == run_id)).scalars()
    return sorted({*kept, *(f"sha256:{sha256}" for sha256 in images)})


def _lock(connection: sa.Connection, *, shared: bool) -> None:
    """Claims side by side, releases alone. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock_shared if shared else sa.func.pg_advisory_xact_lock
        connection.execute(sa.select(lock(_ERASE_LOCK)))
