"""Which of the marks that were made is this? What is left of a damaged mark, compared with each of them.

To read a mark is to tell one message of 2**64. Who keeps a registry need only tell one of those that were made, and
this takes far less: a mark some 3 dB too faint to be read is still told from a million others.

How often chance alone would do it needs no measurement. The phases are keyed, so that where a mark is not, what seems
to speak for either value of a coded bit is as likely to speak for the other. Then the sum of these n values, each with
the sign that the mark gives it, exceeds t times the root of the sum of their squares with a chance of exp(-t * t / 2)
at most (Hoeffding, "Probability inequalities for sums of bounded random variables", J. Am. Stat. Assoc. 58(301), 1963),
for each mark and each trace that is compared.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np

from ..slots import Slots
from .code import coded_length, encode
from .payload import PAYLOAD_BITS

__all__ = ["FALSE_ALARM", "Codebook", "Match"]

FALSE_ALARM: Final = 1e-6
"""A match is told where chance would tell one less often."""

_MARK_BYTES: Final = PAYLOAD_BITS // 8
_CODED_BYTES: Final = coded_length(PAYLOAD_BITS) // 8
_NEVER: Final = 1000  # more bits than can differ
_PAGE: Final = 1 << 13
_CLOSEST: Final = 1024  # by hard decisions; among them the softer comparison chooses


@dataclass(frozen=True)
class Match:
    """The mark (12 bytes, sealed), which of the traces it left, how often chance would tell one so surely, and the
    number under which the mark is known."""

    mark: bytes
    trace: int
    p_value: float
    number: int = field(default=0, compare=False)


class Codebook:
    """Marks by number: 13 bytes each, and 49 more from the first search on. One thread at a time may write; others may
    search meanwhile (`Slots`)."""

    def __init__(self) -> None:
        self._marks = Slots(_MARK_BYTES, np.uint8)
        self._words = Slots(_CODED_BYTES // 8, np.uint64)
        self._uncoded: deque[Any] = deque()  # numbers whose marks were put since the last search
        self._coding = threading.Lock()

    def __len__(self) -> int:
        return len(self._marks)

    @property
    def nbytes(self) -> int:
        """What is taken of memory."""
        return self._marks.nbytes + self._words.nbytes

    def add(self, mark: bytes) -> int:
        """Add a sealed payload; says its number. Raises ValueError where that is not 12 bytes long."""
        if len(mark) != _MARK_BYTES:
            raise ValueError(f"a mark has {_MARK_BYTES} bytes, not {len(mark)}")
        number = self._marks.size
        self.put(np.array([number]), np.frombuffer(mark, np.uint8)[None])
        return number

    def reserve(self, size: int) -> None:
        """Make room for the numbers below `size`."""
        self._marks.reserve(size)

    def put(self, numbers: Any, marks: Any) -> None:
        """The marks of these numbers, bytes of shape (n, 12)."""
        self._marks.put(numbers, np.asarray(marks).T)
        self._uncoded.append(numbers)

    def remove(self, numbers: Any) -> None:
        """Have no marks of these numbers."""
        self._marks.empty(numbers)
        self._words.empty(numbers)

    def match(self, traces: Any) -> Match | None:
        """The mark that left one of the traces, None where none surely did.

        `traces` are (n, 384): each a value a coded bit, positive for 0, the larger the surer.
        """
        words, marks, filled = self._coded()
        count = int(np.count_nonzero(filled))
        emptied = np.where(filled, 0, _NEVER).astype(np.uint16)
        best, found = 0.0, None
        for trace, soft in enumerate(np.asarray(traces, np.float32)):
            power = float(soft @ soft)
            if not count or not power > 0:
                continue
            rows = _closest(words, emptied, np.packbits(soft < 0))
            rows = rows[filled[rows]]
            if not len(rows):  # all were emptied since
                continue
            coded = np.unpackbits(np.ascontiguousarray(words[:, rows].T).view(np.uint8), axis=1)
            agreements = (1 - 2 * coded.astype(np.float32)) @ soft / math.sqrt(power)
            row = int(agreements.argmax())
            if agreements[row] > best:
                best, found = float(agreements[row]), (trace, int(rows[row]))
        p_value = min(1.0, len(traces) * count * math.exp(-best * best / 2))
        if found is None or p_value > FALSE_ALARM:
            return None
        trace, number = found
        return Match(marks[:, number].tobytes(), trace, p_value, number)

    def _coded(self) -> tuple[Any, Any, Any]:
        """Coded bits (words, n), marks (12, n) and which of these there are (n,); those put since the last search are
        coded first."""
        with self._coding:
            waiting = [self._uncoded.popleft() for _ in range(len(self._uncoded))]
            marks, filled = self._marks.view()
            if len(filled) > 2 * self._words.size:  # a first search: no room is to be grown into
                self._words.reserve(len(filled))
            for numbers in _pages(waiting):
                self._words.put(numbers, _coded(marks[:, numbers]))
                self._words.empty(numbers[~filled[numbers]])  # what was removed meanwhile
            words, _ = self._words.view()
            size = min(words.shape[1], len(filled))
            return words[:, :size], marks[:, :size], filled[:size]


def _pages(numbers: list[Any]) -> Iterator[Any]:
    """All of them, by pages whose coded bits fit the processor's cache."""
    if numbers:
        joined = np.concatenate(numbers)
        yield from np.split(joined, range(_PAGE, len(joined), _PAGE))


def _closest(words: Any, emptied: Any, query: Any) -> Any:
    """The columns that differ from the query in the fewest bits, `emptied` added to each."""
    differing = emptied.copy()
    for row, word in zip(words, query.view(np.uint64), strict=True):
        differing += np.bitwise_count(row ^ word)
    return np.argpartition(differing, _CLOSEST)[:_CLOSEST] if len(differing) > _CLOSEST else np.arange(len(differing))


def _coded(marks: Any) -> Any:
    """The coded bits (words, n) of marks (12, n)."""
    coded = np.zeros((marks.shape[1], _CODED_BYTES // 8), np.uint64)
    for place, table in zip(marks, _tables(), strict=True):
        coded ^= table.take(place, axis=0)  # a quarter of what `table[place]` takes
    return coded.T


@cache
def _tables() -> Any:
    """What each value of each byte of a mark adds to its coded bits, which are linear: (12, 256, 6) words."""
    units = np.packbits([encode(unit) for unit in np.eye(PAYLOAD_BITS, dtype=np.uint8)], axis=1)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(bool)
    each = [[np.bitwise_xor.reduce(units[8 * place :][:8][chosen], axis=0) for chosen in bits] for place in range(12)]
    return np.array(each, np.uint8).view(np.uint64)
