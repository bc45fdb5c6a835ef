"""Ranks passages of documents against a query: BM25 over windows of sentences."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

from ...tools.source import Document, Passage
from .words import WORD, fold

__all__ = ["rank"]

_WINDOW = 4  # sentences
_K1, _B = 1.2, 0.75  # Robertson & Zaragoza 2009


def rank(query: str, documents: Sequence[Document], limit: int) -> tuple[Passage, ...]:
    """The `limit` best passages, best first. Scores are BM25."""
    passages = [(document, text) for document in documents for text in _windows(document.text)]
    bags = [Counter(_terms(f"{document.title} {text}")) for document, text in passages]
    asked = dict.fromkeys(_terms(query))
    if not passages:
        return ()
    average = sum(bag.total() for bag in bags) / len(bags) or 1.0
    known = {term: sum(term in bag for bag in bags) for term in asked}
    scored = []
    for place, ((document, text), bag) in enumerate(zip(passages, bags, strict=True)):
        norm = _K1 * (1 - _B + _B * bag.total() / average)
        score = sum(
            math.log(1 + (len(bags) - known[term] + 0.5) / (known[term] + 0.5))
            * bag[term]
            * (_K1 + 1)
            / (bag[term] + norm)
            for term in asked
            if term in bag
        )
        scored.append((score, place, Passage(text=text, url=document.url, title=document.title, score=score)))
    scored.sort(key=lambda item: (-item[0], item[1]))
    return tuple(passage for _, _, passage in scored[:limit])


def _windows(text: str) -> list[str]:
    from .facts import sentences_of  # noqa: PLC0415 - facts takes a ranker, and this one cuts as it does

    sentences = sentences_of(text[:200_000])
    return [" ".join(sentences[i : i + _WINDOW]) for i in range(0, len(sentences), _WINDOW)]


def _terms(text: str) -> list[str]:
    low = fold(text).casefold()
    runs = re.findall("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+", low)
    pairs = [run[i : i + 2] for run in runs for i in range(max(1, len(run) - 1))]
    return pairs + [
        word[:6]
        for word in re.findall(f"{WORD}{{3,}}", low)
        if not re.search("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]", word)
    ]
