"""How often chance alone gives a score: Gumbel's law for the highest of many, fitted to images that bear no mark.

`benchmarks/watermark_null.py` measures it: `whole` on 18,400 reads (maxima of blocks of 100; the highest was 7.16,
and 1e-6 lies at 8.25, 95 % of bootstraps between 8.02 and 8.47; with the reader before, on 100,000, at 8.26), `line`
and `grid` on 200 of the reader before (highest 7.27 and 7.28; 1e-6 at 9.9 and 10.0 is extrapolated far). No reading
rests on these: what is `read` has an authentic payload, whose own false alarm is below 2**-26.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["p_value"]

# Location and scale by stage.
_GUMBEL: Final = {"whole": (5.24, 0.218), "line": (5.90, 0.29), "grid": (6.07, 0.28)}


def p_value(score: float, stage: str) -> float:
    """The chance that the best score of an unmarked image is this high, after all that was tried up to `stage`."""
    if stage not in _GUMBEL:
        return 1.0
    location, scale = _GUMBEL[stage]
    return -math.expm1(-math.exp(-(score - location) / scale))
