"""The registry of stamped images: by id, by the hash of their bytes, and by what they look like.

The search is exact: every fingerprint is compared, 32 bytes an image, in blocks that fit the processor's cache.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from ..store.images import ImageRecord, Images
from .fingerprint import FINGERPRINT_BYTES
from .watermark.codebook import Codebook, Match

__all__ = ["Found", "HammingIndex", "MemoryRegistry", "Registered", "Registry", "StoreRegistry"]

_BLOCK = 1 << 15
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


class HammingIndex:
    """Fingerprints of 256 bits in memory, compared exactly. Not safe for writing from several threads at once."""

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._known: set[str] = set()
        self._words = np.empty((FINGERPRINT_BYTES // 8, 0), np.uint64)  # a row a word: sums then run along memory

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, image_id: str, bits: bytes) -> None:
        """Add a fingerprint; an id that is there already keeps its own. Amortized constant time."""
        if image_id in self._known:
            return
        count = len(self._ids)
        if count == self._words.shape[1]:
            grown = np.empty((len(self._words), max(1024, 2 * count)), np.uint64)
            grown[:, :count] = self._words
            self._words = grown
        self._words[:, count] = np.frombuffer(bits, np.uint64)
        self._known.add(image_id)
        self._ids.append(image_id)

    def near(self, forms: Sequence[bytes], limit: int, most: int = 16) -> list[Found]:
        """The fingerprints within `limit` bits of any form, nearest first, at most `most` of them."""
        words, count = self._words, len(self._ids)
        queries = np.frombuffer(b"".join(forms), np.uint64).reshape(len(forms), -1)
        best: dict[int, tuple[int, int]] = {}
        for start in range(0, count, _BLOCK):
            block = words[:, start : min(start + _BLOCK, count)]
            for form, query in enumerate(queries):
                differing = _distances(block, query)
                for row in np.flatnonzero(differing <= limit):
                    seen = (int(differing[row]), form)
                    best[start + int(row)] = min(seen, best.get(start + int(row), seen))
        ranked = sorted((bits, form, row) for row, (bits, form) in best.items())[:most]
        return [Found(self._ids[row], bits, form) for bits, form, row in ranked]


def _distances(block: Any, query: Any) -> Any:
    """In how many bits each column of `block` differs from `query`: three words fit uint8, the fourth might not."""
    first, second, third, fourth = (np.bitwise_count(row ^ word) for row, word in zip(block, query, strict=True))
    first += second
    first += third
    return np.add(first, fourth, dtype=np.uint16)


class MemoryRegistry:
    """A registry that lasts as long as the process: for tests, and for stamping without a store."""

    def __init__(self) -> None:
        self._images: dict[str, Registered] = {}
        self._index = HammingIndex()
        self._marks = Codebook()

    async def add(self, image: Registered) -> None:
        if image.image_id not in self._images and image.mark is not None:
            self._marks.add(image.mark)
        self._images[image.image_id] = image
        self._index.add(image.image_id, image.fingerprint)

    async def by_image_id(self, image_id: str) -> Registered | None:
        return self._images.get(image_id)

    async def by_sha256(self, sha256: str) -> Registered | None:
        return next((each for each in self._images.values() if each.sha256 == sha256), None)

    async def near(self, forms: Sequence[bytes], limit: int) -> list[Found]:
        return self._index.near(forms, limit)

    async def match(self, traces: Any) -> Match | None:
        return self._marks.match(traces)


class StoreRegistry:
    """The registry on the store's tables. Fingerprints and marks are each loaded on the first search, and anew when
    they are older than `refresh_seconds`, since other processes add to the same tables."""

    def __init__(
        self, images: Images, *, refresh_seconds: float = 300.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._images = images
        self._fingerprints = _Loaded(self._load_fingerprints, refresh_seconds, clock)
        self._marks = _Loaded(self._load_marks, refresh_seconds, clock)

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
        )
        if self._fingerprints.now is not None:
            self._fingerprints.now.add(image.image_id, image.fingerprint)
        if self._marks.now is not None and image.mark is not None:
            self._marks.now.add(image.mark)

    async def by_image_id(self, image_id: str) -> Registered | None:
        return _registered(await self._images.by_image_id(image_id))

    async def by_sha256(self, sha256: str) -> Registered | None:
        return _registered(await self._images.by_sha256(sha256))

    async def near(self, forms: Sequence[bytes], limit: int) -> list[Found]:
        return await asyncio.to_thread((await self._fingerprints.get()).near, forms, limit)

    async def match(self, traces: Any) -> Match | None:
        return await asyncio.to_thread((await self._marks.get()).match, traces)

    async def _load_fingerprints(self) -> HammingIndex:
        index = HammingIndex()
        async for each in self._images.fingerprints():
            if each.algorithm == _ALGORITHM and len(each.bits) == FINGERPRINT_BYTES:
                index.add(each.image_id, each.bits)
        return index

    async def _load_marks(self) -> Codebook:
        marks = Codebook()
        async for stamp in self._images.stamps():
            if (mark := _mark(stamp)) is not None:
                marks.add(mark)
        return marks


_Index = TypeVar("_Index")


class _Loaded(Generic[_Index]):
    """Something that is loaded when it is first asked for, and anew when it is old."""

    def __init__(
        self, load: Callable[[], Awaitable[_Index]], refresh_seconds: float, clock: Callable[[], float]
    ) -> None:
        self._load = load
        self._refresh_seconds = refresh_seconds
        self._clock = clock
        self._loaded_at = 0.0
        self._loading = asyncio.Lock()
        self.now: _Index | None = None

    async def get(self) -> _Index:
        async with self._loading:
            if self.now is None or self._clock() - self._loaded_at > self._refresh_seconds:
                self.now = await self._load()
                self._loaded_at = self._clock()
            return self.now


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
