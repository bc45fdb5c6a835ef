"""Perceptual fingerprints: what an image looks like, in 256 bits and in a thumbnail.

`pdq` is Facebook's PDQ (ThreatExchange, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm",
2019): luma, two passes of a box filter of a 128th of the image, 64x64 samples, DCT, its lowest 16x16 coefficients but
the constant ones, each compared with their median. Two different pictures differ in about 128 bits, rarely in fewer
than 100; a re-encoded one in fewer than 10. It is blind to crops and rotations: these are the thumbnail's work, once
the watermark has told the geometry.
"""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image

from ..errors import BadImage

__all__ = [
    "FINGERPRINT_BYTES",
    "THUMBNAIL_SIDE",
    "correlation",
    "dihedral_forms",
    "distance",
    "luma",
    "opaque",
    "pack_thumbnail",
    "pdq",
    "pdq_coefficients",
    "thumbnail",
    "unpack_thumbnail",
]

Floats = np.ndarray[Any, np.dtype[np.float32]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]

FINGERPRINT_BYTES = 32
THUMBNAIL_SIDE = 64
_GRID, _KEPT = 64, 16


def luma(image: Image.Image) -> Floats:
    """Rec. 601 luma, 0..255, of an image laid on white; shape (height, width)."""
    return np.asarray(opaque(image).convert("L"), np.float32)


def pdq(image: Image.Image) -> bytes:
    """The PDQ hash, 32 bytes."""
    return _bits(pdq_coefficients(image))


def pdq_coefficients(image: Image.Image) -> Floats:
    """The DCT coefficients (16, 16), row by vertical frequency 1..16, that `pdq` compares with their median."""
    gray = luma(image)
    coefficients: Floats = np.matmul(_projection(gray.shape[0]) @ gray, _projection(gray.shape[1]).T, dtype=np.float32)
    return coefficients


def dihedral_forms(coefficients: Floats) -> tuple[bytes, ...]:
    """The hashes of the image turned by 0, 90, 180, 270 degrees, and of the same mirrored: eight, upright first.

    A mirror changes the sign of odd coefficients and a quarter turn exchanges the axes, so no further DCT is needed.
    """
    sign = np.where(np.arange(1, _KEPT + 1) % 2, -1, 1).astype(np.float32)
    forms = []
    for mirrored in (coefficients, coefficients * sign):
        turned = mirrored
        for _ in range(4):
            forms.append(_bits(turned))
            turned = turned.T * sign
    return tuple(forms)


def distance(one: bytes, other: bytes) -> int:
    """In how many bits two hashes differ, 0..256."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def thumbnail(image: Image.Image) -> Bytes:
    """Luma with the longest side at 64 pixels; uint8 of shape (height, width)."""
    return _shrink(opaque(image).convert("L"), THUMBNAIL_SIDE)


def pack_thumbnail(pixels: Bytes) -> bytes:
    """The thumbnail as a grayscale PNG, some 3 kB."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def unpack_thumbnail(data: bytes) -> Bytes:
    """The pixels of `pack_thumbnail`. Raises BadImage where it is not one."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            if max(image.size) > THUMBNAIL_SIDE:
                raise ValueError("too large")
            return np.asarray(image.convert("L"))
    except (OSError, ValueError, SyntaxError) as error:
        raise BadImage(f"A registered thumbnail is damaged ({error}).") from error


def correlation(one: Any, other: Any, weight: Any = None) -> float:
    """The normalized cross-correlation of two arrays of one shape, -1..1; 0 where either is flat.

    `weight` says how much each sample counts.
    """
    one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
    weight = np.ones_like(one) if weight is None else np.asarray(weight, np.float64)
    total = weight.sum()
    if total <= 0:
        return 0.0
    one = one - (one * weight).sum() / total
    other = other - (other * weight).sum() / total
    power = (one * one * weight).sum() * (other * other * weight).sum()
    return float((one * other * weight).sum() / np.sqrt(power)) if power > 1e-9 else 0.0


def opaque(image: Image.Image) -> Image.Image:
    """The image as it is seen on white."""
    if image.mode in ("RGB", "L"):
        return image
    rgba = image.convert("RGBA")
    canvas = Image.new("RGB", image.size, "white")
    canvas.paste(rgba, mask=rgba.getchannel("A"))
    return canvas


def _shrink(gray: Image.Image, side: int) -> Bytes:
    scale = side / max(gray.size)
    size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
    return np.asarray(gray.resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC))


def _bits(coefficients: Floats) -> bytes:
    """Bit i, counted from the last, is the i-th coefficient's (as the reference prints it)."""
    flat = coefficients.ravel()
    median = np.partition(flat, flat.size // 2 - 1)[
        flat.size // 2 - 1
    ]  # the lower one, as the reference's Torben's method
    return np.packbits((flat > median)[::-1]).tobytes()


@lru_cache(maxsize=64)
def _projection(size: int) -> Floats:
    """Filter, samples and DCT along an axis of `size` samples are linear, so that they are one matrix: (16, size)."""
    window = -(-size // (2 * _GRID))
    before, after = window - (window + 2) // 2, (window + 2) // 2 - 1
    rows = np.zeros((_GRID, size))
    rows[np.arange(_GRID), ((np.arange(_GRID) + 0.5) * size / _GRID).astype(int)] = 1
    first = np.maximum(np.arange(size) - before, 0)
    last = np.minimum(np.arange(size) + after + 1, size)
    for _ in range(2):  # a row of the filter's matrix is a running mean, at the ends over the samples that exist
        weights = np.zeros((_GRID, size + 1))
        share = rows / (last - first)
        np.add.at(weights.T, first, share.T)
        np.subtract.at(weights.T, last, share.T)
        rows = np.cumsum(weights, 1)[:, :size]
    frequency, position = np.arange(1, _KEPT + 1)[:, None], np.arange(_GRID)[None, :]
    basis = np.sqrt(2 / _GRID) * np.cos(np.pi / (2 * _GRID) * frequency * (2 * position + 1))
    projection: Floats = (basis @ rows).astype(np.float32)
    return projection
