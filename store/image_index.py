"""What the indexes of images in memory follow: every image's fingerprint and mark in one narrow table, by number of
change, so that whoever has read up to one change reads on from there.

An image has a row as long as the database has been: it is emptied, not deleted, so that its end is a change as well.
Changes are numbered under a lock that is kept until the commit (`image_index_head`'s row). So whoever sees one change
sees all that came before; by a sequence of PostgreSQL's, a transaction that commits late would be skipped for good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, cast

import sqlalchemy as sa

from ..errors import StoreError
from .database import endings_of
from .insertion import insert_new
from .tables import ImageRow, IndexHeadRow, IndexRow

__all__ = ["FINGERPRINT_BYTES", "MARK_BYTES", "RECORD_BYTES", "Changes", "Standing", "note_added", "note_erased",
           "note_removed", "read_changes", "read_standing"]  # fmt: skip

FINGERPRINT_BYTES: Final = 32
MARK_BYTES: Final = 12
_DIGITS: Final = 16
RECORD_BYTES: Final = FINGERPRINT_BYTES + MARK_BYTES + _DIGITS
_MOST = 1 << 15
_HEAD = 1


@dataclass(frozen=True)
class Changes:
    """What changed after one change and up to `upto`, of `last` that there are; images have numbers below `slots`.

    `records` are packed, `RECORD_BYTES` an image in no order: its fingerprint and its mark (zeros where there is none),
    then in 16 hexadecimal digits four times its number, and 2 where it has a fingerprint, and 1 where it has a mark.
    """

    upto: int
    last: int
    slots: int
    records: bytes = field(repr=False)


@dataclass(frozen=True)
class Standing:
    """An image that is there now."""

    image_id: str
    mark: bytes | None


@dataclass(frozen=True)
class _Change:
    image_id: str
    values: Mapping[str, bytes | None]
    is_new: bool = False


def note_added(connection: sa.Connection, image_id: str, bits: bytes | None, mark: bytes | None) -> None:
    """The writing transaction adds this image. Fingerprints and marks of other lengths are those of no index."""
    values = {"bits": _of_length(bits, FINGERPRINT_BYTES), "mark": _of_length(mark, MARK_BYTES)}
    _noted(connection).append(_Change(image_id, values, is_new=True))


def note_erased(connection: sa.Connection, image_ids: Sequence[str]) -> None:
    """The writing transaction erases what these images say; their fingerprints stay."""
    _noted(connection).extend(_Change(each, {"mark": None}) for each in image_ids)


def note_removed(connection: sa.Connection, image_ids: Sequence[str]) -> None:
    """The writing transaction takes these images out."""
    _noted(connection).extend(_Change(each, {"bits": None, "mark": None}) for each in image_ids)


def read_changes(connection: sa.Connection, after: int) -> Changes:
    """The next changes after that one, some thirty thousand at most."""
    last, slots = connection.execute(_READ_HEAD).one()
    upto = min(after + _MOST, last)
    if upto <= after:
        return Changes(last, last, slots, b"")
    bounds = {"after": after, "upto": upto, "no_bits": bytes(FINGERPRINT_BYTES), "no_mark": bytes(MARK_BYTES)}
    count, records = connection.execute(_packed(connection.dialect.name), bounds).one()
    records = b"" if records is None else bytes(records)
    if len(records) != count * RECORD_BYTES:
        raise StoreError("The table image_index is damaged: it holds fingerprints or marks of the wrong length.")
    return Changes(upto, last, slots, records)


def read_standing(connection: sa.Connection, numbers: Sequence[int]) -> dict[int, Standing]:
    """Those of the numbers that are images now, whatever an index in memory still holds."""
    found = connection.execute(_STANDING, {"numbers": list(numbers)})
    return {row.number: Standing(row.image_id, None if row.mark is None else bytes(row.mark)) for row in found}


# Made once: building a statement costs more than running it.
_READ_HEAD = sa.select(IndexHeadRow.changed, IndexHeadRow.slots).where(IndexHeadRow.id == _HEAD)
_MOVE_HEAD = (
    sa.update(IndexHeadRow)
    .where(IndexHeadRow.id == _HEAD)
    .values(changed=IndexHeadRow.changed + sa.bindparam("changes"), slots=IndexHeadRow.slots + sa.bindparam("added"))
)
# The image itself is asked for, too: rows that somebody deleted by hand are found no more.
_STANDING = (
    sa.select(IndexRow.number, IndexRow.image_id, sa.case((ImageRow.stamp.is_not(None), IndexRow.mark)).label("mark"))
    .join(ImageRow, ImageRow.image_id == IndexRow.image_id)
    .where(
        IndexRow.number.in_(sa.bindparam("numbers", expanding=True)),
        IndexRow.bits.is_not(None) | IndexRow.mark.is_not(None),
    )
)
_CHANGE = sa.update(cast(sa.Table, IndexRow.__table__)).where(IndexRow.image_id == sa.bindparam("of_image"))


@cache
def _packed(dialect: str) -> sa.TextClause:
    """How many records there are between two changes, and all of them in one value: a million images are read as some
    thirty values, not as a million rows, and none of it takes Python's lock."""
    flags = "4 * number + CASE WHEN bits IS NULL THEN 0 ELSE 2 END + CASE WHEN mark IS NULL THEN 0 ELSE 1 END"
    if dialect == "postgresql":
        digits = f"convert_to(lpad(to_hex({flags}), {_DIGITS}, '0'), 'UTF8')"
        packing = "string_agg({}, ''::bytea)".replace("::", r"\:\:")
    else:
        # SQLite glues bytes as it glues text, without a look at them.
        digits = f"printf('%0{_DIGITS}x', {flags})"
        packing = "CAST(group_concat({}, '') AS BLOB)"
    record = f"coalesce(bits, :no_bits) || coalesce(mark, :no_mark) || {digits}"
    return sa.text(
        f"SELECT count(*), {packing.format(record)} FROM image_index WHERE changed > :after AND changed <= :upto"  # noqa: S608 - of constants
    )


def _of_length(value: bytes | None, length: int) -> bytes | None:
    return value if value is not None and len(value) == length else None


def _noted(connection: sa.Connection) -> list[_Change]:
    """The changes of the transaction, to be numbered at its end: then the lock that all writers take is held shortest,
    and always taken after the ledger's, so that no two wait for each other."""
    endings = endings_of(connection)
    page = endings.get(_Page)
    if not isinstance(page, _Page):
        page = endings[_Page] = _Page()
    return page.changes


class _Page:
    """The changes of one transaction, numbered and written together at its end."""

    def __init__(self) -> None:
        self.changes: list[_Change] = []

    def __call__(self, connection: sa.Connection) -> None:
        if not self.changes:
            return
        added = sum(change.is_new for change in self.changes)
        connection.execute(_MOVE_HEAD, {"changes": len(self.changes), "added": added})
        last, slots = connection.execute(_READ_HEAD).one()
        number = slots - added
        for changed, change in enumerate(self.changes, start=last - len(self.changes) + 1):
            values: dict[str, Any] = {"changed": changed, **change.values}
            if change.is_new:
                number += 1
                # An id that was taken out and comes back keeps its number.
                if insert_new(connection, IndexRow, {"image_id": change.image_id, "number": number - 1, **values}):
                    continue
            if not connection.execute(_CHANGE.values(values), {"of_image": change.image_id}).rowcount:
                raise StoreError("The table image_index is damaged: it does not know an image that changes.")
