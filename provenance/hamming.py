"""Fingerprints of 256 bits in memory. The search is exact: every one is compared, by blocks that fit the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .fingerprint import FINGERPRINT_BYTES
from .slots import Slots

__all__ = ["HammingIndex", "Hit"]

_BLOCK = 1 << 15


@dataclass(frozen=True)
class Hit:
    """A fingerprint by its number, its distance in bits, and which of the forms of the query it resembles."""

    number: int
    distance: int
    form: int


class HammingIndex:
    """Fingerprints by number, 33 bytes each. One thread at a time may write; others may search meanwhile (`Slots`)."""

    def __init__(self) -> None:
        self._words = Slots(FINGERPRINT_BYTES // 8, np.uint64)

    def __len__(self) -> int:
        return len(self._words)

    @property
    def nbytes(self) -> int:
        """What is taken of memory."""
        return self._words.nbytes

    def reserve(self, size: int) -> None:
        """Make room for the numbers below `size`."""
        self._words.reserve(size)

    def put(self, numbers: Any, bits: Any) -> None:
        """The fingerprints of these numbers, bytes of shape (n, 32)."""
        self._words.put(numbers, np.ascontiguousarray(bits).view(np.uint64).T)

    def remove(self, numbers: Any) -> None:
        """Have no fingerprints of these numbers."""
        self._words.empty(numbers)

    def near(self, forms: Sequence[bytes], limit: int, most: int = 16) -> list[Hit]:
        """The fingerprints within `limit` bits of any form, nearest first, at most `most` of them."""
        words, filled = self._words.view()
        queries = np.frombuffer(b"".join(forms), np.uint64).reshape(len(forms), -1)
        best: dict[int, tuple[int, int]] = {}
        for start in range(0, len(filled), _BLOCK):
            block = words[:, start : start + _BLOCK]
            for form, query in enumerate(queries):
                differing = _distances(block, query)
                for row in np.flatnonzero(differing <= limit):
                    seen = (int(differing[row]), form)
                    best[start + int(row)] = min(seen, best.get(start + int(row), seen))
        ranked = sorted((bits, form, number) for number, (bits, form) in best.items() if filled[number])[:most]
        return [Hit(number, bits, form) for bits, form, number in ranked]


def _distances(block: Any, query: Any) -> Any:
    """In how many bits each column of `block` differs from `query`: three words fit uint8, the fourth might not."""
    first, second, third, fourth = (np.bitwise_count(row ^ word) for row, word in zip(block, query, strict=True))
    first += second
    first += third
    return np.add(first, fourth, dtype=np.uint16)
