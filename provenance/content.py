"""Is it the same picture? A registered image and a query, compared by fingerprint and by rectified thumbnail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from .fingerprint import THUMBNAIL_SIDE, correlation, dihedral_forms, distance, pdq_coefficients, thumbnail
from .watermark.engine import Geometry

__all__ = ["Comparison", "Content", "compare"]

CANONICAL_SIDE = 512
# Measured: of true images under crops, rotations and re-encoding the correlation is 0.85 or more; of the most similar
# other image 0.62 or less. Forgeries differ in 102 bits or more.
SAME_CORRELATION = 0.75
SAME_DISTANCE = 60
LOOK_ALIKE_DISTANCE = 31
LOOK_ALIKE_CORRELATION = 0.9
_MIN_OVERLAP = 0.08
_FLAT = 3.0


@dataclass(frozen=True)
class Content:
    """What is compared of a query: computed once."""

    coefficients: Any
    forms: tuple[bytes, ...]
    thumbnail: Any
    gray: Any  # canonical luma: the longest side at 512

    @classmethod
    def of(cls, image: Image.Image) -> Content:
        """The content of a decoded image."""
        coefficients = pdq_coefficients(image)
        gray = image.convert("L")
        scale = CANONICAL_SIDE / 2 / max(gray.size)
        size = (max(1, round(gray.width * scale)), max(1, round(gray.height * scale)))
        return cls(
            coefficients, dihedral_forms(coefficients), thumbnail(image), gray.resize(size, Image.Resampling.BILINEAR)
        )


@dataclass(frozen=True)
class Comparison:
    """How alike: `distance` in bits (best of eight orientations), `correlation` of the thumbnails, -1..1."""

    distance: int
    correlation: float
    is_rectified: bool

    @property
    def agrees(self) -> bool:
        """It is that picture, or a part of it."""
        if self.is_rectified:
            return self.correlation >= SAME_CORRELATION or self.distance <= SAME_DISTANCE
        return self.distance <= LOOK_ALIKE_DISTANCE and self.correlation >= LOOK_ALIKE_CORRELATION

    def describe(self) -> dict[str, Any]:
        """For a leg's detail."""
        return {
            "distance_bits": self.distance,
            "correlation": round(self.correlation, 3),
            "rectified": self.is_rectified,
        }


def compare(content: Content, fingerprint: bytes, registered: Any | None, geometry: Geometry | None) -> Comparison:
    """Compare a query with a registered image; with `geometry`, laid over it as the watermark tells."""
    bits = [distance(form, fingerprint) for form in content.forms]
    form = int(np.argmin(bits))
    if registered is None:
        return Comparison(bits[form], 1.0 if bits[form] <= LOOK_ALIKE_DISTANCE else 0.0, geometry is not None)
    upright = _turned(content.thumbnail, form)
    whole = correlation(upright, registered) if upright.shape == registered.shape else _stretched(upright, registered)
    if geometry is None:
        return Comparison(bits[form], whole, False)
    return Comparison(bits[form], max(whole, _rectified(content, registered, geometry)), True)


def _turned(pixels: Any, form: int) -> Any:
    """The thumbnail in the orientation of `fingerprint.dihedral_forms`."""
    mirrored = pixels[:, ::-1] if form >= 4 else pixels
    return np.rot90(mirrored, form % 4)


def _stretched(pixels: Any, registered: Any) -> float:
    size = (registered.shape[1], registered.shape[0])
    return correlation(np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size)), registered)


def _rectified(content: Content, registered: Any, geometry: Geometry) -> float:
    """The best correlation over the shifts that the watermark's period leaves open."""
    height, width = registered.shape
    unit = CANONICAL_SIDE / THUMBNAIL_SIDE
    scale = max(content.gray.size) / CANONICAL_SIDE
    forward = np.array(geometry.matrix).reshape(2, 2)
    inverse = np.linalg.inv(forward) * scale
    sign = -1.0 if geometry.is_inverted else 1.0
    best = -1.0
    reach = range(-math.ceil(CANONICAL_SIDE / geometry.period) - 1, math.ceil(CANONICAL_SIDE / geometry.period) + 2)
    center = np.array(content.gray.size) / 2
    extent = np.abs(forward) @ (center / scale)
    for row in reach:
        for column in reach:
            shift = np.array(geometry.shift) + geometry.period * np.array([column, row])
            low, high = shift - extent, shift + extent
            if (high < unit).any() or (low > np.array([width, height]) * unit - unit).any():
                continue
            best = max(best, _placed(content.gray, registered, inverse, shift, center, unit) * sign)
    return best


def _placed(gray: Any, registered: Any, inverse: Any, shift: Any, center: Any, unit: float) -> float:
    height, width = registered.shape
    matrix = inverse * unit
    origin = inverse @ (np.array([0.5, 0.5]) * 0 - shift) + center
    coefficients = (matrix[0, 0], matrix[0, 1], origin[0], matrix[1, 0], matrix[1, 1], origin[1])
    seen = gray.transform((width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=0)
    there = Image.new("L", gray.size, 255).transform(
        (width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.NEAREST, fillcolor=0
    )
    covered = np.asarray(there) > 0
    if covered.mean() < _MIN_OVERLAP or np.asarray(registered)[covered].std() < _FLAT:
        return -1.0
    return correlation(np.asarray(seen), registered, covered)
