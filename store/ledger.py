"""The audit ledger: append-only, hash-chained, signed, one chain for all processes on a database.

Its entries name what happened, never what was written or drawn: personal content is kept elsewhere, under the run that
it belongs to, and referenced by veiled digest (`recorder`), so that it can be erased and the chain still verifies.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from ..errors import LedgerBroken, StoreError
from .anchor import Anchor
from .audit import Audit, audit, read_head, to_entry
from .canonical import canonical
from .chain import GENESIS, Entry, Head, Seal
from .database import Database, endings_of
from .tables import EntryRow, HeadRow

__all__ = ["Ledger", "Record"]

_GENESIS_LOCK = 0x5AFE_11_68
_HEAD = 1

# Made once: building a statement costs more than running it.
_ENTER = sa.insert(cast(sa.Table, EntryRow.__table__))
_MOVE = sa.update(cast(sa.Table, HeadRow.__table__)).where(HeadRow.id == _HEAD)


@dataclass(frozen=True)
class Record:
    """What is to be entered. `payload` holds JSON values, and no content of a person's."""

    kind: str
    run_id: str = ""
    payload: Mapping[str, Any] | None = None


class Ledger:
    """Appends entries and proves that none was edited, removed, added or moved since."""

    def __init__(self, database: Database, seal: Seal, clock: Callable[[], float], anchor: Anchor | None) -> None:
        self._database = database
        self._seal = seal
        self._clock = clock
        self._anchor = anchor

    @classmethod
    async def open(
        cls, database: Database, seal: Seal, *, clock: Callable[[], float], anchor: Path | None = None
    ) -> Ledger:
        """The ledger of `database`, begun if the database is new.

        A broken chain opens, so that it can be examined; nothing can be appended to a chain whose head is not genuine.

        Raises:
            StoreError: the ledger was signed with none of the keys in `seal`.
        """
        ledger = cls(database, seal, clock, Anchor(anchor, seal) if anchor else None)
        head = await database.write(ledger._begin)
        if head is not None and head.key_id not in seal:
            raise StoreError(
                f"The audit ledger in {database.place} was signed with another key ({head.key_id}) than those given: "
                "put back the keys folder that belongs to it, or use another database."
            )
        return ledger

    async def append(self, kind: str, *, run_id: str = "", payload: Mapping[str, Any] | None = None) -> Entry:
        """Enter one record; returns once it is durable.

        Raises:
            LedgerBroken: the head of the chain is missing or forged; nothing is entered.
            StoreError: the payload has no canonical form, or the database failed.
        """
        return (await self.append_all([Record(kind, run_id, payload)]))[0]

    async def append_all(self, records: Sequence[Record]) -> list[Entry]:
        """Enter records next to each other, all or none. Raises as `append`."""
        entries = await self._database.write(lambda connection: self.link(connection, records), last=True)
        await self.anchor(entries)
        return entries

    def link(self, connection: sa.Connection, records: Sequence[Record]) -> list[Entry]:
        """Enter records as part of the caller's writing transaction; to be the last thing that it does."""
        payloads = [_payload(record) for record in records]
        endings = endings_of(connection)
        page = endings.get(self)
        if not isinstance(page, _Page):
            page = endings[self] = _Page(self._seal, self._locked_head(connection))
        return page.enter(self._now(), records, payloads)

    def _locked_head(self, connection: sa.Connection) -> Head:
        head = read_head(connection, lock=True)
        if head is None or not self._seal.signed_head(head):
            raise LedgerBroken(
                "The head of the audit ledger is missing or was not signed with these keys: nothing more is entered. "
                "Run `safelight audit verify` to see what happened.",
                entry=head.seq if head else 1,
                fault="head",
            )
        return head

    async def anchor(self, entries: Sequence[Entry]) -> None:
        """Note outside the database how far the chain has come, where an anchor is kept and a note is due."""
        if self._anchor is not None and entries:
            head = self._seal.head(entries[-1].seq, entries[-1].hash)
            if self._anchor.due(head):
                await self._note(self._anchor, head)

    async def verify(self) -> Audit:
        """The state of the whole chain.

        Raises:
            LedgerBroken: it does not verify; `entry` is the first bad entry, `fault` what was done to it.
        """
        anchored = await asyncio.to_thread(self._anchor.read) if self._anchor else None
        return await self._database.read(lambda connection: audit(connection, self._seal, anchored))

    async def entries(self, *, run_id: str | None = None, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Up to `limit` entries after number `after`, oldest first, of one run or of all."""
        query = sa.select(EntryRow.__table__).where(EntryRow.seq > after).order_by(EntryRow.seq).limit(limit)
        if run_id is not None:
            query = query.where(EntryRow.run_id == run_id)
        return await self._database.read(lambda connection: [to_entry(row) for row in connection.execute(query)])

    async def aclose(self) -> None:
        """Leave the anchor at the end of the chain."""
        if self._anchor is None:
            return
        with contextlib.suppress(
            StoreError
        ):  # an anchor that lags is still true, and who closes may be failing already
            head = await self._database.read(read_head)
            if head is not None and self._seal.signed_head(head):
                await self._note(self._anchor, self._seal.head(head.seq, head.hash))

    async def _note(self, anchor: Anchor, head: Head) -> None:
        """Renew the note, unless the one that stands says something that the chain does not: then it is evidence."""
        try:
            standing = await asyncio.to_thread(anchor.read)
        except LedgerBroken:
            return
        if standing is not None:
            query = sa.select(EntryRow.hash).where(EntryRow.seq == standing.seq)
            found = await self._database.read(lambda connection: connection.execute(query).scalar_one_or_none())
            if standing.seq >= head.seq or found is None or bytes(found) != standing.hash:
                return
        await asyncio.to_thread(anchor.note, head)

    def _begin(self, connection: sa.Connection) -> Head | None:
        """The head; a new one where the ledger has never held anything, as far as can be known."""
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_GENESIS_LOCK)))
        head = read_head(connection)
        if head is not None:
            return head
        if connection.execute(sa.select(EntryRow.seq).limit(1)).first() is not None or self._anchored():
            return None
        start = self._seal.head(0, GENESIS)
        connection.execute(sa.insert(HeadRow).values(id=_HEAD, **vars(start)))
        page = _Page(self._seal, start)
        page.enter(self._now(), [Record("ledger.begun")], ["{}"])
        page(connection)
        return page.head

    def _anchored(self) -> bool:
        """True where an anchor, be it damaged, says that there was a ledger."""
        try:
            return self._anchor is not None and self._anchor.read() is not None
        except LedgerBroken:
            return True

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Page:
    """The entries of one transaction: linked as they come, written together at its end."""

    def __init__(self, seal: Seal, head: Head) -> None:
        self._seal = seal
        self._written: list[Entry] = []
        self.head = head

    def enter(self, at: str, records: Sequence[Record], payloads: Sequence[str]) -> list[Entry]:
        seq, previous = self.head.seq, self.head.hash
        if self._written:
            seq, previous = self._written[-1].seq, self._written[-1].hash
        entries: list[Entry] = []
        for record, payload in zip(records, payloads, strict=True):
            seq += 1
            entries.append(self._seal.entry(previous, seq, at, record.kind, record.run_id, payload))
            previous = entries[-1].hash
        self._written += entries
        return entries

    def __call__(self, connection: sa.Connection) -> None:
        if self._written:
            self.head = self._seal.head(self._written[-1].seq, self._written[-1].hash)
            connection.execute(_ENTER, [vars(entry) for entry in self._written])
            connection.execute(_MOVE, vars(self.head))


def _payload(record: Record) -> str:
    try:
        return canonical(dict(record.payload or {}))
    except ValueError as error:
        raise StoreError(
            f"The record {record.kind!r} cannot be entered: {error}.", run_id=record.run_id or None
        ) from error
