"""Hashed character and word n-grams: what a text is spelled with, beside what it means.

Windows of 2 to 5 characters within words, words and word pairs, each hashed into `2**BITS` slots; sublinear counts.
Vectorized; no state, so that the same text has the same features everywhere.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "CHARACTERS", "ngrams"]

BITS = 18
CHARACTERS = 1500  # of a text that are looked at; longer ones are judged in chunks
_PRIME = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SPACE = ord(" ")


def ngrams(text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Slots (unique, ascending) and weights (1 + ln count; characters and words each of length one, L2, before idf)."""
    padded = " " + " ".join(text[:CHARACTERS].lower().split()) + " "
    points = np.frombuffer(padded.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    if len(points) < 3:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    slots, weights = [], []
    for hashes in (_windows(points), _words(points)):
        found, counts = np.unique(_slot(hashes), return_counts=True)
        weight = 1 + np.log(counts.astype(np.float32))
        slots.append(found)
        weights.append(weight / np.linalg.norm(weight))
    together, where = np.unique(np.concatenate(slots), return_inverse=True)
    return together, np.bincount(where, np.concatenate(weights)).astype(np.float32)


def _windows(points: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of all windows that have no space inside (at their ends they may: it marks a word's edge)."""
    spaces = points == _SPACE
    out = []
    for size in range(2, 6):
        count = len(points) - size + 1
        if count <= 0:
            break
        hashes = np.full(count, size, np.uint64)
        inner = np.zeros(count, bool)
        for offset in range(size):
            hashes = (hashes ^ points[offset : offset + count]) * _PRIME
            if 0 < offset < size - 1:
                inner |= spaces[offset : offset + count]
        out.append(hashes[~inner])
    return np.concatenate(out)


def _words(points: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hashes of all words and of all pairs of neighboring words."""
    edges = np.flatnonzero(points == _SPACE)
    starts, ends = edges[:-1] + 1, edges[1:]
    powers = np.cumprod(np.full(len(points), _PRIME, np.uint64))
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(points * powers, dtype=np.uint64)])
    inverse = np.uint64(pow(int(_PRIME), -1, 1 << 64))
    shifts = np.concatenate([np.ones(1, np.uint64), np.cumprod(np.full(len(points), inverse, np.uint64))])
    words = (sums[ends] - sums[starts]) * shifts[starts] + np.uint64(7)
    pairs = (words[:-1] * _PRIME) ^ words[1:]
    return np.concatenate([words, pairs])


def _slot(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    mixed = (hashes ^ (hashes >> np.uint64(29))) * _MIX
    return (mixed >> np.uint64(64 - BITS)).astype(np.int64)
