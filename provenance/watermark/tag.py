"""The content tag: 16 bits of what an image looks like, that only who has the key can tell.

Each bit is the sign of a keyed, smooth projection of the canonical frame's luma (locality-sensitive hashing: Charikar,
"Similarity estimation techniques from rounding algorithms", STOC 2002): what changes a picture little changes few.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image
from scipy.fft import dctn

from .payload import TAG_BITS, subkey

__all__ = ["agreement", "tag_of"]

_SIDE = 32
_WAVES = 5  # frequencies 0..4 in both directions, the constant left out


def tag_of(image: Image.Image, secret: bytes) -> int:
    """The tag of an upright whole frame."""
    return int("".join("1" if value > 0 else "0" for value in _projections(image, secret)), 2)


def agreement(image: Image.Image, tag: int, secret: bytes) -> float:
    """How far an upright whole frame agrees with a tag, -1..1; bits that hang by a hair count little.

    An image's own tag gives nearly 1. Of other images one in a hundred gives more than 0.7.
    """
    values = _projections(image, secret)
    signs = np.array([1.0 if tag >> place & 1 else -1.0 for place in reversed(range(TAG_BITS))])
    return float((signs * values).sum() / (np.abs(values).sum() + 1e-9))


def _projections(image: Image.Image, secret: bytes) -> Any:
    small = np.asarray(image.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=2.0), np.float64)
    waves = dctn(small, norm="ortho")[:_WAVES, :_WAVES].ravel()[1:]
    return _weights(subkey(secret, "tag")) @ waves


@lru_cache(maxsize=8)
def _weights(key: bytes) -> Any:
    """(16, 24) weights: random, and rising with frequency as the spectra of pictures fall, so that all waves count."""
    rng = np.random.Generator(np.random.PCG64(int.from_bytes(key)))
    y, x = np.mgrid[:_WAVES, :_WAVES]
    rise = np.hypot(x, y).ravel()[1:]
    return rng.standard_normal((TAG_BITS, len(rise))) * rise
