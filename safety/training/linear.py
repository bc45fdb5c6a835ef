"""Logistic regression over hashed n-grams, by L-BFGS, and the stacking that calibrates it with the networks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from ..moderators.ngrams import BITS, ngrams

__all__ = ["matrix", "rarity", "regression", "stacking"]

Array = NDArray[np.float32]


def rarity(texts: Sequence[str]) -> Array:
    """Inverse document frequency of every slot: 1 + ln((1 + n) / (1 + documents that have it))."""
    seen = np.zeros(1 << BITS)
    for text in texts:
        seen[ngrams(text)[0]] += 1
    return (1 + np.log((1 + len(texts)) / (1 + seen))).astype(np.float32)


def matrix(texts: Sequence[str], rare: Array) -> csr_matrix:
    """Weighted n-grams of each text, each row of length one."""
    columns, values, ends = [], [], [0]
    for text in texts:
        slots, weights = ngrams(text)
        weights = weights * rare[slots]
        weights /= max(float(np.linalg.norm(weights)), 1e-8)
        columns.append(slots)
        values.append(weights)
        ends.append(ends[-1] + len(slots))
    shape = (len(texts), 1 << BITS)
    return csr_matrix((np.concatenate(values), np.concatenate(columns), np.array(ends)), shape=shape)


def regression(inputs: csr_matrix, targets: Array, weights: Array, *, strength: float = 10.0) -> tuple[Array, float]:
    """Coefficients (d,) and offset of an L2-regularized logistic regression; `strength` is the inverse penalty."""
    used = np.flatnonzero(np.diff(inputs.tocsc().indptr))
    narrow = inputs[:, used]
    signs = np.where(targets > 0, 1.0, -1.0)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = signs * (narrow @ parameters[:-1] + parameters[-1])
        value = float((weights * np.logaddexp(0, -margin)).sum() * strength + 0.5 * (parameters[:-1] ** 2).sum())
        slope = -signs * weights / (1 + np.exp(np.clip(margin, -60, 60))) * strength
        return value, np.append(narrow.T @ slope + parameters[:-1], slope.sum())

    found = minimize(loss, np.zeros(len(used) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 50})
    coefficients = np.zeros(inputs.shape[1], np.float32)
    coefficients[used] = found.x[:-1]
    return coefficients, float(found.x[-1])


def stacking(networks: Array, linear: Array, targets: Array, weights: Array) -> Array:
    """(3, k): how each output's two logits are weighed (≥ 0) and shifted, fitted on held-out logits."""
    out = np.zeros((3, targets.shape[1]), np.float32)
    for index in range(targets.shape[1]):
        inputs = np.stack([networks[:, index], linear[:, index], np.ones(len(linear))], axis=1)
        signs = np.where(targets[:, index] > 0, 1.0, -1.0)

        def loss(
            parameters: NDArray[np.float64], inputs: Array = inputs, signs: Array = signs
        ) -> tuple[float, NDArray[np.float64]]:
            margin = signs * (inputs @ parameters)
            slope = -signs * weights / (1 + np.exp(np.clip(margin, -60, 60)))
            value = float((weights * np.logaddexp(0, -margin)).sum() + 0.5 * (parameters**2).sum())
            return value, inputs.T @ slope + parameters

        start = np.array([1.0, 0.3, 0.0])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(0, None), (0, None), (None, None)])
        out[:, index] = found.x
    return out
