"""Figures of a ranking: AUROC, recall at a rate of false positives, reliability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

__all__ = ["auroc", "calibration_error", "recall_at"]

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]


def auroc(scores: Array, unsafe: Mask) -> float:
    """P(an unsafe row scores above a safe one), ties half (Mann–Whitney); NaN where one kind is missing."""
    positives, negatives = int(unsafe.sum()), int((~unsafe).sum())
    if not positives or not negatives:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[unsafe].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def recall_at(scores: Array, unsafe: Mask, rate: float) -> float:
    """Share of unsafe rows above the threshold that at most `rate` of the safe rows exceed."""
    safe = np.sort(scores[~unsafe])[::-1]
    return float((scores[unsafe] > safe[int(len(safe) * rate)]).mean()) if len(safe) and unsafe.any() else float("nan")


def calibration_error(scores: Array, unsafe: Mask, bins: int = 10) -> float:
    """Expected calibration error over equally wide bins (Guo et al., 2017)."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = [
        abs(scores[which == each].mean() - unsafe[which == each].mean()) * (which == each).mean()
        for each in np.unique(which)
    ]
    return float(sum(gaps))
