"""Cells of 8 x 8 canonical pixels, each with one bit of a coded payload: what the neural engine's networks see.

The cells repeat with the pattern's period, 24 in both directions. A key says which coded bit each of them carries, and
whether inverted, so that the networks alone tell nobody what was said. The coded bits of two generators come twice,
since 96 bits at a rate of 1/4 fill two thirds of the 576 cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final

import numpy as np
from PIL import Image, ImageOps

from .code import RATE, candidates, coded_length, encode
from .engine import Payload
from .pattern import CANONICAL, PERIOD
from .payload import PAYLOAD_BITS, open_bits, seal_bits, subkey
from .search import Hit

__all__ = ["CELL", "Frame", "bits_of", "frame_of", "margin", "payload_in", "soft_of"]

CELL: Final = 8
_ACROSS: Final = PERIOD // CELL
_OUTSIDE: Final = (128, 128, 128)
_LONGEST: Final = 1024  # canonical pixels of a frame: beyond this, most of what is seen is not ours

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class Frame:
    """What is seen, brought into the original's canonical frame: an image whose sides are multiples of 8, the cell
    (x, y) at its top left corner modulo the period, and which cells are in sight (rows, columns)."""

    image: Image.Image
    origin: tuple[int, int]
    seen: Any

    def folded(self, values: Floats) -> Floats:
        """The values of cells (rows, columns) summed over the period: (24, 24). What is not in sight counts nothing."""
        rows, columns = values.shape
        index = _index(self.origin, rows, columns)
        folded: Floats = np.bincount(index, (values * self.seen).ravel(), _ACROSS**2).astype(np.float32)
        return folded


def bits_of(payload: Payload, secret: bytes, rows: int, columns: int) -> Floats:
    """The cells' bits (rows, columns), -1 or 1, from the original's top left corner."""
    place, is_inverted = _keyed(subkey(secret, "cells"))
    bits = encode(seal_bits(payload, secret))[place] ^ is_inverted
    signs: Floats = (2 * bits.astype(np.float32) - 1)[_index((0, 0), rows, columns)].reshape(rows, columns)
    return signs


def payload_in(folded: Floats, secret: bytes, tries: int = 1) -> Payload | None:
    """The authentic payload that cells' log odds (576,) say, among the likeliest `tries`; None where there is none."""
    messages = islice(candidates(soft_of(folded, secret)), tries)
    return next(filter(None, (open_bits(message, secret) for message in messages)), None)


def margin(folded: Floats, payload: Payload, secret: bytes) -> float:
    """How surely a payload is read: the mean of what speaks for its coded bits, over its deviation."""
    for_it = soft_of(folded, secret) * (1 - 2.0 * encode(seal_bits(payload, secret)))
    return float(for_it.mean() / (for_it.std() + 1e-9))


def frame_of(seen: Image.Image, hit: Hit) -> Frame:
    """The frame of a seen image (RGB) whose geometry was found."""
    width, height = seen.size
    longest, matrix = max(width, height), np.asarray(hit.matrix, np.float64)
    # From the frame's pitch upwards a seen image is first reduced, as a warp alone would skip pixels.
    pitch = np.sqrt(abs(np.linalg.det(matrix))) * CANONICAL / longest
    small = seen if pitch >= 1 else seen.resize(
        (max(1, round(width * pitch)), max(1, round(height * pitch))), Image.Resampling.BILINEAR
    )  # fmt: skip
    if hit.sign < 0:
        small = ImageOps.invert(small)
    extent = np.array([width, height]) * (CANONICAL / longest)
    corners = (np.array([(x, y) for x in (-0.5, 0.5) for y in (-0.5, 0.5)]) * extent) @ matrix.T + hit.shift
    low = np.floor(np.maximum(corners.min(0), hit.shift - _LONGEST / 2) / CELL + 0.05).astype(int)
    high = np.ceil(np.minimum(corners.max(0), hit.shift + _LONGEST / 2) / CELL - 0.05).astype(int)
    columns, rows = (int(each) for each in np.maximum(high - low, 1))
    back = np.linalg.inv(matrix)
    to_pixels = np.array(small.size) / extent
    offset = (back @ (low * CELL - hit.shift) + extent / 2) * to_pixels
    turned = back * to_pixels[:, None]
    coefficients = (turned[0, 0], turned[0, 1], offset[0], turned[1, 0], turned[1, 1], offset[1])
    image = small.transform(
        (columns * CELL, rows * CELL),
        Image.Transform.AFFINE,
        coefficients,
        Image.Resampling.BICUBIC,
        fillcolor=_OUTSIDE,
    )
    inside = np.ones((rows, columns), bool)
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        x, y = np.meshgrid((np.arange(columns) + right) * CELL, (np.arange(rows) + below) * CELL)
        place = np.stack([x, y], -1) @ turned.T + offset
        inside &= ((place >= -0.6) & (place <= np.array(small.size) + 0.6)).all(-1)
    return Frame(image, (int(low[0]), int(low[1])), inside)


def soft_of(folded: Floats, secret: bytes) -> Floats:
    """A value a coded bit, positive for 0."""
    place, is_inverted = _keyed(subkey(secret, "cells"))
    signed = np.where(is_inverted, folded, -folded)
    return np.bincount(place, signed, coded_length(PAYLOAD_BITS)).astype(np.float32)


def _index(origin: tuple[int, int], rows: int, columns: int) -> Any:
    """The place in the period of each of these cells, row by row."""
    x, y = (np.arange(count) + start for count, start in zip((columns, rows), origin, strict=True))
    return ((y % _ACROSS)[:, None] * _ACROSS + (x % _ACROSS)[None]).ravel()


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> tuple[Any, Any]:
    """Which coded bit each of the 576 cells carries, and which of them inverted."""
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key)))
    generators = np.arange(_ACROSS**2 // PAYLOAD_BITS) % RATE
    coded = (np.arange(PAYLOAD_BITS)[:, None] * RATE + generators).ravel()
    return rng.permutation(coded), rng.integers(0, 2, len(coded), dtype=np.uint8)
