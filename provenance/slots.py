"""Columns of an array in memory, found by number: filled, emptied and grown while other threads search."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

__all__ = ["Slots"]

_FEWEST: Final = 1024


class Slots:
    """`rows` values of one type a number: a row a word, so that sums over words run along memory.

    One thread at a time may write. Others may search what `view` gave them meanwhile: it may lack what came since, and
    show as filled what was emptied since, overwritten with zeros or not.
    """

    def __init__(self, rows: int, dtype: Any) -> None:
        self._columns, self._filled = np.zeros((rows, 0), dtype), np.zeros(0, bool)
        self._shown: tuple[Any, Any] = (self._columns, self._filled)

    def __len__(self) -> int:
        return int(np.count_nonzero(self._shown[1]))

    @property
    def size(self) -> int:
        """All numbers are below this."""
        return len(self._shown[1])

    @property
    def nbytes(self) -> int:
        """What is taken of memory; room that is not filled yet takes none."""
        return sum(part.nbytes for part in self._shown)

    def view(self) -> tuple[Any, Any]:
        """The columns (rows, size), and which of them are filled (size,)."""
        return self._shown

    def reserve(self, size: int) -> None:
        """Make room for the numbers below `size`, and for no more: for whoever knows how many will come."""
        if size > len(self._filled):
            columns = np.empty((len(self._columns), size), self._columns.dtype)  # in large pages, as zeros are not
            filled = np.zeros(size, bool)
            known = self.size
            columns[:, :known], filled[:known] = self._shown
            self._columns, self._filled = columns, filled
            self._shown = (columns[:, :known], filled[:known])  # what is emptied next is to vanish from what is shown

    def put(self, numbers: Any, columns: Any) -> None:
        """Fill these numbers with columns (rows, n). Amortized constant time a number."""
        if not len(numbers):
            return
        size = max(self.size, int(numbers.max()) + 1)
        if size > len(self._filled):
            self.reserve(max(_FEWEST, size, len(self._filled) * 5 // 4))
        self._columns[:, self.size : size] = 0
        self._filled[numbers] = False
        self._columns[:, numbers] = columns
        self._filled[numbers] = True
        self._shown = (self._columns[:, :size], self._filled[:size])

    def empty(self, numbers: Any) -> None:
        """Leave nothing in these numbers."""
        known = numbers[numbers < self.size]
        self._filled[known] = False
        self._columns[:, known] = 0
