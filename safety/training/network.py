"""A network of one hidden layer, in NumPy: mixup (Zhang et al., 2018) and AdamW (Loshchilov & Hutter, 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Network", "predict", "train"]

Array = NDArray[np.float32]
Network = tuple[Array, Array, Array, Array]

_HIDDEN, _EPOCHS, _BATCH = 384, 26, 128
_RATE, _DECAY, _DROP, _NOISE, _MIX, _SMOOTH = 2e-3, 1e-2, 0.3, 0.2, 0.4, 0.02


def train(inputs: Array, targets: Array, weights: Array, *, seed: int) -> Network:
    """Fit logits of `targets` (n, k) to standardized `inputs` (n, d), each term weighted by `weights` (n, k)."""
    random = np.random.default_rng(seed)
    count, width = inputs.shape
    network = [
        (random.standard_normal((width, _HIDDEN)) * np.sqrt(2 / width)).astype(np.float32),
        np.zeros(_HIDDEN, np.float32),
        (random.standard_normal((_HIDDEN, targets.shape[1])) * np.sqrt(1 / _HIDDEN)).astype(np.float32),
        np.zeros(targets.shape[1], np.float32),
    ]
    moments = [np.zeros_like(part) for part in network], [np.zeros_like(part) for part in network]
    soft = targets * (1 - 2 * _SMOOTH) + _SMOOTH
    steps = _EPOCHS * ((count + _BATCH - 1) // _BATCH)
    step = 0
    for _ in range(_EPOCHS):
        order = random.permutation(count)
        for start in range(0, count, _BATCH):
            rows = order[start : start + _BATCH]
            batch = _mixed(inputs[rows], soft[rows], weights[rows], random)
            step += 1
            rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            _adam(network, _gradients(network, *batch, random), moments, step, rate)
    return network[0], network[1], network[2], network[3]


def predict(network: Network, inputs: Array) -> Array:
    """Logits, (n, k)."""
    w1, b1, w2, b2 = network
    return np.asarray(np.maximum(inputs @ w1 + b1, 0) @ w2 + b2, np.float32)


def _mixed(inputs: Array, targets: Array, weights: Array, random: np.random.Generator) -> tuple[Array, Array, Array]:
    share = random.beta(_MIX, _MIX, size=(len(inputs), 1)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = random.permutation(len(inputs))
    noise = random.standard_normal(inputs.shape, dtype=np.float32) * _NOISE
    return (
        share * inputs + (1 - share) * inputs[other] + noise,
        share * targets + (1 - share) * targets[other],
        share * weights + (1 - share) * weights[other],
    )


def _gradients(
    network: list[Array], inputs: Array, targets: Array, weights: Array, random: np.random.Generator
) -> list[Array]:
    w1, b1, w2, b2 = network
    before = inputs @ w1 + b1
    kept = (random.random(before.shape, dtype=np.float32) > _DROP).astype(np.float32) / (1 - _DROP)
    hidden = np.maximum(before, 0) * kept
    error = (1 / (1 + np.exp(-(hidden @ w2 + b2))) - targets) * weights / len(inputs)
    back = (error @ w2.T) * kept * (before > 0)
    return [inputs.T @ back, back.sum(0), hidden.T @ error, error.sum(0)]


def _adam(
    network: list[Array], gradients: list[Array], moments: tuple[list[Array], list[Array]], step: int, rate: float
) -> None:
    """One AdamW step, in place."""
    for index, gradient in enumerate(gradients):
        part, first, second = network[index], moments[0][index], moments[1][index]
        np.add(first, 0.1 * (gradient - first), out=first)
        np.add(second, 0.001 * (gradient * gradient - second), out=second)
        update = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        decay = _DECAY * part if part.ndim == 2 else 0
        np.subtract(part, np.float32(rate) * (update + decay), out=part, casting="same_kind")
