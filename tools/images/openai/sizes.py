"""Which size to ask a model for, and how its picture becomes the size that was asked of us."""

from __future__ import annotations

import math
from typing import Literal

from PIL import Image

from ..spec import Size

__all__ = ["CLASSIC", "askable", "fitted"]

CLASSIC = ((1024, 1024), (1536, 1024), (1024, 1536))
_GRAIN = 16  # px that sides are multiples of
_LONG, _SHORT = 3840, 2160
_CLASSIC_MODELS = ("gpt-image-1", "chatgpt-image")


def askable(size: Size, model: str, sizes: Literal["auto", "any", "classic"] = "auto") -> tuple[int, int]:
    """The size to ask for: the asked one where the model makes it, otherwise the next that covers it best.

    Models before gpt-image-2 make three sizes; later ones any with sides that are multiples of 16, within 3840x2160
    either way round and aspect ratios of 1:3 to 3:1.
    """
    if sizes == "auto":
        sizes = "classic" if model.startswith(_CLASSIC_MODELS) else "any"
    if sizes == "classic":
        return min(CLASSIC, key=lambda each: abs(math.log(each[0] / each[1]) - math.log(size.aspect)))
    long, short = max(size.width, size.height), min(size.width, size.height)
    scale = min(1.0, _LONG / long, _SHORT / short)
    long, short = _grained(long * scale), _grained(short * scale)
    short = max(short, _grained(long / 3))
    return (long, short) if size.width >= size.height else (short, long)


def fitted(picture: Image.Image, size: Size) -> tuple[Image.Image, str]:
    """The picture at exactly this size, and a remark on what was done to it ("" for nothing).

    Scaled to cover, then cropped evenly on both sides: nothing is distorted.
    """
    width, height = picture.size
    if (width, height) == (size.width, size.height):
        return picture, ""
    scale = max(size.width / width, size.height / height)
    # The box of the picture that ends up in the image, in its own pixels.
    across, down = min(width, size.width / scale), min(height, size.height / scale)
    left, top = (width - across) / 2, (height - down) / 2
    fit = picture.resize(
        (size.width, size.height), Image.Resampling.LANCZOS, box=(left, top, left + across, top + down)
    )
    cropped = round(across) < width - 1 or round(down) < height - 1
    what = "scaled and cropped" if cropped else "scaled"
    return fit, f"the model's picture had {width}x{height} pixels; it was {what} to {size.width}x{size.height}"


def _grained(side: float) -> int:
    return max(_GRAIN, math.ceil(side / _GRAIN - 1e-9) * _GRAIN)
