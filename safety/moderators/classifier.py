"""The embedded prompt classifier: what a passage says, as calibrated probabilities by policy.

`classify(text)` reads a text in all its forms (`normalize`), cut into passages; a text scores what its worst passage
scores. Long texts are read by the n-gram model throughout, and by the encoder where that finds most.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .encoder import Encoder, shared_encoder
from .head import Head
from .normalize import Form, forms

__all__ = ["Classifier", "Passage", "passages", "shared_classifier"]

_PASSAGE = 700  # characters: what is embedded as one
_SENTENCE = 240  # the size to which a suspicious passage is cut to be read more closely
_FORMS = 6
_SPLIT = re.compile(r"(?<=[.!?。！？।؟])\s+|\n+")
_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class Passage:
    """A stretch of one form of a text, and what the classifier makes of it: P(violates any policy), and by policy.

    `scores` are shared out: the likeliest policy carries P(any), the others in proportion to their own probability.
    """

    form: Form
    text: str
    any: float
    scores: dict[str, float]
    own: dict[str, float]


class Classifier:
    """Thread-safe; loads on first use.

    `budget` is how many passages of one text the encoder reads at most: the first ones and those that the n-gram
    model finds worst.

    Raises (from `classify` and `warm`):
        ConfigError: the encoder or the weights are missing or damaged, or answer with something other than numbers.
    """

    def __init__(self, encoder: Encoder | None = None, head: Head | None = None, *, budget: int = 16) -> None:
        self._encoder = encoder or shared_encoder()
        self._head = head
        self._budget = budget
        self._lock = threading.Lock()

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies that it knows."""
        return self._loaded().policies

    def warm(self) -> None:
        """Load everything now."""
        self._loaded()
        self._encoder.warm()

    def classify(self, text: str, *, limit: int = _FORMS) -> tuple[Passage, ...]:
        """Every passage that was read, of every form; at least one where the text has any."""
        head = self._loaded()
        read = [(form, piece) for form in forms(text, limit=limit) for piece in passages(form.text)]
        if not read:
            return ()
        chosen = self._worth_reading(read, head)
        judged = self._judged(chosen, head)
        closer = [
            (passage.form, piece)
            for passage in sorted(judged, key=lambda each: -each.any)[:2]
            if len(passage.text) > _SENTENCE
            for piece in self._worst_pieces(passage.text, head)
        ]
        return (*judged, *self._judged(closer, head))

    def gist(self, text: str, size: int) -> str:
        """The sentences of a text that the n-gram model likes least, in their order, at most about `size` characters;
        the text itself where it is no longer than that."""
        if len(text) <= size:
            return text
        pieces = _packed([piece for piece in _SPLIT.split(text) if piece.strip()], max(40, size // 3))
        suspicion = self._loaded().ngram_logits(pieces)[:, 0]
        kept: set[int] = set()
        left = size
        for index in np.argsort(-suspicion, kind="stable"):
            if len(pieces[index]) <= left:
                kept.add(int(index))
                left -= len(pieces[index])
        return " ".join(pieces[index] for index in sorted(kept))

    def _judged(self, read: Sequence[tuple[Form, str]], head: Head) -> list[Passage]:
        if not read:
            return []
        texts = [piece for _, piece in read]
        found = head.judge(self._encoder.encode(texts), texts)
        return [_passage(form, piece, row, head.policies) for (form, piece), row in zip(read, found, strict=True)]

    def _worth_reading(self, read: list[tuple[Form, str]], head: Head) -> list[tuple[Form, str]]:
        if len(read) <= self._budget:
            return read
        suspicion = head.ngram_logits([piece for _, piece in read])[:, 0]
        first = range(min(2, len(read)))
        worst = np.argsort(-suspicion)[: self._budget - 2]
        return [read[index] for index in sorted({*first, *(int(index) for index in worst)})]

    def _worst_pieces(self, text: str, head: Head) -> list[str]:
        pieces = _packed([piece for piece in _SPLIT.split(text) if piece.strip()], _SENTENCE)
        if len(pieces) < 2:
            return []
        suspicion = head.ngram_logits(pieces)[:, 0]
        return [pieces[int(index)] for index in np.argsort(-suspicion)[:2]]

    def _loaded(self) -> Head:
        with self._lock:
            if self._head is None:
                self._head = Head.load()
            return self._head


@cache
def shared_classifier() -> Classifier:
    """The process's classifier: its weights are loaded once, whoever asks."""
    return Classifier()


def passages(text: str) -> list[str]:
    """The text cut at paragraphs, then at sentences, into pieces of at most about 700 characters. Linear."""
    out: list[str] = []
    for paragraph in _PARAGRAPH.split(text):
        if len(paragraph) <= _PASSAGE:
            out.append(paragraph)
        else:
            out += _packed(_SPLIT.split(paragraph), _PASSAGE)
    return [piece for piece in out if piece.strip()]


def _packed(sentences: Sequence[str], size: int) -> list[str]:
    """Neighboring sentences together up to `size` characters; longer ones cut."""
    out: list[str] = []
    current: list[str] = []
    length = 0
    for sentence in sentences:
        for start in range(0, max(1, len(sentence)), size):
            piece = sentence[start : start + size]
            if length + len(piece) > size and current:
                out.append(" ".join(current))
                current, length = [], 0
            current.append(piece)
            length += len(piece) + 1
    if current:
        out.append(" ".join(current))
    return out


def _passage(form: Form, text: str, row: NDArray[np.float32], policies: Sequence[str]) -> Passage:
    violates = float(row[0])
    own = {policy: float(value) for policy, value in zip(policies, row[1:], strict=True)}
    top = max(1e-6, *own.values())
    return Passage(form, text, violates, {policy: violates * value / top for policy, value in own.items()}, own)
