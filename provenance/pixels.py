"""A digest of decoded pixels by tile, so that a change is not only seen but found.

8 x 8 tiles, 24 bits each: enough to tell where something changed, too few to say that nothing did (for that there are
the signature and the SHA-256 of the file).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

__all__ = ["TILES", "Region", "changed_regions", "tile_digest"]

TILES = 8
_BYTES = 3


@dataclass(frozen=True)
class Region:
    """A rectangle in fractions of the image: 0 is left and top, 1 right and bottom."""

    left: float
    top: float
    right: float
    bottom: float

    def __str__(self) -> str:
        return f"{self.left:.0%}-{self.right:.0%} from the left, {self.top:.0%}-{self.bottom:.0%} from the top"


def tile_digest(image: Image.Image) -> str:
    """384 hex digits for any image."""
    pixels = np.asarray(image if image.mode in ("RGB", "RGBA") else image.convert("RGBA"))
    rows, columns = _bounds(pixels.shape[0]), _bounds(pixels.shape[1])
    digests = []
    for row in range(TILES):
        for column in range(TILES):
            tile = pixels[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            shape = str(tile.shape).encode()
            digests.append(hashlib.blake2b(tile.tobytes(), digest_size=_BYTES, key=shape).hexdigest())
    return "".join(digests)


def changed_regions(before: str, after: str) -> tuple[Region, ...] | None:
    """Where two images differ, adjacent tiles joined to rectangles; None where the digests cannot be compared."""
    if len(before) != len(after) or len(before) != TILES * TILES * _BYTES * 2:
        return None
    width = 2 * _BYTES
    differs = [before[i : i + width] != after[i : i + width] for i in range(0, len(before), width)]
    found: list[Region] = []
    growing: dict[tuple[int, int], int] = {}  # columns of a rectangle that the last row belongs to: its first row
    for row in range(TILES + 1):
        runs = _runs(differs[row * TILES : (row + 1) * TILES])
        for start, end in [each for each in growing if each not in runs]:
            top = growing.pop((start, end))
            found.append(Region(start / TILES, top / TILES, end / TILES, row / TILES))
        for run in runs:
            growing.setdefault(run, row)
    return tuple(sorted(found, key=lambda each: (each.top, each.left)))


def _runs(differs: list[bool]) -> list[tuple[int, int]]:
    """The columns from which and up to which tiles of a row differ."""
    places = [column for column, is_changed in enumerate(differs) if is_changed]
    starts = [column for column in places if column - 1 not in places]
    ends = [column + 1 for column in places if column + 1 not in places]
    return list(zip(starts, ends, strict=True))


def _bounds(size: int) -> list[int]:
    return [size * index // TILES for index in range(TILES + 1)]
