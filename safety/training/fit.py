"""From labeled prompts to the shipped weights: deterministic, given the data and the encoders."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..moderators.encoder import WIDTH, Encoder
from ..moderators.head import FORMAT, Head, quantized
from ..moderators.ngrams import BITS
from . import linear, network
from .rows import POLICIES, Row, folds, reading, targets

__all__ = ["MEASURED_FOLD", "Logits", "cross_validated", "embedded", "fitted", "held_back"]

Array = NDArray[np.float32]
Say = Callable[[str], None]

_NETWORKS = 5
MEASURED_FOLD = 0
_SAVED = 512  # texts embedded between two savings of the cache
_SHARE_OF_POLICIES = 0.3  # weight of each policy's term beside "any"
_FINE = 2  # outputs (any, injection) whose n-gram weights keep all slots; the others share four to one
_COARSE_BITS = BITS - 2


@dataclass(frozen=True)
class Logits:
    """Of held-out rows: by the networks and by the n-grams, each (n, 1 + policies); and which rows those are.

    `heads` are the arrays of a weights file for each fold, of which it saw nothing, where there are any; the one of
    `MEASURED_FOLD` is what a table is made with.
    """

    networks: Array
    linear: Array
    rows: NDArray[np.int64]
    heads: tuple[dict[str, NDArray[Any]], ...] = ()


def embedded(texts: Sequence[str], cache: Path | None, say: Say, *, encoder: Encoder | None = None) -> Array:
    """The texts' embeddings, (n, width), computed in batches and kept in `cache` (an `npz` by digest of the text)."""
    keys = [hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24] for text in texts]
    known: dict[str, Array] = {}
    if cache is not None and cache.exists():
        with np.load(cache, allow_pickle=False) as stored:
            known = dict(zip(stored["keys"].tolist(), stored["values"], strict=True))
    missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
    encoder = encoder or Encoder(cached=0)
    todo = list(missing.items())
    for start in range(0, len(todo), _SAVED):
        batch = todo[start : start + _SAVED]
        known.update(zip([key for key, _ in batch], encoder.encode([text for _, text in batch]), strict=True))
        say(f"embedded {start + len(batch)} of {len(todo)}")
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.savez(cache, keys=np.array(list(known)), values=np.stack(list(known.values())))
    return np.stack([known[key] for key in keys]) if keys else np.empty((0, WIDTH), np.float32)


def cross_validated(rows: Sequence[Row], features: Array, say: Say, *, nets: int = 2) -> Logits:
    """Logits of every evaluated row by models that saw nothing of its cluster."""
    texts = [reading(row.prompt) for row in rows]
    wanted, weights = targets(rows), np.array([row.weight for row in rows], np.float32)
    out = np.zeros((2, len(rows), wanted.shape[1]), np.float32)
    parts = []
    for number, (training, held) in enumerate(folds(rows)):
        say(f"fold {number}")
        part = _Part.fit(
            features[training], [texts[i] for i in np.flatnonzero(training)], wanted[training], weights[training], nets
        )
        out[0][held], out[1][held] = part.logits(features[held], [texts[i] for i in np.flatnonzero(held)])
        parts.append((part, held))
    evaluated = np.array([row.held_out for row in rows])
    heads = []
    for part, held in parts:
        others = evaluated & ~held
        stack = linear.stacking(out[0][others], out[1][others], wanted[others], weights[others])
        heads.append({**part.arrays(), "stack": stack})
    return Logits(out[0][evaluated], out[1][evaluated], np.flatnonzero(evaluated), tuple(heads))


def held_back(rows: Sequence[Row], features: Array) -> Logits:
    """Logits of the rows marked `held_out`, by one network and the n-grams of all the others."""
    texts = [reading(row.prompt) for row in rows]
    wanted, weights = targets(rows), np.array([row.weight for row in rows], np.float32)
    held = np.array([row.held_out for row in rows])
    center, spread = features[~held].mean(0), features[~held].std(0) + 1e-6
    scaled = ((features - center) / spread).astype(np.float32)
    each = np.repeat(weights[~held, None], wanted.shape[1], axis=1)
    each[:, 1:] *= _SHARE_OF_POLICIES
    found = network.predict(network.train(scaled[~held], wanted[~held], each, seed=0), scaled[held])
    rare = linear.rarity([text for text, out in zip(texts, held, strict=True) if not out])
    inputs = linear.matrix(texts, rare)
    coefficients, offset = linear.regression(inputs[~held], wanted[~held, 0], weights[~held])
    ngram = np.zeros_like(found)
    ngram[:, 0] = inputs[held] @ coefficients + offset
    return Logits(found, ngram, np.flatnonzero(held))


def fitted(rows: Sequence[Row], features: Array, held_out: Logits, say: Say) -> dict[str, NDArray[Any]]:
    """The arrays of the weights file: models of all rows, stacked as their held-out logits ask for."""
    texts = [reading(row.prompt) for row in rows]
    wanted, weights = targets(rows), np.array([row.weight for row in rows], np.float32)
    say("all rows")
    part = _Part.fit(features, texts, wanted, weights, _NETWORKS)
    chosen = held_out.rows
    arrays = part.arrays()
    arrays["stack"] = linear.stacking(held_out.networks, held_out.linear, wanted[chosen], weights[chosen])
    Head(arrays)  # whatever it would not load must not be written
    return arrays


@dataclass(frozen=True)
class _Part:
    """One trained pair of models."""

    center: Array
    spread: Array
    networks: tuple[network.Network, ...]
    rare: Array
    coefficients: Array  # (slots, outputs)
    offsets: Array

    @classmethod
    def fit(cls, features: Array, texts: Sequence[str], wanted: Array, weights: Array, nets: int) -> _Part:
        center = features.mean(0)
        spread = features.std(0) + 1e-6
        scaled = ((features - center) / spread).astype(np.float32)
        each = np.repeat(weights[:, None], wanted.shape[1], axis=1)
        each[:, 1:] *= _SHARE_OF_POLICIES
        networks = tuple(network.train(scaled, wanted, each, seed=seed) for seed in range(nets))
        rare = linear.rarity(texts)
        inputs = linear.matrix(texts, rare)
        found = [linear.regression(inputs, wanted[:, index], weights) for index in range(wanted.shape[1])]
        return cls(
            center,
            spread,
            networks,
            rare,
            np.stack([each for each, _ in found], axis=1),
            np.array([offset for _, offset in found], np.float32),
        )

    def logits(self, features: Array, texts: Sequence[str]) -> tuple[Array, Array]:
        scaled = ((features - self.center) / self.spread).astype(np.float32)
        networks = np.mean([network.predict(each, scaled) for each in self.networks], axis=0)
        return networks, linear.matrix(texts, self.rare) @ self.coefficients + self.offsets

    def arrays(self) -> dict[str, NDArray[Any]]:
        rare, rare_scale = np.round(self.rare / self.rare.max() * 255).astype(np.uint8), self.rare.max() / 255
        fine, fine_scale = quantized(self.coefficients[:, :_FINE])
        folded = self.coefficients[:, _FINE:].reshape(1 << _COARSE_BITS, 4, -1)
        loudest = np.abs(folded).argmax(axis=1)[:, None, :]  # a slot keeps the strongest of the four that share it
        coarse, coarse_scale = quantized(np.take_along_axis(folded, loudest, axis=1)[:, 0])
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(FORMAT), "policies": np.array(POLICIES), "center": self.center, "spread": self.spread,
            "networks": np.array(len(self.networks)), "rarity": rare, "rarity_scale": np.array(rare_scale, np.float32),
            "fine": fine, "fine_scale": fine_scale,
            "coarse": coarse, "coarse_scale": coarse_scale, "offset": self.offsets,
        }  # fmt: skip
        for index, (w1, b1, w2, b2) in enumerate(self.networks):
            for name, weight in (("w1", w1), ("w2", w2)):
                arrays[f"net{index}_{name}"], arrays[f"net{index}_{name}_scale"] = quantized(weight)
            arrays[f"net{index}_b1"], arrays[f"net{index}_b2"] = b1, b2
        return arrays
