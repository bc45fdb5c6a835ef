"""Which size to ask a model of a service for."""

from __future__ import annotations

import math
from typing import Literal

from ..spec import Size

__all__ = ["CLASSIC", "askable"]

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


def _grained(side: float) -> int:
    return max(_GRAIN, math.ceil(side / _GRAIN - 1e-9) * _GRAIN)
