"""The classifier's trained part: from embeddings and n-grams to calibrated scores by policy.

An ensemble of small neural networks reads the embeddings, a linear model the hashed n-grams; their logits are stacked
and calibrated by one logistic regression an output (Platt). Weights are 8-bit with one scale a column. The file is a
plain `npz` (no pickle); `safety/training` makes it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Sequence
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ConfigError
from .encoder import WIDTH
from .ngrams import BITS, ngrams

__all__ = ["FORMAT", "Head", "quantized", "weights_name"]

FORMAT = 1
WEIGHTS = "classifier.npz"
Scores = NDArray[np.float32]


def quantized(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """8-bit weights and the scale of each column: `weights ≈ q * scale`."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-8) / 127.0
    return np.round(weights / scale).astype(np.int8), scale.astype(np.float32)


def weights_name(file: Path | None = None) -> str:
    """Which weights these are, the shipped ones or a file's: 12 hexadecimal digits of their SHA-256. Raises OSError."""
    return hashlib.sha256(_weights(file)).hexdigest()[:12]


def _weights(file: Path | None) -> bytes:
    return (file if file is not None else resources.files(__package__) / WEIGHTS).read_bytes()


class Head:
    """`judge(features, texts)` → (n, 1 + policies): P(violates any policy), then each of `policies`.

    Raises:
        ConfigError: the weights are missing, damaged, of another format, or not finite.
    """

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        try:
            if int(arrays["format"]) != FORMAT:
                raise ConfigError(f"the classifier's weights have format {int(arrays['format'])}, not {FORMAT}")
            self.policies = tuple(str(name) for name in arrays["policies"])
            self._center, self._spread = arrays["center"], arrays["spread"]
            self._networks = [
                tuple(
                    arrays[f"net{index}_{name}"].astype(np.float32) * arrays[f"net{index}_{name}_scale"]
                    if name.startswith("w")
                    else arrays[f"net{index}_{name}"]
                    for name in ("w1", "b1", "w2", "b2")
                )
                for index in range(int(arrays["networks"]))
            ]
            self._rarity = arrays["rarity"].astype(np.float32) * float(arrays["rarity_scale"])
            self._fine, self._fine_scale = arrays["fine"], arrays["fine_scale"]
            self._coarse, self._coarse_scale = arrays["coarse"], arrays["coarse_scale"]
            self._offset, self._stack = arrays["offset"], arrays["stack"]
        except KeyError as error:
            raise ConfigError(f"the classifier's weights are incomplete: {error} is missing") from error
        width = 1 + len(self.policies)
        shapes = (self._center.shape == (WIDTH,), self._stack.shape == (3, width), self._rarity.shape == (1 << BITS,))
        if not all(shapes) or self._fine.shape[1] + self._coarse.shape[1] != width:
            raise ConfigError("the classifier's weights do not fit this version")
        floats = [
            self._center,
            self._spread,
            self._stack,
            self._rarity,
            *(part for net in self._networks for part in net),
        ]
        if not all(np.isfinite(part).all() for part in floats):
            raise ConfigError("the classifier's weights are damaged: some are not finite")

    @classmethod
    def load(cls, file: Path | None = None) -> Head:
        """The shipped weights, or those of an `npz` file. Raises ConfigError."""
        try:
            with np.load(BytesIO(_weights(file)), allow_pickle=False) as stored:
                return cls({name: stored[name] for name in stored.files})
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise ConfigError(f"the classifier's weights cannot be read: {error}") from error

    def judge(self, features: Scores, texts: Sequence[str]) -> Scores:
        """Calibrated probabilities, (n, 1 + policies), finite. Raises ConfigError where they are not."""
        if not np.isfinite(features).all():
            raise ConfigError("the text encoder answered with something other than numbers")
        together = (
            self._stack[0] * self.network_logits(features) + self._stack[1] * self.ngram_logits(texts) + self._stack[2]
        )
        if not np.isfinite(together).all():
            raise ConfigError("the classifier answered with something other than numbers")
        return np.asarray(1 / (1 + np.exp(-together)), np.float32)

    def network_logits(self, features: Scores) -> Scores:
        """Mean logits of the networks, (n, 1 + policies)."""
        scaled = (features - self._center) / self._spread
        total = sum(np.maximum(scaled @ w1 + b1, 0) @ w2 + b2 for w1, b1, w2, b2 in self._networks)
        return np.asarray(total / len(self._networks), np.float32)

    def ngram_logits(self, texts: Sequence[str]) -> Scores:
        """Logits of the linear model, (n, 1 + policies); fine slots for the leading outputs, coarse for the rest."""
        out = np.empty((len(texts), 1 + len(self.policies)), np.float32)
        fold = BITS - int(self._coarse.shape[0]).bit_length() + 1
        split = self._fine.shape[1]
        for row, text in zip(out, texts, strict=True):
            slots, weights = ngrams(text)
            weights = weights * self._rarity[slots]
            weights /= max(float(np.linalg.norm(weights)), 1e-8)
            row[:split] = weights @ self._fine[slots] * self._fine_scale
            row[split:] = weights @ self._coarse[slots >> fold] * self._coarse_scale
        return np.asarray(out + self._offset, np.float32)
