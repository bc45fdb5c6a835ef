"""Proves the ledger's chain, or says where it breaks and what was done there.

The first entry that fails is always found. What was done is told from what the keys still vouch for: an entry whose
signature holds is genuine wherever it stands, and its hash says where it belongs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from ..errors import LedgerBroken
from .chain import GENESIS, Entry, Head, Seal, digest
from .tables import EntryRow, HeadRow

__all__ = ["Audit", "Fault", "audit", "read_head", "to_entry"]

Fault = Literal["edit", "deletion", "insertion", "reordering", "truncation", "head", "key", "anchor"]

_BATCH = 1000
# Made once: building a statement costs more than running it.
_READ_HEAD = sa.select(HeadRow.seq, HeadRow.hash, HeadRow.key_id, HeadRow.mac).where(HeadRow.id == 1)
_LOCK_HEAD = _READ_HEAD.with_for_update()


@dataclass(frozen=True)
class Audit:
    """A chain that verifies: how many entries, from when to when, its last hash. `anchored` is how many of them an
    anchor outside the database vouches for, 0 where there is none."""

    entries: int
    first_at: str
    last_at: str
    head: str
    anchored: int


def audit(connection: sa.Connection, seal: Seal, anchored: Head | None) -> Audit:
    """Verify the chain that `connection` sees, in one pass. Raises LedgerBroken at the first fault."""
    seq, previous, first_at, last_at = 0, GENESIS, "", ""
    for entry in _stream(connection):
        if not _sound(seal, entry, seq + 1, previous):
            raise _diagnosis(connection, seal, entry, seq + 1, previous)
        seq, previous, last_at = entry.seq, entry.hash, entry.at
        first_at = first_at or entry.at
        if anchored is not None and anchored.seq == seq and anchored.hash != previous:
            raise _broken(
                seq, "anchor", "is genuine, but not the one that was anchored: another history was put in place"
            )
    _check_end(seal, read_head(connection), anchored, seq, previous)
    return Audit(seq, first_at, last_at, previous.hex(), anchored.seq if anchored else 0)


def read_head(connection: sa.Connection, *, lock: bool = False) -> Head | None:
    """The head as it stands, unchecked; with `lock`, held against other writers until the transaction ends."""
    row = connection.execute(_LOCK_HEAD if lock else _READ_HEAD).one_or_none()
    return None if row is None else Head(int(row.seq), bytes(row.hash), row.key_id, bytes(row.mac))


def to_entry(row: sa.Row[Any]) -> Entry:
    """An entry from its row, whatever types a tamperer left in it (SQLite holds any)."""
    return Entry(
        int(row.seq), str(row.at), str(row.kind), str(row.run_id), str(row.payload),
        _bytes(row.previous), _bytes(row.hash), str(row.key_id), _bytes(row.mac),
    )  # fmt: skip


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode("utf-8", "surrogatepass")


def _stream(connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> Iterator[Entry]:
    """Entries by number, a batch in memory at a time."""
    query = sa.select(EntryRow.__table__).where(*conditions).order_by(EntryRow.seq).limit(_BATCH)
    rows = connection.execute(query).all()
    while rows:
        yield from map(to_entry, rows)
        rows = connection.execute(query.where(EntryRow.seq > rows[-1].seq)).all() if len(rows) == _BATCH else []


def _sound(seal: Seal, entry: Entry, seq: int, previous: bytes) -> bool:
    return (
        entry.seq == seq
        and entry.previous == previous
        and _intact(entry, seq)
        and seal.signed_entry(entry.key_id, entry.hash, entry.mac)
    )


def _intact(entry: Entry, seq: int) -> bool:
    return digest(entry.previous, seq, entry.at, entry.kind, entry.run_id, entry.payload) == entry.hash


def _check_end(seal: Seal, head: Head | None, anchored: Head | None, seq: int, last: bytes) -> None:
    if head is None:
        if seq == 0:
            raise _broken(1, "truncation", "is missing: the whole ledger was removed, its head too")
        raise _broken(seq, "head", "is the last one there, and the head, which says where the ledger ends, was removed")
    if not seal.signed_head(head):
        fault: Fault = "head" if head.key_id in seal else "key"
        raise _broken(seq, fault, "is the last one there, and the head, which says so, was not signed by these keys")
    if head.seq > seq:
        raise _broken(seq + 1, "truncation", f"and all after it up to {head.seq} are missing from the end")
    if head.seq < seq or head.hash != last:
        raise _broken(head.seq + 1, "head", "is genuine, but the head knows nothing of it: an old head was put back")
    if anchored is not None and anchored.seq > seq:
        raise _broken(
            seq + 1, "truncation",
            f"and all after it up to {anchored.seq}, which were anchored, are missing: an old copy was put back",
        )  # fmt: skip


def _diagnosis(connection: sa.Connection, seal: Seal, found: Entry, seq: int, previous: bytes) -> LedgerBroken:
    """What was done, where `found` stands in the place of entry `seq`, which should follow `previous`."""
    if found.seq < seq:
        return _broken(found.seq, "insertion", "was added before the beginning")
    head = read_head(connection)
    if head is not None and seal.signed_head(head) and head.seq < seq:
        return _broken(seq, "insertion", "was added after the end")
    elsewhere = _where(connection, seal, seq, previous, but=found.seq)
    if found.seq > seq:
        if elsewhere is not None:
            return _broken(seq, "reordering", f"was moved to place {elsewhere}")
        gap = "is missing" if found.seq == seq + 1 else f"and all after it up to {found.seq - 1} are missing"
        return _broken(seq, "deletion", gap)
    if found.key_id not in seal and found.previous == previous and _intact(found, seq):
        return _broken(seq, "key", f"was signed with a key ({found.key_id}) that is not among these")
    home = _home(connection, seal, found)
    if home is None:
        if elsewhere is not None:
            return _broken(seq, "insertion", f"was added; the genuine one stands at {elsewhere}")
        return _broken(seq, "edit", "was altered")
    if home == seq:
        return _broken(seq, "insertion", "is genuine, but continues another history than the entries before it")
    if elsewhere is None:
        return _broken(seq, "deletion", f"is missing; entry {home} was moved into its place")
    if _copies(connection, found) > 1:
        return _broken(seq, "insertion", f"is a copy of entry {home}; the genuine one stands at {elsewhere}")
    return _broken(seq, "reordering", f"stands at {elsewhere}; in its place stands entry {home}")


def _where(connection: sa.Connection, seal: Seal, seq: int, previous: bytes, *, but: int) -> int | None:
    """The place of the genuine entry `seq`, where it stands elsewhere than at `but`."""
    for entry in _stream(connection, EntryRow.previous == previous, EntryRow.seq != but):
        if _intact(entry, seq) and seal.signed_entry(entry.key_id, entry.hash, entry.mac):
            return entry.seq
    return None


def _home(connection: sa.Connection, seal: Seal, entry: Entry) -> int | None:
    """The place to which a genuine entry belongs; None for one that was altered or made up."""
    if not seal.signed_entry(entry.key_id, entry.hash, entry.mac):
        return None
    count = connection.execute(sa.select(sa.func.count()).select_from(EntryRow)).scalar_one()
    head = read_head(connection)
    # A deletion shortens the chain, an insertion lengthens it: the home of a genuine entry lies below either end.
    last = max(count, head.seq if head and seal.signed_head(head) else 0) + 1
    return next((seq for seq in range(1, last + 1) if _intact(entry, seq)), None)


def _copies(connection: sa.Connection, entry: Entry) -> int:
    query = sa.select(sa.func.count()).select_from(EntryRow).where(EntryRow.hash == entry.hash)
    return int(connection.execute(query).scalar_one())


def _broken(entry: int, fault: Fault, what: str) -> LedgerBroken:
    return LedgerBroken(f"The audit ledger is broken: {fault}. Entry {entry} {what}.", entry=entry, fault=fault)
