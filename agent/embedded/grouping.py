"""Puts facts where they belong: each to the part of the story whose question it answers best."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..reasoner import Fact
from .icons import icon_of
from .part import Entry, Part
from .reading import Reading
from .words import WORD

__all__ = ["Encoder", "Grouped", "group_facts"]

Encoder = Callable[[Sequence[str], bool], "np.ndarray[Any, np.dtype[np.float32]]"]
"""Maps texts to unit vectors, one row each; the flag says whether they are questions rather than passages."""

_MOST_A_PART = 4


@dataclass(frozen=True)
class Grouped:
    """Parts with facts in them; `used` is how many facts found a place."""

    parts: tuple[Part, ...]
    used: int


def group_facts(
    facts: tuple[Fact, ...], parts: tuple[Part, ...], reading: Reading, encoder: Encoder | None, *, keep: bool
) -> Grouped:
    """`parts` with `facts` as their entries.

    With `keep` the parts are an outline: all stay, and each gains at most two facts. Without, the parts are open
    questions: those that some fact answers stay, answered; the others go.
    """
    if not facts or not parts:
        return Grouped(parts if keep else (), 0)
    fit = _fit(facts, parts, reading, encoder)
    limit = 2 if keep else _MOST_A_PART
    assigned: dict[int, list[Fact]] = {}
    order = sorted(((float(-fit[i, j]), i, j) for i in range(len(facts)) for j in range(len(parts))))
    placed: set[int] = set()
    for _, i, j in order:
        if i not in placed and len(assigned.get(j, [])) < limit:
            assigned.setdefault(j, []).append(facts[i])
            placed.add(i)
    filled = []
    for j, part in enumerate(parts):
        own = tuple(Entry(fact.text, icon=icon_of(fact.text), source=fact.source) for fact in assigned.get(j, []))
        if keep:
            filled.append(replace(part, entries=(*part.entries, *own)))
        elif own:
            filled.append(replace(part, role="facts", entries=own, origin="facts"))
    return Grouped(tuple(filled), len(placed))


def _fit(facts: tuple[Fact, ...], parts: tuple[Part, ...], reading: Reading, encoder: Encoder | None) -> Any:
    """How well each fact (row) answers each part (column), every part being centered so that none takes all."""
    asked = [
        f"{reading.subject}: {part.title} {part.line} {' '.join(entry.label for entry in part.entries)}"
        for part in parts
    ]
    if encoder is not None:
        fit = np.asarray(encoder([fact.text for fact in facts], False)) @ np.asarray(encoder(asked, True)).T
    else:
        fit = np.array([[_overlap(fact.text, text) for text in asked] for fact in facts])
    centered = fit - fit.mean(axis=0, keepdims=True)
    # Where nothing tells, facts keep their order and fill the parts in turn.
    rank = np.array(
        [[-0.001 * abs(i * len(parts) / len(facts) - j) for j in range(len(parts))] for i in range(len(facts))]
    )
    return centered + rank


def _overlap(one: str, other: str) -> float:
    words = [frozenset(word[:5] for word in re.findall(f"{WORD}{{4,}}", text.casefold())) for text in (one, other)]
    return len(words[0] & words[1]) / (1 + len(words[1]) ** 0.5)
