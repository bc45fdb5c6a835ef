"""The registry of stamped images: by id, by the hash of their bytes, and by fingerprint."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from ..errors import StoreError
from .database import Database
from .image_index import Changes, Standing, note_added, note_removed, read_changes, read_standing
from .insertion import insert_new
from .tables import EffectRow, ImageRow, RunRow

__all__ = ["ImageRecord", "Images"]

_INDEXED = "pdq"


@dataclass(frozen=True)
class ImageRecord:
    """One stamped image. `sha256` (hex) is of the final bytes; `bits` is its perceptual hash by `algorithm`
    (`pdq`: 32 bytes); thumbnail, manifest store and stamp are None once the run's content was erased."""

    image_id: str
    run_id: str
    image: int
    sha256: str
    algorithm: str
    bits: bytes = field(repr=False)
    thumbnail: bytes | None = field(repr=False)
    manifest: bytes | None = field(repr=False)
    stamp: dict[str, Any] | None = field(repr=False)
    created_at: datetime

    @property
    def ref(self) -> str:
        """The blob reference of the image's bytes."""
        return f"sha256:{self.sha256}"


# Made once: building a statement costs more than running it.
_BY_ID = sa.select(ImageRow.__table__).where(ImageRow.image_id == sa.bindparam("of_image"))


class Images:
    """The images of one database."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock

    async def add_image(
        self,
        *,
        image_id: str,
        run_id: str,
        image: int,
        sha256: str,
        bits: bytes,
        algorithm: str = "pdq",
        thumbnail: bytes | None = None,
        manifest: bytes | None = None,
        stamp: dict[str, Any] | None = None,
        mark: bytes | None = None,
    ) -> ImageRecord:
        """Register a stamped image. Registering the same again (same id, same bytes) changes nothing.
        `mark` is the sealed payload that its pixels carry (12 bytes), for indexes in memory.

        Raises:
            StoreError: the id stands for other bytes, or the database failed.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        record = ImageRecord(image_id, run_id, image, sha256, algorithm, bits, thumbnail, manifest, stamp, now)

        def work(connection: sa.Connection) -> ImageRecord:
            if insert_new(connection, ImageRow, vars(record)):
                note_added(connection, image_id, bits if algorithm == _INDEXED else None, mark)
                return record
            standing = _record(connection.execute(_query().where(ImageRow.image_id == image_id)).one())
            if standing.sha256 != sha256:
                raise StoreError(f"The image id {image_id} is taken by another image.", run_id=run_id)
            return standing

        return await self._database.write(work)

    async def by_image_id(self, image_id: str) -> ImageRecord | None:
        """The image of that id, None where there is none."""
        return await self._one(_BY_ID, of_image=image_id)

    async def by_sha256(self, sha256: str) -> ImageRecord | None:
        """The image with exactly these bytes, the first registered of several; None where there is none."""
        return await self._one(_query().where(ImageRow.sha256 == sha256).order_by(ImageRow.created_at).limit(1))

    async def by_run(self, run_id: str) -> list[ImageRecord]:
        """The images of a run, in order."""
        query = _query().where(ImageRow.run_id == run_id).order_by(ImageRow.image, ImageRow.created_at)
        return await self._database.read(lambda connection: [_record(row) for row in connection.execute(query)])

    async def count(self, *, account: str, since: datetime) -> int:
        """How many images an account's runs have had since then."""
        query = (
            sa.select(sa.func.count())
            .select_from(ImageRow)
            .join(RunRow, RunRow.id == ImageRow.run_id)
            .where(RunRow.account == account if account else RunRow.account.is_(None), ImageRow.created_at >= since)
        )
        return int(await self._database.read(lambda connection: connection.execute(query).scalar_one()))

    async def drop_lost(self, run_id: str, image: int) -> int:
        """Take out what stamps that a kill cut off had registered of this image, and say how much that was: no finished
        stamp of the run names its bytes, so they never left. Only for when a stamp of the image has been finished, and
        no other is under way."""

        def work(connection: sa.Connection) -> int:
            results = sa.select(EffectRow.result).where(
                EffectRow.run_id == run_id, EffectRow.effect == "stamp", EffectRow.state == "finished"
            )
            named = {result["sha256"] for result in connection.execute(results).scalars() if result}
            are_lost = (ImageRow.run_id == run_id) & (ImageRow.image == image) & ImageRow.sha256.not_in(named)
            lost = connection.execute(sa.select(ImageRow.image_id).where(are_lost)).scalars().all()
            note_removed(connection, lost)
            return connection.execute(sa.delete(ImageRow).where(ImageRow.image_id.in_(lost))).rowcount

        return await self._database.write(work)

    async def changes(self, after: int = 0) -> Changes:
        """What indexes in memory are to learn after a change that they know; to be asked until `upto` is `last`."""
        return await self._database.read(lambda connection: read_changes(connection, after))

    async def standing(self, numbers: Sequence[int]) -> dict[int, Standing]:
        """Those of the numbers (`Changes`) that are images now."""
        if not numbers:
            return {}
        return await self._database.read(lambda connection: read_standing(connection, numbers))

    async def _one(self, query: sa.Select[Any], **bound: Any) -> ImageRecord | None:
        row = await self._database.read(lambda connection: connection.execute(query, bound).one_or_none())
        return None if row is None else _record(row)


def _query() -> sa.Select[Any]:
    return sa.select(ImageRow.__table__)


def _record(row: sa.Row[Any]) -> ImageRecord:
    return ImageRecord(**row._mapping)
