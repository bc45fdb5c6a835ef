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
    """Where two images differ, adjacent tiles of a row joined; None where the digests cannot be compared."""
    if len(before) != len(after) or len(before) != TILES * TILES * _BYTES * 2:
        return None
    width = 2 * _BYTES
    differs = [before[i : i + width] != after[i : i + width] for i in range(0, len(before), width)]
    regions = []
    for row in range(TILES):
        start = None
        for column in range(TILES + 1):
            is_changed = column < TILES and differs[row * TILES + column]
            if is_changed and start is None:
                start = column
            elif not is_changed and start is not None:
                regions.append(Region(start / TILES, row / TILES, column / TILES, (row + 1) / TILES))
                start = None
    return tuple(regions)


def _bounds(size: int) -> list[int]:
    return [size * index // TILES for index in range(TILES + 1)]
