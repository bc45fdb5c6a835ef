"""How e5 cuts a text into pieces: SentencePiece's unigram model, its vocabulary read from the weights file.

Every character is mapped as the model's own normalization says; of all ways to cut the text into known pieces, the
likeliest is taken (Viterbi; Kudo 2018, arXiv 1804.10959).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pieces"]

_SPACES = re.compile(" +")
_GAP = "▁"  # SentencePiece's mark for a space
_UNKNOWN_COST = 10.0  # below the least likely piece
_NEVER = -1e30


class Pieces:
    """`ids(text)`: the text as piece numbers.

    `scores` are the pieces' log probabilities (float32); `mapped` says what becomes of characters, by code point.
    """

    def __init__(
        self, pieces: Mapping[bytes, int], scores: NDArray[np.float32], mapped: Mapping[int, str], unknown: int
    ) -> None:
        self._pieces = pieces
        self._scores = scores
        self._mapped = dict(mapped)  # as str.translate wants it
        self._unknown = unknown
        self._unknown_score = scores.min() - np.float32(_UNKNOWN_COST)
        self._longest = max(map(len, pieces), default=1)

    def ids(self, text: str) -> list[int]:
        """Piece numbers, without those that mark begin and end. About 6 µs a character."""
        spaced = _SPACES.sub(" ", text.translate(self._mapped))
        marked = (spaced if spaced.startswith(" ") else " " + spaced).replace(" ", _GAP)
        return self._likeliest([char.encode("utf-8", "replace") for char in marked])

    def _likeliest(self, chars: list[bytes]) -> list[int]:
        # Sums are float32, as the model's own: of two ways that are equally likely, the same one must win.
        best: list[Any] = [0.0] + [_NEVER] * len(chars)
        last = [(0, 0)] * (len(chars) + 1)  # of the best way to here: its last piece, and where that began
        for start in range(len(chars)):
            so_far, piece = best[start], b""
            for end in range(start + 1, len(chars) + 1):
                piece += chars[end - 1]
                if len(piece) > self._longest:
                    break
                number = self._pieces.get(piece)
                if number is not None and (score := so_far + self._scores[number]) > best[end]:
                    best[end], last[end] = score, (number, start)
            if (score := so_far + self._unknown_score) > best[start + 1]:
                best[start + 1], last[start + 1] = score, (self._unknown, start)
        found, at = [], len(chars)
        while at:
            number, at = last[at]
            found.append(number)
        return found[::-1]
