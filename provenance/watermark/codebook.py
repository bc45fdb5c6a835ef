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
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np

from .code import coded_length, encode
from .payload import PAYLOAD_BITS

__all__ = ["FALSE_ALARM", "Codebook", "Match"]

FALSE_ALARM: Final = 1e-6
"""A match is told where chance would tell one less often."""

_MARK_BYTES: Final = PAYLOAD_BITS // 8
_CODED_BYTES: Final = coded_length(PAYLOAD_BITS) // 8
_CLOSEST: Final = 1024  # by hard decisions; among them the softer comparison chooses


@dataclass(frozen=True)
class Match:
    """The mark (12 bytes, sealed), which of the traces it left, and how often chance would tell one so surely."""

    mark: bytes
    trace: int
    p_value: float


class Codebook:
    """Marks in memory, 60 bytes each. Safe to search while others add."""

    def __init__(self) -> None:
        self._marks = bytearray()
        self._words = np.empty((_CODED_BYTES // 8, 0), np.uint64)  # a row a word: sums then run along memory
        self._encoding = threading.Lock()

    def __len__(self) -> int:
        return len(self._marks) // _MARK_BYTES

    def add(self, mark: bytes) -> None:
        """Add a sealed payload. Raises ValueError where that is not 12 bytes long."""
        if len(mark) != _MARK_BYTES:
            raise ValueError(f"a mark has {_MARK_BYTES} bytes, not {len(mark)}")
        self._marks += mark

    def match(self, traces: Any) -> Match | None:
        """The mark that left one of the traces, None where none surely did.

        `traces` are (n, 384): each a value a coded bit, positive for 0, the larger the surer.
        """
        words = self._encoded()
        best, found = 0.0, None
        for trace, soft in enumerate(np.asarray(traces, np.float32)):
            power = float(soft @ soft)
            if not words.size or not power > 0:
                continue
            rows = _closest(words, np.packbits(soft < 0))
            coded = np.unpackbits(np.ascontiguousarray(words[:, rows].T).view(np.uint8), axis=1)
            agreements = (1 - 2 * coded.astype(np.float32)) @ soft / math.sqrt(power)
            row = int(agreements.argmax())
            if agreements[row] > best:
                best, found = float(agreements[row]), (trace, int(rows[row]))
        p_value = min(1.0, len(traces) * words.shape[1] * math.exp(-best * best / 2))
        if found is None or p_value > FALSE_ALARM:
            return None
        start = found[1] * _MARK_BYTES
        return Match(bytes(self._marks[start : start + _MARK_BYTES]), found[0], p_value)

    def _encoded(self) -> Any:
        """The coded bits of every mark, (words, marks); those added since the last search are encoded first."""
        with self._encoding:
            added = bytes(self._marks[self._words.shape[1] * _MARK_BYTES :])
            if added:
                marks = np.frombuffer(added, np.uint8).reshape(-1, _MARK_BYTES)
                coded = np.zeros((len(marks), _CODED_BYTES), np.uint8)
                for place, table in enumerate(_tables()):
                    coded ^= table[marks[:, place]]
                self._words = np.concatenate([self._words, coded.view(np.uint64).T], 1)
            return self._words


def _closest(words: Any, query: Any) -> Any:
    """The columns that differ from the query in the fewest bits."""
    differing = np.zeros(words.shape[1], np.uint16)
    for row, word in zip(words, query.view(np.uint64), strict=True):
        differing += np.bitwise_count(row ^ word)
    return np.argpartition(differing, _CLOSEST)[:_CLOSEST] if len(differing) > _CLOSEST else np.arange(len(differing))


@cache
def _tables() -> Any:
    """What each value of each byte of a mark adds to its coded bits, which are linear: (12, 256, 48)."""
    units = np.packbits([encode(unit) for unit in np.eye(PAYLOAD_BITS, dtype=np.uint8)], axis=1)
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(bool)
    each = [[np.bitwise_xor.reduce(units[8 * place :][:8][chosen], axis=0) for chosen in bits] for place in range(12)]
    return np.array(each, np.uint8)
