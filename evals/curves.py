"""How well a score tells unsafe from safe: the ROC curve and what is read off it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["auroc", "recall_at", "roc"]


def roc(scores: ArrayLike, unsafe: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The curve as (false positive rate, recall, threshold), from the strictest threshold (infinity) to the laxest.

    Equal scores share one point: no threshold tells them apart. Rates of a label that is missing are NaN.
    """
    values, labels = _sound(scores, unsafe)
    order = np.argsort(-values, kind="stable")
    values, labels = values[order], labels[order]
    last = np.append(np.flatnonzero(np.diff(values)), len(values) - 1) if len(values) else np.array([], dtype=int)
    hits, misses = np.cumsum(labels)[last], np.cumsum(~labels)[last]
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.append(0, hits) / labels.sum()
        false = np.append(0, misses) / (~labels).sum()
    return false, recall, np.append(np.inf, values[last])


def auroc(scores: ArrayLike, unsafe: ArrayLike) -> float:
    """The area under the ROC curve: the chance that an unsafe one scores above a safe one, ties counting half.

    NaN where either label is missing.
    """
    false, recall, _ = roc(scores, unsafe)
    return float(np.trapezoid(recall, false))


def recall_at(scores: ArrayLike, unsafe: ArrayLike, false_positives: float) -> float:
    """The highest recall of any threshold whose false positive rate is at most `false_positives` (0..1).

    Nothing is interpolated: between two thresholds lies no third. NaN where either label is missing.
    """
    false, recall, _ = roc(scores, unsafe)
    within = recall[false <= false_positives]
    return float(within.max()) if len(within) and not math.isnan(float(recall[-1])) else math.nan


def _sound(scores: ArrayLike, unsafe: ArrayLike) -> tuple[NDArray[np.float64], NDArray[Any]]:
    values, labels = np.asarray(scores, dtype=np.float64), np.asarray(unsafe, dtype=bool)
    if values.shape != labels.shape or values.ndim != 1:
        raise ValueError(f"{values.shape} scores do not go with {labels.shape} labels")
    if not np.isfinite(values).all():
        raise ValueError("a score that is not a finite number cannot be ranked")
    return values, labels
