"""Edits of an image that we have only as pixels: crop, extend, recolor, overlay, caption, blur, redact."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ....errors import BadInput
from ..generator import ImageRequest
from .typeset import Typesetter

__all__ = ["Edited", "edit"]


@dataclass(frozen=True)
class Edited:
    """The edited pixels (h, w, 3) and what could not be done as asked."""

    pixels: NDArray[np.uint8] = field(repr=False)
    notes: tuple[str, ...]


def edit(request: ImageRequest, typesetter: Typesetter) -> Edited:
    raise BadInput("editing is not available yet")
