"""How much mark each place bears: what the eye forgives there.

Texture hides a mark, a flat field shows it, and an edge is not texture: the field beside it is as flat as before. So
the activity is the smallest, nearby, of a mean that flat parts pull down, which raises grass and hair and leaves the
paper between lines of text alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from .sliding import mean_filter, minimum_filter

__all__ = ["BLUE", "LUMA", "Allowance", "activity", "enlarge"]

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Allowance:
    """Gray levels (RMS) in a flat field, more a level of activity, and at most."""

    flat: float
    gain: float
    most: float

    def at(self, activity: Floats, share: float = 1.0) -> Floats:
        """The amplitude that is allowed where the activity is this, with that share of what a flat field bears."""
        allowed: Floats = np.minimum(share * self.flat + self.gain * activity, np.float32(self.most))
        return allowed


LUMA: Final = Allowance(0.50, 0.065, 2.2)
BLUE: Final = Allowance(0.6, 0.10, 4.0)


def activity(luma: Floats) -> Floats:
    """The masking texture of an image in gray levels, from its luma with the longest side at 512 or less."""
    mean, square = mean_filter(luma, 1), mean_filter(luma * luma, 1)
    square -= mean * mean
    # The power mean of exponent 1/4 is low wherever a part of the neighborhood is flat: letters on paper are not grass.
    texture = np.sqrt(np.sqrt(np.sqrt(np.maximum(square, 0))))
    texture = minimum_filter(mean_filter(texture, 3), 3)
    for _ in range(2):
        texture *= texture
    return mean_filter(mean_filter(texture, 2), 2)


def enlarge(values: Floats, size: tuple[int, int]) -> Floats:
    """The map at the image's size (width, height), between samples linear."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    return np.array(Image.fromarray(values).resize(size, Image.Resampling.BILINEAR))
