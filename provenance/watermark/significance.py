"""How often chance alone gives a score: Gumbel's law for the highest of many, fitted to images that bear no mark."""

from __future__ import annotations

import math
from typing import Final

__all__ = ["p_value"]

# Location and scale by stage.
_GUMBEL: Final = {"whole": (4.1, 0.25), "line": (5.2, 0.25), "grid": (5.6, 0.25)}


def p_value(score: float, stage: str) -> float:
    """The chance that the best score of an unmarked image is this high, after all that was tried up to `stage`."""
    if stage not in _GUMBEL:
        return 1.0
    location, scale = _GUMBEL[stage]
    return -math.expm1(-math.exp(-(score - location) / scale))
