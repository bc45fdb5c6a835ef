"""The registry of stamped images: by id, by the hash of their bytes, by what they look like, and by their marks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ..store.image_index import FINGERPRINT_BYTES, MARK_BYTES, RECORD_BYTES, Changes, Standing
from ..store.images import ImageRecord, Images
from .hamming import HammingIndex
from .watermark.codebook import Codebook, Match

__all__ = ["Found", "MemoryRegistry", "Registered", "Registry", "StoreRegistry"]

_ALGORITHM = "pdq"


@dataclass(frozen=True)
class Registered:
    """One stamped image. `thumbnail` is a packed thumbnail, `manifest` its manifest store, `facts` what the stamp said;
    None where the run's content was erased."""

    image_id: str
    run_id: str
    image: int
    sha256: str
    fingerprint: bytes = field(repr=False)
    thumbnail: bytes | None = field(default=None, repr=False)
    manifest: bytes | None = field(default=None, repr=False)
    facts: dict[str, Any] | None = field(default=None, repr=False)

    @property
    def mark(self) -> bytes | None:
        """The sealed payload that its pixels carry, None where they carry none."""
        return _mark(self.facts)


@dataclass(frozen=True)
class Found:
    """A look-alike: its distance in bits, and which of the eight forms of the query it resembles."""

    image_id: str
    distance: int
    form: int


class Registry(Protocol):
    """Where stamped images are looked up. `near` finds those within `limit` bits of any of the forms, nearest first;
    `match` the mark of one of them that left one of the traces (`Codebook.match`)."""

    async def add(self, image: Registered) -> None: ...

    async def by_image_id(self, image_id: str) -> Registered | None: ...

    async def by_sha256(self, sha256: str) -> Registered | None: ...

    async def near(self, forms: Sequence[bytes], limit: int) -> list[Found]: ...

    async def match(self, traces: Any) -> Match | None: ...


class MemoryRegistry:
    """A registry that lasts as long as the process: for tests, and for stamping without a store."""

    def __init__(self) -> None:
        self._images: dict[str, Registered] = {}
        self._ids: list[str] = []
        self._index = HammingIndex()
        self._marks = Codebook()

    async def add(self, image: Registered) -> None:
        if image.image_id not in self._images:
            if image.mark is not None:
                self._marks.add(image.mark)
            bits = np.frombuffer(image.fingerprint, np.uint8)[None]
            self._index.put(np.array([len(self._ids)]), bits)
            self._ids.append(image.image_id)
        self._images[image.image_id] = image

    async def by_image_id(self, image_id: str) -> Registered | None:
        return self._images.get(image_id)

    async def by_sha256(self, sha256: str) -> Registered | None:
        return next((each for each in self._images.values() if each.sha256 == sha256), None)

    async def near(self, forms: Sequence[bytes], limit: int) -> list[Found]:
        return [Found(self._ids[hit.number], hit.distance, hit.form) for hit in self._index.near(forms, limit)]

    async def match(self, traces: Any) -> Match | None:
        return self._marks.match(traces)


class StoreRegistry:
    """The registry on the store's tables. What is searched lies in memory, and each search first reads what changed in
    the store since the one before: all of it at the first, and nearly always nothing. So what any process registered or
    removed is found or gone as soon as it is committed."""

    def __init__(self, images: Images) -> None:
        self._images = images
        self._fingerprints = HammingIndex()
        self._marks = Codebook()
        self._known = 0  # the last change that is in both
        self._refreshing = asyncio.Lock()

    async def add(self, image: Registered) -> None:
        """Register; the same again changes nothing. Raises StoreError where the id stands for other bytes."""
        await self._images.add_image(
            image_id=image.image_id,
            run_id=image.run_id,
            image=image.image,
            sha256=image.sha256,
            bits=image.fingerprint,
            algorithm=_ALGORITHM,
            thumbnail=image.thumbnail,
            manifest=image.manifest,
            stamp=image.facts,
            mark=image.mark,
        )

    async def by_image_id(self, image_id: str) -> Registered | None:
        return _registered(await self._images.by_image_id(image_id))

    async def by_sha256(self, sha256: str) -> Registered | None:
        return _registered(await self._images.by_sha256(sha256))

    async def near(self, forms: Sequence[bytes], limit: int) -> list[Found]:
        await self.refresh()
        hits = await asyncio.to_thread(self._fingerprints.near, forms, limit)
        standing = await self._standing([hit.number for hit in hits])
        return [Found(standing[hit.number].image_id, hit.distance, hit.form) for hit in hits if hit.number in standing]

    async def match(self, traces: Any) -> Match | None:
        await self.refresh()
        match = await asyncio.to_thread(self._marks.match, traces)
        if match is None:
            return None
        standing = (await self._standing([match.number])).get(match.number)
        return match if standing is not None and standing.mark == match.mark else None

    async def refresh(self) -> None:
        """Read what changed since the last time. Cut off, it goes on from where it was."""
        async with self._refreshing:
            while True:
                changes = await self._images.changes(self._known)
                self._learn(changes)
                self._known = changes.upto
                if changes.upto == changes.last:
                    return

    @property
    def nbytes(self) -> int:
        """What the indexes take of memory."""
        return self._fingerprints.nbytes + self._marks.nbytes

    def _learn(self, changes: Changes) -> None:
        """Some milliseconds at most: a page at a time, and where many come, the room for all is made first."""
        if not changes.records:
            return
        if not self._known:
            room = changes.slots * 5 // 4  # what is not written to takes no memory yet
            self._fingerprints.reserve(room)
            self._marks.reserve(room)
        numbers, bits, mark, has_bits, has_mark = _unpacked(changes.records)
        self._fingerprints.remove(numbers[~has_bits])
        self._fingerprints.put(numbers[has_bits], bits[has_bits])
        self._marks.remove(numbers[~has_mark])
        self._marks.put(numbers[has_mark], mark[has_mark])

    async def _standing(self, numbers: list[int]) -> dict[int, Standing]:
        """Those of the numbers that are images now; of the others, which were deleted by hand, nothing is kept."""
        known = self._known
        standing = await self._images.standing(numbers)
        if known == self._known:  # or else one may have come back, and is in memory already
            gone = np.array([each for each in numbers if each not in standing], np.int64)
            self._fingerprints.remove(gone)
            self._marks.remove(gone)
        return standing


def _unpacked(records: bytes) -> tuple[Any, Any, Any, Any, Any]:
    """Numbers, fingerprints, marks, and which of the numbers have either (`Changes`)."""
    rows = np.frombuffer(records, np.uint8).reshape(-1, RECORD_BYTES)
    bits, mark, digits = np.split(rows, [FINGERPRINT_BYTES, FINGERPRINT_BYTES + MARK_BYTES], axis=1)
    flagged = np.frombuffer(bytes.fromhex(digits.tobytes().decode("ascii")), ">i8").astype(np.int64)
    return flagged >> 2, bits, mark, flagged & 2 != 0, flagged & 1 != 0


def _mark(facts: dict[str, Any] | None) -> bytes | None:
    mark = (facts or {}).get("watermark")
    return bytes.fromhex(mark) if isinstance(mark, str) else None


def _registered(record: ImageRecord | None) -> Registered | None:
    if record is None:
        return None
    return Registered(
        image_id=record.image_id,
        run_id=record.run_id,
        image=record.image,
        sha256=record.sha256,
        fingerprint=record.bits,
        thumbnail=record.thumbnail,
        manifest=record.manifest,
        facts=record.stamp,
    )
