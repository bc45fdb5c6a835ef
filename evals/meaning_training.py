"""Fits the half of the embedded grader that reads for meaning, on the rows and bootstraps of its n-gram heads.

A head is a least-squares support vector machine (Suykens & Vandewalle 1999): coefficients a with (K + penalty / w) a =
t, where K is the kernel among the rows drawn, w their weights and t ±1. It has one solution, found without chance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .meaning import Kernel
from .panel import Head, MeaningHead

__all__ = ["fit_meaning"]

# Chosen by four folds of the fitted half, as was the share of the n-grams.
_WIDTH, _GAMMA, _PENALTY = 192, 1.5, 0.1
_SHARE = 0.1
# At which each head's threshold is set, on the clusters that it left out. Half of the n-gram panel's: its own rate and
# a higher recall at once.
_FALSE_POSITIVES = 0.05

Weights = NDArray[np.float64]


def fit_meaning(
    embeddings: NDArray[np.float32],
    unsafe: NDArray[np.bool_],
    drawn: Sequence[NDArray[np.int64]],
    judged: NDArray[np.bool_],
    words: Sequence[Head],
    logits: NDArray[np.float64],
    say: Callable[[str], None],
) -> list[MeaningHead]:
    """A head for each bootstrap. Rows by their embeddings (n, 512) and labels (n,); `drawn[h]` (n,) is how often head h
    drew each row, `words[h]` the n-gram head of the same bootstrap and `logits[h]` (n,) what it says of every row; of
    the rows left out, those that are `judged` set the threshold."""
    kernel = Kernel.of(embeddings, width=_WIDTH, gamma=_GAMMA)
    own = kernel.own().astype(np.float64)
    heads = []
    for number, (counts, head, logit) in enumerate(zip(drawn, words, logits, strict=True)):
        coefficients = np.zeros(len(unsafe))
        used = counts > 0
        coefficients[used] = _solved(own[np.ix_(used, used)], unsafe[used], counts[used].astype(np.float64))
        out = ~used & judged
        scores = own[out] @ coefficients + _SHARE * logit[out]
        threshold = float(np.quantile(scores[~unsafe[out]], 1 - _FALSE_POSITIVES))
        heads.append(MeaningHead(kernel, coefficients.astype(np.float32), head, _SHARE, threshold))
        say(f"head {number}")
    return heads


def _solved(own: Weights, unsafe: NDArray[np.bool_], counts: Weights) -> Weights:
    """The coefficients; both labels weigh the same in all."""
    from scipy.linalg import cho_factor, cho_solve

    mean = counts.sum() / 2
    weights = counts * np.where(unsafe, mean / counts[unsafe].sum(), mean / counts[~unsafe].sum())
    own[np.diag_indices_from(own)] += _PENALTY / weights
    found: Weights = cho_solve(cho_factor(own, lower=True, overwrite_a=True), np.where(unsafe, 1.0, -1.0))
    return found
