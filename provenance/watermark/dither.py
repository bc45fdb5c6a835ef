"""A slow wave for flat fields, which lets a mark there survive any quantizer.

A field of one gray level lies at one place between two steps of a quantizer, the same all over: a gentle wave on it
either crosses to the next step everywhere or nowhere, so that compression keeps the whole field's mark or takes all of
it, by luck and by its quality. So the field is dithered first (Roberts, "Picture coding using pseudo-random noise",
1962), by a wave that is far slower than the pattern and than what an eye makes out: somewhere along it the steps are
near, at whatever quality.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from .masking import enlarge
from .pattern import CANONICAL

__all__ = ["dither"]

Floats = np.ndarray[Any, np.dtype[np.float32]]

_MOST: Final = 0.75  # gray levels, up and down
_FLAT: Final = 1.0  # gray levels of texture: where there is as much, the picture dithers itself
_WAVE: Final = (0.0100, 0.0037)  # cycles a canonical pixel, across and down
_WORTHWHILE: Final = 0.01  # of the picture


def dither(texture: Floats, size: tuple[int, int]) -> Callable[[slice], tuple[Floats, Floats]] | None:
    """What gives the wave, and how far it may go, in some rows of an image of that size (width, height), in gray
    levels; None where little of the picture is flat. `texture` is that of its sketch."""
    room = np.float32(_MOST) * np.clip(1 - texture / np.float32(_FLAT), 0, 1)
    if float(room.mean()) < _WORTHWHILE * _MOST:
        return None
    room = enlarge(room, size)
    pitch = CANONICAL / max(size)
    across, down = (
        ((np.arange(length) + 0.5) * (pitch * frequency)).astype(np.float32)
        for length, frequency in zip(size, _WAVE, strict=True)
    )

    def waves(rows: slice) -> tuple[Floats, Floats]:
        most = room[rows]
        wave = across + down[rows, None]
        wave -= np.rint(wave)
        np.abs(wave, out=wave)  # a triangle: all levels are as frequent
        wave *= 4
        wave -= 1
        wave *= most
        return wave, most

    return waves
