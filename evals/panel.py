"""The embedded grader: ten small heads that judge what a picture says.

Each head is fitted by `training` on a bootstrap of its own, of other prompts than it is reported on: a logistic model
over hashed word and character n-grams, and where the extra `eval` is installed a kernel machine over multilingual
sentence embeddings beside it (`meaning`). It shares neither weights nor features nor code with the moderators that it
grades. It sees words only: a picture that says nothing is harmless to it, whatever it shows.
"""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ConfigError
from .meaning import Kernel, has_encoder

__all__ = [
    "BUCKETS",
    "Head",
    "MeaningHead",
    "PanelHead",
    "features",
    "load_meaning",
    "load_panel",
    "load_words",
    "save_meaning",
    "save_panel",
    "spoken",
]

BUCKETS = 1 << 16
_WORD = re.compile(r"\w+", re.UNICODE)
_MOST_CHARS = 4000  # of one text: more adds time and no sense


@dataclass(frozen=True)
class Head:
    """One logistic model: weights of shape (BUCKETS,), an intercept, and the threshold on the logit from which it
    finds a text violating."""

    weights: NDArray[np.float32]
    intercept: float
    threshold: float

    def logit(self, buckets: NDArray[np.int64]) -> float:
        """The logit of a text that falls into these buckets (each counted once, by L2 norm)."""
        if not len(buckets):
            return self.intercept
        return float(self.weights[buckets].sum() / np.sqrt(len(buckets)) + self.intercept)

    def score(self, text: str) -> float:
        return self.logit(features(text))


@dataclass(frozen=True, eq=False)
class MeaningHead:
    """A kernel machine with coefficients of shape (known texts,), to whose value `share` of the n-grams' logit is
    added, and the threshold on the sum."""

    kernel: Kernel
    coefficients: NDArray[np.float32]
    words: Head
    share: float
    threshold: float

    def score(self, text: str) -> float:
        return float(self.kernel.of_text(text) @ self.coefficients) + self.share * self.words.score(text)


@dataclass(frozen=True)
class PanelHead:
    """One head of the panel, as a `Grader`. The image itself and the intent are not looked at."""

    number: int
    head: Head | MeaningHead

    @property
    def name(self) -> str:
        return "panel of n-gram heads" if isinstance(self.head, Head) else "panel of kernel and n-gram heads"

    @property
    def embedded(self) -> bool:
        return True

    async def judge(self, image: bytes, texts: tuple[str, ...], intent: str) -> bool:
        """Whether what the image says, as a whole or in any one passage of some length, violates."""
        return any(self.finds(text) for text in spoken(texts))

    def finds(self, text: str) -> bool:
        return self.head.score(text) >= self.head.threshold


def spoken(texts: Sequence[str]) -> list[str]:
    """The texts to judge: all as one, and each passage of four words or more (a line of its own can say it all)."""
    passages = [text for text in texts if text.strip()]
    if not passages:
        return []
    whole = "\n".join(passages)
    longer = [text for text in passages if len(_WORD.findall(text)) >= 4 or not text.isascii()]
    return list(dict.fromkeys([whole, *longer]))


def features(text: str) -> NDArray[np.int64]:
    """The buckets of a text, sorted, each once: words, pairs of words, and 3 to 5 characters within words.

    Buckets are CRC-32 of the UTF-8 n-gram modulo `BUCKETS`, so they are the same on every machine.
    """
    plain = unicodedata.normalize("NFKC", text[:_MOST_CHARS]).casefold()
    words = _WORD.findall(plain)
    grams = {f"w {word}" for word in words}
    grams.update(f"p {first} {second}" for first, second in pairwise(words))
    for word in set(words):
        padded = f" {word} "
        for size in (3, 4, 5):
            grams.update(padded[start : start + size] for start in range(len(padded) - size + 1))
    hashed = {zlib.crc32(gram.encode("utf-8", "surrogatepass")) % BUCKETS for gram in grams}
    return np.array(sorted(hashed), dtype=np.int64)


def save_panel(path: Path, heads: Sequence[Head], card: dict[str, Any]) -> None:
    """Write the heads, their weights rounded to 8 bits, with a card that says what they were made of."""
    scales = np.array([max(float(np.abs(head.weights).max()), 1e-9) / 127 for head in heads], dtype=np.float32)
    weights = np.stack(
        [np.rint(head.weights / scale).astype(np.int8) for head, scale in zip(heads, scales, strict=True)]
    )
    np.savez_compressed(
        path,
        weights=weights,
        scales=scales,
        intercepts=np.array([head.intercept for head in heads], dtype=np.float32),
        thresholds=np.array([head.threshold for head in heads], dtype=np.float32),
        card=np.frombuffer(json.dumps(card, sort_keys=True).encode(), dtype=np.uint8),
    )


def save_meaning(path: Path, heads: Sequence[MeaningHead], card: dict[str, Any]) -> None:
    """Write the kernel and the coefficients of the heads, rounded to 16 bits; their n-grams are `save_panel`'s."""
    kernel = heads[0].kernel
    scales = np.array([max(float(np.abs(head.coefficients).max()), 1e-9) / 32767 for head in heads], np.float32)
    rounded = [np.rint(head.coefficients / scale).astype(np.int16) for head, scale in zip(heads, scales, strict=True)]
    np.savez_compressed(
        path,
        center=kernel.center,
        axes=kernel.axes.astype(np.float16),
        known=kernel.known,
        steps=kernel.steps,
        gamma=np.array(kernel.gamma, np.float32),
        coefficients=np.stack(rounded),
        scales=scales,
        shares=np.array([head.share for head in heads], np.float32),
        thresholds=np.array([head.threshold for head in heads], np.float32),
        card=np.frombuffer(json.dumps(card, sort_keys=True).encode(), dtype=np.uint8),
    )


def load_panel(path: Path | None = None) -> tuple[tuple[PanelHead, ...], dict[str, Any]]:
    """The heads and their card: the shipped ones, or those of a file made of n-grams alone.

    The shipped ones read for meaning too where the extra `eval` is installed; their name says which judged.

    Raises:
        ConfigError: the weights are missing, damaged or of another shape.
    """
    if path is not None:
        words, card = load_words(path)
        return tuple(PanelHead(number, head) for number, head in enumerate(words)), card
    folder = resources.files(__package__)
    with resources.as_file(folder / "grader.npz") as shipped:
        words, card = load_words(shipped)
    heads: Sequence[Head | MeaningHead] = words
    if has_encoder():
        with resources.as_file(folder / "meaning.npz") as shipped:
            heads, card = load_meaning(shipped, words)
    return tuple(PanelHead(number, head) for number, head in enumerate(heads)), card


def load_meaning(path: Path, words: Sequence[Head]) -> tuple[tuple[MeaningHead, ...], dict[str, Any]]:
    """The heads that read for meaning, each with the n-gram head of its number beside it, and their card.

    Raises:
        ConfigError: the weights are missing, damaged or of another shape.
    """
    try:
        with np.load(path, allow_pickle=False) as packed:
            kernel = Kernel(
                packed["center"],
                packed["axes"].astype(np.float32),
                packed["known"],
                packed["steps"],
                float(packed["gamma"]),
            )
            rounded, scales = packed["coefficients"], packed["scales"]
            shares, thresholds = packed["shares"], packed["thresholds"]
            card: dict[str, Any] = json.loads(packed["card"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path} holds no panel ({error}). Make one: python -m safelight.evals.training") from error
    known, width = kernel.known.shape if kernel.known.ndim == 2 else (0, 0)
    numbers = (kernel.center, kernel.axes, kernel.steps, scales, shares, thresholds)
    sound = (
        known > 0
        and kernel.axes.shape == (len(kernel.center), width)
        and kernel.steps.shape == (width,)
        and rounded.shape == (len(words), known)
        and scales.shape == shares.shape == thresholds.shape == (len(words),)
        and all(bool(np.isfinite(each).all()) for each in numbers)
    )
    if not sound:
        raise ConfigError(f"{path} holds a panel of another shape. Make one: python -m safelight.evals.training")
    heads = [
        MeaningHead(kernel, each * scale, head, float(share), float(threshold))
        for each, scale, head, share, threshold in zip(
            rounded.astype(np.float32), scales, words, shares, thresholds, strict=True
        )
    ]
    return tuple(heads), card


def load_words(path: Path) -> tuple[tuple[Head, ...], dict[str, Any]]:
    """The n-gram heads of a file, and their card. Raises ConfigError as `load_panel`."""
    try:
        with np.load(path, allow_pickle=False) as packed:
            weights, scales = packed["weights"], packed["scales"]
            intercepts, thresholds = packed["intercepts"], packed["thresholds"]
            card: dict[str, Any] = json.loads(packed["card"].tobytes())
    except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
        raise ConfigError(f"{path} holds no panel ({error}). Make one: python -m safelight.evals.training") from error
    count = len(scales)
    sound = (
        count > 0
        and weights.shape == (count, BUCKETS)
        and intercepts.shape == thresholds.shape == (count,)
        and bool(np.isfinite([scales, intercepts, thresholds]).all())
    )
    if not sound:
        raise ConfigError(f"{path} holds a panel of another shape. Make one: python -m safelight.evals.training")
    heads = (
        Head(weights[index].astype(np.float32) * scales[index], float(intercepts[index]), float(thresholds[index]))
        for index in range(count)
    )
    return tuple(heads), card
