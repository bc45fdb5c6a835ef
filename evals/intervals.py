"""Proportions with honest intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

__all__ = ["Proportion", "wilson"]


@dataclass(frozen=True)
class Proportion:
    """`count` of `total`, with the Wilson score interval. `value`, `low` and `high` lie within 0..1; NaN for 0 of 0."""

    count: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.count / self.total if self.total else math.nan

    def __str__(self) -> str:
        if not self.total:
            return "–"
        return f"{100 * self.value:.2f} % [{100 * self.low:.2f}, {100 * self.high:.2f}]"


def wilson(count: int, total: int, *, confidence: float = 0.95) -> Proportion:
    """The Wilson score interval (Wilson 1927, JASA 22:209; Brown, Cai & DasGupta 2001) of a binomial proportion.

    It keeps its coverage near 0 and 1, where a safety evaluation lives, and never leaves 0..1.

    Raises:
        ValueError: count is negative or exceeds total.
    """
    if not 0 <= count <= total:
        raise ValueError(f"{count} of {total} is no proportion")
    if total == 0:
        return Proportion(0, 0, math.nan, math.nan)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share, spread = count / total, z * z / total
    center = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / total + spread / (4 * total))
    # Rounding may carry a bound past the share itself at 0 and 1.
    return Proportion(count, total, max(0.0, min(share, center - half)), min(1.0, max(share, center + half)))
