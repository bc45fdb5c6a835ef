"""Is it the same picture? A registered image and a query, compared by fingerprint and by rectified thumbnail."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
# Pictures that are one smooth field reach 0.81 with one another, and half of a field of stars only 0.83 with itself.
# The content tag, where the whole frame is seen, tells such apart, or else a closer likeness.
SAME_CORRELATION = 0.75
SURE_CORRELATION = 0.82
SAME_TAG = 0.3
SAME_DISTANCE = 60
LOOK_ALIKE_DISTANCE = 31
LOOK_ALIKE_CORRELATION = 0.9
# A picture of one color varies by 0.7 of 255 at most, all of it the mark's own: that agrees wherever the mark is laid.
FEATURELESS = 1.5
_STILL_FEATURELESS = 2.0  # encoders add some; seven pixels of a letter are more
_SAME_TONE = 24.0
_MIN_OVERLAP = 0.08
_FLAT = 3.0


@dataclass(frozen=True)
class Content:
    """What is compared of a query: computed once."""

    coefficients: Any
    forms: tuple[bytes, ...]
    thumbnail: Any
    gray: Image.Image  # luma, the longest side at 256

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
    """How alike: `distance` in bits (best of eight orientations), `correlation` of the thumbnails, -1..1, and `tag`,
    how far the content agrees with what the watermark says of it, where that can be told. `is_featureless` where the
    registered picture shows nothing but one color, and `is_same_color` whether the query is of that, too."""

    distance: int
    correlation: float
    is_rectified: bool
    tag: float | None = None
    is_featureless: bool = False
    is_same_color: bool = False

    @property
    def is_undecided(self) -> bool:
        """Both are of one color, so that nothing but the mark could tell whether it is that picture."""
        return self.is_featureless and self.is_same_color

    @property
    def agrees(self) -> bool:
        """It is that picture, or a part of it."""
        if self.is_featureless:
            return False
        if self.is_rectified:
            is_tagged = self.tag is not None and self.tag >= SAME_TAG
            least = SAME_CORRELATION if is_tagged else SURE_CORRELATION
            return self.correlation >= least or self.distance <= SAME_DISTANCE
        return self.distance <= LOOK_ALIKE_DISTANCE and self.correlation >= LOOK_ALIKE_CORRELATION

    def describe(self) -> dict[str, Any]:
        """For a leg's detail."""
        return {
            "distance_bits": self.distance,
            "correlation": round(self.correlation, 3),
            "rectified": self.is_rectified,
        }


def compare(
    content: Content,
    fingerprint: bytes,
    registered: Any | None,
    geometry: Geometry | None,
    without: Sequence[tuple[float, float, float, float]] = (),
    tag: float | None = None,
) -> Comparison:
    """Compare a query with a registered image; with `geometry`, laid over it as the watermark tells.

    `without` are areas of the query (left, top, right, bottom, in fractions) that are known to come from elsewhere.
    """
    bits = [distance(form, fingerprint) for form in content.forms]
    form = int(np.argmin(bits))
    if registered is None:
        return Comparison(bits[form], 1.0 if bits[form] <= LOOK_ALIKE_DISTANCE else 0.0, geometry is not None, tag)
    upright = _turned(content.thumbnail, form)
    whole = correlation(upright, registered) if upright.shape == registered.shape else _stretched(upright, registered)
    if np.std(registered) < FEATURELESS:
        same = _is_same_color(content, registered, is_inverted=geometry is not None and geometry.is_inverted)
        return Comparison(bits[form], whole, geometry is not None, tag, is_featureless=True, is_same_color=same)
    if geometry is None:
        return Comparison(bits[form], whole, False)
    return Comparison(bits[form], max(whole, _rectified(content, registered, geometry, without)), True, tag)


def _is_same_color(content: Content, registered: Any, *, is_inverted: bool) -> bool:
    seen = np.asarray(content.gray)
    tone = 255.0 - seen.mean() if is_inverted else seen.mean()
    return bool(seen.std() < _STILL_FEATURELESS and abs(tone - np.mean(registered)) < _SAME_TONE)


def _turned(pixels: Any, form: int) -> Any:
    """The thumbnail in the orientation of `fingerprint.dihedral_forms`."""
    mirrored = pixels[:, ::-1] if form >= 4 else pixels
    return np.rot90(mirrored, form % 4)


def _stretched(pixels: Any, registered: Any) -> float:
    size = (registered.shape[1], registered.shape[0])
    return correlation(np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size)), registered)


def _rectified(content: Content, registered: Any, geometry: Geometry, without: Any) -> float:
    """The best correlation over the shifts that the watermark's period leaves open."""
    unit = CANONICAL_SIDE / THUMBNAIL_SIDE
    pitch = max(content.gray.size) / CANONICAL_SIDE  # pixels of the gray copy to a canonical pixel
    forward = np.array(geometry.matrix).reshape(2, 2)
    inverse = np.linalg.inv(forward)
    frame = np.array([registered.shape[1], registered.shape[0]]) * unit
    extent = np.abs(forward) @ (np.array(content.gray.size) / 2 / pitch)
    kept = _kept(content.gray.size, without)
    sign = -1.0 if geometry.is_inverted else 1.0
    periods = range(-math.ceil(CANONICAL_SIDE / geometry.period) - 1, math.ceil(CANONICAL_SIDE / geometry.period) + 2)
    best = -1.0
    for shift in (np.array(geometry.shift) + geometry.period * np.array([i, j]) for i in periods for j in periods):
        if (shift + extent < unit).any() or (shift - extent > frame - unit).any():
            continue
        # Of a pixel of the thumbnail, the place in the gray copy: what Pillow asks for.
        matrix = inverse * (unit * pitch)
        origin = np.array(content.gray.size) / 2 - inverse @ shift * pitch
        place = (matrix[0, 0], matrix[0, 1], origin[0], matrix[1, 0], matrix[1, 1], origin[1])
        best = max(best, _placed(content.gray, kept, registered, place, sign))
    return best


def _placed(gray: Image.Image, kept: Image.Image, registered: Any, place: Any, sign: float) -> float:
    size = (registered.shape[1], registered.shape[0])
    seen = gray.transform(size, Image.Transform.AFFINE, place, Image.Resampling.BILINEAR)
    covered = np.asarray(kept.transform(size, Image.Transform.AFFINE, place, Image.Resampling.NEAREST)) > 0
    if covered.mean() < _MIN_OVERLAP or np.asarray(registered)[covered].std() < _FLAT:
        return -1.0
    return correlation(np.asarray(seen), registered, covered) * sign


def _kept(size: tuple[int, int], without: Any) -> Image.Image:
    """White where the query counts."""
    mask = Image.new("L", size, 255)
    width, height = size
    for left, top, right, bottom in without:
        mask.paste(0, (round(left * width), round(top * height), round(right * width), round(bottom * height)))
    return mask
