"""The eight ways in which a whole picture may lie: turned by quarters, and mirrored."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image, ImageOps

from .engine import Geometry

__all__ = ["ORIENTATIONS", "upright"]

_QUARTER: Final = np.array([[0.0, -1.0], [1.0, 0.0]])
ORIENTATIONS: Final = tuple(
    np.linalg.matrix_power(_QUARTER, turns) @ np.diag([mirror, 1.0]) for mirror in (1.0, -1.0) for turns in range(4)
)
"""What takes the seen image's coordinates, from its center, to the original's; upright first."""


def upright(seen: Image.Image, geometry: Geometry) -> Image.Image | None:
    """The whole frame as it was marked, None where only a part of it, or more than it, is seen."""
    matrix = np.array(geometry.matrix).reshape(2, 2)
    nearest = np.rint(matrix)
    if np.abs(matrix - nearest).max() > 0.04 or abs(abs(np.linalg.det(nearest)) - 1) > 1e-6:
        return None
    turned = np.asarray(ImageOps.invert(seen) if geometry.is_inverted else seen)
    if nearest[0, 0] == 0:
        turned = np.swapaxes(turned, 0, 1)
        nearest = nearest[:, ::-1]
    turned = turned[:: int(nearest[1, 1]), :: int(nearest[0, 0])]
    return Image.fromarray(np.ascontiguousarray(turned))
